// Signature kernels of few pairs on the host: the lanes are consecutive rows of cells of one pair.
//
// At step t lane l holds row i + l and column t - l, one column behind the row below it. The edge B of a row stays in
// its lane. The edge A of a column moves from lane l to lane l + 1 with every step; it enters lane 0 from memory, and
// leaves the last lane for memory. Columns before the first and after the last one have z = 0 and A = 0, and change
// nothing.
#pragma once

#include "../kernels/goursat_tile.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"
#include "pair_gram.hpp"

PYSIG_NAMESPACE_BEGIN

// Increments or points of one pair on lanes: those of x, row by row, and those of y, step by step. Row and step count
// refined cells; points are for cells that are not refined.
template <class R, class T>
class skewed_pair {
 public:
    using V = lanes<R>;
    static constexpr int width = lane_count<R>;
    static constexpr bool dual_numbers = sizeof(T) > sizeof(V);

    skewed_pair(const kernel_pairs<R>& pairs, const kernel_rule& rule, const kernel_directions<R>& along, i64 max_steps)
        : pairs(pairs),
          kappa(rule.kappa),
          along(along),
          points(needs_points(pairs, rule)),
          r(i64(1) << rule.dyadic_order),
          scale(R(1) / R(r * r)),
          d(pairs.x.channels),
          x(pairs.x, along.x, points, dual_numbers, false),
          y(pairs.y, pairs.symmetric ? along.x : along.y, points, dual_numbers, false),
          columns((pairs.increments ? pairs.steps_y : step_count(pairs.y)) * r),
          row_values(planes * 2 * d),
          step_values(pairs.increments ? 0 : planes * (columns + width + 1) * d),
          vertices(points ? 2 * (max_steps + 1) : 0),
          stride(max_steps + 1) {}

    // The pair of two paths, or pair `y.path` of given increments.
    void take(const lane_steps& of_x, const lane_steps& of_y) {
        pair = of_y.path;
        m = of_x.end;
        n = of_y.end;
        if (pairs.increments) return;
        x.fill_path(of_x.path, m);
        y.fill_path(of_y.path, n);
        const i64 size = (columns + width + 1) * d;
        for (i64 plane = 0; plane < planes; ++plane)
            for (i64 t = 0; t <= n * r + width - 1 + points; ++t)
                for (int l = 0; l < width; ++l)
                    place(y_of(plane), n, t - l, step_values.get() + plane * size + t * d, l);
    }

    // z[k] of step t + k of rows [row, row + W).
    void fill(i64 row, i64 t, i64 count, bool new_rows, T* z) {
        if (pairs.increments) return fill_given(row, t, count, z);
        if (new_rows)
            for (i64 plane = 0; plane < planes; ++plane)
                for (int k = 0; k < 1 + points; ++k)
                    for (int l = 0; l < width; ++l)
                        place(x_of(plane), m, row + l + k, row_values.get() + (plane * 2 + k) * d, l);
        const gram_side<V> rows{row_values.get(), dual_numbers ? row_values.get() + 2 * d : nullptr};
        const V* tangents = dual_numbers ? step_values.get() + (columns + width + 1) * d : nullptr;
        const gram_side<V> steps = gram_side<V>{step_values.get(), tangents}.from(t * d);
        if (points) return fill_differences(rows, steps, count, z);
        gram<false>(rows, steps, d, z, count, 1, count);
        scale_in_place<R>(kappa, scale, z, count);
    }

 private:
    static constexpr i64 planes = dual_numbers ? 2 : 1;  // values, tangents

    const kernel_pairs<R>& pairs;
    const static_kernel kappa;
    const kernel_directions<R>& along;
    const bool points;
    const i64 r;
    const R scale;
    const i64 d;
    packed_side<R> x, y;
    const i64 columns;
    buffer<V> row_values, step_values;
    buffer<T> vertices;
    const i64 stride;
    i64 pair = 0, m = 0, n = 0;  // cells that are not refined

    const R* x_of(i64 plane) const { return plane ? x.of_path_from(0).tangents : x.of_path_from(0).values; }
    const R* y_of(i64 plane) const { return plane ? y.of_path_from(0).tangents : y.of_path_from(0).values; }

    // Element `k` of `count` refined increments, zero beyond them, or point k, the nearest one beyond them.
    void place(const R* from, i64 count, i64 k, V* to, int l) const {
        if (points) k = k < 0 ? 0 : k > count ? count : k;
        const bool inside = points || (k >= 0 && k < count * r);
        for (i64 c = 0; c < d; ++c) to[c][l] = inside ? from[k / r * d + c] : R(0);
    }

    void fill_differences(const gram_side<V>& rows, const gram_side<V>& steps, i64 count, T* z) {
        T *below = vertices.get(), *above = below + stride;
        if (is_of_distance(kappa.kind)) gram<true>(rows, steps, d, below, stride, 2, count + 1);
        else gram<false>(rows, steps, d, below, stride, 2, count + 1);
        kappa_rises<R>(kappa, below, count);
        kappa_rises<R>(kappa, above, count);
        for (i64 k = 0; k < count; ++k) z[k] = (above[k] - below[k]) * scale;
    }

