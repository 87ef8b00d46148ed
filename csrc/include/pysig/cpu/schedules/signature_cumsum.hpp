// The cumulative-sum reformulation (Genet and Inzirillo 2025, arXiv 2501.08455) on the host: level by level instead
// of step by step. With all lower levels known before every step of a block of time, the growth of level n at each step
// is one Horner chain per word, and the level itself is its running sum; the last level, if only its final value is
// stored, is a reduction. Blocks of time bound the scratch memory. Workers take paths.
#pragma once

#include "../jobs/signature.hpp"
#include "../kernels/chen.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/increments.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_cumsum {
 public:
    signature_cumsum(const signature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.path.channels),
          depth(job.depth),
          size(signature_size(d, depth)),
          lower(size - power(d, depth)),
          steps(step_count(job.path)),
          width(size + job.scalar_term),
          chain_words(power(d, depth - 1)),
          block(block_steps()),
          workers(plan_workers(exec.workers, job.path.batch, double(job.path.batch) * double(steps) * double(size))),
          scratch(workers * scratch_size()) {}

    void run() {
        parallel_for(limited_executor(exec, workers), job.path.batch,
                     [this](i64 b, int worker) { run_path(b, worker); });
    }

 private:
    const signature_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, lower, steps, width, chain_words, block;
    const int workers;
    buffer<R> scratch;

    // Row t holds the signature before step t of the block: all levels if streaming, then rows 1.. are rows of `out`;
    // else the levels below the last, in scratch.
    struct rows {
        R* first;
        R* others;
        i64 stride;
        R* operator[](i64 t) const { return t == 0 ? first : others + (t - 1) * stride; }
    };

    i64 block_steps() const {
        const i64 per_step = (d + 2 * chain_words + (job.stream ? 0 : lower)) * i64(sizeof(R));
        i64 t = cost::cumsum_bytes / per_step;
        t = t < 1 ? 1 : t > cost::cumsum_max_block ? cost::cumsum_max_block : t;
        return t < steps ? t : steps > 0 ? steps : 1;
    }
    i64 scratch_size() const { return block * (d + 2 * chain_words + lower) + size; }

    void run_path(i64 b, int worker) {
        R* x = scratch.get() + worker * scratch_size();
        R* chains = x + block * d;
        R* current = chains + 2 * block * chain_words;
        R* lower_rows = current + size;
        R* out = job.out + b * (job.stream ? steps : 1) * width + job.scalar_term;
        for (i64 w = 0; w < size; ++w) current[w] = job.initial ? job.initial[b * size + w] : R(0);
        for (i64 t = 0; t < steps; t += block) {
            if (exec.cancelled(exec)) return;
            const i64 count = steps - t < block ? steps - t : block;
            fill_increments(job.path, b, t, steps, count, x);
            const rows before = job.stream ? rows{t == 0 ? current : out + (t - 1) * width, out + t * width, width}
                                           : rows{current, lower_rows, lower};
            for (int n = 1; n <= depth; ++n) level(n, count, x, before, chains, current);
            if (!job.stream) std::memcpy(current, before[count], std::size_t(lower) * sizeof(R));
        }
        finish(current, out);
    }

    void level(int n, i64 count, const R* x, const rows& before, R* chains, R* current) const {
        R* chain = chains;
        R* next = chains + block * chain_words;
        for (i64 t = 0; t < count; ++t) chain[t] = chain_of_empty_word<R>(n - 1);
        i64 words = 1;
        for (int k = 1; k < n; ++k, words *= d) {
            const i64 offset = level_offset(d, k);
            for (i64 t = 0; t < count; ++t)
                lengthen(chain + t * words, words, x + t * d, before[t] + offset, n - k, next + t * words * d);
            R* swap = chain;
            chain = next;
            next = swap;
        }
        const i64 offset = level_offset(d, n);
        const bool reduce = n == depth && !job.stream;
        for (i64 t = 0; t < count; ++t) {
            R* to = (reduce ? current : before[t + 1]) + offset;
            running_sum((reduce ? current : before[t]) + offset, chain + t * words, words, x + t * d, to);
        }
    }

    // The chains of all words u i from the chains of all words u, at one step.
    void lengthen(const R* chain, i64 words, const R* x, const R* s, int r, R* PYSIG_RESTRICT next) const {
        for (i64 u = 0; u < words; ++u)
            for (i64 i = 0; i < d; ++i) next[u * d + i] = chain_entry<R>(chain[u], x[i], s[u * d + i], r);
    }

    void running_sum(const R* from, const R* chain, i64 words, const R* x, R* to) const {
        for (i64 u = 0; u < words; ++u)
            for (i64 i = 0; i < d; ++i) to[u * d + i] = advance(from[u * d + i], chain[u], x[i]);
    }

    void finish(const R* current, R* out) const {
        if (!job.stream) std::memcpy(out, current, std::size_t(size) * sizeof(R));
        const i64 count = job.stream ? steps : 1;
        for (i64 t = 0; t < count; ++t, out += width) {
            if (job.inverse) invert_in_place(out, d, depth);
            if (job.scalar_term) out[-1] = R(1);
        }
    }
};

PYSIG_NAMESPACE_END
