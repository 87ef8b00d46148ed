// Gradients of <cotangent, signature> on the host, and (with Q = dual numbers) their derivatives in a direction.
//
// Notation: x_t, t = 0, ..., n - 1, increments; S_t the signature before step t; bar(S_t) its adjoint, the gradient of
// the result at S_t; N the depth; A_bar the adjoints of level N; d channels. A path is cut into chunks c = 0, ..., C -
// 1 of time, one for each lane, and a chunk into segments (segments.hpp).
//
//   1. states    the stored levels of S at the end of every segment, each chunk started from the trivial signature
//   2. link      if C > 1: states continued from the earlier chunks, and the suffix signatures
//                T_c = S(chunk c+1) (x) ... (x) S(chunk C-1), which take the adjoints from the end of the path to the
//                end of chunk c
//   3. backward  (lane group, part of the tiles) items run backwards along their chunk (kernels/tile_backward.hpp)
//   4. finish    increment adjoints, summed over the parts in a fixed order, become point adjoints
//
// Without stream, A_bar is the same at all steps. Level N - 1 then enters increment adjoints only through the d sums
//     rest_t[j] = sum over words w of N - 1 letters of S_t[w] A_bar[w j]          (algebra/tile.hpp),
// so the levels up to N - 2 are stored, and the kernel updates rest_t instead of level N - 1. It starts from 0 at the
// end of each chunk; gradient_sums.hpp adds the missing constants. The adjoints of level 1 are treated alike.
//
// The adjoint is linear in the cotangent: every tile takes the cotangents of the words that it owns, and the
// contributions of all tiles to shared prefixes and increments are added.
#pragma once

#include "gradient_sums.hpp"
#include "signature_vjp_plan.hpp"
#include "slices.hpp"

PYSIG_NAMESPACE_BEGIN

template <class Q>
class signature_vjp_tile {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;

    // `undivided`: one of many slices that are computed at the same time.
    signature_vjp_tile(const signature_vjp_job<R>& job, const executor& outer, bool undivided = false)
        : job(job),
          path(job.value.path),
          d(path.channels),
          depth(job.value.depth),
          plan(plan_signature_vjp<Q>(job, outer, undivided)),
          lanes_plan(plan.segments.lanes),
          increments(plan.block, d, increment_source<Q>::width),
          exec(limited_executor(outer, plan.workers)),
          source(path, job.value.initial, job.along, lanes_plan),
          states(source, plan.stored_levels, plan.size, plan.segments, exec),
          scratch(plan.workers * scratch_size()),
          cotangents(job.value.inverse ? path.batch * plan.rows * plan.size : 0),
          suffix_signatures(lanes_plan.chunks > 1 ? path.batch * lanes_plan.chunks * plan.stored_size : 0),
          sums(path, lanes_plan, plan.parts, plan.top_adjoint_is_constant),
          initial_bar(job.into.initial ? plan.parts * path.batch * plan.size : 0) {}

    void run() {
        keep_freed_memory(4 * path.batch * plan.steps * d * i64(sizeof(R)) +
                          2 * (sums.bytes_of_parts() + plan.workers * scratch_size() * i64(sizeof(T))) +
                          2 * path.batch * lanes_plan.chunks * plan.segments.segments * plan.stored_size *
                              i64(sizeof(Q)));
        if (job.value.inverse) each(path.batch * plan.rows, [this](i64 row, int) { invert_cotangent(row); });
        source.prepare(exec);
        states.run();
        if (lanes_plan.chunks > 1 && plan.stored_levels > 0) each(path.batch, [this](i64 place, int) { link(place); });
        if (job.into.initial)
            std::memset(initial_bar.get(), 0, std::size_t(plan.parts * path.batch * plan.size) * sizeof(R));
        each(lanes_plan.groups * plan.parts, [this](i64 item, int worker) { backward_item(item, worker); });
        if (plan.parts > 1) each(lanes_plan.groups, [this](i64 group, int worker) { add_parts(group, worker); });
        if (plan.top_adjoint_is_constant && lanes_plan.chunks > 1)
            each(path.batch, [this](i64 place, int) { sums.join_chunks(place); });
        each(path.batch * sums.ranges, [this](i64 item, int) { finish(item / sums.ranges, item % sums.ranges); });
    }

 private:
    using tile_kernel = tile_backward<R, T>;

