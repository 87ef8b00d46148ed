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

// The real type of a number, the number of one lane of it, and the number 1.
template <class T>
struct kernel_number;
template <class R>
struct scalar_number {
    using real = R;
    static R one() { return R(1); }
};
template <>
struct kernel_number<float> : scalar_number<float> {};
template <>
struct kernel_number<double> : scalar_number<double> {};
template <class R>
struct lanes_number {
    using real = R;
    using lane = R;
    static lanes<R> one() { return broadcast(R(1)); }
};
template <>
struct kernel_number<lanes<float>> : lanes_number<float> {};
template <>
struct kernel_number<lanes<double>> : lanes_number<double> {};
template <class T>
struct kernel_number<dual<T>> {
    using real = typename kernel_number<T>::real;
    using lane = dual<real>;
    static dual<T> one() { return {kernel_number<T>::one(), T{}}; }
};
template <class T>
inline T one_of() {
    return kernel_number<T>::one();
}

// Every lane receives the one before it.
template <class V>
inline V later_lanes(V v) {
    constexpr int width = int(sizeof(V) / sizeof(v[0]));
    return rotated_lanes<width - 1>(v, typename count_up<width>::type{});
}
template <class V>
inline dual<V> later_lanes(dual<V> v) {
    return {later_lanes(v.value), later_lanes(v.tangent)};
}

// What a schedule knows of a kind of cell. T is a vector, or a dual number of vectors.
template <class T>
class cell_kernel {
 public:
    using lane_number = typename kernel_number<T>::lane;

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

    // Rows of one pair on the lanes (schedules/signature_kernel_few.hpp): steps [t, t + count), each one refined cell
    // of z[k] in every row. `edges`: A of the step before, then B. memory[columns]: A of the columns.
    virtual void advance_skewed(lane_number* memory, i64 columns, T* edges, const T* z, i64 t, i64 count) const = 0;
    virtual void add_gains_of(const lane_number* A, i64 columns, lane_number* sums) const = 0;
    virtual void begin_row(T* B) const = 0;

 protected:
    cell_kernel(int refinement, int column_size, int row_size, int outputs)
        : refinement(refinement), column_size(column_size), row_size(row_size), outputs(outputs) {}
    ~cell_kernel() = default;
};

// The kernel, from what it, or its levels, gain along all columns.
template <class T>
inline T value_of_gains(const kernel_rule& rule, const T* gains, int outputs) {
    using R = typename kernel_number<T>::real;
    if (rule.scheme != kernel_scheme::levels) return one_of<T>() + gains[0];
    T sum = one_of<T>() * R(rule.weights ? rule.weights[0] : 1);
    for (int n = 0; n < outputs; ++n) sum = sum + gains[n] * R(rule.weights ? rule.weights[n + 1] : 1);
    return sum;
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
    static constexpr bool shared = false;  // numbers of the edges B of rows that are computed together
    static constexpr bool long_step = P == 0 || P > 4;
};
template <class R>
struct cell_limits<difference_cell<R>> {
    static constexpr int column = 1, row = 2, factors = 2, rows_at_once = 8;
    static constexpr bool shared = true, long_step = false;
};
template <class R, int N, int P>
struct cell_limits<graded_cell<R, N, P>> {
    static constexpr int column = N * P, row = N * P, factors = graded_cell<R, N, P>::max_factors;
    static constexpr int rows_at_once = N == 1 ? 4 : N == 2 ? 2 : 1;
    static constexpr bool shared = false, long_step = N == 0;
};

template <class R, class T, class C>
class cell_kernel_of final : public cell_kernel<T> {
    using limits = cell_limits<C>;
    using base = cell_kernel<T>;
    using lane_number = typename base::lane_number;

 public:
    cell_kernel_of(const C& cell, const kernel_rule& rule)
        : base(1 << rule.dyadic_order, cell.column_size(), cell.row_size(), output_count(cell)),
          cell(cell),
          weights(rule.weights) {}

