// The signatures of all prefixes of a path (`stream`), step by step: every row is made from the row before it and
// written once.
//
// Every step is written, so nothing can stay in registers; rows must be written in the order of memory. If rows are
// long enough (cost_model.hpp), the lanes hold neighbouring words of one row. Words u i, for all letters i, are
// adjacent: with the chain of u (horner.hpp) repeated d times and the increment repeated, one step of a level is
//
//     S'[u i] = S[u i] + chain_0[u] x[i],    chain_(r-1)[u i] = (chain_r[u] x[i] + S[u i]) / r
//
// over contiguous numbers: one multiply-add per word, one read and one write of a row. Workers take paths.
#pragma once

#include "../jobs/signature.hpp"
#include "../kernels/chen.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_stream {
 public:
    using V = lanes<R>;
    static constexpr i64 width_of = lane_count<R>;
    static constexpr i64 max_unrolled = width_of > 8 ? width_of - 1 : 8;  // letters that are known to the compiler

    signature_stream(const signature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.path.channels),
          depth(job.depth),
          size(signature_size(d, depth)),
          steps(step_count(job.path)),
          width(size + job.scalar_term),
          block(plan_stream_block(d, steps, sizeof(R))),
          workers(plan_workers(exec.workers, job.path.batch, double(job.path.batch) * double(steps) * double(size))),
          scratch(workers * scratch_size()) {}

    void run() {
        parallel_for(limited_executor(exec, workers), job.path.batch,
                     [this](i64 b, int worker) { run_path(b, worker); });
    }

 private:
    // Scratch of a worker. Increments, patterns and chains are read and written up to one vector past their ends.
    struct place {
        R* x;        // (block, d) increments
        R* pattern;  // the increment, repeated
        R* chains;   // (reach, words) of the words of one level, and of the next
        R* next;
    };

    const signature_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, steps, width, block;
    const int workers;
    buffer<R> scratch;

    i64 chains_size() const {
        i64 level_size = depth;
        for (int k = 1; k < depth; ++k)
            level_size = power(d, k) * (depth - k) > level_size ? power(d, k) * (depth - k) : level_size;
        return pad_to_lanes<R>(level_size + width_of);
    }
    i64 row_size() const { return pad_to_lanes<R>(size); }
    static constexpr i64 pattern_size() { return (max_unrolled + 2) * width_of; }
    i64 increments_size() const { return pad_to_lanes<R>(block * d + width_of); }
    i64 scratch_size() const { return increments_size() + pattern_size() + 2 * chains_size() + 2 * row_size(); }

    void run_path(i64 b, int worker) {
        place at;
        at.x = scratch.get() + worker * scratch_size();
        at.pattern = at.x + increments_size();
        at.chains = at.pattern + pattern_size();
        at.next = at.chains + chains_size();
        R* rows = at.next + chains_size();
        for (i64 w = 0; w < size; ++w) rows[w] = job.initial ? job.initial[b * size + w] : R(0);
        for (i64 t = 0; t < steps; ++t) {
            const i64 s = t % block;
            if (s == 0) {
                if (exec.cancelled(exec)) return;
                fill_increments(job.path, b, t, steps, steps - t < block ? steps - t : block, at.x);
            }
            write_row(at, at.x + s * d, rows, t, job.out + (b * steps + t) * width);
        }
    }

    // `rows`: two rows of scratch, the signature before the first step and the signature before inversion.
    void write_row(const place& at, const R* x, R* rows, i64 t, R* out) const {
        if (job.scalar_term) *out++ = R(1);
        if (!job.inverse) return step(at, x, t == 0 ? rows : out - width, out);
        R* after = rows + (t + 1) % 2 * row_size();
        step(at, x, rows + t % 2 * row_size(), after);
        std::memcpy(out, after, std::size_t(size) * sizeof(R));
        invert_in_place(out, d, depth);
    }

    // D letters if they are known, else 0.
    template <i64 D = max_unrolled>
    void step(const place& at, const R* x, const R* before, R* after) const {
        if constexpr (D > 1)
            if (d != D) return step<D - 1>(at, x, before, after);
        step_of<D == 1 ? 0 : D>(at, x, before, after);
    }

    template <i64 D>
    void step_of(place at, const R* x, const R* before, R* after) const {
        V pattern[D > 0 ? D : 1];
        if constexpr (D > 0) repeat<D>(at, x, pattern);
        for (int r = 0; r < depth; ++r) at.chains[r] = chain_of_empty_word<R>(r);
        i64 words = 1;
        for (int k = 0; k < depth; ++k, words *= d) {
            const i64 offset = level_offset(d, k + 1);
            const row_part s{before + offset, size - offset};
            for (int r = 1; r < depth - k; ++r)
                lengthen<D>(at.chains + r * words, words, x, pattern, s, at.next + (r - 1) * words * d, entries{r});
            lengthen<D>(at.chains, words, x, pattern, s, after + offset, coefficients{});
            R* swap = at.chains;
            at.chains = at.next;
            at.next = swap;
        }
    }

    // Functions of the chain, the increment and the coefficient before the step. Rows are written faster than memory
    // delivers their cache lines, so the lines are prefetched.
    struct entries {
        int r;
        V operator()(V chain, V x, V s) const { return chain_entry<R>(chain, x, s, r); }
        void ahead(const R*) const {}
    };
    struct coefficients {
        V operator()(V chain, V x, V s) const { return advance(s, chain, x); }
        void ahead(const R* to) const {
            __builtin_prefetch(reinterpret_cast<const char*>(to) + cost::stream_prefetch_bytes, 1);
        }
    };

    // A level of a row, and how many numbers there are from its beginning to the end of the row.
    struct row_part {
        const R* data;
        i64 room;
    };

    // to[u i] = f(chain[u], x[i], s[u i]) for all words u and letters i.
    template <i64 D, class F>
    void lengthen(const R* chain, i64 words, const R* x, const V* pattern, const row_part& s, R* to, const F& f) const {
        if (D > 0 && words >= width_of) {
            for (i64 u = 0; u + width_of < words; u += width_of)
                lengthen_some<D>(chain + u, pattern, s.data + u * D, to + u * D, f);
            const i64 last = words - width_of;  // overlaps the ones before
            return lengthen_some<D>(chain + last, pattern, s.data + last * D, to + last * D, f);
        }
        if (d >= width_of) {
            for (i64 u = 0; u < words; ++u) {
                const V c = broadcast(chain[u]);
                const R* from = s.data + u * d;
                R* target = to + u * d;
                f.ahead(target);
                for (i64 i = 0; i + width_of < d; i += width_of)
                    store_lanes(target + i, f(c, load_lanes(x + i), load_lanes(from + i)));
                const i64 i = d - width_of;  // overlaps the one before
                store_lanes(target + i, f(c, load_lanes(x + i), load_lanes(from + i)));
            }
            return;
        }
        // Values written past the letters of u are overwritten by the next word, or by the next level.
        for (i64 u = 0; u < words; ++u) {
            const i64 m = u * d, left = s.room - m;
            store_some(to + m, f(broadcast(chain[u]), load_lanes(x), load_some(s.data + m, left)), left);
        }
    }

    // For a vector of words u: d vectors of words u i.
    template <i64 D, i64 j = 0, class F>
    static void lengthen_some(const R* chain, const V* pattern, const R* s, R* to, const F& f) {
        if constexpr (j < D) {
            const V repeated = repeated_lanes<D, j>(load_lanes(chain), typename count_up<width_of>::type{});
            if (j * vector_bytes % 64 == 0) f.ahead(to + j * width_of);
            store_lanes(to + j * width_of, f(repeated, pattern[j], load_lanes(s + j * width_of)));
            lengthen_some<D, j + 1>(chain, pattern, s, to, f);
        }
    }
    // The letters of the d vectors.
    template <i64 D>
    static void repeat(const place& at, const R* x, V* pattern) {
        for (i64 m = 0; m < width_of; ++m)
            for (i64 i = 0; i < D; i += width_of) store_lanes(at.pattern + m * D + i, load_lanes(x + i));
        for (i64 j = 0; j < D; ++j) pattern[j] = load_lanes(at.pattern + j * width_of);
    }
};

PYSIG_NAMESPACE_END
