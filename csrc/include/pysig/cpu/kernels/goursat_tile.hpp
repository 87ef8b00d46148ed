// Rectangles of cells of signature kernels on lanes; lanes are pairs of paths. A rectangle has the edges A of its
// columns below it and the edges B of its rows to its left, and replaces them by those above and to its right.
//
// With dyadic order l every cell (i, j) is refined to r x r cells of z_ij / r^2, r = 2^l. "columns" and "rows" count
// refined cells; z is that of the refined cells.
#pragma once

#include "../../algebra/truncated_kernel.hpp"
#include "../jobs/signature_kernel.hpp"
#include "../lanes/numbers.hpp"

PYSIG_NAMESPACE_BEGIN

// What a schedule knows of a kind of cell. T is a vector, or a dual number of vectors.
template <class T>
class cell_kernel {
 public:
    const int refinement;             // r
    const int column_size, row_size;  // numbers of the edges A and B of one refined cell
    const int outputs;                // levels from 1 on, or 1

    // height x width cells that are not refined; z[i * stride + j]. A[width * r], B[height * r].
    virtual void advance(T* A, T* B, const T* z, i64 stride, i64 height, i64 width) const = 0;
    // One row, with the kernels at its lower corners: values[j] = k(i, j).
    virtual void advance_grid(T* A, T* B, const T* z, i64 width, T* values) const = 0;
    // The kernel of an edge B.
    virtual T value_of_row(const T* B) const = 0;
    // Adds what the kernel, or its levels, gain along `width` cells.
    virtual void add_gains(const T* A, i64 width, T* sums) const = 0;
    virtual void begin_rows(T* B, i64 height) const = 0;

 protected:
    cell_kernel(int refinement, int column_size, int row_size, int outputs)
        : refinement(refinement), column_size(column_size), row_size(row_size), outputs(outputs) {}
    ~cell_kernel() = default;
};

template <class T>
inline T one_of();
template <>
inline lanes<float> one_of<lanes<float>>() {
    return broadcast(1.0f);
}
template <>
inline lanes<double> one_of<lanes<double>>() {
    return broadcast(1.0);
}
template <>
inline dual<lanes<float>> one_of<dual<lanes<float>>>() {
    return {broadcast(1.0f), lanes<float>{}};
}
template <>
inline dual<lanes<double>> one_of<dual<lanes<double>>>() {
    return {broadcast(1.0), lanes<double>{}};
}

// The levels of a kernel with levels, the kernel itself of one without.
template <class R, int P>
constexpr int output_count(const square_cell<R, P>&) {
    return 1;
}
template <class R>
constexpr int output_count(const difference_cell<R>&) {
    return 1;
}
template <class R, int N, int P>
constexpr int output_count(const graded_cell<R, N, P>& cell) {
    return cell.depth();
}
template <class C, class T>
PYSIG_HD T gain_of(const C& cell, const T* A, int) {
    return cell.gain(A);
}
template <class R, int N, int P, class T>
PYSIG_HD T gain_of(const graded_cell<R, N, P>& cell, const T* A, int output) {
    return cell.gain(A, output + 1);
}
// The kernel of an edge B.
template <class C, class T>
PYSIG_HD T value_of(const C&, const T* B, const double*) {
    return B[0];
}
template <class R, int N, int P, class T>
PYSIG_HD T value_of(const graded_cell<R, N, P>& cell, const T* B, const double* weights) {
    T sum = one_of<T>() * R(weights ? weights[0] : 1);
    for (int n = 1; n <= cell.depth(); ++n) sum = sum + B[(n - 1) * cell.size()] * R(weights ? weights[n] : 1);
    return sum;
}

// Numbers of an edge that a kernel holds, at most; 0: unknown, the edges stay in memory.
template <class C>
struct cell_limits;
template <class R, int P>
struct cell_limits<square_cell<R, P>> {
    static constexpr int column = square_cell<R, P>::max_size, row = column, factors = column;
    static constexpr int rows_at_once = P == 1 ? 4 : P == 2 ? 2 : 1;
};
template <class R>
struct cell_limits<difference_cell<R>> {
    static constexpr int column = 1, row = 2, factors = 2, rows_at_once = 4;
};
template <class R, int N, int P>
struct cell_limits<graded_cell<R, N, P>> {
    static constexpr int column = N * P, row = N * P, factors = graded_cell<R, N, P>::max_factors;
    static constexpr int rows_at_once = N == 1 ? 4 : N == 2 ? 2 : 1;
};

template <class R, class T, class C>
class cell_kernel_of final : public cell_kernel<T> {
    using limits = cell_limits<C>;
    using base = cell_kernel<T>;

 public:
    cell_kernel_of(const C& cell, const kernel_rule& rule)
        : base(1 << rule.dyadic_order, cell.column_size(), cell.row_size(), output_count(cell)),
          cell(cell),
          weights(rule.weights) {}

