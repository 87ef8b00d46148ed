// How derivatives cut time. A lane holds a *chunk* of a path, as on the way forward (schedule.hpp); a chunk is cut
// into *segments*, and the state at the end of every segment is kept. The reverse walk rebuilds the states inside a
// segment from the one at its end, so the length of a segment bounds what rounding can do to them, however long the
// path.
//
// Everything is written for a number Q: R, or dual<R>, which carries the derivative in a direction along.
#pragma once

#include "../jobs/signature_vjp.hpp"
#include "../kernels/chen.hpp"
#include "../kernels/tile_tangent.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

struct segment_plan {
    lane_plan lanes;
    i64 steps, segments;  // the most steps of a segment; the segments of a chunk

    static i64 count(i64 chunk_steps) {
        return chunk_steps > 0 ? (chunk_steps + cost::segment_steps - 1) / cost::segment_steps : 1;
    }
};

template <class R>
inline segment_plan plan_segments(i64 batch, i64 steps, int depth, i64 size, bool stream, chunk_wish wish) {
    const lane_plan lanes = stream ? plan_chunks<R>(batch, steps, 1) : plan_lanes<R>(batch, steps, depth, size, wish);
    const i64 segments = segment_plan::count(lanes.chunk_steps), even = (lanes.chunk_steps + segments - 1) / segments;
    return {lanes, even > 0 ? even : 1, segments};
}

// The steps of a chunk, of a path of `own` steps.
struct chunk_range {
    i64 begin, end;
};
inline chunk_range chunk_of(const lane_plan& plan, i64 chunk, i64 own) {
    const i64 each = (own + plan.chunks - 1) / plan.chunks, begin = chunk * each < own ? chunk * each : own;
    return {begin, begin + each < own ? begin + each : own};
}

// The lanes of a group, and the steps of the longest of them.
template <class R>
struct lane_group {
    lane_steps slots[lane_count<R>];
    i64 index, longest = 0;

    lane_group(const path_view<R>& path, const lane_plan& plan, i64 group) : index(group) {
        for (int l = 0; l < lane_count<R>; ++l) {
            slots[l] = at(path, plan, group * lane_count<R> + l);
            if (slots[l].end - slots[l].begin > longest) longest = slots[l].end - slots[l].begin;
        }
    }

 private:
    static lane_steps at(const path_view<R>& path, const lane_plan& plan, i64 slot) {
        if (slot >= path.batch * plan.chunks) return {-1, 0, 0, 0, 0};
        const i64 chunk = slot % plan.chunks, place = slot / plan.chunks, b = path_at(path, place);
        const chunk_range range = chunk_of(plan, chunk, step_count(path, b));
        return {b, chunk, range.begin, range.end, place};
    }
};

// ---- numbers, alone and on lanes ----

template <class Q>
struct number {
    using real = Q;
    using vector = lanes<Q>;
};
template <class R>
struct number<dual<R>> {
    using real = R;
    using vector = dual<lanes<R>>;
};

template <class R>
inline void set_lane(lanes<R>& v, int l, R value) {
    v[l] = value;
}
template <class R>
inline void set_lane(dual<lanes<R>>& v, int l, dual<R> value) {
    v.value[l] = value.value;
    v.tangent[l] = value.tangent;
}

template <class R>
inline R lane_of(const lanes<R>& v, int l) {
    return v[l];
}
template <class R>
inline dual<R> lane_of(const dual<lanes<R>>& v, int l) {
    return {v.value[l], v.tangent[l]};
}

// The part that is asked for: the value itself, or its derivative.
template <class R>
inline R wanted(R value) {
    return value;
}
template <class R>
inline R wanted(dual<R> value) {
    return value.tangent;
}
template <class R>
inline lanes<R> wanted_lanes(const lanes<R>& v) {
    return v;
}
template <class R>
inline lanes<R> wanted_lanes(const dual<lanes<R>>& v) {
    return v.tangent;
}

template <class R>
inline void gather_lanes(dual<lanes<R>>* target, const dual<R>* const* rows, i64 offset, i64 count) {
    for (i64 m = 0; m < count; ++m)
        for (int l = 0; l < lane_count<R>; ++l) set_lane<R>(target[m], l, rows[l] ? rows[l][offset + m] : dual<R>{});
}
template <class R>
inline void drain_lanes(dual<R>* const* rows, i64 offset, const dual<lanes<R>>* source, i64 count) {
    for (i64 m = 0; m < count; ++m)
        for (int l = 0; l < lane_count<R>; ++l)
            if (rows[l]) rows[l][offset + m] = {source[m].value[l], source[m].tangent[l]};
}

