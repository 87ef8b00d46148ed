// Gradients of <cotangent, signature>, and (with dual numbers) their derivatives in a direction, on the host.
//
//   segments   the states below the top levels at the ends of all segments of time (segments.hpp)
//   link       where a path has several chunks: states continued from the chunks before, and the signature of the
//   chunks after, by Chen products reverse    lane groups and tiles of words backwards along their chunk
//   (reverse_walk.hpp) finish     the adjoints of increments, summed over the parts of the words in a fixed order,
//   become those of points
//
// The adjoints of the top level, A_bar, do not change along the path unless there are cotangents on the way (streams).
// Then the level below it is not needed (tile.hpp): its part in the adjoints of increments is a sum, `rest`, that the
// walk takes back from the end of a chunk on, where it begins with zero. At the beginning of the path it is known, so
// the walk finds it at the end, too; it is the same for all increments, and is added at last. In the same way the
// adjoints of single letters, which take part in the adjoints of increments as they are, are found at the beginnings of
// the chunks of a path from their values at its end.
//
// The adjoint is linear in the cotangent, so that tiles need not know of each other: each takes the cotangents of the
// words that it owns, and what they say about shared prefixes and increments is added up.
#pragma once

#include "../kernels/tile_backward.hpp"
#include "gradient_sums.hpp"
#include "slices.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
inline i64 plan_reverse_block(i64 d, int depth, i64 steps) {
    // The adjoints of the last two letters and the chains near them share the first-level cache with the increments.
    const int hot = depth - 2 < 2 ? depth - 2 : 2;
    const i64 per_step = (2 * d + (hot > 0 ? hot * (7 - hot) : 0)) * i64(sizeof(lanes<R>));
    i64 block = cost::reverse_block_bytes / per_step;
    if (block > cost::most_block) block = cost::most_block;
    if (block < cost::least_block) block = cost::least_block;
    if (block > steps) block = steps > 0 ? steps : 1;
    const i64 blocks = (steps + block - 1) / block;
    return blocks > 1 ? (steps + blocks - 1) / blocks : block;
}

// The parts of the words have sums of their own for the adjoints of increments, so that the number of items does not
// depend on that of workers. Every part costs: short calls, which occupy few workers, have few.
inline i64 plan_items(double multiply_adds) {
    const double items = multiply_adds / cost::item_words;
    return items < double(cost::least_items)  ? cost::least_items
           : items > double(cost::most_items) ? cost::most_items
                                              : i64(items);
}

template <class Q>
class tile_signature_vjp {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;

    // `alone`: one of many that are computed at the same time, so that it is not to be divided.
    tile_signature_vjp(const signature_vjp_job<R>& job, const executor& outer, bool alone = false)
        : job(job),
          path(job.value.path),
          d(path.channels),
          depth(job.value.depth),
          size(signature_size(d, depth)),
          steps(step_count(path)),
          plan(plan_segments<R>(path.batch, steps, depth, size, job.value.stream,
                                {alone ? 1 : cost::least_items, cost::gradient_chunk})),
          from(path, job.value.initial, job.along, plan.lanes),
          constant(depth > 1 && !job.value.stream),
          known(constant ? depth - 2 : depth - 1),
          items(alone ? 1 : plan_items(multiply_adds())),
          tiles(plan_tiles<R>(d, depth, plan.lanes.groups, items)),
          parts(plan_parts()),
          block(job.value.stream ? 1 : plan_reverse_block<R>(d, depth, plan.steps)),
          increments(block, d, source<Q>::width),
          chains_size(walk::chain_size(d, depth, block)),
          states_size(walk::state_size(tiles.tile(0, d), d, depth)),
          exec(limited(outer)),
          lower(signature_size(d, known)),
          states(from, known, size, plan, exec),
          scratch(exec.workers * scratch_size()),
          cotangents(job.value.inverse ? path.batch * rows() * size : 0),
          later(plan.lanes.chunks > 1 ? path.batch * plan.lanes.chunks * lower : 0),
          sums(path, plan.lanes, parts, constant),
          initial_bar(job.initial_bar ? parts * path.batch * size : 0) {}