    void begin_rows(T* B, i64 height) const override {
        for (i64 i = 0; i < height * base::refinement; ++i) cell.begin_row(B + i * base::row_size, one_of<T>());
    }
    void advance(T* A, T* B, const T* z, i64 stride, i64 height, i64 width) const override {
        constexpr int block = limits::rows_at_once;
        const int r = base::refinement;
        const i64 rows = height * r;
        i64 i = 0;
        if constexpr (block > 1) {
            if (r >= block)
                for (; i < rows; i += block)
                    advance_rows<block, true>(A, B + i * base::row_size, z + i / r * stride, 0, width);
            else if (r == 2)
                for (; i < rows; i += 2) advance_rows<2, true>(A, B + i * base::row_size, z + i / 2 * stride, 0, width);
            else if (r == 1)
                for (; i + block <= rows; i += block)
                    advance_rows<block, false>(A, B + i * base::row_size, z + i * stride, stride, width);
        }
        for (; i < rows; ++i) advance_rows<1, true>(A, B + i * base::row_size, z + i / r * stride, 0, width);
    }
    void advance_grid(T* A, T* B, const T* z, i64 width, T* values) const override {
        const int r = base::refinement;
        for (i64 j = 0; j < width; ++j) {
            values[j] = value_of(cell, B, weights);
            for (int i = 0; i < r; ++i)
                advance_rows<1, true>(A + j * r * base::column_size, B + i * base::row_size, z + j, 0, 1);
        }
    }
    T value_of_row(const T* B) const override { return value_of(cell, B, weights); }
    void add_gains(const T* A, i64 width, T* sums) const override {
        for (i64 j = 0; j < width * base::refinement; ++j)
            for (int n = 0; n < base::outputs; ++n) sums[n] = sums[n] + gain_of(cell, A + j * base::column_size, n);
    }

 private:
    const C cell;
    const double* const weights;

    // `block` refined rows; with `same`, of one z.
    template <int block, bool same>
    void advance_rows(T* PYSIG_RESTRICT A, T* PYSIG_RESTRICT B, const T* PYSIG_RESTRICT z, i64 stride,
                      i64 width) const {
        if constexpr (limits::column == 0) {
            T w[limits::factors];
            for (i64 j = 0; j < width; ++j) {
                cell.factors(z[j], w);
                for (int s = 0; s < base::refinement; ++s, A += cell.column_size()) cell.step(A, B, w);
            }
        } else {
            const int columns = cell.column_size(), rows = cell.row_size(), r = base::refinement;
            T b[block][limits::row], w[same ? 1 : block][limits::factors];
            for (int k = 0; k < block; ++k)
                for (int m = 0; m < rows; ++m) b[k][m] = B[k * rows + m];
            for (i64 j = 0; j < width; ++j) {
                for (int k = 0; k < (same ? 1 : block); ++k) cell.factors(z[k * stride + j], w[k]);
                for (int s = 0; s < r; ++s, A += columns) {
                    T a[limits::column];
                    for (int m = 0; m < columns; ++m) a[m] = A[m];
                    for (int k = 0; k < block; ++k) cell.step(a, b[k], w[same ? 0 : k]);
                    for (int m = 0; m < columns; ++m) A[m] = a[m];
                }
            }
            for (int k = 0; k < block; ++k)
                for (int m = 0; m < rows; ++m) B[k * rows + m] = b[k][m];
        }
    }
};

// Orders and levels up to these have kernels of their own; beyond, one kernel loops over the order.
constexpr int max_unrolled_order = 8, max_unrolled_levels = 6;

template <class R, class T, class C, class F>
inline void run_cell(const C& cell, const kernel_rule& rule, const F& f) {
    f(cell_kernel_of<R, T, C>(cell, rule));
}
template <class R, class T, int P, class F>
inline void run_square(const kernel_rule& rule, const F& f) {
    if (rule.order == P) return run_cell<R, T>(square_cell<R, P>{P}, rule, f);
    if constexpr (P < max_unrolled_order) run_square<R, T, P + 1>(rule, f);
    else run_cell<R, T>(square_cell<R>{rule.order}, rule, f);
}
template <class R, class T, int N, class F>
inline void run_graded(const kernel_rule& rule, const F& f) {
    if (rule.depth == N) return run_cell<R, T>(graded_cell<R, N, 1>{N, 1}, rule, f);
    if constexpr (N < max_unrolled_levels) run_graded<R, T, N + 1>(rule, f);
    else run_cell<R, T>(graded_cell<R>{rule.depth, rule.order}, rule, f);
}
// f(kernel), a cell_kernel<T>, with that of the rule.
template <class R, class T, class F>
inline void with_cell_kernel(const kernel_rule& rule, const F& f) {
    if (rule.scheme == kernel_scheme::difference) return run_cell<R, T>(difference_cell<R>{}, rule, f);
    if (rule.scheme == kernel_scheme::square) return run_square<R, T, 1>(rule, f);
    if (rule.order == 1) return run_graded<R, T, 1>(rule, f);
    run_cell<R, T>(graded_cell<R>{rule.depth, rule.order}, rule, f);
}

PYSIG_NAMESPACE_END
