// C2. Gradients of <cotangent, signature>, and (with dual numbers) their derivatives in a direction, on the host.
//
//   segments   the states below the top level at the ends of all segments of time (segments.hpp)
//   link       where a path has several chunks: states continued from the chunks before, adjoints from the chunks after, by Chen products
//   reverse    lane groups and tiles of words backwards along their chunk (reverse_walk.hpp)
//   finish     the adjoints of increments, summed over the parts of the words in a fixed order, become those of points
//
// The level below the top, a, takes part in one sum only: x_bar[j] += sum over i of a[i] A_bar[i][j], where A_bar does not change along the
// path. So it is not needed at the end of a path: the reverse walk begins with zero there and finds it as the difference between
// beginning and end; what was missing is the same for all increments, and is added at last. (Not where chunks need it to be linked, nor
// where A_bar changes, for streams.)
//
// The adjoint is linear in the cotangent, so that tiles need not know of each other: each takes the cotangents of the words that it owns,
// and what they say about shared prefixes and increments is added up.
#pragma once

#include "reverse_walk.hpp"
#include "segments.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
inline i64 plan_reverse_block(i64 d, int depth, i64 steps) {
    // The adjoints of the last two letters and the chains near them share the first-level cache with the increments.
    const int hot = depth - 2 < 2 ? depth - 2 : 2;
    const i64 per_step = (2 * d + (hot > 0 ? hot * (7 - hot) : 0)) * i64(sizeof(lanes<R>));
    i64 block = cost::block_bytes / per_step;
    if (block > cost::most_block) block = cost::most_block;
    if (block < cost::least_block) block = cost::least_block;
    if (block > steps) block = steps > 0 ? steps : 1;
    const i64 blocks = (steps + block - 1) / block;
    return blocks > 1 ? (steps + blocks - 1) / blocks : block;
}

template <class R>
inline void add_to(R* PYSIG_RESTRICT sum, const R* PYSIG_RESTRICT terms, i64 count) {
    for (i64 m = 0; m < count; ++m) sum[m] += terms[m];
}

// The part that is asked for: the gradient itself, or its derivative.
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

template <class Q>
class tile_signature_vjp {
  public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;

    tile_signature_vjp(const signature_vjp_job<R>& job, const executor& outer)
        : job(job),
          path(job.value.path),
          d(path.channels),
          depth(job.value.depth),
          size(signature_size(d, depth)),
          lower(signature_size(d, depth - 1)),
          steps(step_count(path)),
          plan(plan_segments<R>(path.batch, steps, depth, size, job.value.stream)),
          from(path, job.value.initial, job.along, plan.lanes),
          relative(depth > 1 && plan.lanes.chunks == 1 && !job.value.stream),
          known(relative ? depth - 2 : depth - 1),
          tiles(plan_tiles<R>(d, depth, plan.lanes.groups, cost::items_wanted)),
          parts(plan_parts()),
          block(job.value.stream ? 1 : plan_reverse_block<R>(d, depth, plan.steps)),
          increments(block, d, source<Q>::width),
          chains_size(walk::chain_size(depth, block)),
          states_size(walk::state_size(tiles.tile(0, d), d, depth)),
          exec(limited(outer)),
          states(from, known, size, plan, exec),
          scratch(exec.workers * scratch_size()),
          cotangents(job.value.inverse ? path.batch * rows() * size : 0),
          adjoints(plan.lanes.chunks > 1 ? path.batch * plan.lanes.chunks * lower : 0),
          increments_bar(parts * path.batch * steps * d),
          constants(relative ? parts * path.batch * d : 0),
          initial_bar(job.initial_bar ? parts * path.batch * size : 0) {}

    void run() {
        keep_freed_memory(2 * (parts + 1) * path.batch * steps * d * i64(sizeof(R)) + 2 * exec.workers * scratch_size() * i64(sizeof(T)) +
                          2 * path.batch * plan.lanes.chunks * plan.segments * lower * i64(sizeof(Q)));
        if (job.value.inverse) each(path.batch * rows(), &tile_signature_vjp::invert);
        from.prepare(exec);
        states.run();
        if (plan.lanes.chunks > 1 && depth > 1) each(path.batch, &tile_signature_vjp::link);
        if (job.initial_bar) std::memset(initial_bar.get(), 0, std::size_t(parts * path.batch * size) * sizeof(R));
        each(plan.lanes.groups * parts, &tile_signature_vjp::reverse);
        each(path.batch, &tile_signature_vjp::finish);
    }