    void run() {
        keep_freed_memory(4 * path.batch * steps * d * i64(sizeof(R)) +
                          2 * (sums.bytes_of_parts() + exec.workers * scratch_size() * i64(sizeof(T))) +
                          2 * path.batch * plan.lanes.chunks * plan.segments * lower * i64(sizeof(Q)));
        if (job.value.inverse) each(path.batch * rows(), &tile_signature_vjp::invert);
        from.prepare(exec);
        states.run();
        if (plan.lanes.chunks > 1 && known > 0) each(path.batch, &tile_signature_vjp::link);
        if (job.initial_bar) std::memset(initial_bar.get(), 0, std::size_t(parts * path.batch * size) * sizeof(R));
        each(plan.lanes.groups * parts, &tile_signature_vjp::reverse);
        if (parts > 1) each(plan.lanes.groups, &tile_signature_vjp::add_parts);
        if (constant && plan.lanes.chunks > 1) each(path.batch, &tile_signature_vjp::join);
        each(path.batch * sums.pieces, &tile_signature_vjp::finish);
    }

 private:
    using walk = reverse_walk<R, T>;

    const signature_vjp_job<R>& job;
    const path_view<R>& path;
    const i64 d;
    const int depth;
    const i64 size, steps;
    const segment_plan plan;
    source<Q> from;
    const bool constant;  // the adjoints of the top level are the same at all steps
    const int known;      // levels whose states the walk needs
    const i64 items;      // as many are wanted
    const tile_plan tiles;
    const i64 parts, block;
    const increment_scratch<R> increments;
    const i64 chains_size, states_size;
    const executor exec;
    const i64 lower;  // coefficients of the known levels
    segment_states<Q> states;
    buffer<T> scratch;
    buffer<R> cotangents;
    buffer<Q> later;
    gradient_sums<Q> sums;
    buffer<R> initial_bar;

    // Vectors T: increments and their adjoints and the chains and states; V: rows and spare increments.
    i64 scratch_size() const { return 2 * increments.row_size + chains_size + states_size + increments.size; }
    R* rows_scratch(int worker) const {
        return reinterpret_cast<R*>(scratch.get() + worker * scratch_size() + 2 * increments.row_size + chains_size +
                                    states_size);
    }
    i64 rows() const { return job.value.stream ? steps : 1; }

    // Items for each lane group: enough for some workers where groups are few.
    i64 plan_parts() const {
        const i64 wanted = (items + plan.lanes.groups - 1) / (plan.lanes.groups > 0 ? plan.lanes.groups : 1);
        return tiles.count < wanted ? tiles.count : wanted > 1 ? wanted : 1;
    }
    double multiply_adds() const { return 2 * double(path.batch) * double(steps) * double(size); }
    executor limited(const executor& outer) const {
        executor few = outer;
        few.workers = plan_workers(outer.workers, plan.lanes.groups * parts, multiply_adds());
        return few;
    }

    void each(i64 items, void (tile_signature_vjp::*body)(i64, int)) {
        struct call {
            tile_signature_vjp* self;
            void (tile_signature_vjp::*body)(i64, int);
        } context{this, body};
        exec.run(
            exec, items,
            [](void* c, i64 item, int worker) {
                const call& to = *static_cast<call*>(c);
                if (!to.self->exec.cancelled(to.self->exec)) (to.self->*to.body)(item, worker);
            },
            &context);
    }

    // ---- cotangents of the signature itself, without scalar and antipode ----

    const R* given(i64 b, i64 row) const {
        return job.cotangent + (b * rows() + row) * (size + job.value.scalar_term) + job.value.scalar_term;
    }
    const R* cotangent(const lane_steps& s, i64 row) const {
        return job.value.inverse ? cotangents.get() + (s.place * rows() + row) * size : given(s.path, row);
    }
    void invert(i64 index, int) {  // the antipode is its own adjoint
        R* row = cotangents.get() + index * size;
        std::memcpy(row, given(path_at(path, index / rows()), index % rows()), std::size_t(size) * sizeof(R));
        invert_in_place(row, d, depth);
    }

    // ---- chunks of time ----