    const signature_vjp_job<R>& job;
    const path_view<R>& path;
    const i64 d;
    const int depth;
    const vjp_plan plan;
    const lane_plan& lanes_plan;
    const increment_scratch<R> increments;
    const executor exec;
    increment_source<Q> source;
    segment_states<Q> states;
    buffer<T> scratch;
    buffer<R> cotangents;  // without scalar and antipode, if there is an antipode
    buffer<Q> suffix_signatures;
    gradient_sums<Q> sums;
    buffer<R> initial_bar;

    template <class F>
    void each(i64 items, const F& body) {
        parallel_for_cancellable(exec, items, body);
    }

    // The scratch of a worker. In T: increments, their adjoints, chains, states; in V: rows and spare increments.
    i64 scratch_size() const { return 2 * increments.row_size + plan.chains + plan.states + increments.size; }
    T* worker_scratch(int worker) const { return scratch.get() + worker * scratch_size(); }
    R* worker_rows(int worker) const {
        return reinterpret_cast<R*>(worker_scratch(worker) + 2 * increments.row_size + plan.chains + plan.states);
    }

    // ---- cotangents of the signature itself, without scalar and antipode ----

    const R* given_cotangent(i64 b, i64 row) const {
        return job.cotangent + (b * plan.rows + row) * (plan.size + job.value.scalar_term) + job.value.scalar_term;
    }
    const R* cotangent(const lane_steps& s, i64 row) const {
        return job.value.inverse ? cotangents.get() + (s.place * plan.rows + row) * plan.size
                                 : given_cotangent(s.path, row);
    }
    void invert_cotangent(i64 index) {  // the antipode is its own adjoint
        R* row = cotangents.get() + index * plan.size;
        std::memcpy(row, given_cotangent(path_at(path, index / plan.rows), index % plan.rows),
                    std::size_t(plan.size) * sizeof(R));
        invert_in_place(row, d, depth);
    }

    // ---- chunks of time ----

    // T_c, the signature of all chunks after chunk c, up to the stored levels.
    Q* suffix_signature(i64 place, i64 chunk) const {
        return suffix_signatures.get() + (place * lanes_plan.chunks + chunk) * plan.stored_size;
    }

    // T_c = S(chunk c+1) (x) T_(c+1), from the last chunk on. Then every stored state is multiplied from the left by
    // the signature of all earlier chunks, S(chunk 0) (x) ... (x) S(chunk c-1).
    void link(i64 place) {
        const i64 chunks = lanes_plan.chunks, last = plan.segments.segments - 1;
        for (i64 chunk = chunks - 2; chunk >= 0; --chunk) {
            copy(suffix_signature(place, chunk), states.row(place, chunk + 1, last), plan.stored_size);
            if (chunk + 2 < chunks)
                multiply_in_place(suffix_signature(place, chunk), suffix_signature(place, chunk + 1), d,
                                  plan.stored_levels);
        }
        buffer<Q> product(plan.stored_size);
        for (i64 chunk = 1; chunk < chunks; ++chunk)
            for (i64 segment = 0; segment < plan.segments.segments; ++segment) {
                copy(product.get(), states.row(place, chunk - 1, last), plan.stored_size);
                multiply_in_place(product.get(), states.row(place, chunk, segment), d, plan.stored_levels);
                copy(states.row(place, chunk, segment), product.get(), plan.stored_size);
            }
    }
    static void copy(Q* to, const Q* from, i64 count) {
        std::memcpy(static_cast<void*>(to), from, std::size_t(count) * sizeof(Q));
    }

    // ---- backwards ----

    // The parts with one tile more come first, so that the last items are the short ones.
    void backward_item(i64 item, int worker) {
        const i64 part = item / lanes_plan.groups, each = plan.tiles.count / plan.parts,
                  longer_parts = plan.tiles.count % plan.parts;
        const i64 first = part * each + (part < longer_parts ? part : longer_parts),
                  end = first + each + (part < longer_parts);
        const lane_group<R> group(path, lanes_plan, item % lanes_plan.groups);
        for (i64 k = first; k < end; ++k) backward_tile(group, plan.tiles.tile(k, d), part, k == first, worker);
    }

