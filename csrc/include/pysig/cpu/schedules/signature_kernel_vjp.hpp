// Gradients of signature kernels on the host: the exact adjoint of the scheme.
//
// Cells are not undone, which is unstable, but computed again. The refined cells of a lane group are cut into tiles of
// side x side cells.
//   1. forwards     the edges A below every tile and B to the left of every tile are kept
//   2. backwards    from the last tile to the first: all cells of the tile again, with their edges recorded; then their
//                   adjoints, which give those of z, and these those of increments or points (pair_gram_adjoint.hpp)
// With M x N cells, 2 P M N / side numbers are kept, and (2 P) side^2 are recorded.
//
// Sums over pairs. A work item is a lane group of y-paths with a part of the x-paths. Lane groups are taken a few at a
// time ("round"); the sums of a round are added to those of the paths in a fixed order, which depends on the shape
// alone. In a symmetric matrix the pairs (p, q) and (q, p) are one pair, with the sum of their cotangents.
#pragma once

#include "../kernels/goursat_gradient.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"
#include "pair_gram_adjoint.hpp"

PYSIG_NAMESPACE_BEGIN

struct kernel_vjp_plan {
    i64 side;    // of a tile, a power of 2
    i64 groups;  // of lanes
    i64 parts;   // of the x-paths of a lane group
    i64 round;   // groups of a round
    int workers;
};

template <class R>
class kernel_gradient {
 public:
    using V = lanes<R>;

    kernel_gradient(const signature_kernel_vjp_job<R>& job, const cell_gradient<V>& cell, const executor& outer)
        : job(job),
          pairs(job.value.pairs),
          cell(cell),
          rows(pairs.increments ? pairs.steps_x : step_count(pairs.x)),
          columns(pairs.increments ? pairs.steps_y : step_count(pairs.y)),
          points(needs_points(pairs, job.value.rule)),
          d(pairs.x.channels),
          plan(make_plan(outer)),
          exec(limited_executor(outer, plan.workers)),
          x_row((rows + points) * d),
          y_row((columns + points) * d),
          x_sums(x_count() * x_row),
          y_sums(y_count() * y_row),
          x_slots(plan.round > 1 ? plan.round * x_count() * x_row : 0),
          y_slots(plan.parts > 1 ? plan.round * plan.parts * lane_count<R> * y_row : 0),
          parameters(plan.groups * plan.parts * max_parameters) {}

    void run() {
        for (i64 m = 0; m < x_count() * x_row; ++m) x_sums[m] = R(0);
        for (i64 m = 0; m < y_count() * y_row; ++m) y_sums[m] = R(0);
        for (i64 m = 0; m < plan.groups * plan.parts * max_parameters; ++m) parameters[m] = 0;
        if (job.increments) {
            const i64 size = pairs.batch * rows * columns;
            for (i64 m = 0; m < size; ++m) job.increments[m] = R(0);
        }
        for (i64 first = 0; first < plan.groups; first += plan.round) {
            const i64 some = plan.groups - first < plan.round ? plan.groups - first : plan.round;
            each(some * plan.parts, [&](i64 item, int) { run_item(first, item % some, item / some); });
            if (plan.round > 1 && matrix()) each(x_count(), [&](i64 place, int) { add_slots_of_x(place, some); });
            if (plan.parts > 1) each(some, [&](i64 k, int) { add_slots_of_y(first + k, k); });
        }
        finish_parameters();
        if (job.x.path) each(x_count(), [&](i64 place, int) { finish(pairs.x, job.x, place, true); });
        if (job.y.path) each(y_count(), [&](i64 place, int) { finish(pairs.y, job.y, place, false); });
    }

 private:
    const signature_kernel_vjp_job<R>& job;
    const kernel_pairs<R>& pairs;
    const cell_gradient<V>& cell;
    const i64 rows, columns;
    const bool points;
    const i64 d;
    const kernel_vjp_plan plan;
    const executor exec;
    const i64 x_row, y_row;  // numbers of the adjoints of a path
    buffer<R> x_sums, y_sums, x_slots, y_slots;
    buffer<double> parameters;

    template <class F>
    void each(i64 items, const F& body) {
        parallel_for_cancellable(exec, items, body);
    }

    // ---- sizes ----

    bool matrix() const { return !pairs.paired && !pairs.increments; }
    i64 x_count() const { return pairs.increments ? 0 : pairs.x.batch; }
    i64 y_count() const { return pairs.increments ? 0 : pairs.y.batch; }