    // The signature of all that follows each chunk, as far as it is known, from the last chunk on. Then the states at
    // the ends of all segments, continued from the chunks before.
    Q* after(i64 place, i64 chunk) const { return later.get() + (place * plan.lanes.chunks + chunk) * lower; }

    void link(i64 place, int) {
        const i64 chunks = plan.lanes.chunks, last = plan.segments - 1;
        for (i64 chunk = chunks - 2; chunk >= 0; --chunk) {
            copy(after(place, chunk), states.row(place, chunk + 1, last), lower);
            if (chunk + 2 < chunks) multiply_in_place(after(place, chunk), after(place, chunk + 1), d, known);
        }
        buffer<Q> product(lower);
        for (i64 chunk = 1; chunk < chunks; ++chunk)
            for (i64 segment = 0; segment < plan.segments; ++segment) {
                copy(product.get(), states.row(place, chunk - 1, last), lower);
                multiply_in_place(product.get(), states.row(place, chunk, segment), d, known);
                copy(states.row(place, chunk, segment), product.get(), lower);
            }
    }
    static void copy(Q* to, const Q* from, i64 count) {
        std::memcpy(static_cast<void*>(to), from, std::size_t(count) * sizeof(Q));
    }

    // ---- backwards ----

    void reverse(i64 item, int worker) {
        // The parts with a tile more come first: the last items are the short ones.
        const i64 part = item / plan.lanes.groups, each = tiles.count / parts, more = tiles.count % parts;
        const i64 first = part * each + (part < more ? part : more), end = first + each + (part < more);
        const lane_group<R> group(path, plan.lanes, item % plan.lanes.groups);
        for (i64 k = first; k < end; ++k) reverse_tile(group, tiles.tile(k, d), part, k == first, worker);
    }

    void reverse_tile(const lane_group<R>& group, const word_tile& tile, i64 part, bool first, int worker) {
        T* x = scratch.get() + worker * scratch_size();
        T* chains = x + 2 * increments.row_size;
        R* row_memory = rows_scratch(worker);
        V* spare = reinterpret_cast<V*>(row_memory) + increments.rows;
        walk w(d, depth, block, constant, chains, chains + chains_size);
        w.open(tile);
        begin_adjoints(w, tile, group);
        for (i64 m = 0; constant && m < w.rest_words() * d; ++m) w.rest()[m] = T{};
        const i64 last = longest(group);
        for (i64 segment = (last + plan.steps - 1) / plan.steps - 1; segment >= 0; --segment) {
            const i64 begin = segment * plan.steps, end = begin + plan.steps < last ? begin + plan.steps : last;
            load_states(w, tile, group, segment);
            for (i64 t = begin + (end - begin - 1) / block * block; t >= begin; t -= block) {
                if (exec.cancelled(exec)) return;
                const i64 count = end - t < block ? end - t : block;
                if (job.value.stream) add_cotangents(w, tile, group, t, spare);
                const T* here = from.fill_reverse(group, t, count, row_memory, increments.row_size, spare, x);
                T* x_bar = parts > 1 ? sums.of_part(group.index, part) + t * d : x + increments.row_size;
                for (i64 m = 0; (first || parts == 1) && m < count * d; ++m) x_bar[m] = T{};
                w.retreat_block(here, x_bar, count);
                if (parts == 1) sums.drain(group, first, t, count, x_bar, row_memory, increments.row_size);
            }
        }
        if (constant && (from.continues() || job.initial_bar))
            load_adjoints(w, tile, group, depth);  // which the walk had in two parts
        if (constant) add_constants(w, tile, group, part, first);
        if (job.initial_bar) add_initial(w, tile, group, part);
    }

    // Lanes whose path ended earlier have zero increments to the end, which change nothing.
    void begin_adjoints(walk& w, const word_tile& tile, const lane_group<R>& group) {
        load_adjoints(w, tile, group, 1);
        if (plan.lanes.chunks > 1 && known > 0) {
            const Q* after_of[lane_count<R>];
            for (int l = 0; l < lane_count<R>; ++l) {
                const lane_steps& s = group.slots[l];
                after_of[l] = s.path < 0 || s.chunk + 1 == plan.lanes.chunks ? nullptr : after(s.place, s.chunk);
            }
            w.retreat_product(after_of);
        }
        w.ready();
    }

