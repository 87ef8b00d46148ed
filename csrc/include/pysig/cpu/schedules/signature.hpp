// Signatures on the host by word tiles: lanes are filled with paths or chunks of time, workers take (lane group,
// tile) items, chunks are joined by Chen products. See walk.hpp for the kernel and schedule.hpp for the choices.
#pragma once

#include "../kernels/chen.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "cost_model.hpp"
#include "signature_cumsum.hpp"
#include "signature_one_channel.hpp"
#include "signature_stream.hpp"
#include "signature_wide.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class tile_signature {
 public:
    using V = lanes<R>;

    tile_signature(const signature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.path.channels),
          depth(job.depth),
          size(signature_size(d, depth)),
          steps(step_count(job.path)),
          half(job.stream ? 0 : alternating_channels(job.path)),
          plan(job.stream ? plan_chunks<R>(job.path.batch, steps, 1)
                          : plan_lanes<R>(job.path.batch, steps, depth, size, usual_chunks<R>(depth))),
          tiles(plan_tiles<R>(d, depth, plan.groups, items_for(exec.workers))),
          block(even(plan_block<R>(d, depth, plan.chunk_steps))),
          row_size((block * d + lane_count<R> - 1) / lane_count<R> * lane_count<R> + lane_count<R>),
          increments_size(row_size),
          rows_size((lane_count<R> * row_size + lane_count<R> - 1) / lane_count<R>),
          chains_size(walk<R>::chain_size(depth, block)),
          states_size(walk<R>::state_size(tiles.tile(0, d), d, depth)),
          workers(plan_workers(exec.workers, plan.groups * tiles.count,
                               double(job.path.batch) * double(steps) * double(size))),
          scratch(workers * scratch_size()),
          joins(job.path.batch * (plan.chunks - 1) * size) {}

    void run() {
        executor limited = exec;
        limited.workers = workers;
        limited.run(
            limited, plan.groups * tiles.count,
            [](void* self, i64 item, int worker) { static_cast<tile_signature*>(self)->run_item(item, worker); }, this);
        for (stride = 1; stride < plan.chunks; stride *= 2) {
            pairs = (plan.chunks - stride + 2 * stride - 1) / (2 * stride);
            each(job.path.batch * pairs, double(size) * depth,
                 [](void* self, i64 item, int) { static_cast<tile_signature*>(self)->join(item); });
        }
        if (job.inverse || job.scalar_term)
            each(job.path.batch, double(size) * double(out_rows()),
                 [](void* self, i64 b, int) { static_cast<tile_signature*>(self)->finish(b); });
    }

 private:
    const signature_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, steps;
    const i64 half;  // of channels that move in turns: then blocks and chunks begin with an even step
    const lane_plan plan;
    const tile_plan tiles;
    const i64 block, row_size, increments_size, rows_size, chains_size, states_size;
    const int workers;
    buffer<V> scratch;
    buffer<R> joins;
    i64 stride = 0, pairs = 0;

    // What is left to do for each path or pair of chunks, by the threads that there are already, if so much work is
    // worth it.
    void each(i64 items, double multiply_adds, void (*body)(void*, i64, int)) {
        executor few = exec;
        few.workers = plan_workers(workers, items, double(items) * multiply_adds, cost::region_words);
        few.run(few, items, body, this);
    }

    i64 even(i64 count) const { return half ? (count + 1) / 2 * 2 : count; }
    i64 scratch_size() const { return increments_size + rows_size + chains_size + states_size; }
    i64 width() const { return size + job.scalar_term; }
    i64 out_rows() const { return job.stream ? steps : 1; }
    R* out_row(i64 b) const { return job.out + b * out_rows() * width() + job.scalar_term; }
    // The first chunk of a path stands where the result will.
    R* chunk_row(i64 b, i64 chunk) const {
        return chunk == 0 ? out_row(b) : joins.get() + (b * (plan.chunks - 1) + chunk - 1) * size;
    }

    lane_steps lane_at(i64 slot) const {
        if (slot >= job.path.batch * plan.chunks) return {-1, 0, 0, 0, 0};
        const i64 place = slot / plan.chunks, chunk = slot % plan.chunks, b = path_at(job.path, place);
        const i64 own = step_count(job.path, b), each = even((own + plan.chunks - 1) / plan.chunks);
        const i64 begin = chunk * each < own ? chunk * each : own;
        return {b, chunk, begin, begin + each < own ? begin + each : own, place};
    }

    void run_item(i64 item, int worker) {
        constexpr int lane_width = lane_count<R>;
        const i64 group = item / tiles.count;
        const word_tile tile = tiles.tile(item % tiles.count, d);
        V* increments = scratch.get() + worker * scratch_size();
        R* rows = reinterpret_cast<R*>(increments + increments_size);
        walk<R> w(d, depth, block, increments + increments_size + rows_size,
                  increments + increments_size + rows_size + chains_size);
        w.open(tile);
        w.alternate(half);

        lane_steps slots[lane_width];
        R* targets[lane_width];
        i64 longest = job.stream ? steps : 0;
        for (int l = 0; l < lane_width; ++l) {
            slots[l] = lane_at(group * lane_width + l);
            const lane_steps& s = slots[l];
            targets[l] = s.path < 0 ? nullptr : chunk_row(s.path, s.chunk);
            if (s.end - s.begin > longest) longest = s.end - s.begin;
        }
        begin_states(w, tile, slots);
        for (i64 t = 0; t < longest; t += block) {
            if (exec.cancelled(exec)) return;
            const i64 count = longest - t < block ? longest - t : block;
            fill_block(job.path, slots, t, count, rows, row_size, increments);
            if (!job.stream) {
                w.advance_block(increments, count);
                continue;
            }
            for (i64 s = 0; s < count; ++s) {
                w.advance_block(increments + s * d, 1);
                drain(w, tile, targets, (t + s) * width());
            }
        }
        if (!job.stream) drain(w, tile, targets, 0);
    }

    void drain(const walk<R>& w, const word_tile& tile, R* const* targets, i64 offset) const {
        if (tiles.count == 1) return drain_lanes(targets, offset, w.state(1), size);  // all words, in their order
        for (int k = 1; k <= depth; ++k)
            if (tile_writes(tile, d, k))
                drain_lanes(targets, offset + level_offset(d, k) + tile_begin(tile, d, k), w.state(k),
                            tile_words(tile, d, k));
    }

    // The first chunk of a path continues `initial`; all others begin with the trivial signature.
    void begin_states(walk<R>& w, const word_tile& tile, const lane_steps* slots) const {
        for (int k = 1; k <= depth; ++k) {
            const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
            V* state = w.state(k);
            for (i64 word = 0; word < words; ++word) state[word] = V{};
            if (!job.initial) continue;
            for (int l = 0; l < lane_count<R>; ++l)
                if (slots[l].path >= 0 && slots[l].chunk == 0)
                    for (i64 word = 0; word < words; ++word)
                        state[word][l] = job.initial[slots[l].path * size + offset + word];
        }
    }

    void join(i64 item) {
        if (exec.cancelled(exec)) return;
        const i64 b = item / pairs, chunk = (item % pairs) * 2 * stride;
        multiply_in_place(chunk_row(b, chunk), chunk_row(b, chunk + stride), d, depth);
    }

    void finish(i64 b) {
        R* out = out_row(b);
        for (i64 t = 0; t < out_rows(); ++t, out += width()) {
            if (job.inverse) invert_in_place(out, d, depth);
            if (job.scalar_term) out[-1] = R(1);
        }
    }
};

template <class R>
inline void compute_signature(const signature_job<R>& job, const executor& exec) {
    if (job.path.batch == 0) return;
    if (job.path.channels == 1) return one_channel_signature<R>(job, exec).run();
    if (job.how == method::cumsum) return cumsum_signature<R>(job, exec).run();
    if (job.stream && prefixes_pay<R>(job.path.batch, job.path.channels, job.depth))
        return prefix_signatures<R>(job, exec).run();
    const i64 steps = step_count(job.path);
    const lane_plan plan = plan_lanes<R>(job.path.batch, steps, job.depth, signature_size(job.path.channels, job.depth),
                                         usual_chunks<R>(job.depth));
    if (!job.stream && letters_pay<R>(plan, job.path.batch, steps, job.path.channels, job.depth))
        return letters_signature<R>(job, exec).run();
    tile_signature<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
