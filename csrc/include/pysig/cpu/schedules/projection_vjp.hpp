// Gradients of projections on the host, and (with dual numbers) their derivatives in a direction: the schedule of
// signature_vjp.hpp for a tree of words.
//
//   1. states    S at the end of every segment, for the words with words below them; for all words if C > 1 chunks
//   2. link      if C > 1: states continued from the earlier chunks, adjoints from the later ones
//   3. backward  (lane group, part of the tree) items run backwards along their chunk (kernels/tree_walk.hpp)
//   4. finish    increment adjoints, summed over the parts in a fixed order, become point adjoints
#pragma once

#include "projection.hpp"

PYSIG_NAMESPACE_BEGIN

template <class Q>
class projection_vjp_tree {
 public:
    using schedule = tree_schedule<Q>;
    using R = typename schedule::R;
    using T = typename schedule::T;
    using V = typename schedule::V;
    static constexpr int width = schedule::width;

    projection_vjp_tree(const projection_vjp_job<R>& job, const executor& outer)
        : job(job),
          p(job.value, job.along),
          nodes(p.tree.nodes),
          linked(p.chunks() > 1),
          block(job.value.stream ? 1 : p.block),
          exec(limited(outer)),
          chains_size(tree_walk<R, T>::chain_size(p.tree, p.block, true)),
          scratch(exec.workers * scratch_size()),
          states(p.path.batch * p.chunks() * p.plan.segments * nodes),
          adjoints(linked ? p.path.batch * p.chunks() * nodes : 0),
          increments_bar(p.parts * p.path.batch * p.steps * p.d) {}

    void run() {
        parallel_for_cancellable(exec, p.plan.lanes.groups * p.parts,
                                 [this](i64 item, int worker) { advance_item(item, worker); });
        if (linked) parallel_for_cancellable(exec, p.path.batch, [this](i64 item, int) { link(item); });
        parallel_for_cancellable(exec, p.plan.lanes.groups * p.parts,
                                 [this](i64 item, int worker) { retreat_item(item, worker); });
        parallel_for_cancellable(exec, p.path.batch, [this](i64 item, int) { finish(item); });
    }

 private:
    const projection_vjp_job<R>& job;
    const schedule p;
    const i64 nodes;
    const bool linked;
    const i64 block;
    const executor exec;
    const i64 chains_size;
    buffer<T> scratch;
    buffer<Q> states, adjoints;
    buffer<R> increments_bar;

    executor limited(const executor& outer) const {
        return limited_executor(outer, plan_workers(outer.workers, p.plan.lanes.groups * p.parts,
                                                    3 * double(p.path.batch) * double(p.steps) * p.step_cost()));
    }

    // ---- the scratch of a worker ----

    i64 scratch_size() const { return 2 * p.row_size + chains_size + 2 * nodes + p.increments_size(); }
    struct memory {
        T *x, *x_bar, *chains, *s, *s_bar;
        V* spare;
    };
    memory memory_of(int worker) const {
        T* x = scratch.get() + worker * scratch_size();
        T* chains = x + 2 * p.row_size;
        T* s = chains + chains_size;
        return {x, x + p.row_size, chains, s, s + nodes, reinterpret_cast<V*>(s + 2 * nodes)};
    }

    Q* states_row(i64 b, i64 chunk, i64 segment) const {
        return states.get() + ((b * p.chunks() + chunk) * p.plan.segments + segment) * nodes;
    }
    Q* adjoints_row(i64 b, i64 chunk) const { return adjoints.get() + (b * p.chunks() + chunk) * nodes; }
    const R* cotangent(i64 b, i64 row) const { return job.cotangent + (b * p.rows() + row) * p.outputs(); }
    void rows_at(const lane_group<R>& group, i64 segment, Q** rows_of) const {
        for (int l = 0; l < width; ++l) {
            const lane_steps& at = group.slots[l];
            rows_of[l] = at.path < 0 ? nullptr : states_row(at.path, at.chunk, segment);
        }
    }

    // ---- states at the ends of segments ----

