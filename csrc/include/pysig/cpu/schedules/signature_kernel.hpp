// Signature kernels on the host: lanes are pairs.
//
// A work item is a lane group of y-paths with a block of x-paths, or a lane group of pairs. The cells of its lanes run
// in strips of columns, row by row: the edges A of a strip stay in the first cache, the edges B at the end of a strip
// are kept for the next one (goursat_tile.hpp). z is made for a few rows at a time (pair_gram.hpp).
//
// Every pair is computed by one worker in one order, so results do not depend on their number. A symmetric matrix is
// computed on and above its diagonal only, and mirrored. Padding is exact: a cell with z = 0 changes nothing.
#pragma once

#include "../kernels/goursat_tile.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"
#include "pair_gram.hpp"
#include "signature_kernel_few.hpp"

PYSIG_NAMESPACE_BEGIN

// Sizes of the work of a worker.
struct kernel_plan {
    i64 strip;    // columns of a strip, not refined
    i64 groups;   // of lanes
    i64 x_paths;  // of a work item; 1 if pairs are paired
    i64 items;
    int workers;
};

template <class R, class T>
inline kernel_plan plan_signature_kernel(const signature_kernel_job<R>& job, const cell_kernel<T>& cell,
                                         const executor& exec) {
    const kernel_pairs<R>& pairs = job.pairs;
    const bool matrix = !pairs.paired && !pairs.increments;
    const i64 columns = pairs.increments ? pairs.steps_y : step_count(pairs.y);
    const i64 batch = pairs.increments ? pairs.batch : pairs.y.batch, outer = matrix ? pairs.x.batch : 1;
    kernel_plan plan;
    const i64 column_bytes =
        (cell.column_size * cell.refinement + cost::kernel_rows + pairs.x.channels) * i64(sizeof(T));
    i64 strip = cost::kernel_strip_bytes / column_bytes;
    if (strip < cost::min_kernel_strip) strip = cost::min_kernel_strip;
    plan.strip = columns > 0 ? ceil_div(columns, ceil_div(columns, strip)) : 1;
    plan.groups = ceil_div(batch, lane_count<R>);
    plan.x_paths = cost::kernel_x_paths;
    // Many items for each of several workers, so that none waits long for the last one.
    const i64 items = exec.workers > 1 ? cost::kernel_items_of_worker * exec.workers : 1;
    while (plan.x_paths > 1 && plan.groups * ceil_div(outer, plan.x_paths) < items) plan.x_paths /= 2;
    plan.items = plan.groups * ceil_div(outer, plan.x_paths);
    const double pair_count = double(batch) * double(outer) * (pairs.symmetric ? 0.5 : 1);
    plan.workers = plan_workers(exec.workers, plan.items, pair_count * kernel_work(job, cell));
    return plan;
}

template <class R, class T>
class kernel_of_pairs {
 public:
    using V = lanes<R>;
    using gram = pair_gram<R, T>;

    kernel_of_pairs(const signature_kernel_job<R>& job, const kernel_directions<R>& along, const cell_kernel<T>& cell,
                    const executor& exec)
        : job(job),
          pairs(job.pairs),
          along(along),
          cell(cell),
          exec(exec),
          plan(plan_signature_kernel(job, cell, exec)) {}

    void run() {
        const i64 side = 2 * (all_rows() + all_columns()) * pairs.x.channels;
        keep_freed_memory(plan.workers * (side + row_numbers() + column_numbers()) * i64(sizeof(T)));
        parallel_for_cancellable(limited_executor(exec, plan.workers), plan.items,
                                 [this](i64 item, int) { run_item(item % plan.groups, item / plan.groups); });
    }

 private:
    const signature_kernel_job<R>& job;
    const kernel_pairs<R>& pairs;
    const kernel_directions<R>& along;
    const cell_kernel<T>& cell;
    const executor& exec;
    const kernel_plan plan;

    // ---- sizes ----

    bool matrix() const { return !pairs.paired && !pairs.increments; }
    i64 all_rows() const { return pairs.increments ? pairs.steps_x : step_count(pairs.x); }
    i64 all_columns() const { return pairs.increments ? pairs.steps_y : step_count(pairs.y); }
    // Numbers of one pair in the result.
    i64 width() const {
        if (job.rows == kernel_rows::grid) return (all_rows() + 1) * (all_columns() + 1);
        return job.rows == kernel_rows::levels ? job.rule.depth + 1 : 1;
    }
    i64 column_numbers() const { return plan.strip * cell.refinement * cell.column_size; }
    i64 row_numbers() const { return all_rows() * cell.refinement * cell.row_size; }

