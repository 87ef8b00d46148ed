// Derivatives of signatures in a direction on the host: the schedule of signature.hpp with the kernel for dual numbers
// (kernels/tile_tangent.hpp). Chunks are joined by the product rule, (a (x) b)' = a' (x) b + a (x) b'.
#pragma once

#include "segments.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_jvp_tile {
 public:
    using V = lanes<R>;
    using Q = dual<R>;

    signature_jvp_tile(const signature_jvp_job<R>& job, const executor& outer)
        : job(job.value),
          path(job.value.path),
          d(path.channels),
          depth(job.value.depth),
          size(signature_size(d, depth)),
          lower(signature_size(d, depth - 1)),
          steps(step_count(path)),
          plan(job.value.stream ? plan_chunks<R>(path.batch, steps, 1)
                                : plan_lanes<R>(path.batch, steps, depth, size, default_chunk_target<R>(depth))),
          source(path, job.value.initial, &job.tangent, plan),
          tiles(plan_tiles<R>(d, depth, plan.groups, items_for(outer.workers))),
          block(job.value.stream ? 1 : plan_tangent_block<R>(d, depth, plan.chunk_steps)),
          increments(block, d, increment_source<Q>::width),
          chains_size(tile_tangent<R>::chain_size(depth, block)),
          states_size(tile_tangent<R>::state_size(tiles.tile(0, d), d, depth)),
          exec(limited(outer)),
          scratch(exec.workers * scratch_size()),
          joins(plan.chunks > 1 ? path.batch * plan.chunks * (size + lower) : 0) {}

    void run() {
        parallel_for(exec, plan.groups * tiles.count, [this](i64 item, int worker) { run_item(item, worker); });
        for (stride = 1; stride < plan.chunks; stride *= 2) {
            pairs = ceil_div(plan.chunks - stride, 2 * stride);
            parallel_for(exec, path.batch * pairs, [this](i64 item, int) { join(item); });
        }
        if (plan.chunks > 1 || job.inverse || job.scalar_term)
            parallel_for(exec, path.batch, [this](i64 b, int) { finish(b); });
    }

 private:
    const signature_job<R>& job;
    const path_view<R>& path;
    const i64 d;
    const int depth;
    const i64 size, lower, steps;
    const lane_plan plan;
    const increment_source<Q> source;
    const tile_plan tiles;
    const i64 block;
    const increment_scratch<R> increments;
    const i64 chains_size, states_size;
    const executor exec;
    buffer<V> scratch;
    buffer<R> joins;  // of each chunk: the derivative, then the value below the top level
    i64 stride = 0, pairs = 0;

    i64 scratch_size() const { return increments.size + chains_size + states_size; }
    i64 width() const { return size + job.scalar_term; }
    i64 out_rows() const { return job.stream ? steps : 1; }
    R* out_row(i64 b) const { return job.out + b * out_rows() * width() + job.scalar_term; }
    R* chunk_row(i64 b, i64 chunk) const { return joins.get() + (b * plan.chunks + chunk) * (size + lower); }

    executor limited(const executor& outer) const {
        return limited_executor(outer, plan_workers(outer.workers, plan.groups * tiles.count,
                                                    2 * double(path.batch) * double(steps) * double(size)));
    }

    void run_item(i64 item, int worker) {
        const lane_group<R> group(path, plan, item / tiles.count);
        const word_tile tile = tiles.tile(item % tiles.count, d);
        V* memory = scratch.get() + worker * scratch_size();
        R* row_memory = reinterpret_cast<R*>(memory);
        V* x = memory + increments.rows;
        V* spare = x + increment_source<Q>::width * increments.row_size;
        tile_tangent<R> w(d, depth, block, memory + increments.size, memory + increments.size + chains_size);
        w.open(tile);
        begin_states<Q>(w, tile, group.slots, source, d, depth - 1, size);
        begin_top(w, tile, group.slots);
        const i64 longest = job.stream ? steps : group.longest;
        for (i64 t = 0; t < longest; t += block) {
            if (exec.cancelled(exec)) return;
            const i64 count = longest - t < block ? longest - t : block;
            w.advance_block(source.fill(group, t, count, row_memory, increments.row_size, spare, x), count);
            if (job.stream) scatter(w, tile, group.slots, t * width(), spare);
        }
        if (!job.stream) scatter(w, tile, group.slots, 0, spare);
    }

    void begin_top(tile_tangent<R>& w, const word_tile& tile, const lane_steps* slots) const {
        const i64 words = tile_words(tile, d, depth), offset = lower + tile_begin(tile, d, depth);
        V* top = w.top_tangent();
        for (i64 word = 0; word < words; ++word) top[word] = V{};
        if (!source.along->initial) return;
        for (int l = 0; l < lane_count<R>; ++l)
            if (slots[l].path >= 0 && slots[l].chunk == 0)
                for (i64 word = 0; word < words; ++word)
                    top[word][l] = source.along->initial[slots[l].path * size + offset + word];
    }

    // `spare` holds lane_count vectors at least.
    void scatter(const tile_tangent<R>& w, const word_tile& tile, const lane_steps* slots, i64 offset, V* spare) const {
        R *tangents[lane_count<R>], *values[lane_count<R>];
        const bool chunked = plan.chunks > 1;
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = slots[l];
            tangents[l] = s.path < 0 ? nullptr : chunked ? chunk_row(s.path, s.chunk) : out_row(s.path);
            values[l] = s.path >= 0 && chunked ? tangents[l] + size : nullptr;
        }
        for (int k = 1; k <= depth; ++k) {
            if (!tile_writes(tile, d, k)) continue;
            const i64 words = tile_words(tile, d, k), at = level_offset(d, k) + tile_begin(tile, d, k);
            if (k == depth) {
                scatter_lanes(tangents, offset + at, w.top_tangent(), words);
                continue;
            }
            for (i64 m = 0; m < words; m += lane_count<R>) {
                const i64 count = words - m < lane_count<R> ? words - m : lane_count<R>;
                for (i64 j = 0; j < count; ++j) spare[j] = w.state(k)[m + j].tangent;
                scatter_lanes(tangents, offset + at + m, spare, count);
                if (!chunked) continue;
                for (i64 j = 0; j < count; ++j) spare[j] = w.state(k)[m + j].value;
                scatter_lanes(values, at + m, spare, count);
            }
        }
    }

    void join(i64 item) {
        if (exec.cancelled(exec)) return;
        const i64 b = item / pairs, chunk = (item % pairs) * 2 * stride;
        R *left = chunk_row(b, chunk), *right = chunk_row(b, chunk + stride);
        multiply_tangent_in_place(left + size, left, right + size, right, d, depth);
    }

    void finish(i64 b) {
        R* out = out_row(b);
        if (plan.chunks > 1) std::memcpy(out, chunk_row(b, 0), std::size_t(size) * sizeof(R));
        for (i64 t = 0; t < out_rows(); ++t, out += width()) {
            if (job.inverse) invert_in_place(out, d, depth);  // the antipode is linear
            if (job.scalar_term) out[-1] = R(0);
        }
    }
};

template <class R>
void compute(const signature_jvp_job<R>& job, const executor& exec) {
    if (job.value.path.batch == 0) return;
    signature_jvp_tile<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