    void advance_item(i64 item, int worker) {
        const lane_group<R> group(p.path, p.plan.lanes, item / p.parts);
        const i64 part = item % p.parts, begin = p.bounds[part], end = p.bounds[part + 1];
        const memory at = memory_of(worker);
        tree_walk<R, T> walk(p.tree, p.d, p.block, at.chains, false);
        p.begin_states(group, begin, end, at.s);
        for (i64 segment = 0; segment < p.plan.segments; ++segment) {
            const i64 from = segment * p.plan.steps,
                      to = from + p.plan.steps < group.longest ? from + p.plan.steps : group.longest;
            for (i64 t = from; t < to; t += p.block) {
                if (exec.cancelled(exec)) return;
                const i64 count = to - t < p.block ? to - t : p.block;
                p.fill(group, t, count, at.spare, at.x);
                walk.advance_block(at.x, count, at.s, begin, end, linked);
            }
            Q* rows_of[width];
            rows_at(group, segment, rows_of);
            scatter_lanes(rows_of, begin, at.s + begin, end - begin);
        }
    }

    // ---- chunks of time ----

    void link(i64 b) {
        const i64 chunks = p.chunks(), last = p.plan.segments - 1;
        Q* bar = adjoints_row(b, chunks - 1);
        for (i64 n = 0; n < nodes; ++n) bar[n] = Q{};
        const readout<R>& read = p.job.read;
        for (i64 k = 0; k < read.outputs; ++k)
            for (i64 e = read.begin[k]; e < read.begin[k + 1]; ++e)
                add_value(bar[read.node[e]], read.weight[e] * cotangent(b, 0)[k]);
        for (i64 chunk = chunks - 1; chunk > 0; --chunk) {
            std::memcpy(static_cast<void*>(adjoints_row(b, chunk - 1)), adjoints_row(b, chunk),
                        std::size_t(nodes) * sizeof(Q));
            p.multiply_adjoint_in_place(adjoints_row(b, chunk - 1), states_row(b, chunk, last));
        }
        buffer<Q> product(nodes);
        for (i64 chunk = 1; chunk < chunks; ++chunk)
            for (i64 segment = 0; segment < p.plan.segments; ++segment) {
                std::memcpy(static_cast<void*>(product.get()), states_row(b, chunk - 1, last),
                            std::size_t(nodes) * sizeof(Q));
                p.multiply_in_place(product.get(), states_row(b, chunk, segment));
                std::memcpy(static_cast<void*>(states_row(b, chunk, segment)), product.get(),
                            std::size_t(nodes) * sizeof(Q));
            }
    }

    // ---- backwards ----

    void retreat_item(i64 item, int worker) {
        const lane_group<R> group(p.path, p.plan.lanes, item / p.parts);
        const i64 part = item % p.parts, begin = p.bounds[part], end = p.bounds[part + 1];
        const memory at = memory_of(worker);
        tree_walk<R, T> walk(p.tree, p.d, p.block, at.chains, true);
        begin_adjoints(group, begin, end, at.s_bar);
        const i64 longest = job.value.stream ? p.steps : group.longest;
        for (i64 segment = ceil_div(longest, p.plan.steps) - 1; segment >= 0; --segment) {
            const i64 from = segment * p.plan.steps, to = from + p.plan.steps < longest ? from + p.plan.steps : longest;
            Q* rows_of[width];
            rows_at(group, segment, rows_of);
            gather_lanes(at.s + begin, const_cast<const Q* const*>(rows_of), begin, end - begin);
            for (i64 t = from + (to - from - 1) / block * block; t >= from; t -= block) {
                if (exec.cancelled(exec)) return;
                const i64 count = to - t < block ? to - t : block;
                if (job.value.stream) add_cotangents(group, begin, end, t, at.s_bar);
                p.fill(group, t, count, at.spare, at.x);
                for (i64 m = 0; m < count * p.d; ++m) at.x_bar[m] = T{};
                walk.retreat_block(at.x, at.x_bar, count, at.s, at.s_bar, begin, end);
                scatter(group, part, t, count, at.x_bar, at.spare);
            }
        }
        if (job.into.initial) write_initial(group, begin, end, at.s_bar);
    }

