// Signatures on the host by word tiles, and the choice of the schedule.
//
//   1. advance   Workers take (lane group, tile) items. Lanes hold paths, or chunks of time of fewer paths; each item
//                computes the signatures of its lanes at the words of its tile (kernels/tile_forward.hpp).
//   2. join      Chen's identity, S = S_1 (x) S_2 (x) ... (x) S_C, joins the chunks of a path pairwise.
//   3. finish    Antipode and scalar term.
//
// cost_model.hpp chooses the chunks, tiles and blocks.
#pragma once

#include "../jobs/signature.hpp"
#include "../kernels/chen.hpp"
#include "../lanes/buffer.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"
#include "lane_groups.hpp"
#include "signature_cumsum.hpp"
#include "signature_one_channel.hpp"
#include "signature_plan.hpp"
#include "signature_stream.hpp"
#include "signature_wide.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_tile {
 public:
    using V = lanes<R>;

    signature_tile(const signature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.path.channels),
          depth(job.depth),
          plan(plan_signature(job, exec)),
          scratch(plan.workers * plan.scratch()),
          chunk_signatures(job.path.batch * (plan.lanes.chunks - 1) * plan.size) {}

    void run() {
        parallel_for(limited_executor(exec, plan.workers), plan.lanes.groups * plan.tiles.count,
                     [this](i64 item, int worker) { advance_item(item, worker); });
        for (i64 stride = 1; stride < plan.lanes.chunks; stride *= 2) {
            const i64 pairs = ceil_div(plan.lanes.chunks - stride, 2 * stride);
            for_each(job.path.batch * pairs, double(plan.size) * depth,
                     [&](i64 item, int) { join(item / pairs, item % pairs * 2 * stride, stride); });
        }
        if (job.inverse || job.scalar_term)
            for_each(job.path.batch, double(plan.size) * double(out_rows()), [this](i64 b, int) { finish(b); });
    }

 private:
    const signature_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const signature_plan plan;
    buffer<V> scratch;
    buffer<R> chunk_signatures;  // of all chunks but the first of each path

    // Short items, on the threads that are already running.
    template <class F>
    void for_each(i64 items, double multiply_adds, const F& body) {
        const int workers =
            plan_workers(plan.workers, items, double(items) * multiply_adds, cost::region_multiply_adds);
        parallel_for(limited_executor(exec, workers), items, body);
    }

    i64 width() const { return plan.size + job.scalar_term; }
    i64 out_rows() const { return job.stream ? plan.steps : 1; }
    R* out_row(i64 b) const { return job.out + b * out_rows() * width() + job.scalar_term; }
    // The first chunk of a path is stored in the output.
    R* chunk_row(i64 b, i64 chunk) const {
        return chunk == 0 ? out_row(b) : chunk_signatures.get() + (b * (plan.lanes.chunks - 1) + chunk - 1) * plan.size;
    }

    void advance_item(i64 item, int worker) {
        const lane_group<R> group(job.path, plan.lanes, item / plan.tiles.count);
        const word_tile tile = plan.tiles.tile(item % plan.tiles.count, d);
        V* increments = scratch.get() + worker * plan.scratch();
        R* rows = reinterpret_cast<R*>(increments + plan.increments);
        V* chains = increments + plan.increments + plan.rows;
        tile_forward<R> w(d, depth, plan.block, chains, chains + plan.chains);
        w.open(tile);
        w.alternate(plan.alternating);

        R* targets[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            targets[l] = s.path < 0 ? nullptr : chunk_row(s.path, s.chunk);
        }
        begin_states(w, tile, group.slots);
        const i64 longest = job.stream ? plan.steps : group.longest;
        for (i64 t = 0; t < longest; t += plan.block) {
            if (exec.cancelled(exec)) return;
            const i64 count = longest - t < plan.block ? longest - t : plan.block;
            fill_block(job.path, group.slots, t, count, rows, plan.row_size, increments);
            if (!job.stream) {
                w.advance_block(increments, count);
                continue;
            }
            for (i64 s = 0; s < count; ++s) {
                w.advance_block(increments + s * d, 1);
                scatter(w, tile, targets, (t + s) * width());
            }
        }
        if (!job.stream) scatter(w, tile, targets, 0);
    }

    void scatter(const tile_forward<R>& w, const word_tile& tile, R* const* targets, i64 offset) const {
        // A single tile holds all words, in their order.
        if (plan.tiles.count == 1) return scatter_lanes(targets, offset, w.state(1), plan.size);
        for (int k = 1; k <= depth; ++k)
            if (tile_writes(tile, d, k))
                scatter_lanes(targets, offset + level_offset(d, k) + tile_begin(tile, d, k), w.state(k),
                              tile_words(tile, d, k));
    }

    // The first chunk of a path continues `initial`; all others begin with the trivial signature.
    void begin_states(tile_forward<R>& w, const word_tile& tile, const lane_steps* slots) const {
        for (int k = 1; k <= depth; ++k) {
            const i64 words = tile_words(tile, d, k), offset = level_offset(d, k) + tile_begin(tile, d, k);
            V* state = w.state(k);
            for (i64 word = 0; word < words; ++word) state[word] = V{};
            if (!job.initial) continue;
            for (int l = 0; l < lane_count<R>; ++l)
                if (slots[l].path >= 0 && slots[l].chunk == 0)
                    for (i64 word = 0; word < words; ++word)
                        state[word][l] = job.initial[slots[l].path * plan.size + offset + word];
        }
    }

    // Chunks [chunk, chunk + stride) and the next `stride` chunks of path b.
    void join(i64 b, i64 chunk, i64 stride) {
        if (exec.cancelled(exec)) return;
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
void compute(const signature_job<R>& job, const executor& exec) {
    const i64 batch = job.path.batch, d = job.path.channels;
    if (batch == 0) return;
    if (d == 1) return signature_one_channel<R>(job, exec).run();
    if (job.method == method::cumsum) return signature_cumsum<R>(job, exec).run();
    if (job.stream && stream_pays<R>(batch, d, job.depth)) return signature_stream<R>(job, exec).run();
    const i64 steps = step_count(job.path);
    const lane_plan plan =
        plan_lanes<R>(batch, steps, job.depth, signature_size(d, job.depth), default_chunk_target<R>(job.depth));
    if (!job.stream && wide_pays<R>(plan, batch, steps, d, job.depth)) return signature_wide<R>(job, exec).run();
    signature_tile<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