  private:
    using walk = reverse_walk<R, T>;

    const signature_vjp_job<R>& job;
    const path_view<R>& path;
    const i64 d;
    const int depth;
    const i64 size, lower, steps;
    const segment_plan plan;
    source<Q> from;
    const bool relative;  // the level below the top counts from the end of the path
    const int known;      // levels whose states are known
    const tile_plan tiles;
    const i64 parts, block;
    const increment_scratch<R> increments;
    const i64 chains_size, states_size;
    const executor exec;
    segment_states<Q> states;
    buffer<T> scratch;
    buffer<R> cotangents;
    buffer<Q> adjoints;
    buffer<R> increments_bar, constants, initial_bar;

    // Vectors T: increments and their adjoints and the chains and states; V: rows and spare increments.
    i64 scratch_size() const { return 2 * increments.row_size + chains_size + states_size + increments.size; }
    i64 rows() const { return job.value.stream ? steps : 1; }

    // Items for each lane group: enough for some workers where groups are few.
    i64 plan_parts() const {
        const i64 wanted = (3 * cost::items_wanted + plan.lanes.groups - 1) / (plan.lanes.groups > 0 ? plan.lanes.groups : 1);
        return tiles.count < wanted ? tiles.count : wanted > 1 ? wanted : 1;
    }
    executor limited(const executor& outer) const {
        executor few = outer;
        few.workers = plan_workers(outer.workers, plan.lanes.groups * parts, 2 * double(path.batch) * double(steps) * double(size));
        return few;
    }

    void each(i64 items, void (tile_signature_vjp::*body)(i64, int)) {
        struct call {
            tile_signature_vjp* self;
            void (tile_signature_vjp::*body)(i64, int);
        } context{this, body};
        exec.run(exec, items, [](void* c, i64 item, int worker) {
            const call& to = *static_cast<call*>(c);
            if (!to.self->exec.cancelled(to.self->exec)) (to.self->*to.body)(item, worker);
        }, &context);
    }

    // ---- cotangents of the signature itself, without scalar and antipode ----

    const R* cotangent(i64 b, i64 row) const {
        const i64 index = b * rows() + row;
        return job.value.inverse ? cotangents.get() + index * size
                                 : job.cotangent + index * (size + job.value.scalar_term) + job.value.scalar_term;
    }
    void invert(i64 index, int) {  // the antipode is its own adjoint
        R* row = cotangents.get() + index * size;
        std::memcpy(row, job.cotangent + index * (size + job.value.scalar_term) + job.value.scalar_term, std::size_t(size) * sizeof(R));
        invert_in_place(row, d, depth);
    }

    // ---- chunks of time ----

    // Adjoints at the end of each chunk, from the last one on: lambda -> the adjoint of (. (x) chunk). Then the states at the ends of all
    // segments, continued from the chunks before.
    Q* adjoint(i64 b, i64 chunk) const { return adjoints.get() + (b * plan.lanes.chunks + chunk) * lower; }

    void link(i64 b, int) {
        const i64 chunks = plan.lanes.chunks, last = plan.segments - 1;
        const R* top = cotangent(b, 0);
        buffer<Q> top_numbers(source<Q>::width > 1 ? size - lower : 0);
        const Q* top_row = numbers_of(top + lower, size - lower, top_numbers.get());
        for (i64 w = 0; w < lower; ++w) adjoint(b, chunks - 1)[w] = number_of(top[w]);
        for (i64 chunk = chunks - 1; chunk > 0; --chunk) {
            std::memcpy(static_cast<void*>(adjoint(b, chunk - 1)), adjoint(b, chunk), std::size_t(lower) * sizeof(Q));
            multiply_adjoint_in_place(adjoint(b, chunk - 1), top_row, states.row(b, chunk, last), d, depth);
        }
        buffer<Q> product(lower);
        for (i64 chunk = 1; chunk < chunks; ++chunk)
            for (i64 segment = 0; segment < plan.segments; ++segment) {
                std::memcpy(static_cast<void*>(product.get()), states.row(b, chunk - 1, last), std::size_t(lower) * sizeof(Q));
                multiply_in_place(product.get(), states.row(b, chunk, segment), d, depth - 1);
                std::memcpy(static_cast<void*>(states.row(b, chunk, segment)), product.get(), std::size_t(lower) * sizeof(Q));
            }
    }
    static R number_of_(R value, R*) { return value; }
    static dual<R> number_of_(R value, dual<R>*) { return {value, R(0)}; }
    static Q number_of(R value) { return number_of_(value, static_cast<Q*>(nullptr)); }
    static const R* numbers_of(const R* values, i64, R*) { return values; }
    static const dual<R>* numbers_of(const R* values, i64 count, dual<R>* numbers) {
        for (i64 m = 0; m < count; ++m) numbers[m] = {values[m], R(0)};
        return numbers;
    }