    kernel_vjp_plan make_plan(const executor& outer) const {
        kernel_vjp_plan made;
        const i64 batch = pairs.increments ? pairs.batch : pairs.y.batch, outer_paths = matrix() ? pairs.x.batch : 1;
        made.groups = ceil_div(batch, lane_count<R>);
        const double M = double(rows) * cell.refinement, N = double(columns) * cell.refinement;
        const i64 numbers = cell.record_size();
        made.side = cost::min_kernel_tile;
        while (made.side < cost::max_kernel_tile &&
               2 * made.side * made.side * numbers * i64(sizeof(V)) <= cost::kernel_record_bytes)
            made.side *= 2;
        // Larger tiles of long paths keep fewer edges.
        while (double(numbers) * M * N * sizeof(V) / double(made.side) > double(cost::kernel_edge_bytes) &&
               double(made.side) * double(made.side) * double(made.side) < M * N)
            made.side *= 2;
        const i64 most = cost::kernel_slot_bytes / ((columns + 1) * (d + 1) * i64(sizeof(V)));
        made.parts = outer_paths < cost::kernel_items ? outer_paths : cost::kernel_items;
        if (made.parts > most) made.parts = most < 1 ? 1 : most;
        if (made.parts < 1) made.parts = 1;
        made.round = matrix() ? ceil_div(cost::kernel_items, made.parts) : made.groups;
        if (made.round > made.groups) made.round = made.groups;
        if (made.round < 1) made.round = 1;
        made.workers = plan_workers(outer.workers, made.round * made.parts,
                                    double(batch) * double(outer_paths) * M * N * 8 * double(numbers));
        return made;
    }

    // ---- work items ----

    // What a worker needs. B of the strips at left[strip * row_numbers], A of the blocks at below[block *
    // column_numbers]; the last one of each is that of the end.
    struct scratch {
        buffer<V> left, below, A_record, B_record, z, z_bar, A_bar, B_bar, gains;
    };
    i64 refined_rows() const { return rows * cell.refinement; }
    i64 refined_columns() const { return columns * cell.refinement; }
    i64 base_side() const { return plan.side >= cell.refinement ? plan.side / cell.refinement : 1; }

    scratch make_scratch() const {
        const i64 M = refined_rows() + plan.side, N = refined_columns() + plan.side, side = plan.side;
        const i64 tile = base_side() * base_side();
        return {buffer<V>((N / side + 1) * M * cell.row_size),
                buffer<V>((M / side + 1) * N * cell.column_size),
                buffer<V>(side * side * cell.column_size),
                buffer<V>((side * side + 1) * cell.row_size),
                buffer<V>(tile),
                buffer<V>(tile),
                buffer<V>(side * cell.column_size),
                buffer<V>(M * cell.row_size),
                buffer<V>(cell.outputs)};
    }

    void run_item(i64 first_group, i64 k, i64 part) {
        const i64 group = first_group + k;
        pair_lanes<R> lanes_of(pairs, group * lane_count<R>);
        pair_gram_adjoint<R> z_of(pairs, job.value.rule, base_side(), base_side(), job.increments,
                                  job.parameters != nullptr);
        const scratch at = make_scratch();
        z_of.clear_y();
        if (!matrix()) {
            z_of.clear_x();
            z_of.take_lanes(lanes_of);
            run_lanes(lanes_of, z_of, at);
            for (int l = 0; l < lane_count<R>; ++l) {
                if (lanes_of.y[l].path < 0 || pairs.increments) continue;
                copy_lane(x_sums.get() + lanes_of.x[l].place * x_row, z_of.x_sums(), l, x_row);
                copy_lane(y_sums.get() + lanes_of.y[l].place * y_row, z_of.y_sums(), l, y_row);
            }
        } else {
            const i64 each_part = ceil_div(pairs.x.batch, plan.parts), first = part * each_part;
            const i64 last_place = group * lane_count<R> + lane_count<R> - 1;
            i64 end = first + each_part < pairs.x.batch ? first + each_part : pairs.x.batch;
            z_of.take_lanes(lanes_of);
            for (i64 place = first; place < end; ++place) {
                if (exec.cancelled(exec)) return;
                R* to = (plan.round > 1 ? x_slots.get() + k * x_count() * x_row : x_sums.get()) + place * x_row;
                z_of.clear_x();
                if (!pairs.symmetric || place <= last_place) {
                    lanes_of.take_row(pairs.x, place);
                    z_of.take_row(lanes_of);
                    run_lanes(lanes_of, z_of, at);
                }
                add_over_lanes(to, z_of.x_sums(), plan.round > 1);
            }
            for (int l = 0; l < lane_count<R>; ++l) {
                R* to = y_target(lanes_of, k, part, l);
                if (to) copy_lane(to, z_of.y_sums(), l, y_row);
            }
        }
        for (int p = 0; p < max_parameters; ++p)
            for (int l = 0; l < lane_count<R>; ++l)
                parameters[(group * plan.parts + part) * max_parameters + p] += double(z_of.parameters_bar[p][l]);
    }

