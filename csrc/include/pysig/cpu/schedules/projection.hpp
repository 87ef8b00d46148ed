// Selected coefficients and linear functionals of signatures on the host (projections).
//
// The selected words and their prefixes form a tree. Lanes hold paths, or chunks of time if every suffix of a word is
// in the tree too, because Chen's identity S[w] = sum of S_1[u] S_2[v] over the cuts w = u v needs prefixes u and
// suffixes v. Workers take (lane group, part of the tree) items. The kernel is kernels/tree_walk.hpp.
//
// Q is R, or dual<R>, whose derivative is then the output.
#pragma once

#include "../kernels/tree_walk.hpp"
#include "../lanes/buffer.hpp"
#include "segments.hpp"

PYSIG_NAMESPACE_BEGIN

// The plan that forward and backward share: how lanes are filled and the tree is cut.
template <class Q>
class tree_schedule {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;
    static constexpr int width = lane_count<R>;
    static constexpr bool moves = sizeof(Q) != sizeof(R);

    tree_schedule(const projection_job<R>& job, const direction<R>* along)
        : job(job),
          along(along),
          path(job.path),
          tree(job.tree),
          d(path.channels),
          steps(step_count(path)),
          plan(plan_segments<R>(path.batch, steps, tree.depth, tree.nodes, job.stream || !tree.suffix,
                                default_chunk_target<R>(tree.depth))),
          block(plan_block<R>(d, tree.depth, plan.steps)),
          row_size(increment_row_size<R>(block, d)) {
        cut();
    }

    const projection_job<R>& job;
    const direction<R>* along;
    const path_view<R>& path;
    const word_tree& tree;
    const i64 d, steps;
    const segment_plan plan;
    const i64 block, row_size;
    i64 parts = 0, bounds[cost::projection_parts + 1];

    i64 chunks() const { return plan.lanes.chunks; }
    i64 rows() const { return job.stream ? steps : 1; }
    i64 outputs() const { return job.read.outputs; }
    bool continues() const { return job.initial || (along && along->initial); }

    // Multiply-adds of one step.
    double step_cost() const {
        double total = 0;
        for (i64 n = 1; n < tree.nodes; ++n) total += double(1 + tree.height[n]);
        return total;
    }

    // Scratch for increments, in V: rows, and for dual numbers values and tangents on lanes.
    i64 increments_size() const { return row_size + (moves ? 2 * row_size : 0); }

    void fill(const lane_group<R>& group, i64 t, i64 count, V* scratch, T* x) const {
        R* row_memory = reinterpret_cast<R*>(scratch);
        if constexpr (moves) {
            V* values = scratch + row_size;
            fill_block(path, group.slots, t, count, row_memory, row_size, values);
            fill_block(along->path, group.slots, t, count, row_memory, row_size, values + row_size);
            for (i64 m = 0; m < count * d; ++m) x[m] = {values[m], values[row_size + m]};
        } else {
            fill_block(path, group.slots, t, count, row_memory, row_size, x);
        }
    }

    Q initial_at(i64 b, i64 n) const {
        const R value = job.initial ? job.initial[b * tree.nodes + n] : R(0);
        if constexpr (moves) return {value, along->initial ? along->initial[b * tree.nodes + n] : R(0)};
        else return value;
    }

    // The states of nodes [begin, end) before the first step: `initial` in the first chunk, the trivial signature in
    // the others.
    void begin_states(const lane_group<R>& group, i64 begin, i64 end, T* s) const {
        for (i64 n = begin; n < end; ++n) {
            s[n] = T{};
            if (!continues()) continue;
            for (int l = 0; l < width; ++l)
                if (group.slots[l].path >= 0 && group.slots[l].chunk == 0)
                    set_lane<R>(s[n], l, initial_at(group.slots[l].path, n));
        }
        if (begin == 0) s[0] = tree_walk<R, T>::constant(R(1));
    }

    // ---- Chen products of states: one number, or one on each lane, for each node ----

    // f(u, v) for each cut w = u v: prefixes u are ancestors, suffixes v follow from dropping first letters.
    template <class F>
    void each_cut(i64 w, const F& f) const {
        i64 prefixes[max_letters];
        const i64 letters = tree.level[w];
        for (i64 k = letters - 1, u = tree.parent[w]; k >= 1; --k, u = tree.parent[u]) prefixes[k] = u;
        for (i64 k = 1, v = tree.suffix[w]; k < letters; ++k, v = tree.suffix[v]) f(prefixes[k], v);
    }