// What is differentiated, as numbers Q: the increments for a walk and for a reverse walk, and the signature to continue
// from.
//
// Plain increments are read by both walks and by every tile of words: they are put on lanes once, for all groups,
// before.
template <class Q>
struct source {
    const path_view<Q>& path;
    const Q* initial;
    static constexpr i64 width = 1;  // vectors for each increment of a lane

    source(const path_view<Q>& path, const Q* initial, const direction<Q>*, const lane_plan& plan)
        : path(path),
          initial(initial),
          plan(plan),
          group_size((plan.chunk_steps * path.channels + 2 * lane_count<Q>) / lane_count<Q> * lane_count<Q>),
          increments(plan.groups * group_size) {}

    void prepare(const executor& exec) {
        exec.run(
            exec, plan.groups, [](void* self, i64 group, int) { static_cast<source*>(self)->put_on_lanes(group); },
            this);
    }
    // The increments of steps [t, t + count) of a group; `x` and the scratch before it need not be used.
    const lanes<Q>* fill(const lane_group<Q>& group, i64 t, i64, Q*, i64, lanes<Q>*, lanes<Q>*) const {
        return increments.get() + group.index * group_size + t * path.channels;
    }
    const lanes<Q>* fill_reverse(const lane_group<Q>& group, i64 t, i64 count, Q* rows, i64 row_size, lanes<Q>* spare,
                                 lanes<Q>* x) const {
        return fill(group, t, count, rows, row_size, spare, x);
    }
    bool continues() const { return initial; }
    Q initial_at(i64 index) const { return initial[index]; }

 private:
    const lane_plan plan;
    const i64 group_size;
    buffer<lanes<Q>> increments;

    void put_on_lanes(i64 index) const {
        constexpr int width_of = lane_count<Q>;
        const lane_group<Q> group(path, plan, index);
        const i64 d = path.channels, some = (64 + d - 1) / d * width_of;  // whole vectors
        const i64 row_size = (some * d + width_of - 1) / width_of * width_of + width_of;
        buffer<Q> rows(width_of * row_size);
        lanes<Q>* x = increments.get() + index * group_size;
        for (i64 t = 0; t < plan.chunk_steps; t += some)
            fill_block(path, group.slots, t, plan.chunk_steps - t < some ? plan.chunk_steps - t : some, rows.get(),
                       row_size, x + t * d);
    }
};

template <class R>
struct source<dual<R>> {
    const path_view<R>& path;
    const R* initial;
    const direction<R>* along;
    static constexpr i64 width = 2;

