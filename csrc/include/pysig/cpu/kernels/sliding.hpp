// The products of one window, without allocation: a segment in front of a signature, and two signatures.
#pragma once

#include "../../algebra/horner.hpp"
#include "../jobs/sliding.hpp"
#include "chen.hpp"
#include "incremental.hpp"

#include <cstring>

PYSIG_NAMESPACE_BEGIN

// out <- exp(x) (x) s. This is the step of horner.hpp on reversed words: chains belong to suffixes, and one more letter
// i goes in front of u. In a level of d * `words` words the children of all u for one letter i are neighbours.
template <class R>
class prepend_step {
 public:
    explicit prepend_step(const sliding_job<R>& job)
        : job(job), d(job.channels), most((incremental_scratch(d, job.depth) - d) / 2) {}

    void run() const {
        const R* s = job.b;
        R* out = job.out;
        if (!s) {
            std::memset(out, 0, std::size_t(signature_size(d, job.depth)) * sizeof(R));
            s = out;
        }
        R* parent = job.scratch;
        R* child = parent + most;
        for (int r = 0; r < job.depth; ++r) parent[r] = chain_of_empty_word<R>(r);
        i64 words = 1;
        for (int k = 0; k < job.depth; ++k) {
            for (int r = 1; r < job.depth - k; ++r)
                chains(parent + r * words, s, r, words, child + (r - 1) * words * d);
            advance_words(parent, s, words, out);
            s += words * d;
            out += words * d;
            words *= d;
            R* const spare = parent;
            parent = child;
            child = spare;
        }
    }

 private:
    const sliding_job<R>& job;
    const i64 d, most;

    void chains(const R* PYSIG_RESTRICT parent, const R* PYSIG_RESTRICT s, int r, i64 words,
                R* PYSIG_RESTRICT child) const {
        const R inverse = R(1) / R(r);
        for (i64 i = 0; i < d; ++i, s += words, child += words)
            for (i64 u = 0; u < words; ++u) child[u] = chain_entry<R>(parent[u], job.a[i], s[u], r, inverse);
    }
    void advance_words(const R* PYSIG_RESTRICT parent, const R* s, i64 words, R* out) const {
        for (i64 i = 0; i < d; ++i, s += words, out += words)
            for (i64 u = 0; u < words; ++u) out[u] = advance(s[u], parent[u], job.a[i]);
    }
};

template <class R>
inline void multiply_rows(const sliding_job<R>& job) {
    if (job.channels > 1)
        return row_product<R>(job.channels, job.depth)(R(1), job.a, R(1), job.b, R(1), job.out, job.depth);
    if (job.out != job.a) std::memcpy(job.out, job.a, std::size_t(job.depth) * sizeof(R));
    multiply_in_place(job.out, job.b, job.channels, job.depth);
}

template <class R>
void compute(const sliding_job<R>& job, const executor&) {
    if (job.op == sliding_op::prepend) prepend_step<R>(job).run();
    else multiply_rows(job);
}

PYSIG_NAMESPACE_END