    void cotangents_of(const lane_group<R>& group, const R** rows_of) const {
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            rows_of[l] = s.path < 0 || job.value.stream || rows() == 0 ? nullptr : cotangent(s, 0);
        }
    }
    void load_adjoints(walk& w, const word_tile& tile, const lane_group<R>& group, int from_level) {
        const R* rows_of[lane_count<R>];
        cotangents_of(group, rows_of);
        for (int k = from_level; k <= depth; ++k) {
            const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
            if (tile_writes(tile, d, k)) load_cotangents(w.adjoint(k), rows_of, offset, words);
            else
                for (i64 m = 0; m < words; ++m) w.adjoint(k)[m] = T{};
        }
    }

    static void load_cotangents(lanes<R>* target, const R* const* rows_of, i64 offset, i64 count) {
        bool one_path = rows_of[0];
        for (int l = 1; l < lane_count<R>; ++l) one_path = one_path && rows_of[l] == rows_of[0];
        if (!one_path) return gather_lanes(target, rows_of, offset, count);
        for (i64 m = 0; m < count; ++m) target[m] = broadcast(rows_of[0][offset + m]);
    }
    static void load_cotangents(dual<lanes<R>>* target, const R* const* rows_of, i64 offset, i64 count) {
        for (i64 m = 0; m < count; ++m) {
            target[m] = T{};
            for (int l = 0; l < lane_count<R>; ++l) target[m].value[l] = rows_of[l] ? rows_of[l][offset + m] : R(0);
        }
    }

    // Streaming: the row after step t has its own cotangents, which join the adjoints there.
    void add_cotangents(walk& w, const word_tile& tile, const lane_group<R>& group, i64 t, V* spare) {
        constexpr i64 some = lane_count<R>;
        const R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l)
            rows_of[l] = group.slots[l].path < 0 ? nullptr : cotangent(group.slots[l], t);
        for (int k = 1; k <= depth; ++k) {
            if (!tile_writes(tile, d, k)) continue;
            const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
            for (i64 m = 0; m < words; m += some) {
                const i64 count = words - m < some ? words - m : some;
                gather_lanes(spare, rows_of, offset + m, count);
                for (i64 j = 0; j < count; ++j) add_value(w.adjoint(k)[m + j], spare[j]);
            }
        }
    }
    static void add_value(lanes<R>& sum, lanes<R> value) { sum += value; }
    static void add_value(dual<lanes<R>>& sum, lanes<R> value) { sum.value += value; }

    void load_states(walk& w, const word_tile& tile, const lane_group<R>& group, i64 segment) {
        const Q* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l)
            rows_of[l] =
                group.slots[l].path < 0 ? nullptr : states.row(group.slots[l].place, group.slots[l].chunk, segment);
        for (int k = 1; k <= known; ++k)
            gather_lanes(w.state(k), rows_of, level_offset(d, k) + tile_begin(tile, d, k), tile_words(tile, d, k));
    }

    void add_parts(i64 index, int worker) {
        const lane_group<R> group(path, plan.lanes, index);
        sums.add_parts(group, longest(group), block, scratch.get() + worker * scratch_size(), rows_scratch(worker),
                       increments.row_size);
    }
    i64 longest(const lane_group<R>& group) const { return job.value.stream ? steps : group.longest; }

    void add_initial(const walk& w, const word_tile& tile, const lane_group<R>& group, i64 part) {
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            if (s.path < 0 || s.chunk > 0) continue;
            R* row = initial_bar.get() + (part * path.batch + s.place) * size;
            for (int k = 1; k <= depth; ++k) {
                R* to = row + level_offset(d, k) + tile_begin(tile, d, k);
                const i64 words = tile_words(tile, d, k);
                for (i64 word = 0; word < words; ++word) to[word] += wanted_lanes<R>(w.adjoint(k)[word])[l];
            }
        }
    }

    // See gradient_sums.hpp. At the beginning of the path the level below the top is `initial`: to the first chunk
    // belongs what `rest` is there.
    void add_constants(const walk& w, const word_tile& tile, const lane_group<R>& group, i64 part, bool first) {
        V *rest = sums.rest_of(group.index, part), *letter = sums.letter_of(group.index, part);
        for (i64 j = 0; j < d; ++j) {
            T gained{};
            for (i64 word = 0; word < w.rest_words(); ++word) gained = gained - w.rest()[word * d + j];
            if (from.continues()) add_rest_of_initial(w, tile, group, j, gained);
            rest[j] = first ? wanted_lanes<R>(gained) : rest[j] + wanted_lanes<R>(gained);
            if (first) letter[j] = V{};
        }
        if (plan.lanes.chunks == 1) return;
        const i64 begin = tile_begin(tile, d, 1), words = tile_words(tile, d, 1);
        const R* rows_of[lane_count<R>];
        cotangents_of(group, rows_of);
        for (i64 i = 0; i < words; ++i) {
            T own{};
            if (tile_writes(tile, d, 1)) load_cotangents(&own, rows_of, begin + i, 1);
            letter[begin + i] += wanted_lanes<R>(w.adjoint(1)[i] - own);
        }
    }
    void add_rest_of_initial(const walk& w, const word_tile& tile, const lane_group<R>& group, i64 j, T& gained) {
        const i64 words = tile_words(tile, d, depth - 1),
                  offset = level_offset(d, depth - 1) + tile_begin(tile, d, depth - 1);
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            if (s.path < 0 || s.chunk > 0) continue;
            Q total = lane_of<R>(gained, l);
            for (i64 word = 0; word < words; ++word)
                total += from.initial_at(s.path * size + offset + word) * lane_of<R>(w.adjoint(depth)[word * d + j], l);
            set_lane<R>(gained, l, total);
        }
    }

    // ---- the end ----

    void join(i64 place, int) { sums.join(place); }
    void finish(i64 item, int) {
        const i64 place = sums.pieces > 1 ? item / sums.pieces : item, piece = sums.pieces > 1 ? item % sums.pieces : 0;
        sums.finish(place, piece, job.path_bar, job.basepoint_bar);
        if (job.initial_bar && piece == 0) finish_initial(place);
    }
    void finish_initial(i64 place) {
        R* sum = job.initial_bar + path_at(path, place) * size;
        std::memcpy(sum, initial_bar.get() + place * size, std::size_t(size) * sizeof(R));
        for (i64 part = 1; part < parts; ++part)
            add_to(sum, initial_bar.get() + (part * path.batch + place) * size, size);
        if (constant && plan.lanes.chunks > 1) add_to(sum, sums.letters_of_later(place), d);
    }
};