    source(const path_view<R>& path, const R* initial, const direction<R>* along, const lane_plan&)
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
    const dual<lanes<R>>* fill_reverse(const lane_group<R>& group, i64 t, i64 count, R* rows, i64 row_size,
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

// The scratch of one worker for increments: vectors.
template <class R>
struct increment_scratch {
    i64 row_size, rows,
        size;  // of a row of increments; of all rows of a group; of rows, increments and spare increments together

    increment_scratch(i64 block, i64 d, i64 width)
        : row_size((block * d + lane_count<R> - 1) / lane_count<R> * lane_count<R> + lane_count<R>),
          rows(row_size),
          size(rows + 2 * width * row_size) {}
};

// The first chunk of a path continues `initial`; all others begin with the trivial signature.
template <class Q, class W>
inline void begin_states(W& w, const word_tile& tile, const lane_steps* slots, const source<Q>& from, i64 d, int levels,
                         i64 size) {
    using T = typename number<Q>::vector;
    for (int k = 1; k <= levels; ++k) {
        const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
        T* state = w.state(k);
        for (i64 word = 0; word < words; ++word) state[word] = T{};
        if (!from.continues()) continue;
        for (int l = 0; l < lane_count<typename number<Q>::real>; ++l)
            if (slots[l].path >= 0 && slots[l].chunk == 0)
                for (i64 word = 0; word < words; ++word)
                    set_lane<typename number<Q>::real>(state[word], l,
                                                       from.initial_at(slots[l].path * size + offset + word));
    }
}

// The walk that has `levels` levels of the states as numbers Q, and how deep it has to go for that.
template <class Q>
struct state_walk : walk<Q> {
    using walk<Q>::walk;
    static int depth_for(int levels) { return levels; }
};
template <class R>
struct state_walk<dual<R>> : tangent_walk<R> {
    using tangent_walk<R>::tangent_walk;
    static int depth_for(int levels) { return levels + 1; }
};

// The states at the ends of all segments, so many levels of them, each from the beginning of its chunk on.
template <class Q>
class segment_states {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;
    using W = state_walk<Q>;

    // `size`: the width of the rows of `initial`.
    segment_states(const source<Q>& from, int levels, i64 size, const segment_plan& plan, const executor& exec)
        : from(from),
          exec(exec),
          plan(plan),
          d(from.path.channels),
          levels(levels),
          walk_depth(W::depth_for(levels)),
          width(signature_size(d, levels)),
          size(size),
          tiles(plan_tiles<R>(d, walk_depth > 0 ? walk_depth : 1, plan.lanes.groups, items_for(exec.workers))),
          block(plan_block<R>(d, walk_depth > 0 ? walk_depth : 1, plan.steps)),
          increments(block, d, source<Q>::width),
          chains_size(W::chain_size(walk_depth, block)),
          states_size(W::state_size(tiles.tile(0, d), d, walk_depth)),
          scratch(exec.workers * scratch_size()),
          rows(from.path.batch * plan.lanes.chunks * plan.segments * width) {}

    void run() {
        if (levels == 0) return;
        exec.run(
            exec, plan.lanes.groups * tiles.count,
            [](void* self, i64 item, int worker) { static_cast<segment_states*>(self)->run_item(item, worker); }, this);
    }

    Q* row(i64 place, i64 chunk, i64 segment) const {
        return rows.get() + ((place * plan.lanes.chunks + chunk) * plan.segments + segment) * width;
    }

 private:
    const source<Q>& from;
    const executor& exec;
    const segment_plan plan;
    const i64 d;
    const int levels, walk_depth;
    const i64 width, size;
    const tile_plan tiles;
    const i64 block;
    const increment_scratch<R> increments;
    const i64 chains_size, states_size;
    buffer<V> scratch;
    buffer<Q> rows;

    i64 scratch_size() const { return increments.size + chains_size + states_size; }

    void run_item(i64 item, int worker) {
        const lane_group<R> group(from.path, plan.lanes, item / tiles.count);
        const word_tile tile = tiles.tile(item % tiles.count, d);
        V* memory = scratch.get() + worker * scratch_size();
        R* row_memory = reinterpret_cast<R*>(memory);
        V* x = memory + increments.rows;
        V* spare = x + source<Q>::width * increments.row_size;
        W w(d, walk_depth, block, memory + increments.size, memory + increments.size + chains_size);
        w.open(tile);
        begin_states<Q>(w, tile, group.slots, from, d, levels, size);
        clear_top(w, tile);
        for (i64 segment = 0; segment < plan.segments; ++segment) {
            const i64 begin = segment * plan.steps,
                      end = begin + plan.steps < group.longest ? begin + plan.steps : group.longest;
            for (i64 t = begin; t < end; t += block) {
                if (exec.cancelled(exec)) return;
                const i64 count = end - t < block ? end - t : block;
                w.advance_block(from.fill(group, t, count, row_memory, increments.row_size, spare, x), count);
            }
            drain(w, tile, group.slots, segment);
        }
    }

    void clear_top(W& w, const word_tile& tile) const {
        if constexpr (source<Q>::width == 2)
            std::memset(static_cast<void*>(w.top_tangent()), 0,
                        std::size_t(tile_words(tile, d, walk_depth)) * sizeof(V));
    }

    void drain(const W& w, const word_tile& tile, const lane_steps* slots, i64 segment) const {
        Q* targets[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l)
            targets[l] = slots[l].path < 0 ? nullptr : row(slots[l].place, slots[l].chunk, segment);
        for (int k = 1; k <= levels; ++k)
            if (tile_writes(tile, d, k))
                drain_lanes(targets, level_offset(d, k) + tile_begin(tile, d, k), w.state(k), tile_words(tile, d, k));
    }
};

PYSIG_NAMESPACE_END
