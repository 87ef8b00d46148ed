// How derivatives cut time, and the states that they store.
//
// Notation: n steps of a path; chunk c, the steps of one lane (lane_groups.hpp); S_t the signature of the steps of a
// chunk before step t, started from the trivial signature (from `initial` in chunk 0).
//
// A chunk is cut into *segments* of at most `steps` steps, and S is stored at the end of every segment. The backward
// kernels reconstruct the states inside a segment from the state at its end, S_t = S_(t+1) (x) exp(-x_t). The length of
// a segment bounds the accumulated rounding of this reconstruction, whatever the length of the path.
//
// Everything is written for a number Q: R, or dual<R> for derivatives in a direction (lanes/numbers.hpp).
#pragma once

#include "../jobs/signature_vjp.hpp"
#include "../kernels/chen.hpp"
#include "../kernels/tile_tangent.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "../lanes/numbers.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"
#include "lane_groups.hpp"

PYSIG_NAMESPACE_BEGIN

// The arguments of the differentiated function as numbers Q: increments, for the forward and the backward kernels, and
// `initial`.
//
// Plain increments are transposed to lanes once, by prepare(): the forward and the backward pass of every tile read
// them.
template <class Q>
struct increment_source {
    const path_view<Q>& path;
    const Q* initial;
    static constexpr i64 width = 1;  // vectors for each increment of a lane

    increment_source(const path_view<Q>& path, const Q* initial, const direction<Q>*, const lane_plan& plan)
        : path(path),
          initial(initial),
          plan(plan),
          group_size((plan.chunk_steps * path.channels + 2 * lane_count<Q>) / lane_count<Q> * lane_count<Q>),
          increments(plan.groups * group_size) {}

    void prepare(const executor& exec) {
        parallel_for(exec, plan.groups, [this](i64 group, int) { fill_group(group); });
    }
    // The increments of steps [t, t + count) of a group. The other arguments are scratch, unused here.
    const lanes<Q>* fill(const lane_group<Q>& group, i64 t, i64, Q*, i64, lanes<Q>*, lanes<Q>*) const {
        return increments.get() + group.index * group_size + t * path.channels;
    }
    const lanes<Q>* fill_backward(const lane_group<Q>& group, i64 t, i64 count, Q* rows, i64 row_size, lanes<Q>* spare,
                                  lanes<Q>* x) const {
        return fill(group, t, count, rows, row_size, spare, x);
    }
    bool continues() const { return initial; }
    Q initial_at(i64 index) const { return initial[index]; }

 private:
    const lane_plan plan;
    const i64 group_size;
    buffer<lanes<Q>> increments;

    void fill_group(i64 index) const {
        constexpr int width_of = lane_count<Q>;
        const lane_group<Q> group(path, plan, index);
        const i64 d = path.channels, some = ceil_div(64, d) * width_of;  // whole vectors
        const i64 row_size = pad_to_lanes<Q>(some * d) + width_of;
        buffer<Q> rows(width_of * row_size);
        lanes<Q>* x = increments.get() + index * group_size;
        for (i64 t = 0; t < plan.chunk_steps; t += some)
            fill_block(path, group.slots, t, plan.chunk_steps - t < some ? plan.chunk_steps - t : some, rows.get(),
                       row_size, x + t * d);
    }
};

template <class R>
struct increment_source<dual<R>> {
    const path_view<R>& path;
    const R* initial;
    const direction<R>* along;
    static constexpr i64 width = 2;

    increment_source(const path_view<R>& path, const R* initial, const direction<R>* along, const lane_plan&)
        : path(path), initial(initial), along(along) {}

    void prepare(const executor&) {}
    // (count, 2, channels); `spare` holds as much again.
    const lanes<R>* fill(const lane_group<R>& group, i64 t, i64 count, R* rows, i64 row_size, lanes<R>* spare,
                         lanes<R>* x) const {
        const i64 d = path.channels;
        fill_both(group.slots, t, count, rows, row_size, spare);
        for (i64 s = 0; s < count; ++s)
            for (i64 c = 0; c < d; ++c) {
                x[2 * s * d + c] = spare[s * d + c];
                x[(2 * s + 1) * d + c] = spare[row_size + s * d + c];
            }
        return x;
    }
    const dual<lanes<R>>* fill_backward(const lane_group<R>& group, i64 t, i64 count, R* rows, i64 row_size,
                                        lanes<R>* spare, dual<lanes<R>>* x) const {
        fill_both(group.slots, t, count, rows, row_size, spare);
        for (i64 m = 0; m < count * path.channels; ++m) x[m] = {spare[m], spare[row_size + m]};
        return x;
    }
    bool continues() const { return initial || along->initial; }
    dual<R> initial_at(i64 index) const {
        return {initial ? initial[index] : R(0), along->initial ? along->initial[index] : R(0)};
    }

 private:
    void fill_both(const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size, lanes<R>* spare) const {
        fill_block(path, slots, t, count, rows, row_size, spare);
        fill_block(along->path, slots, t, count, rows, row_size, spare + row_size);
    }
};

// Sizes, in vectors, of the scratch of a worker for increments.
template <class R>
struct increment_scratch {
    i64 row_size;  // of the increments of one lane
    i64 rows;      // of the rows of all lanes
    i64 size;      // of rows, increments and spare increments together

