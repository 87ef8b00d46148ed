// The cumulative-sum reformulation (Genet and Inzirillo 2025, arXiv 2501.08455): level k is a running sum over time,
//     S_t[w1...wk] = S_0[w1...wk] + sum_{s <= t} b_s[w1...wk],   b_t[w1...wk] = chain_0(w1...w(k-1)) * x_t[wk],
// where the chain (horner.hpp) reads the lower levels before step t. Given these at all times, b_t is elementwise in
// time. It is never stored: a thread computes it where it is added.
//
// The functions are the bodies of the ElementwiseKernels and of the ReductionKernel of signature_cumsum.py. PYSIG_LEVEL
// is k.
#include <pysig/algebra/chen.hpp>
#include <pysig/algebra/horner.hpp>

namespace pysig_gpu {

using pysig::i64;

#ifdef PYSIG_LEVEL
// The lower levels at all times of a block: row t (stride `time`, of a path stride `batch`) is S after step t; `start`
// is S before step 0 (`size` values per path). Levels begin at offset `base` of a row. Increments x are (batch, steps,
// d).
template <class R>
struct history {
    const R* rows;
    i64 batch, time, base;
    const R* start;
    i64 size;
    const R* x;
    i64 steps, d;
};

// b_t of one word, for any t. Its letters and the places of its prefixes are computed once.
template <class R>
struct growth {
    static constexpr int k = PYSIG_LEVEL;
    i64 letters[k], places[k];
    const R *rows, *start, *x;
    i64 time, d;

    __device__ growth(const history<R>& h, i64 b, i64 word)
        : rows(h.rows + b * h.batch + h.base),
          start(h.start + b * h.size),
          x(h.x + b * h.steps * h.d),
          time(h.time),
          d(h.d) {
        PYSIG_UNROLL
        for (int i = k - 1; i >= 0; --i) {
            letters[i] = word % d;
            places[i] = pysig::level_offset(d, i + 1) + word;  // of w1...w(i+1)
            word /= d;
        }
    }
    __device__ R at(i64 t) const {
        const R* before = t ? rows + (t - 1) * time : start;
        const R* step = x + t * d;
        R chain = pysig::chain_of_empty_word<R>(k - 1);
        PYSIG_UNROLL
        for (int i = 0; i < k - 1; ++i)
            chain = pysig::chain_entry<R>(chain, step[letters[i]], before[places[i]], k - 1 - i);
        return pysig::advance(R(0), chain, step[letters[k - 1]]);
    }
};

// All rows of one word in one chunk of time: S at the start of the block, plus the sum `added` of the chunks before,
// plus the running sum of b_t.
template <class R>
__device__ void run_chunk(const history<R>& h, R* rows, const R* added, i64 index, i64 words, i64 chunks,
                          i64 chunk_steps) {
    const i64 word = index % words, chunk = index / words % chunks, b = index / words / chunks;
    const growth<R> grow(h, b, word);
    R* to = rows + b * h.batch + h.base + grow.places[PYSIG_LEVEL - 1];
    R s = grow.start[grow.places[PYSIG_LEVEL - 1]];
    if (chunk) s += added[(b * chunks + chunk - 1) * words + word];
    const i64 first = chunk * chunk_steps, end = first + chunk_steps < h.steps ? first + chunk_steps : h.steps;
    for (i64 t = first; t < end; ++t) {
        s += grow.at(t);
        to[t * h.time] = s;
    }
}

// b_t of step t of a chunk; 0 after the last step.
template <class R>
__device__ R term(const history<R>& h, i64 t, i64 b, i64 chunk, i64 word, i64 chunk_steps) {
    t += chunk * chunk_steps;
    return t < h.steps ? growth<R>(h, b, word).at(t) : R(0);
}
#endif

// The coefficient at `index` of a row, or of its group inverse.
template <class R>
__device__ R finished(const R* row, i64 index, i64 d, bool inverse) {
    if (!inverse) return row[index];
    int level = 1;
    i64 offset = 0, words = d;
    while (index >= offset + words) {
        offset += words;
        words *= d;
        ++level;
    }
    return pysig::antipode_coefficient(row, d, level, index - offset);
}

// The group inverse of a row in place: of a word and its reverse, the thread of the smaller one swaps them.
template <class R>
__device__ void invert(R* row, i64 index, i64 d) {
    int level = 1;
    i64 offset = 0, words = d;
    while (index >= offset + words) {
        offset += words;
        words *= d;
        ++level;
    }
    const i64 word = index - offset, other = pysig::reversed_word(word, d, level);
    if (other < word) return;
    const R first = row[index], second = row[offset + other];
    row[index] = level % 2 ? -second : second;
    row[offset + other] = level % 2 ? -first : first;
}

}  // namespace pysig_gpu