    void begin_rows(T* B, i64 height) const override {
        for (i64 i = 0; i < height * base::refinement; ++i) cell.begin_row(B + i * base::row_size, one_of<T>());
    }
    void advance(T* A, T* B, const T* z, i64 stride, i64 height, i64 width) const override {
        const i64 rows = height * base::refinement;
        switch (base::refinement) {
            case 1: return advance_blocks<limits::rows_at_once, 1>(A, B, z, stride, rows, width);
            case 2: return advance_blocks<limits::rows_at_once, 2>(A, B, z, stride, rows, width);
            case 4: return advance_blocks<limits::rows_at_once, 4>(A, B, z, stride, rows, width);
            default: return advance_blocks<limits::rows_at_once, limits::rows_at_once>(A, B, z, stride, rows, width);
        }
    }
    void advance_grid(T* A, T* B, const T* z, i64 width, T* values) const override {
        const int r = base::refinement;
        for (i64 j = 0; j < width; ++j) {
            values[j] = value_of(cell, B, weights);
            for (int i = 0; i < r; ++i)
                advance_rows<1, 1>(A + j * r * base::column_size, B + i * base::row_size, z + j, 0, 1, r);
        }
    }
    T value_of_row(const T* B) const override { return value_of(cell, B, weights); }
    void add_gains(const T* A, i64 width, T* sums) const override { add_gains_to(A, width * base::refinement, sums); }
    void begin_row(T* B) const override { cell.begin_row(B, one_of<T>()); }
    void add_gains_of(const lane_number* A, i64 columns, lane_number* sums) const override {
        add_gains_to(A, columns, sums);
    }
    void advance_skewed(lane_number* memory, i64 columns, T* edges, const T* z, i64 t, i64 count) const override {
        const int size = cell.column_size();
        T *A = edges, *B = edges + size;
        if constexpr (steps_in_memory) {
            for (i64 k = 0; k < count; ++k) skewed_step(memory, columns, A, B, z[k], t + k);
        } else {
            T a[limits::column], b[limits::row];
            for (int m = 0; m < size; ++m) a[m] = A[m];
            for (int m = 0; m < cell.row_size(); ++m) b[m] = B[m];
            for (i64 k = 0; k < count; ++k) skewed_step(memory, columns, a, b, z[k], t + k);
            for (int m = 0; m < size; ++m) A[m] = a[m];
            for (int m = 0; m < cell.row_size(); ++m) B[m] = b[m];
        }
    }

 private:
    // A long step is compiled once, in advance_rows(), and not for skewed rows, too.
    static constexpr bool steps_in_memory = limits::long_step || sizeof(T) > sizeof(lanes<R>);
    const C cell;
    const double* const weights;

    template <class Q>
    void add_gains_to(const Q* A, i64 columns, Q* sums) const {
        for (i64 j = 0; j < columns; ++j)
            for (int n = 0; n < base::outputs; ++n) sums[n] = sums[n] + gain_of(cell, A + j * base::column_size, n);
    }

    PYSIG_HD void skewed_step(lane_number* memory, i64 columns, T* A, T* B, T z, i64 t) const {
        constexpr int width = lane_count<R>;
        const int size = cell.column_size();
        for (int m = 0; m < size; ++m) {
            A[m] = later_lanes(A[m]);
            set_lane<R>(A[m], 0, t < columns ? memory[t * size + m] : lane_number{});
        }
        if constexpr (steps_in_memory) {
            advance_rows<1, 1>(A, B, &z, 0, 1, 1);
        } else {
            T w[limits::factors];
            cell.factors(z, w);
            cell.step(A, B, w);
        }
        if (t >= width - 1)
            for (int m = 0; m < size; ++m) memory[(t - width + 1) * size + m] = lane_of<R>(A[m], width - 1);
    }

    // Blocks of `block` rows, then the rest; `same` consecutive rows have one z.
    template <int block, int same>
    void advance_blocks(T* A, T* B, const T* z, i64 stride, i64 rows, i64 width) const {
        if constexpr (same > block) {
            advance_blocks<block, block>(A, B, z, stride, rows, width);
        } else {
            const i64 r = base::refinement, count = rows / block * block;
            for (i64 i = 0; i < count; i += block)
                advance_rows<block, same>(A, B + i * base::row_size, z + i / r * stride, stride, width, int(r));
            if constexpr (block > same)
                advance_blocks<block / 2, same>(A, B + count * base::row_size, z + count / r * stride, stride,
                                                rows - count, width);
        }
    }