    // `first`: the first tile of its part sets the increment adjoints, the others add to them.
    void backward_tile(const lane_group<R>& group, const word_tile& tile, i64 part, bool first, int worker) {
        T* chains = worker_scratch(worker) + 2 * increments.row_size;
        tile_kernel w(d, depth, plan.block, plan.top_adjoint_is_constant, chains, chains + plan.chains);
        w.open(tile);
        begin_adjoints(w, tile, group);
        for (i64 m = 0; plan.top_adjoint_is_constant && m < w.rest_words() * d; ++m) w.rest()[m] = T{};
        const i64 steps = longest(group), length = plan.segments.steps;
        for (i64 segment = ceil_div(steps, length) - 1; segment >= 0; --segment) {
            const i64 begin = segment * length, end = begin + length < steps ? begin + length : steps;
            load_states(w, tile, group, segment);
            if (!backward_segment(w, tile, group, part, first, begin, end, worker)) return;
        }
        if (plan.top_adjoint_is_constant && (source.continues() || job.into.initial))
            load_adjoints(w, tile, group, depth);  // the kernel may hold them as two parts
        if (plan.top_adjoint_is_constant) add_constants(w, tile, group, part, first);
        if (job.into.initial) add_initial(w, tile, group, part);
    }

    // Steps [begin, end), from the end. False if cancelled.
    bool backward_segment(tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 part, bool first,
                          i64 begin, i64 end, int worker) {
        T* x = worker_scratch(worker);
        R* rows = worker_rows(worker);
        V* spare = reinterpret_cast<V*>(rows) + increments.rows;
        for (i64 t = begin + (end - begin - 1) / plan.block * plan.block; t >= begin; t -= plan.block) {
            if (exec.cancelled(exec)) return false;
            const i64 count = end - t < plan.block ? end - t : plan.block;
            if (job.value.stream) add_cotangents(w, tile, group, t, spare);
            const T* block = source.fill_backward(group, t, count, rows, increments.row_size, spare, x);
            T* x_bar = plan.parts > 1 ? sums.part_sums(group.index, part) + t * d : x + increments.row_size;
            for (i64 m = 0; (first || plan.parts == 1) && m < count * d; ++m) x_bar[m] = T{};
            w.retreat_block(block, x_bar, count);
            if (plan.parts == 1) sums.scatter(group, first, t, count, x_bar, rows, increments.row_size);
        }
        return true;
    }

    // Adjoints at the end of each chunk: the cotangents at the end of the path, taken back over T_c. Lanes whose path
    // is shorter have zero increments up to the end, which change nothing.
    void begin_adjoints(tile_kernel& w, const word_tile& tile, const lane_group<R>& group) {
        load_adjoints(w, tile, group, 1);
        if (lanes_plan.chunks > 1 && plan.stored_levels > 0) {
            const Q* suffixes[lane_count<R>];
            for (int l = 0; l < lane_count<R>; ++l) {
                const lane_steps& s = group.slots[l];
                const bool last = s.path < 0 || s.chunk + 1 == lanes_plan.chunks;
                suffixes[l] = last ? nullptr : suffix_signature(s.place, s.chunk);
            }
            w.retreat_product(suffixes);
        }
        w.ready();
    }