    // The scratch of an item: edges A of a strip, edges B of all rows, z, sums of gains, values of a row of the grid.
    struct scratch {
        buffer<T> A, B, z, sums, values;
    };

    void run_item(i64 group, i64 block) {
        pair_lanes<R> lanes_of(pairs, group * lane_count<R>);
        gram z_of(pairs, job.rule, along, cost::kernel_rows, plan.strip);
        const scratch at{buffer<T>(column_numbers()), buffer<T>(row_numbers()),
                         buffer<T>(cost::kernel_rows * plan.strip), buffer<T>(cell.outputs), buffer<T>(plan.strip + 1)};
        const bool grid = job.rows == kernel_rows::grid;  // of all points, also beyond the ends of ragged paths
        if (grid) lanes_of.columns = all_columns();
        if (grid && !matrix()) lanes_of.rows = all_rows();
        if (!matrix()) {
            z_of.take_lanes(lanes_of);
            run_lanes(lanes_of, z_of, at);
            return;
        }
        const i64 first = block * plan.x_paths, last_place = group * lane_count<R> + lane_count<R> - 1;
        i64 end = first + plan.x_paths < pairs.x.batch ? first + plan.x_paths : pairs.x.batch;
        if (pairs.symmetric && end > last_place + 1) end = last_place + 1;
        if (first < end) z_of.take_lanes(lanes_of);
        for (i64 place = first; place < end; ++place) {
            if (exec.cancelled(exec)) return;
            lanes_of.take_row(pairs.x, place);
            if (grid) lanes_of.rows = all_rows();
            z_of.take_row(lanes_of);
            run_lanes(lanes_of, z_of, at);
        }
    }

    // ---- one pair in each lane ----

    void run_lanes(const pair_lanes<R>& lanes_of, gram& z_of, const scratch& at) const {
        const bool grid = job.rows == kernel_rows::grid;
        const i64 height = lanes_of.rows, columns = lanes_of.columns;
        for (int n = 0; n < cell.outputs; ++n) at.sums[n] = T{};
        for (i64 j = 0; j < columns; j += plan.strip) {
            if (exec.cancelled(exec)) return;
            const i64 count = columns - j < plan.strip ? columns - j : plan.strip;
            run_strip(lanes_of, z_of, at, height, j, count);
            if (grid) top_of_grid(lanes_of, at, height, j, count);
            else cell.add_gains(at.A.get(), count, at.sums.get());
        }
        if (grid) sides_of_grid(lanes_of, at, height, columns);
        else store(lanes_of, at);
    }

    void run_strip(const pair_lanes<R>& lanes_of, gram& z_of, const scratch& at, i64 height, i64 j, i64 count) const {
        const i64 r = cell.refinement, numbers = count * r * cell.column_size;
        for (i64 m = 0; m < numbers; ++m) at.A[m] = T{};
        for (i64 i = 0; i < height; i += cost::kernel_rows) {
            const i64 some = height - i < cost::kernel_rows ? height - i : cost::kernel_rows;
            T* B = at.B.get() + i * r * cell.row_size;
            if (j == 0) cell.begin_rows(B, some);
            z_of.fill(lanes_of, i, some, j, count, i > 0, at.z.get(), plan.strip);
            if (job.rows != kernel_rows::grid) {
                cell.advance(at.A.get(), B, at.z.get(), plan.strip, some, count);
                continue;
            }
            for (i64 k = 0; k < some; ++k) {
                cell.advance_grid(at.A.get(), B + k * r * cell.row_size, at.z.get() + k * plan.strip, count,
                                  at.values.get());
                scatter_grid(lanes_of, i + k, j, at.values.get(), count);
            }
        }
    }

    // ---- results ----

    i64 pair_index(const pair_lanes<R>& lanes_of, int l) const {
        return matrix() ? lanes_of.x[0].path * pairs.y.batch + lanes_of.y[l].path : lanes_of.y[l].path;
    }
    // Whether a lane holds a pair to be stored.
    bool stores(const pair_lanes<R>& lanes_of, int l) const {
        return lanes_of.y[l].path >= 0 && (!pairs.symmetric || lanes_of.y[l].place >= lanes_of.x[0].place);
    }
    R* mirrored(const pair_lanes<R>& lanes_of, int l) const {
        return job.out + (lanes_of.y[l].path * pairs.x.batch + lanes_of.x[0].path) * width();
    }
    // The value, from the gains of all columns.
    T value_of_sums(const scratch& at) const { return value_of_gains<T>(job.rule, at.sums.get(), cell.outputs); }

