// One step of one path, in place and without allocation: level by level, the chains of all words of a level from those
// of the level above (horner.hpp).
#pragma once

#include "../../algebra/horner.hpp"
#include "../../algebra/words.hpp"
#include "../jobs/incremental.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr i64 letters_at_compile_time = 8;  // channels up to which the loops over letters are unrolled

// Elements: an increment, and the chains of two levels, depth - k entries for each of d^k words.
inline i64 incremental_scratch(i64 channels, int depth) {
    i64 level_size = depth, words = 1;
    for (int k = 1; k < depth; ++k) {
        words *= channels;
        if (words * (depth - k) > level_size) level_size = words * (depth - k);
    }
    return channels + 2 * level_size;
}

// D: the number of channels, or 0 if it is known at run time only.
template <class R, int D>
class incremental_step {
 public:
    incremental_step(const incremental_job<R>& job)
        : job(job), d(D ? D : job.channels), level_size((incremental_scratch(d, job.depth) - d) / 2) {}

    void run() {
        R* x = job.scratch;
        const R* row = job.rows;
        for (i64 t = 0; t < job.count; ++t, row += d) {
            if (!job.last) {
                step(row);
                continue;
            }
            for (i64 c = 0; c < d; ++c) {
                x[c] = row[c] - job.last[c];
                job.last[c] = row[c];
            }
            step(x);
        }
    }

 private:
    const incremental_job<R>& job;
    const i64 d, level_size;

    // The chain entries at distance r + 1 stand together: entry r of word u at chain[r * words + u].
    void step(const R* PYSIG_RESTRICT x) const {
        R* parent = job.scratch + d;
        R* child = parent + level_size;
        for (int r = 0; r < job.depth; ++r) parent[r] = chain_of_empty_word<R>(r);
        R* s = job.signature;
        i64 words = 1;
        for (int k = 0; k < job.depth; ++k) {
            for (int r = 1; r < job.depth - k; ++r)
                chains(parent + r * words, x, s, r, words, child + (r - 1) * words * d);
            advance_words(parent, x, words, s);
            s += words * d;
            words *= d;
            R* const spare = parent;
            parent = child;
            child = spare;
        }
    }

    void chains(const R* PYSIG_RESTRICT parent, const R* PYSIG_RESTRICT x, const R* PYSIG_RESTRICT s, int r, i64 words,
                R* PYSIG_RESTRICT child) const {
        for (i64 u = 0; u < words; ++u)
            for (i64 i = 0; i < letters(); ++i)
                child[u * letters() + i] = chain_entry<R>(parent[u], x[i], s[u * letters() + i], r);
    }
    void advance_words(const R* PYSIG_RESTRICT parent, const R* PYSIG_RESTRICT x, i64 words,
                       R* PYSIG_RESTRICT s) const {
        for (i64 u = 0; u < words; ++u)
            for (i64 i = 0; i < letters(); ++i) s[u * letters() + i] = advance(s[u * letters() + i], parent[u], x[i]);
    }
    i64 letters() const { return D ? D : d; }
};

template <class R, int D = letters_at_compile_time>
inline void advance_in_place(const incremental_job<R>& job) {
    if (D == 0 || job.channels == D) return incremental_step<R, D>(job).run();
    if constexpr (D > 0) advance_in_place<R, D - 1>(job);
}

template <class R>
void compute(const incremental_job<R>& job, const executor&) {
    advance_in_place(job);
}

PYSIG_NAMESPACE_END