    void fill_given(i64 row, i64 t, i64 count, T* z) const {
        for (i64 k = 0; k < count; ++k)
            for (int l = 0; l < width; ++l) {
                const i64 i = row + l, j = t + k - l;
                const bool inside = i < m * r && j >= 0 && j < n * r;
                const i64 at = pair * pairs.batch_stride + i / r * pairs.x_stride + j / r * pairs.y_stride;
                set_given(z[k], l, inside ? at : -1);
            }
    }
    void set_given(V& z, int l, i64 at) const { z[l] = at < 0 ? R(0) : pairs.increments[at] * scale; }
    void set_given(dual<V>& z, int l, i64 at) const {
        z.value[l] = at < 0 ? R(0) : pairs.increments[at] * scale;
        z.tangent[l] = at < 0 ? R(0) : along.increments[at] * scale;
    }
};

// Multiply-adds of one pair.
template <class R, class T>
inline double kernel_work(const signature_kernel_job<R>& job, const cell_kernel<T>& cell) {
    const kernel_pairs<R>& pairs = job.pairs;
    const double cells = double(pairs.increments ? pairs.steps_x : step_count(pairs.x)) *
                         double(pairs.increments ? pairs.steps_y : step_count(pairs.y));
    const double refined = double(cell.refinement) * cell.refinement;
    return cells * (double(pairs.x.channels) + refined * cell.column_size * (cell.row_size + 1));
}

template <class R, class T>
class kernel_of_few_pairs {
 public:
    using V = lanes<R>;
    using Q = typename cell_kernel<T>::lane_number;
    static constexpr int width = lane_count<R>;

    kernel_of_few_pairs(const signature_kernel_job<R>& job, const kernel_directions<R>& along,
                        const cell_kernel<T>& cell, const executor& outer)
        : job(job),
          pairs(job.pairs),
          along(along),
          cell(cell),
          inner(pairs.paired || pairs.increments ? 1 : pairs.y.batch),
          items((pairs.increments ? pairs.batch : pairs.x.batch) * inner),
          exec(limited_executor(outer, plan_workers(outer.workers, items, double(items) * kernel_work(job, cell)))) {}

    void run() {
        parallel_for_cancellable(exec, items, [this](i64 item, int) { run_pair(item / inner, item % inner); });
    }

 private:
    const signature_kernel_job<R>& job;
    const kernel_pairs<R>& pairs;
    const kernel_directions<R>& along;
    const cell_kernel<T>& cell;
    const i64 inner, items;
    const executor exec;

    void run_pair(i64 place_x, i64 place_y) const {
        if (pairs.symmetric && place_y < place_x) return;
        const bool given = pairs.increments;
        const bool paired = pairs.paired && !given;
        const lane_steps of_x =
            given ? lane_steps{place_x, 0, 0, pairs.steps_x, place_x} : whole_path(pairs.x, place_x);
        const lane_steps of_y = given    ? lane_steps{place_x, 0, 0, pairs.steps_y, place_x}
                                : paired ? whole_path(pairs.y, place_x)
                                         : whole_path(pairs.y, place_y);
        const i64 columns = of_y.end * cell.refinement, size = cell.column_size;
        skewed_pair<R, T> z_of(pairs, job.rule, along, cost::kernel_steps);
        z_of.take(of_x, of_y);
        const buffer<Q> A(columns * size), sums(cell.outputs);
        const buffer<T> edges(cell.column_size + cell.row_size), z(cost::kernel_steps);
        for (i64 m = 0; m < columns * size; ++m) A[m] = Q{};
        for (i64 row = 0; row < of_x.end * cell.refinement; row += width) {
            for (int m = 0; m < cell.column_size; ++m) edges[m] = T{};
            cell.begin_row(edges.get() + cell.column_size);
            const i64 steps = columns + width - 1;
            for (i64 t = 0; t < steps; t += cost::kernel_steps) {
                if (exec.cancelled(exec)) return;
                const i64 count = steps - t < cost::kernel_steps ? steps - t : cost::kernel_steps;
                z_of.fill(row, t, count, t == 0, z.get());
                cell.advance_skewed(A.get(), columns, edges.get(), z.get(), t, count);
            }
        }
        for (int n = 0; n < cell.outputs; ++n) sums[n] = Q{};
        cell.add_gains_of(A.get(), columns, sums.get());
        store(of_x.path, given || paired ? -1 : of_y.path, sums.get());
    }

    // `y`: the path of the other side of a matrix, or -1.
    void store(i64 x, i64 y, const Q* sums) const {
        const i64 count = job.rows == kernel_rows::levels ? job.rule.depth + 1 : 1;
        for (i64 k = 0; k < count; ++k) {
            const R v = result_of(job.rows == kernel_rows::value ? value_of_gains<Q>(job.rule, sums, cell.outputs)
                                  : k == 0                       ? one_of<Q>()
                                                                 : sums[k - 1]);
            job.out[(y < 0 ? x : x * pairs.y.batch + y) * count + k] = v;
            if (pairs.symmetric) job.out[(y * pairs.x.batch + x) * count + k] = v;
        }
    }
};

PYSIG_NAMESPACE_END