    void store(const pair_lanes<R>& lanes_of, const scratch& at) const {
        const i64 count = width();
        for (i64 k = 0; k < count; ++k) {
            const V v = result_of(job.rows == kernel_rows::value ? value_of_sums(at)
                                  : k == 0                       ? one_of<T>()
                                                                 : at.sums[k - 1]);
            for (int l = 0; l < lane_count<R>; ++l) {
                if (!stores(lanes_of, l)) continue;
                job.out[pair_index(lanes_of, l) * count + k] = v[l];
                if (pairs.symmetric) mirrored(lanes_of, l)[k] = v[l];
            }
        }
    }

    // ---- the grid ----

    void scatter_grid(const pair_lanes<R>& lanes_of, i64 i, i64 j, const T* values, i64 count) const {
        const i64 line = all_columns() + 1;
        for (int l = 0; l < lane_count<R>; ++l) {
            if (!stores(lanes_of, l)) continue;
            R* to = job.out + pair_index(lanes_of, l) * width() + i * line + j;
            for (i64 m = 0; m < count; ++m) to[m] = result_of(values[m])[l];
        }
    }
    // The kernels along the last row of points, except at its end.
    void top_of_grid(const pair_lanes<R>& lanes_of, const scratch& at, i64 height, i64 j, i64 count) const {
        for (i64 m = 0; m < count; ++m) {
            at.values[m] = value_of_sums(at);
            cell.add_gains(at.A.get() + m * cell.refinement * cell.column_size, 1, at.sums.get());
        }
        scatter_grid(lanes_of, height, j, at.values.get(), count);
    }
    // The kernels along the last column, and the mirror images.
    void sides_of_grid(const pair_lanes<R>& lanes_of, const scratch& at, i64 height, i64 columns) const {
        for (i64 i = 0; i < height; ++i) {
            T* B = at.B.get() + i * cell.refinement * cell.row_size;
            if (columns == 0) cell.begin_rows(B, 1);
            at.values[0] = cell.value_of_row(B);
            scatter_grid(lanes_of, i, columns, at.values.get(), 1);
        }
        at.values[0] = value_of_sums(at);
        scatter_grid(lanes_of, height, columns, at.values.get(), 1);
        for (int l = 0; pairs.symmetric && l < lane_count<R>; ++l) {
            if (!stores(lanes_of, l)) continue;
            const R* from = job.out + pair_index(lanes_of, l) * width();
            R* to = mirrored(lanes_of, l);
            const bool same = from == to;  // a path with itself
            for (i64 a = 0; a <= height; ++a)
                for (i64 b = same ? a + 1 : 0; b <= columns; ++b)
                    to[b * (height + 1) + a] = from[a * (columns + 1) + b];
        }
    }
};

// Whether rows of one pair on the lanes cost less than pairs. Such a row starts W - 1 columns early, and moves its
// edges from lane to lane.
template <class R, class T>
inline bool few_pairs_pay(const signature_kernel_job<R>& job, const cell_kernel<T>& cell) {
    const kernel_pairs<R>& pairs = job.pairs;
    if (job.rows == kernel_rows::grid || (cell.refinement > 1 && needs_points(pairs, job.rule))) return false;
    const bool matrix = !pairs.paired && !pairs.increments;
    const i64 batch = pairs.increments ? pairs.batch : pairs.y.batch, outer = matrix ? pairs.x.batch : 1;
    const i64 M = (pairs.increments ? pairs.steps_x : step_count(pairs.x)) * cell.refinement;
    const i64 N = (pairs.increments ? pairs.steps_y : step_count(pairs.y)) * cell.refinement;
    const double by_pairs = double(outer) * double(ceil_div(batch, lane_count<R>)) * double(M) * double(N);
    const double by_rows = double(outer) * double(batch) * double(ceil_div(M, lane_count<R>)) *
                           (double(N) * cost::kernel_row_share + cost::kernel_row_overhead);
    return by_rows * (pairs.symmetric ? 0.5 : 1) < by_pairs;
}

template <class R, class T, class Unrolled>
inline void compute_pairs(const signature_kernel_job<R>& job, const kernel_directions<R>& along, const executor& exec) {
    with_cell_kernel<R, T, Unrolled>(job.rule, [&](const cell_kernel<T>& cell) {
        if (few_pairs_pay(job, cell)) kernel_of_few_pairs<R, T>(job, along, cell, exec).run();
        else kernel_of_pairs<R, T>(job, along, cell, exec).run();
    });
}

template <class R>
void compute(const signature_kernel_job<R>& job, const executor& exec) {
    compute_pairs<R, lanes<R>, unrolled_values>(job, {nullptr, nullptr, nullptr}, exec);
}

PYSIG_NAMESPACE_END