    // a <- a (x) b in place: from the last word to the first, because prefixes precede their words.
    template <class N>
    void multiply_in_place(N* a, const N* b) const {
        for (i64 w = tree.nodes - 1; w > 0; --w) {
            N sum = a[w] + b[w];
            each_cut(w, [&](i64 u, i64 v) { sum = sum + a[u] * b[v]; });
            a[w] = sum;
        }
    }

    // The adjoint of a -> a (x) b in place: a_bar[u] += a_bar[u v] b[v], from the first word to the last, because only
    // longer words contribute.
    void multiply_adjoint_in_place(Q* a_bar, const Q* b) const {
        for (i64 w = 1; w < tree.nodes; ++w) each_cut(w, [&](i64 u, i64 v) { a_bar[u] = a_bar[u] + a_bar[w] * b[v]; });
    }

 private:
    // Parts of about the same cost, cut between the subtrees of the root.
    void cut() {
        const i64 groups = plan.lanes.groups > 0 ? plan.lanes.groups : 1;
        const i64 target = groups >= cost::projection_parts ? 1 : ceil_div(cost::projection_parts, groups);
        const double total = step_cost();
        double before = 0;
        bounds[0] = 0;
        parts = 1;
        for (i64 n = 1; n < tree.nodes; ++n) {
            if (tree.level[n] == 1 && n > 1 && parts < target && before * double(target) >= total * double(parts) &&
                before > 4.0 * double(d))
                bounds[parts++] = n;
            before += double(1 + tree.height[n]);
        }
        bounds[parts] = tree.nodes;
    }
};

template <class Q>
class projection_tree {
 public:
    using schedule = tree_schedule<Q>;
    using R = typename schedule::R;
    using T = typename schedule::T;
    using V = typename schedule::V;
    static constexpr int width = schedule::width;

    projection_tree(const projection_job<R>& job, const direction<R>* along, const executor& outer)
        : p(job, along),
          exec(limited(outer)),
          chains_size(tree_walk<R, T>::chain_size(p.tree, p.block, false)),
          scratch(exec.workers * scratch_size()),
          kept(kept_size()),
          sums(p.parts > 1 && p.chunks() == 1 ? (p.parts - 1) * out_size() : 0) {}

    void run() {
        keep_freed_memory(2 * (exec.workers * scratch_size() + kept_size()) * i64(sizeof(T)) +
                          2 * p.parts * out_size() * i64(sizeof(R)));
        parallel_for_cancellable(exec, p.plan.lanes.groups * p.parts,
                                 [this](i64 item, int worker) { run_item(item, worker); });
        if (p.chunks() > 1) {
            parallel_for_cancellable(exec, p.plan.lanes.groups, [this](i64 item, int) { join_lanes(item); });
            parallel_for_cancellable(exec, p.path.batch, [this](i64 item, int) { join(item); });
        }
        for (i64 part = 1; p.chunks() == 1 && part < p.parts; ++part)
            for (i64 m = 0; m < out_size(); ++m) p.job.out[m] += sums[(part - 1) * out_size() + m];
    }

 private:
    schedule p;
    const executor exec;
    const i64 chains_size;
    buffer<T> scratch;
    buffer<T> kept;  // of every lane group, the states at the ends of its chunks
    buffer<R> sums;  // what all parts but the first add to the output

    executor limited(const executor& outer) const {
        return limited_executor(outer, plan_workers(outer.workers, p.plan.lanes.groups * p.parts,
                                                    double(p.path.batch) * double(p.steps) * p.step_cost()));
    }
    i64 kept_size() const { return p.chunks() > 1 ? p.plan.lanes.groups * p.tree.nodes : 0; }
    i64 out_size() const { return p.path.batch * p.rows() * p.outputs(); }
    i64 scratch_size() const { return p.row_size + chains_size + p.tree.nodes + p.increments_size(); }