    void cotangents_of(const lane_group<R>& group, const R** rows_of) const {
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            rows_of[l] = s.path < 0 || job.value.stream || plan.rows == 0 ? nullptr : cotangent(s, 0);
        }
    }
    void load_adjoints(tile_kernel& w, const word_tile& tile, const lane_group<R>& group, int from_level) {
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
    void add_cotangents(tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 t, V* spare) {
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

    void load_states(tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 segment) {
        const Q* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l)
            rows_of[l] =
                group.slots[l].path < 0 ? nullptr : states.row(group.slots[l].place, group.slots[l].chunk, segment);
        for (int k = 1; k <= plan.stored_levels; ++k)
            gather_lanes(w.state(k), rows_of, level_offset(d, k) + tile_begin(tile, d, k), tile_words(tile, d, k));
    }

    void add_parts(i64 index, int worker) {
        const lane_group<R> group(path, lanes_plan, index);
        sums.add_parts(group, longest(group), plan.block, worker_scratch(worker), worker_rows(worker),
                       increments.row_size);
    }
    i64 longest(const lane_group<R>& group) const { return job.value.stream ? plan.steps : group.longest; }

    void add_initial(const tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 part) {
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            if (s.path < 0 || s.chunk > 0) continue;
            R* row = initial_bar.get() + (part * path.batch + s.place) * plan.size;
            for (int k = 1; k <= depth; ++k) {
                R* to = row + level_offset(d, k) + tile_begin(tile, d, k);
                const i64 words = tile_words(tile, d, k);
                for (i64 word = 0; word < words; ++word) to[word] += result_of(w.adjoint(k)[word])[l];
            }
        }
    }

    // The terms R_c and L_c of gradient_sums.hpp. The kernel has counted r from 0 at the end of the chunk, so that its
    // last value is -(rest at the end - rest at the beginning).
    void add_constants(const tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 part, bool first) {
        V *rest = sums.rest_terms(group.index, part), *letter = sums.letter_terms(group.index, part);
        for (i64 j = 0; j < d; ++j) {
            T gain{};
            for (i64 word = 0; word < w.rest_words(); ++word) gain = gain - w.rest()[word * d + j];
            if (source.continues()) add_rest_of_initial(w, tile, group, j, gain);
            rest[j] = first ? result_of(gain) : rest[j] + result_of(gain);
            if (first) letter[j] = V{};
        }
        if (lanes_plan.chunks == 1) return;
        const i64 begin = tile_begin(tile, d, 1), words = tile_words(tile, d, 1);
        const R* rows_of[lane_count<R>];
        cotangents_of(group, rows_of);
        for (i64 i = 0; i < words; ++i) {
            T at_end{};
            if (tile_writes(tile, d, 1)) load_cotangents(&at_end, rows_of, begin + i, 1);
            letter[begin + i] += result_of(w.adjoint(1)[i] - at_end);
        }
    }
    // rest_0[j] of a path that continues `initial`: the sum of initial[w] A_bar[w j].
    void add_rest_of_initial(const tile_kernel& w, const word_tile& tile, const lane_group<R>& group, i64 j,
                             T& gained) {
        const i64 words = tile_words(tile, d, depth - 1),
                  offset = level_offset(d, depth - 1) + tile_begin(tile, d, depth - 1);
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            if (s.path < 0 || s.chunk > 0) continue;
            Q total = lane_of<R>(gained, l);
            for (i64 word = 0; word < words; ++word)
                total += source.initial_at(s.path * plan.size + offset + word) *
                         lane_of<R>(w.adjoint(depth)[word * d + j], l);
            set_lane<R>(gained, l, total);
        }
    }

    // ---- the end ----

    void finish(i64 place, i64 range) {
        sums.finish(place, range, job.into.path, job.into.basepoint);
        if (job.into.initial && range == 0) finish_initial(place);
    }
    void finish_initial(i64 place) {
        R* sum = job.into.initial + path_at(path, place) * plan.size;
        std::memcpy(sum, initial_bar.get() + place * plan.size, std::size_t(plan.size) * sizeof(R));
        for (i64 part = 1; part < plan.parts; ++part)
            add_to(sum, initial_bar.get() + (part * path.batch + place) * plan.size, plan.size);
        if (plan.top_adjoint_is_constant && lanes_plan.chunks > 1) add_to(sum, sums.suffix_letter_terms(place), d);
    }
};

template <class Q, class R>
inline void signature_vjp_in_slices(const signature_vjp_job<R>& job, const executor& exec) {
    const path_view<R>& path = job.value.path;
    const double increments = double(path.batch) * double(step_count(path)),
                 size = double(signature_size(path.channels, job.value.depth));
    const double multiply_adds = 2 * increments * size;
    const i64 slice =
        plan_slice<R>(path.batch, 2 * increments * double(path.channels) * sizeof(Q), plan_items(multiply_adds));
    if (slice == path.batch) return signature_vjp_tile<Q>(job, exec).run();
    const int workers = plan_workers(exec.workers, ceil_div(path.batch, slice), multiply_adds);
    const executor limited = limited_executor(exec, workers);
    parallel_for_slices(path.batch, slice, limited, [&job](i64 first, i64 count, const executor& alone) {
        signature_vjp_job<R> part = slice_of(job, first, count);
        const direction<R> along =
            job.along ? slice_of(*job.along, first, count, signature_size(part.value.path.channels, job.value.depth))
                      : direction<R>{};
        if (job.along) part.along = &along;
        signature_vjp_tile<Q>(part, alone, true).run();
    });
}

template <class R>
void compute(const signature_vjp_job<R>& job, const executor& exec) {
    if (job.value.path.batch == 0) return;
    if (job.along) signature_vjp_in_slices<dual<R>>(job, exec);
    else signature_vjp_in_slices<R>(job, exec);
}

PYSIG_NAMESPACE_END
