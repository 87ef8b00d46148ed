// Rectangles of cells for gradients: forwards, with the edges of every cell recorded, and backwards over the record.
// Coordinates are those of refined cells; a rectangle may begin and end within a cell that is refined
// (goursat_tile.hpp).
#pragma once

#include "goursat_tile.hpp"

PYSIG_NAMESPACE_BEGIN

// Rows [row, row + height) and columns [column, column + width) of refined cells. z is that of the cells before
// refinement from (row / r, column / r) on, the element (i, j) at i * stride + j.
struct cell_range {
    i64 row, height, column, width, stride;
};

template <class V>
class cell_gradient {
 public:
    const int refinement, column_size, row_size, outputs;

    // Edges below the rectangle and to its left, A[width] and B[height]; those above and to its right, A_out and B_out.
    virtual void advance(const cell_range& range, const V* A, const V* B, const V* z, V* A_out, V* B_out) const = 0;
    // The same, for retreat(): A_record[height * width] receives the edges above every cell, B_record those to its
    // left.
    virtual void record(const cell_range& range, const V* A, const V* B, const V* z, V* A_record,
                        V* B_record) const = 0;
    // A_bar, B_bar: in the adjoints of the edges above and to the right, out those below and to the left. Sets z_bar.
    virtual void retreat(const cell_range& range, const V* A, const V* A_record, const V* B_record, const V* z,
                         V* A_bar, V* B_bar, V* z_bar) const = 0;
    virtual void begin_rows(V* B, i64 height) const = 0;
    // Adds the adjoints of what the kernel, or its levels, gain along `width` columns.
    virtual void add_gain_adjoints(const V* gains_bar, i64 width, V* A_bar) const = 0;

    i64 record_size() const { return column_size + row_size; }

 protected:
    cell_gradient(int refinement, int column_size, int row_size, int outputs)
        : refinement(refinement), column_size(column_size), row_size(row_size), outputs(outputs) {}
    ~cell_gradient() = default;
};

template <class C, class V>
PYSIG_HD void add_gain_adjoint(const C& cell, const V* gains_bar, V* A_bar) {
    cell.gain_adjoint(gains_bar[0], A_bar);
}
template <class R, int N, int P, class V>
PYSIG_HD void add_gain_adjoint(const graded_cell<R, N, P>& cell, const V* gains_bar, V* A_bar) {
    for (int n = 1; n <= cell.depth(); ++n) cell.gain_adjoint(gains_bar[n - 1], n, A_bar);
}

template <class R, class C>
class cell_gradient_of final : public cell_gradient<lanes<R>> {
    using V = lanes<R>;
    using limits = cell_limits<C>;
    using base = cell_gradient<V>;

 public:
    cell_gradient_of(const C& cell, const kernel_rule& rule)
        : base(1 << rule.dyadic_order, cell.column_size(), cell.row_size(), output_count(cell)), cell(cell) {}

    void begin_rows(V* B, i64 height) const override {
        for (i64 i = 0; i < height; ++i) cell.begin_row(B + i * base::row_size, one_of<V>());
    }
    void add_gain_adjoints(const V* gains_bar, i64 width, V* A_bar) const override {
        for (i64 j = 0; j < width; ++j) add_gain_adjoint(cell, gains_bar, A_bar + j * base::column_size);
    }
    void advance(const cell_range& range, const V* A, const V* B, const V* z, V* A_out, V* B_out) const override {
        const i64 rows = base::row_size;
        for (i64 i = 0; i < range.height; ++i)
            advance_row(range, i == 0 ? A : A_out, B + i * rows, z_of_row(range, z, i), A_out, B_out + i * rows, false);
    }
    void record(const cell_range& range, const V* A, const V* B, const V* z, V* A_record, V* B_record) const override {
        const i64 below = range.width * base::column_size, left = range.width * base::row_size;
        for (i64 i = 0; i < range.height; ++i, A = A_record, A_record += below, B_record += left)
            advance_row(range, A, B + i * base::row_size, z_of_row(range, z, i), A_record, B_record, true);
    }
    void retreat(const cell_range& range, const V* A, const V* A_record, const V* B_record, const V* z, V* A_bar,
                 V* B_bar, V* z_bar) const override {
        const i64 below = range.width * base::column_size, left = range.width * base::row_size;
        for (i64 i = range.height - 1; i >= 0; --i) {
            const V* z_row = z_of_row(range, z, i);
            const bool adds = i + 1 < range.height && z_row == z_of_row(range, z, i + 1);
            retreat_row(range, i == 0 ? A : A_record + (i - 1) * below, B_record + i * left, z_row, A_bar,
                        B_bar + i * base::row_size, z_bar + (z_row - z), adds);
        }
    }