    void begin_adjoints(const lane_group<R>& group, i64 begin, i64 end, T* s_bar) const {
        if (linked) {
            const Q* rows_of[width];
            for (int l = 0; l < width; ++l)
                rows_of[l] =
                    group.slots[l].path < 0 ? nullptr : adjoints_row(group.slots[l].path, group.slots[l].chunk);
            return gather_lanes(s_bar + begin, rows_of, begin, end - begin);
        }
        for (i64 n = begin; n < end; ++n) s_bar[n] = T{};
        if (!job.value.stream) add_cotangents(group, begin, end, 0, s_bar);
    }

    // The cotangents of one row of outputs join the adjoints of the nodes [begin, end).
    void add_cotangents(const lane_group<R>& group, i64 begin, i64 end, i64 row, T* s_bar) const {
        const R* rows_of[width];
        for (int l = 0; l < width; ++l)
            rows_of[l] = group.slots[l].path < 0 || p.rows() == 0 ? nullptr : cotangent(group.slots[l].path, row);
        const readout<R>& read = p.job.read;
        V values[width];
        for (i64 k = 0; k < read.outputs; k += width) {
            const i64 count = read.outputs - k < width ? read.outputs - k : width;
            gather_lanes(values, rows_of, k, count);
            for (i64 j = 0; j < count; ++j)
                for (i64 e = read.begin[k + j]; e < read.begin[k + j + 1]; ++e)
                    if (read.node[e] >= begin && read.node[e] < end)
                        add_value(s_bar[read.node[e]], read.weight[e] * values[j]);
        }
    }

    // Steps after the end of a path belong to no point and are dropped.
    void scatter(const lane_group<R>& group, i64 part, i64 t, i64 count, const T* x_bar, V* spare) const {
        R* rows = reinterpret_cast<R*>(spare);
        for (i64 m = 0; m < count * p.d; m += width) {
            V some[width];
            for (int l = 0; l < width; ++l) some[l] = m + l < count * p.d ? result_of(x_bar[m + l]) : V{};
            transpose<R>(some);
            for (int l = 0; l < width; ++l) store_lanes(rows + l * p.row_size + m, some[l]);
        }
        for (int l = 0; l < width; ++l) {
            const lane_steps& at = group.slots[l];
            const i64 valid = at.end - at.begin - t < count ? at.end - at.begin - t : count;
            if (at.path < 0 || valid <= 0) continue;
            R* row = increments_row(part, at.path) + (at.begin + t) * p.d;
            std::memcpy(row, rows + l * p.row_size, std::size_t(valid * p.d) * sizeof(R));
        }
    }
    R* increments_row(i64 part, i64 b) const {
        return increments_bar.get() + (part * p.path.batch + b) * p.steps * p.d;
    }

    void write_initial(const lane_group<R>& group, i64 begin, i64 end, const T* s_bar) const {
        for (int l = 0; l < width; ++l) {
            const lane_steps& at = group.slots[l];
            if (at.path < 0 || at.chunk > 0) continue;
            for (i64 n = begin; n < end; ++n) job.into.initial[at.path * nodes + n] = result_of(s_bar[n])[l];
        }
    }

    void finish(i64 b) {
        const i64 own = step_count(p.path, b) * p.d;
        R* sum = increments_row(0, b);
        for (i64 part = 1; part < p.parts; ++part)
            for (i64 m = 0; m < own; ++m) sum[m] += increments_row(part, b)[m];
        increments_adjoint<R>(p.path, b, sum, nullptr, 0,
                              job.into.path + place_of_points(p.path, b) * own_channels(p.path),
                              job.into.basepoint ? job.into.basepoint + b * own_channels(p.path) : nullptr, 0,
                              point_count(p.path, b) + (p.path.basepoint ? 1 : 0));
    }
};

template <class R>
void compute(const projection_vjp_job<R>& job, const executor& exec) {
    if (job.value.path.batch == 0) return;
    if (job.along) projection_vjp_tree<dual<R>>(job, exec).run();
    else projection_vjp_tree<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