template <class Q, class R>
inline void signature_vjp_in_slices(const signature_vjp_job<R>& job, const executor& exec) {
    const path_view<R>& path = job.value.path;
    const double increments = double(path.batch) * double(step_count(path)),
                 size = double(signature_size(path.channels, job.value.depth));
    const double multiply_adds = 2 * increments * size;
    const i64 slice = plan_slice(path, 2 * increments * double(path.channels) * sizeof(Q), plan_items(multiply_adds));
    if (slice == path.batch) return tile_signature_vjp<Q>(job, exec).run();
    executor few = exec;
    few.workers = plan_workers(exec.workers, (path.batch + slice - 1) / slice, multiply_adds);
    each_slice(path.batch, slice, few, [&job](i64 first, i64 count, const executor& alone) {
        signature_vjp_job<R> part = slice_of(job, first, count);
        const direction<R> along =
            job.along ? slice_of(*job.along, first, count, signature_size(part.value.path.channels, job.value.depth))
                      : direction<R>{};
        if (job.along) part.along = &along;
        tile_signature_vjp<Q>(part, alone, true).run();
    });
}

template <class R>
void compute_signature_vjp(const signature_vjp_job<R>& job, const executor& exec) {
    if (job.value.path.batch == 0) return;
    if (job.along) signature_vjp_in_slices<dual<R>>(job, exec);
    else signature_vjp_in_slices<R>(job, exec);
}

PYSIG_NAMESPACE_END