 private:
    static constexpr bool in_memory = limits::column == 0;  // the edges
    const C cell;

    const V* z_of_row(const cell_range& range, const V* z, i64 i) const {
        const int r = base::refinement;
        return r == 1 ? z + i * range.stride : z + ((range.row + i) / r - range.row / r) * range.stride;
    }

    static void copy(V* to, const V* from, int count) {
        for (int m = 0; m < count; ++m) to[m] = from[m];
    }

    // With `recorded`, `right` receives the edges B to the left of every cell, otherwise the one at the end.
    void advance_row(const cell_range& range, const V* A, const V* B, const V* z, V* above, V* right,
                     bool recorded) const {
        const int columns = cell.column_size(), rows = cell.row_size();
        const i64 r = base::refinement;
        V w[limits::factors], b[in_memory ? 1 : limits::row];
        copy(in_memory ? right : b, B, rows);
        for (i64 j = 0, same = r - range.column % r; j < range.width; ++z, same = r) {
            cell.factors(*z, w);
            for (const i64 end = j + same < range.width ? j + same : range.width; j < end;
                 ++j, A += columns, above += columns) {
                if constexpr (in_memory) {
                    copy(above, A, columns);
                    if (recorded) copy(right + rows, right, rows), right += rows;
                    cell.step(above, right, w);
                } else {
                    V a[limits::column];
                    copy(a, A, columns);
                    if (recorded) copy(right, b, rows), right += rows;
                    cell.step(a, b, w);
                    copy(above, a, columns);
                }
            }
        }
        if constexpr (!in_memory)
            if (!recorded) copy(right, b, rows);
    }

    // From the right. With `adds`, z_bar holds the sum of the rows above, of the same z.
    void retreat_row(const cell_range& range, const V* A, const V* B, const V* z, V* A_bar, V* B_bar, V* z_bar,
                     bool adds) const {
        const int columns = cell.column_size(), rows = cell.row_size();
        const i64 r = base::refinement, last = range.column + range.width - 1;
        V w[limits::factors], b[in_memory ? 1 : limits::row];
        if constexpr (!in_memory) copy(b, B_bar, rows);
        i64 j = range.width - 1, same = last % r + 1;  // columns of the same z
        for (i64 k = last / r - range.column / r; k >= 0; --k, same = r) {
            cell.factors(z[k], w);
            V sum = adds ? z_bar[k] : V{};
            for (const i64 end = j - same; j > end && j >= 0; --j) {
                const V *below = A + j * columns, *left = B + j * rows;
                V* bar = A_bar + j * columns;
                if constexpr (in_memory) {
                    sum += cell.adjoint(below, left, w, bar, B_bar);
                } else {
                    V a[limits::column];
                    copy(a, bar, columns);
                    sum += cell.adjoint(below, left, w, a, b);
                    copy(bar, a, columns);
                }
            }
            z_bar[k] = sum;
        }
        if constexpr (!in_memory) copy(B_bar, b, rows);
    }
};

template <class R, class C, class F>
inline void run_gradient(const C& cell, const kernel_rule& rule, const F& f) {
    f(cell_gradient_of<R, C>(cell, rule));
}

// f(gradient), a cell_gradient, with that of the rule.
template <class R, class F>
inline void with_cell_gradient(const kernel_rule& rule, const F& f) {
    with_cell<R, unrolled_derivatives>(rule, [&](const auto& cell) { run_gradient<R>(cell, rule, f); });
}
PYSIG_NAMESPACE_END