    increment_scratch(i64 block, i64 d, i64 width)
        : row_size(increment_row_size<R>(block, d)), rows(row_size), size(rows + 2 * width * row_size) {}
};

// The first chunk of a path continues `initial`; all others begin with the trivial signature.
template <class Q, class W>
inline void begin_states(W& w, const word_tile& tile, const lane_steps* slots, const increment_source<Q>& source, i64 d,
                         int levels, i64 size) {
    using T = typename number<Q>::vector;
    for (int k = 1; k <= levels; ++k) {
        const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
        T* state = w.state(k);
        for (i64 word = 0; word < words; ++word) state[word] = T{};
        if (!source.continues()) continue;
        for (int l = 0; l < lane_count<typename number<Q>::real>; ++l)
            if (slots[l].path >= 0 && slots[l].chunk == 0)
                for (i64 word = 0; word < words; ++word)
                    set_lane<typename number<Q>::real>(state[word], l,
                                                       source.initial_at(slots[l].path * size + offset + word));
    }
}

// The forward kernel that yields `levels` levels of states as numbers Q, and the depth that it needs for that: of the
// top level, the tangent kernel has derivatives only.
template <class Q>
struct state_tile : tile_forward<Q> {
    using tile_forward<Q>::tile_forward;
    static int depth_for(int levels) { return levels; }
};
template <class R>
struct state_tile<dual<R>> : tile_tangent<R> {
    using tile_tangent<R>::tile_tangent;
    static int depth_for(int levels) { return levels + 1; }
};

// The states at the ends of all segments, up to level `levels`.
template <class Q>
class segment_states {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;
    using W = state_tile<Q>;

    // `size`: the width of the rows of `initial`.
    segment_states(const increment_source<Q>& source, int levels, i64 size, const segment_plan& plan,
                   const executor& exec)
        : source(source),
          exec(exec),
          plan(plan),
          d(source.path.channels),
          levels(levels),
          kernel_depth(W::depth_for(levels)),
          width(signature_size(d, levels)),
          size(size),
          tiles(plan_tiles<R>(d, kernel_depth > 0 ? kernel_depth : 1, plan.lanes.groups, items_for(exec.workers))),
          block(plan_block<R>(d, kernel_depth > 0 ? kernel_depth : 1, plan.steps)),
          increments(block, d, increment_source<Q>::width),
          chains_size(W::chain_size(kernel_depth, block)),
          states_size(W::state_size(tiles.tile(0, d), d, kernel_depth)),
          scratch(exec.workers * scratch_size()),
          rows(source.path.batch * plan.lanes.chunks * plan.segments * width) {}

    void run() {
        if (levels == 0) return;
        parallel_for(exec, plan.lanes.groups * tiles.count, [this](i64 item, int worker) { run_item(item, worker); });
    }

    Q* row(i64 place, i64 chunk, i64 segment) const {
        return rows.get() + ((place * plan.lanes.chunks + chunk) * plan.segments + segment) * width;
    }

 private:
    const increment_source<Q>& source;
    const executor& exec;
    const segment_plan plan;
    const i64 d;
    const int levels, kernel_depth;
    const i64 width, size;
    const tile_plan tiles;
    const i64 block;
    const increment_scratch<R> increments;
    const i64 chains_size, states_size;
    buffer<V> scratch;
    buffer<Q> rows;

    i64 scratch_size() const { return increments.size + chains_size + states_size; }

    void run_item(i64 item, int worker) {
        const lane_group<R> group(source.path, plan.lanes, item / tiles.count);
        const word_tile tile = tiles.tile(item % tiles.count, d);
        V* memory = scratch.get() + worker * scratch_size();
        R* row_memory = reinterpret_cast<R*>(memory);
        V* x = memory + increments.rows;
        V* spare = x + increment_source<Q>::width * increments.row_size;
        W w(d, kernel_depth, block, memory + increments.size, memory + increments.size + chains_size);
        w.open(tile);
        begin_states<Q>(w, tile, group.slots, source, d, levels, size);
        clear_top(w, tile);
        for (i64 segment = 0; segment < plan.segments; ++segment) {
            const i64 begin = segment * plan.steps,
                      end = begin + plan.steps < group.longest ? begin + plan.steps : group.longest;
            for (i64 t = begin; t < end; t += block) {
                if (exec.cancelled(exec)) return;
                const i64 count = end - t < block ? end - t : block;
                w.advance_block(source.fill(group, t, count, row_memory, increments.row_size, spare, x), count);
            }
            scatter(w, tile, group.slots, segment);
        }
    }

    void clear_top(W& w, const word_tile& tile) const {
        if constexpr (increment_source<Q>::width == 2)
            std::memset(static_cast<void*>(w.top_tangent()), 0,
                        std::size_t(tile_words(tile, d, kernel_depth)) * sizeof(V));
    }

    void scatter(const W& w, const word_tile& tile, const lane_steps* slots, i64 segment) const {
        Q* targets[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l)
            targets[l] = slots[l].path < 0 ? nullptr : row(slots[l].place, slots[l].chunk, segment);
        for (int k = 1; k <= levels; ++k)
            if (tile_writes(tile, d, k))
                scatter_lanes(targets, level_offset(d, k) + tile_begin(tile, d, k), w.state(k), tile_words(tile, d, k));
    }
};

PYSIG_NAMESPACE_END