    // ---- backwards ----

    void reverse(i64 item, int worker) {
        const lane_group<R> group(path, plan.lanes, item / parts);
        const i64 part = item % parts, first = part * tiles.count / parts, end = (part + 1) * tiles.count / parts;
        for (i64 k = first; k < end; ++k) reverse_tile(group, tiles.tile(k, d), part, k == first, worker);
    }

    void reverse_tile(const lane_group<R>& group, const word_tile& tile, i64 part, bool first, int worker) {
        T* x = scratch.get() + worker * scratch_size();
        T* x_bar = x + increments.row_size;
        T* chains = x_bar + increments.row_size;
        R* row_memory = reinterpret_cast<R*>(chains + chains_size + states_size);
        V* spare = reinterpret_cast<V*>(row_memory) + increments.rows;
        walk w(d, depth, block, chains, chains + chains_size);
        w.open(tile);
        begin_adjoints(w, tile, group);
        if (relative)
            for (i64 word = 0; word < tile_words(tile, d, depth - 1); ++word) w.state(depth - 1)[word] = T{};
        const i64 longest = job.value.stream ? steps : group.longest;
        for (i64 segment = (longest + plan.steps - 1) / plan.steps - 1; segment >= 0; --segment) {
            const i64 begin = segment * plan.steps, end = begin + plan.steps < longest ? begin + plan.steps : longest;
            load_states(w, tile, group, segment);
            for (i64 t = begin + (end - begin - 1) / block * block; t >= begin; t -= block) {
                if (exec.cancelled(exec)) return;
                const i64 count = end - t < block ? end - t : block;
                if (job.value.stream) add_cotangents(w, tile, group, t, spare);
                const T* here = from.fill_reverse(group, t, count, row_memory, increments.row_size, spare, x);
                for (i64 m = 0; m < count * d; ++m) x_bar[m] = T{};
                w.retreat_block(here, x_bar, count);
                drain(group, part, first, t, count, x_bar, row_memory);
            }
        }
        if (relative) add_constants(w, tile, group, part, first);
        if (job.initial_bar) add_initial(w, tile, group, part);
    }

