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

    // A[width], B[height]: in the edges below and to the left, out those above and to the right. `record`: null, or A
    // and B of every cell.
    virtual void advance(const cell_range& range, V* A, V* B, const V* z, V* record) const = 0;
    // A_bar, B_bar: in the adjoints of the edges above and to the right, out those below and to the left. Adds to
    // z_bar.
    virtual void retreat(const cell_range& range, const V* record, const V* z, V* A_bar, V* B_bar, V* z_bar) const = 0;
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
    void advance(const cell_range& range, V* A, V* B, const V* z, V* record) const override {
        const int r = base::refinement;
        for (i64 i = 0; i < range.height; ++i) {
            const V* z_of = z + ((range.row + i) / r - range.row / r) * range.stride;
            if (record)
                advance_row<true>(range, A, B + i * base::row_size, z_of,
                                  record + i * range.width * base::record_size());
            else advance_row<false>(range, A, B + i * base::row_size, z_of, nullptr);
        }
    }
    void retreat(const cell_range& range, const V* record, const V* z, V* A_bar, V* B_bar, V* z_bar) const override {
        const int r = base::refinement;
        for (i64 i = range.height - 1; i >= 0; --i) {
            const i64 row = ((range.row + i) / r - range.row / r) * range.stride;
            retreat_row(range, record + i * range.width * base::record_size(), z + row, A_bar,
                        B_bar + i * base::row_size, z_bar + row);
        }
    }

 private:
    const C cell;

    template <bool recorded>
    void advance_row(const cell_range& range, V* PYSIG_RESTRICT A, V* PYSIG_RESTRICT B, const V* PYSIG_RESTRICT z,
                     V* PYSIG_RESTRICT record) const {
        const int columns = cell.column_size(), rows = cell.row_size();
        const i64 r = base::refinement;
        V w[limits::factors];
        if constexpr (limits::column == 0) {
            for (i64 j = 0, same = r - range.column % r; j < range.width; ++z, same = r) {
                cell.factors(*z, w);
                for (const i64 end = j + same < range.width ? j + same : range.width; j < end;
                     ++j, A += columns, record += columns + rows) {
                    for (int m = 0; recorded && m < columns; ++m) record[m] = A[m];
                    for (int m = 0; recorded && m < rows; ++m) record[columns + m] = B[m];
                    cell.step(A, B, w);
                }
            }
        } else {
            V b[limits::row];
            for (int m = 0; m < rows; ++m) b[m] = B[m];
            for (i64 j = 0, same = r - range.column % r; j < range.width; ++z, same = r) {
                cell.factors(*z, w);
                for (const i64 end = j + same < range.width ? j + same : range.width; j < end;
                     ++j, A += columns, record += columns + rows) {
                    V a[limits::column];
                    for (int m = 0; m < columns; ++m) a[m] = A[m];
                    for (int m = 0; recorded && m < columns; ++m) record[m] = a[m];
                    for (int m = 0; recorded && m < rows; ++m) record[columns + m] = b[m];
                    cell.step(a, b, w);
                    for (int m = 0; m < columns; ++m) A[m] = a[m];
                }
            }
            for (int m = 0; m < rows; ++m) B[m] = b[m];
        }
    }

    void retreat_row(const cell_range& range, const V* PYSIG_RESTRICT record, const V* PYSIG_RESTRICT z,
                     V* PYSIG_RESTRICT A_bar, V* PYSIG_RESTRICT B_bar, V* PYSIG_RESTRICT z_bar) const {
        if constexpr (limits::column == 0) {
            retreat_columns(range, record, z, A_bar, z_bar, [&](const V* A, const V* w, V* a_bar) PYSIG_INLINED {
                return cell.adjoint(A, A + cell.column_size(), w, a_bar, B_bar);
            });
        } else {
            const int columns = cell.column_size(), rows = cell.row_size();
            V b[limits::row];
            for (int m = 0; m < rows; ++m) b[m] = B_bar[m];
            retreat_columns(range, record, z, A_bar, z_bar, [&](const V* A, const V* w, V* a_bar) PYSIG_INLINED {
                V a[limits::column];
                for (int m = 0; m < columns; ++m) a[m] = a_bar[m];
                const V sum = cell.adjoint(A, A + columns, w, a, b);
                for (int m = 0; m < columns; ++m) a_bar[m] = a[m];
                return sum;
            });
            for (int m = 0; m < rows; ++m) B_bar[m] = b[m];
        }
    }
    // step(record, w, A_bar) of all columns, from the right; it returns the adjoint of z.
    template <class F>
    PYSIG_HD void retreat_columns(const cell_range& range, const V* record, const V* z, V* A_bar, V* z_bar,
                                  const F& step) const {
        const i64 columns = cell.column_size(), r = base::refinement;
        V w[limits::factors];
        const i64 last = range.column + range.width - 1;
        i64 j = range.width - 1, same = last % r + 1;  // columns of the same z
        for (i64 k = last / r - range.column / r; k >= 0; --k, same = r) {
            cell.factors(z[k], w);
            V sum = z_bar[k];
            for (const i64 end = j - same; j > end && j >= 0; --j)
                sum += step(record + j * base::record_size(), w, A_bar + j * columns);
            z_bar[k] = sum;
        }
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