    R* y_target(const pair_lanes<R>& lanes_of, i64 k, i64 part, int l) const {
        if (plan.parts > 1) return y_slots.get() + ((k * plan.parts + part) * lane_count<R> + l) * y_row;
        return lanes_of.y[l].path < 0 ? nullptr : y_sums.get() + lanes_of.y[l].place * y_row;
    }
    static void copy_lane(R* to, const V* sums, int l, i64 count) {
        for (i64 m = 0; m < count; ++m) to[m] = sums[m][l];
    }
    // Sums over the lanes; sets the target, or adds to it.
    void add_over_lanes(R* to, const V* sums, bool sets) const {
        for (i64 m = 0; m < x_row; ++m) {
            R sum = sums[m][0];
            for (int l = 1; l < lane_count<R>; ++l) sum += sums[m][l];
            to[m] = sets ? sum : to[m] + sum;
        }
    }
    void add_slots_of_x(i64 place, i64 some) const {
        for (i64 k = 0; k < some; ++k) {
            const R* from = x_slots.get() + (k * x_count() + place) * x_row;
            for (i64 m = 0; m < x_row; ++m) x_sums[place * x_row + m] += from[m];
        }
    }
    void add_slots_of_y(i64 group, i64 k) const {
        for (int l = 0; l < lane_count<R>; ++l) {
            const i64 place = group * lane_count<R> + l;
            for (i64 part = 0; place < y_count() && part < plan.parts; ++part) {
                const R* from = y_slots.get() + ((k * plan.parts + part) * lane_count<R> + l) * y_row;
                for (i64 m = 0; m < y_row; ++m) y_sums[place * y_row + m] += from[m];
            }
        }
    }

    // ---- one pair in each lane ----

    R cotangent_of(const pair_lanes<R>& lanes_of, int l, i64 count, i64 number) const {
        const lane_steps& y = lanes_of.y[l];
        if (y.path < 0) return R(0);
        if (!matrix()) return job.cotangent[y.path * count + number];
        const lane_steps& x = lanes_of.x[0];
        const R own = job.cotangent[(x.path * y_count() + y.path) * count + number];
        if (!pairs.symmetric || x.place == y.place) return own;
        return y.place < x.place ? R(0) : own + job.cotangent[(y.path * y_count() + x.path) * count + number];
    }
    void load_cotangents(const pair_lanes<R>& lanes_of, V* gains_bar) const {
        const bool levels = job.value.rows == kernel_rows::levels;
        for (int n = 0; n < cell.outputs; ++n)
            for (int l = 0; l < lane_count<R>; ++l) {
                const R weight = R(job.value.rule.weights ? job.value.rule.weights[n + 1] : 1);
                gains_bar[n][l] = levels ? cotangent_of(lanes_of, l, cell.outputs + 1, n + 1)
                                         : cotangent_of(lanes_of, l, 1, 0) * weight;
            }
    }

    // The tile of refined cells at (i, j) of lanes with M x N refined cells.
    cell_range tile_at(i64 i, i64 M, i64 j, i64 N) const {
        return {i, M - i < plan.side ? M - i : plan.side, j, N - j < plan.side ? N - j : plan.side, base_side()};
    }
    // The cells before refinement that a range [begin, begin + count) touches.
    i64 base_count(i64 begin, i64 count) const {
        return (begin + count - 1) / cell.refinement - begin / cell.refinement + 1;
    }
    void fill(const pair_lanes<R>& lanes_of, pair_gram_adjoint<R>& z_of, const cell_range& tile, V* z) const {
        z_of.fill(lanes_of, tile.row / cell.refinement, base_count(tile.row, tile.height),
                  tile.column / cell.refinement, base_count(tile.column, tile.width), false, z, tile.stride);
    }

