// Links between the segments and chunks of a path for signature_vjp.cu, by Chen's identity. Let S_1, ..., S_n be the
// signatures of the *segments* of a path (levels below N), S_0 its initial signature and g its cotangent. The kernels
// compute
//     pysig_link_states:  S_0 (x) S_1 (x) ... (x) S_k, the state at the end of segment k;
//     pysig_link_rests:   rest = S_k (x) ... (x) S_n for the first segment k of every chunk;
//     pysig_link_bars:    bar[u] = sum_v g[u v] rest[v], the cotangent at the end of the chunk before, since the
//                         signature there is multiplied by rest;
//     pysig_link_sum:     the sum of the x_bar of all blocks of tiles.
// All sums have a fixed order.
//
// A thread owns a word of N - 1 letters and all its prefixes (states), or all its suffixes (rests), and multiplies one
// segment after the other; threads are independent. Several threads hold a shorter word; the first one writes it.
//
// Sizes are -D PYSIG_...: REAL, CHANNELS, DEPTH; LANES threads, a power of 2, share a contraction.
#include <pysig/algebra/chen.hpp>
#include <pysig/algebra/tensor.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH, K = N - 1, LANES = PYSIG_LANES;
constexpr i64 LOWER = pysig::signature_size(D, K), SIZE = pysig::signature_size(D, N), WORDS = pysig::power(D, K);

// signatures, states: (paths, segments, LOWER); initial: (paths, SIZE) or null.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_states(const R* signatures, const R* initial, R* states, i64 paths, i64 segments) {
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < paths * WORDS;
         index += i64(gridDim.x) * blockDim.x) {
        const i64 word = index % WORDS, first = index / WORDS * segments;
        R s[K];
        i64 prefix = word;
        PYSIG_UNROLL
        for (int k = K; k >= 1; --k) {
            s[k - 1] = initial ? initial[index / WORDS * SIZE + pysig::level_offset(D, k) + prefix] : R(0);
            prefix /= D;
        }
        for (i64 segment = first; segment < first + segments; ++segment) {
            pysig::chen_extend<R, K>(s, signatures + segment * LOWER, D, word);
            prefix = word;
            bool mine = true;  // the rest of the word is 0...0
            PYSIG_UNROLL
            for (int k = K; k >= 1; --k) {
                if (mine) states[segment * LOWER + pysig::level_offset(D, k) + prefix] = s[k - 1];
                mine = mine && prefix % D == 0;
                prefix /= D;
            }
        }
    }
}

// rests: (paths, chunks + 1, LOWER), from the beginning of each chunk of `in_chunk` segments; the last one is trivial.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_rests(const R* signatures, R* rests, i64 paths, i64 segments, i64 in_chunk) {
    const i64 chunks = (segments + in_chunk - 1) / in_chunk;
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < paths * WORDS;
         index += i64(gridDim.x) * blockDim.x) {
        const i64 word = index % WORDS, path = index / WORDS;
        R s[K] = {};
        for (i64 segment = segments;; --segment) {
            if (segment % in_chunk == 0 || segment == segments) {
                R* row = rests + (path * (chunks + 1) + (segment + in_chunk - 1) / in_chunk) * LOWER;
                i64 words = 1;
                PYSIG_UNROLL
                for (int k = 1; k <= K; ++k) {
                    words *= D;
                    if (word < words) row[pysig::level_offset(D, k) + word] = s[k - 1];
                }
            }
            if (segment == 0) break;
            pysig::chen_extend_front<R, K>(s, signatures + (path * segments + segment - 1) * LOWER, D, word);
        }
    }
}

// cotangents: a row of SIZE for each path, top_width apart. rests: `count` rows for each path, rest_width from path to
// path. bars: (paths, count, width), the first `width` coefficients.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_bars(const R* cotangents, i64 top_width, const R* rests, i64 rest_width, R* bars, i64 paths, i64 count,
                    i64 width) {
    const i64 sums = paths * count * width, group = blockDim.x / LANES;
    const int lane = threadIdx.x % LANES;
    for (i64 block = blockIdx.x * group; block < sums;
         block += gridDim.x * group) {  // uniform in a warp, which shuffles
        const i64 index = block + threadIdx.x / LANES, row = index / width, path = row / count;
        R sum = R(0);
        if (index < sums) {
            const pysig::row<R> g{cotangents + path * top_width, 0, R(0)},
                rest{rests + path * rest_width + row % count * LOWER, 0, R(1)};
            sum = pysig::product_adjoint_left(g, rest, D, N, pysig::place_of(index % width, 0, D), lane, LANES);
        }
        for (int step = LANES / 2; step; step /= 2) sum += __shfl_xor_sync(0xffffffff, sum, step);
        if (index < sums && lane == 0) bars[index] = sum;
    }
}

// x_bar (size) = or += the sum over the blocks of parts (blocks, size), one block after the other.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_sum(const R* parts, i64 blocks, R* x_bar, i64 size, i64 begun) {
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < size; index += i64(gridDim.x) * blockDim.x) {
        R sum = begun ? x_bar[index] : parts[index];
        for (i64 block = begun ? 0 : 1; block < blocks; ++block) sum += parts[block * size + index];
        x_bar[index] = sum;
    }
}