    // Every z is that of r columns.
    template <int block, int same>
    PYSIG_NOT_INLINED void advance_rows(T* PYSIG_RESTRICT A, T* PYSIG_RESTRICT B, const T* PYSIG_RESTRICT z, i64 stride,
                                        i64 width, int r) const {
        if constexpr (limits::column == 0) {
            T w[limits::factors];
            for (i64 j = 0; j < width; ++j) {
                cell.factors(z[j], w);
                for (int s = 0; s < r; ++s, A += cell.column_size()) cell.step(A, B, w);
            }
        } else {
            const int columns = cell.column_size(), rows = cell.row_size();
            T b[block][limits::row], w[block / same][limits::factors];
            for (int k = 0; k < block; ++k)
                for (int m = 0; m < rows; ++m) b[k][m] = B[k * rows + m];
            for (i64 j = 0; j < width; ++j) {
                for (int k = 0; k < block / same; ++k) cell.factors(z[k * stride + j], w[k]);
                for (int s = 0; s < r; ++s, A += columns) {
                    T a[limits::column];
                    for (int m = 0; m < columns; ++m) a[m] = A[m];
                    if constexpr (limits::shared) cell.template step_rows<block, same>(a, b, w);
                    else
                        for (int k = 0; k < block; ++k) cell.step(a, b[k], w[k / same]);
                    for (int m = 0; m < columns; ++m) A[m] = a[m];
                }
            }
            if constexpr (limits::shared) cell.template close_rows<block>(b);
            for (int k = 0; k < block; ++k)
                for (int m = 0; m < rows; ++m) B[k * rows + m] = b[k][m];
        }
    }
};

// Orders and levels up to these have kernels of their own; beyond, one kernel loops over the order. Derivatives have
// fewer, because their kernels are long.
struct unrolled_values {
    static constexpr int order = 8, levels = 6;
};
struct unrolled_derivatives {
    static constexpr int order = 6, levels = 4;
};

template <class R, class Unrolled, int P, class F>
inline void with_square_cell(int order, const F& f) {
    if (order == P) return f(square_cell<R, P>{P});
    if constexpr (P < Unrolled::order) with_square_cell<R, Unrolled, P + 1>(order, f);
    else f(square_cell<R>{order});
}
template <class R, class Unrolled, int N, class F>
inline void with_graded_cell(int depth, const F& f) {
    if (depth == N) return f(graded_cell<R, N, 1>{N, 1});
    if constexpr (N < Unrolled::levels) with_graded_cell<R, Unrolled, N + 1>(depth, f);
    else f(graded_cell<R>{depth, 1});
}
// f(cell) with the cell of the rule.
template <class R, class Unrolled, class F>
inline void with_cell(const kernel_rule& rule, const F& f) {
    if (rule.scheme == kernel_scheme::difference) return f(difference_cell<R>{});
    if (rule.scheme == kernel_scheme::square) return with_square_cell<R, Unrolled, 1>(rule.order, f);
    if (rule.order == 1) return with_graded_cell<R, Unrolled, 1>(rule.depth, f);
    f(graded_cell<R>{rule.depth, rule.order});
}

template <class R, class T, class C, class F>
inline void run_cell_kernel(const C& cell, const kernel_rule& rule, const F& f) {
    f(cell_kernel_of<R, T, C>(cell, rule));
}
// f(kernel), a cell_kernel<T>, with that of the rule.
template <class R, class T, class Unrolled, class F>
inline void with_cell_kernel(const kernel_rule& rule, const F& f) {
    with_cell<R, Unrolled>(rule, [&](const auto& cell) { run_cell_kernel<R, T>(cell, rule, f); });
}

PYSIG_NAMESPACE_END