    // Lanes whose path ended earlier have zero increments to the end, which change nothing.
    void begin_adjoints(walk& w, const word_tile& tile, const lane_group<R>& group) {
        const Q* lower_rows[lane_count<R>];
        const R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            rows_of[l] = s.path < 0 || job.value.stream || rows() == 0 ? nullptr : cotangent(s.path, 0);
            lower_rows[l] = s.path < 0 || plan.lanes.chunks == 1 ? nullptr : adjoint(s.path, s.chunk);
        }
        for (int k = 1; k <= depth; ++k) {
            const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
            if (!tile_writes(tile, d, k))
                for (i64 w_ = 0; w_ < words; ++w_) w.adjoint(k)[w_] = T{};
            else if (k < depth && plan.lanes.chunks > 1)
                gather_lanes(w.adjoint(k), lower_rows, offset, words);
            else
                load_cotangents(w.adjoint(k), rows_of, offset, words);
        }
    }

    static void load_cotangents(lanes<R>* target, const R* const* rows_of, i64 offset, i64 count) { gather_lanes(target, rows_of, offset, count); }
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
        for (int l = 0; l < lane_count<R>; ++l) rows_of[l] = group.slots[l].path < 0 ? nullptr : cotangent(group.slots[l].path, t);
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
            rows_of[l] = group.slots[l].path < 0 ? nullptr : states.row(group.slots[l].path, group.slots[l].chunk, segment);
        for (int k = 1; k <= known; ++k)
            gather_lanes(w.state(k), rows_of, level_offset(d, k) + tile_begin(tile, d, k), tile_words(tile, d, k));
    }

    R* increments_row(i64 part, i64 b) const { return increments_bar.get() + (part * path.batch + b) * steps * d; }

    void drain(const lane_group<R>& group, i64 part, bool first, i64 t, i64 count, const T* x_bar, R* row_memory) {
        R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) rows_of[l] = row_memory + l * increments.row_size;
        V block_of[lane_count<R>];
        for (i64 m = 0; m < count * d; m += lane_count<R>) {
            for (int l = 0; l < lane_count<R>; ++l) block_of[l] = m + l < count * d ? wanted_lanes<R>(x_bar[m + l]) : V{};
            transpose<R>(block_of);
            for (int l = 0; l < lane_count<R>; ++l) store_lanes(rows_of[l] + m, block_of[l]);
        }
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            const i64 valid = s.end - s.begin - t < count ? s.end - s.begin - t : count;
            if (s.path < 0 || valid <= 0) continue;
            R* row = increments_row(part, s.path) + (s.begin + t) * d;
            if (first)
                std::memcpy(row, rows_of[l], std::size_t(valid * d) * sizeof(R));
            else
                add_to(row, rows_of[l], valid * d);
        }
    }

    void add_initial(const walk& w, const word_tile& tile, const lane_group<R>& group, i64 part) {
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            if (s.path < 0 || s.chunk > 0) continue;
            R* row = initial_bar.get() + (part * path.batch + s.path) * size;
            for (int k = 1; k <= depth; ++k) {
                R* to = row + level_offset(d, k) + tile_begin(tile, d, k);
                const i64 words = tile_words(tile, d, k);
                for (i64 word = 0; word < words; ++word) to[word] += wanted_lanes<R>(w.adjoint(k)[word])[l];
            }
        }
    }

    // Now that the level below the top is known at the end of the path: at the beginning it is `initial`.
    void add_constants(const walk& w, const word_tile& tile, const lane_group<R>& group, i64 part, bool first) {
        const i64 words = tile_words(tile, d, depth - 1), offset = level_offset(d, depth - 1) + tile_begin(tile, d, depth - 1);
        for (i64 j = 0; j < d; ++j) {
            T sum{};
            for (i64 word = 0; word < words; ++word) sum = sum - w.state(depth - 1)[word] * w.adjoint(depth)[word * d + j];
            for (int l = 0; l < lane_count<R>; ++l) {
                const i64 b = group.slots[l].path;
                if (b < 0) continue;
                Q total = lane_of(sum, l);
                if (from.continues())
                    for (i64 word = 0; word < words; ++word)
                        total += from.initial_at(b * size + offset + word) * lane_of(w.adjoint(depth)[word * d + j], l);
                R& constant = constants[(part * path.batch + b) * d + j];
                constant = (first ? R(0) : constant) + wanted(total);
            }
        }
    }
    static R lane_of(const lanes<R>& v, int l) { return v[l]; }
    static dual<R> lane_of(const dual<lanes<R>>& v, int l) { return {v.value[l], v.tangent[l]}; }

    // ---- the end ----

    void finish(i64 b, int) {
        const i64 own = step_count(path, b) * d;
        for (i64 part = 1; part < parts; ++part) add_to(increments_row(0, b), increments_row(part, b), own);
        for (i64 part = 1; relative && part < parts; ++part) add_to(&constants[b * d], &constants[(part * path.batch + b) * d], d);
        increments_adjoint(path, b, increments_row(0, b), relative ? &constants[b * d] : nullptr, job.path_bar + b * path.length * own_channels(path),
                           job.basepoint_bar ? job.basepoint_bar + b * own_channels(path) : nullptr);
        if (!job.initial_bar) return;
        R* sum = job.initial_bar + b * size;
        std::memcpy(sum, initial_bar.get() + b * size, std::size_t(size) * sizeof(R));
        for (i64 part = 1; part < parts; ++part) add_to(sum, initial_bar.get() + (part * path.batch + b) * size, size);
    }
};

template <class R>
inline void compute_signature_vjp(const signature_vjp_job<R>& job, const executor& exec) {
    if (job.value.path.batch == 0) return;
    if (job.along)
        tile_signature_vjp<dual<R>>(job, exec).run();
    else
        tile_signature_vjp<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