    void run_lanes(const pair_lanes<R>& lanes_of, pair_gram_adjoint<R>& z_of, const scratch& at) const {
        const i64 M = lanes_of.rows * cell.refinement, N = lanes_of.columns * cell.refinement;
        if (M == 0 || N == 0) return;
        run_forwards(lanes_of, z_of, at, M, N);
        load_cotangents(lanes_of, at.gains.get());
        for (i64 m = 0; m < M * cell.row_size; ++m) at.B_bar[m] = V{};
        for (i64 j = (N - 1) / plan.side * plan.side; j >= 0; j -= plan.side) {
            if (exec.cancelled(exec)) return;
            const i64 width = tile_at(0, M, j, N).width;
            for (i64 m = 0; m < width * cell.column_size; ++m) at.A_bar[m] = V{};
            cell.add_gain_adjoints(at.gains.get(), width, at.A_bar.get());
            for (i64 i = (M - 1) / plan.side * plan.side; i >= 0; i -= plan.side)
                run_backwards(lanes_of, z_of, at, tile_at(i, M, j, N), M, N);
        }
    }

    V* left_of(const scratch& at, i64 M, i64 i, i64 j) const {
        return at.left.get() + (j / plan.side * M + i) * cell.row_size;
    }
    V* below(const scratch& at, i64 N, i64 i, i64 j) const {
        return at.below.get() + (i / plan.side * N + j) * cell.column_size;
    }

    void run_forwards(const pair_lanes<R>& lanes_of, pair_gram_adjoint<R>& z_of, const scratch& at, i64 M,
                      i64 N) const {
        cell.begin_rows(left_of(at, M, 0, 0), M);
        for (i64 m = 0; m < N * cell.column_size; ++m) below(at, N, 0, 0)[m] = V{};
        for (i64 j = 0; j < N; j += plan.side) {
            if (exec.cancelled(exec)) return;
            for (i64 i = 0; i < M; i += plan.side) {
                const cell_range tile = tile_at(i, M, j, N);
                fill(lanes_of, z_of, tile, at.z.get());
                cell.advance(tile, below(at, N, i, j), left_of(at, M, i, j), at.z.get(), below(at, N, i + plan.side, j),
                             left_of(at, M, i, j + plan.side));
            }
        }
    }

    void run_backwards(const pair_lanes<R>& lanes_of, pair_gram_adjoint<R>& z_of, const scratch& at,
                       const cell_range& tile, i64 M, i64 N) const {
        const V *A = below(at, N, tile.row, tile.column), *B = left_of(at, M, tile.row, tile.column);
        fill(lanes_of, z_of, tile, at.z.get());
        cell.record(tile, A, B, at.z.get(), at.A_record.get(), at.B_record.get());
        cell.retreat(tile, A, at.A_record.get(), at.B_record.get(), at.z.get(), at.A_bar.get(),
                     at.B_bar.get() + tile.row * cell.row_size, at.z_bar.get());
        z_of.add(lanes_of, tile.row / cell.refinement, base_count(tile.row, tile.height), tile.column / cell.refinement,
                 base_count(tile.column, tile.width), at.z.get(), at.z_bar.get(), tile.stride);
    }

    // ---- results ----

    void finish_parameters() const {
        for (int p = 0; job.parameters && p < max_parameters; ++p) {
            double sum = 0;
            for (i64 item = 0; item < plan.groups * plan.parts; ++item) sum += parameters[item * max_parameters + p];
            job.parameters[p] = sum;
        }
    }
    void finish(const path_view<R>& path, const path_cotangents<R>& into, i64 place, bool of_x) const {
        const i64 b = path_at(path, place), own = own_channels(path);
        R* sums = of_x ? x_sums.get() + place * x_row : y_sums.get() + place * y_row;
        for (i64 m = 0; of_x && pairs.symmetric && m < x_row; ++m) sums[m] += y_sums[place * y_row + m];
        R* path_bar = into.path + b * path.length * own;
        R* basepoint_bar = into.basepoint ? into.basepoint + b * own : nullptr;
        if (points) return points_adjoint(path, b, sums, (of_x ? rows : columns) + 1, path_bar, basepoint_bar);
        const i64 all = path.length + (path.basepoint ? 1 : 0);
        increments_adjoint<R>(path, b, sums, nullptr, 0, path_bar, basepoint_bar, 0, all);
    }
};

template <class R>
void compute(const signature_kernel_vjp_job<R>& job, const executor& exec) {
    with_cell_gradient<R>(job.value.rule,
                          [&](const cell_gradient<lanes<R>>& cell) { kernel_gradient<R>(job, cell, exec).run(); });
}

PYSIG_NAMESPACE_END