    void run_item(i64 item, int worker) {
        const lane_group<R> group(p.path, p.plan.lanes, item / p.parts);
        const i64 part = item % p.parts, begin = p.bounds[part], end = p.bounds[part + 1];
        T* x = scratch.get() + worker * scratch_size();
        T* chains = x + p.row_size;
        T* s = chains + chains_size;
        V* spare = reinterpret_cast<V*>(s + p.tree.nodes);
        tree_walk<R, T> walk(p.tree, p.d, p.block, chains, false);
        p.begin_states(group, begin, end, s);
        R* target = part == 0 ? p.job.out : sums.get() + (part - 1) * out_size();
        const i64 longest = p.job.stream ? p.steps : group.longest;
        for (i64 t = 0; t < longest; t += p.block) {
            if (exec.cancelled(exec)) return;
            const i64 count = longest - t < p.block ? longest - t : p.block;
            p.fill(group, t, count, spare, x);
            if (!p.job.stream) {
                walk.advance_block(x, count, s, begin, end, true);
                continue;
            }
            for (i64 step = 0; step < count; ++step) {
                walk.advance_block(x + step * p.d, 1, s, begin, end, true);
                emit(group, begin, end, s, target, t + step);
            }
        }
        if (p.chunks() > 1)
            for (i64 n = begin; n < end; ++n) kept[group.index * p.tree.nodes + n] = s[n];
        else if (!p.job.stream) emit(group, begin, end, s, target, 0);
    }

    // One row of outputs of every lane, of the nodes [begin, end).
    void emit(const lane_group<R>& group, i64 begin, i64 end, const T* s, R* target, i64 row) const {
        R* rows_of[width];
        for (int l = 0; l < width; ++l)
            rows_of[l] =
                group.slots[l].path < 0 ? nullptr : target + (group.slots[l].path * p.rows() + row) * p.outputs();
        const readout<R>& read = p.job.read;
        V values[width];
        for (i64 k = 0; k < read.outputs; k += width) {
            const i64 count = read.outputs - k < width ? read.outputs - k : width;
            for (i64 j = 0; j < count; ++j) {
                V sum{};
                for (i64 e = read.begin[k + j]; e < read.begin[k + j + 1]; ++e)
                    if (read.node[e] >= begin && read.node[e] < end) sum += read.weight[e] * result_of(s[read.node[e]]);
                values[j] = sum;
            }
            scatter_lanes(rows_of, k, values, count);
        }
    }

    // Chunks of a path that lie side by side in the lanes of one group.
    i64 together() const { return p.chunks() < width ? p.chunks() : width; }

    void join_lanes(i64 group) {
        const buffer<T> later(p.tree.nodes);
        join_strides<1>(kept.get() + group * p.tree.nodes, later.get());
    }
    template <int stride>
    void join_strides(T* states, T* later) const {
        if constexpr (stride < width) {
            if (stride >= together()) return;
            for (i64 n = 0; n < p.tree.nodes; ++n) later[n] = moved<stride>(states[n]);
            p.multiply_in_place(states, later);
            join_strides<2 * stride>(states, later);
        }
    }
    template <int stride>
    static V moved(const V& v) {
        return rotated_lanes<stride>(v, typename count_up<width>::type{});
    }
    template <int stride>
    static dual<V> moved(const dual<V>& v) {
        return {moved<stride>(v.value), moved<stride>(v.tangent)};
    }

    // The groups of a path one after the other, if it has more chunks than there are lanes.
    void join(i64 place) {
        const i64 nodes = p.tree.nodes, first = place * p.chunks(), b = p.path.order ? p.path.order[place] : place;
        const auto state = [&](i64 slot, i64 n) {
            return lane_of<R>(kept[slot / width * nodes + n], int(slot % width));
        };
        const bool more = p.chunks() > together();
        const buffer<Q> all(more ? nodes : 0), next(more ? nodes : 0);
        for (i64 n = 0; more && n < nodes; ++n) all[n] = state(first, n);
        for (i64 slot = first + together(); slot < first + p.chunks(); slot += together()) {
            for (i64 n = 0; n < nodes; ++n) next[n] = state(slot, n);
            p.multiply_in_place(all.get(), next.get());
        }
        const readout<R>& read = p.job.read;
        R* out = p.job.out + b * read.outputs;
        for (i64 k = 0; k < read.outputs; ++k) {
            R sum = R(0);
            for (i64 e = read.begin[k]; e < read.begin[k + 1]; ++e)
                sum += read.weight[e] * result_of(more ? all[read.node[e]] : state(first, read.node[e]));
            out[k] = sum;
        }
    }
};

template <class R>
void compute(const projection_job<R>& job, const executor& exec) {
    if (job.path.batch > 0) projection_tree<R>(job, nullptr, exec).run();
}

template <class R>
void compute(const projection_jvp_job<R>& job, const executor& exec) {
    if (job.value.path.batch > 0) projection_tree<dual<R>>(job.value, &job.tangent, exec).run();
}

PYSIG_NAMESPACE_END
