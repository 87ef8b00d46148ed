// What the ways back of a path's chunks (signature_vjp.cu) need to know of each other, by Chen's identity: from the
// signatures of the *pieces* of a path, levels below the top, to
//     the state at the end of each piece, initial (x) piece 0 (x) ... (x) this piece,
//     the product of all pieces from the beginning of each chunk on, which is what the path goes on to do after the
//     chunk before, the adjoint at the end of each chunk, the contraction of the cotangent with that product: bar[u] =
//     sum over v of cotangent[u v] rest[v];
// and the sum of what the blocks of tiles found. Everything in a fixed order.
//
// A thread owns a word of N - 1 letters and all its prefixes, or all its suffixes, and multiplies piece after piece: no
// thread needs what another one computes. A shorter word is written by the thread that is its first.
//
// Sizes come as -D PYSIG_...: REAL, CHANNELS, DEPTH, LANES, a power of 2, that share a contraction.
#include <pysig/algebra/chen.hpp>
#include <pysig/algebra/tensor.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH, K = N - 1, LANES = PYSIG_LANES;
constexpr i64 LOWER = pysig::signature_size(D, K), SIZE = pysig::signature_size(D, N), WORDS = pysig::power(D, K);

// signatures, states: (paths, pieces, LOWER); initial: (paths, SIZE) or null.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_states(const R* signatures, const R* initial, R* states, i64 paths, i64 pieces) {
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < paths * WORDS;
         index += i64(gridDim.x) * blockDim.x) {
        const i64 word = index % WORDS, first = index / WORDS * pieces;
        R s[K];
        i64 prefix = word;
        PYSIG_UNROLL
        for (int k = K; k >= 1; --k) {
            s[k - 1] = initial ? initial[index / WORDS * SIZE + pysig::level_offset(D, k) + prefix] : R(0);
            prefix /= D;
        }
        for (i64 piece = first; piece < first + pieces; ++piece) {
            pysig::chen_extend<R, K>(s, signatures + piece * LOWER, D, word);
            prefix = word;
            bool mine = true;  // the rest of the word is nothing but zeros
            PYSIG_UNROLL
            for (int k = K; k >= 1; --k) {
                if (mine) states[piece * LOWER + pysig::level_offset(D, k) + prefix] = s[k - 1];
                mine = mine && prefix % D == 0;
                prefix /= D;
            }
        }
    }
}

// rests: (paths, chunks + 1, LOWER), from the beginning of each chunk of `in_chunk` pieces on; the last one is trivial.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_rests(const R* signatures, R* rests, i64 paths, i64 pieces, i64 in_chunk) {
    const i64 chunks = (pieces + in_chunk - 1) / in_chunk;
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < paths * WORDS;
         index += i64(gridDim.x) * blockDim.x) {
        const i64 word = index % WORDS, path = index / WORDS;
        R s[K] = {};
        for (i64 piece = pieces;; --piece) {
            if (piece % in_chunk == 0 || piece == pieces) {
                R* row = rests + (path * (chunks + 1) + (piece + in_chunk - 1) / in_chunk) * LOWER;
                i64 words = 1;
                PYSIG_UNROLL
                for (int k = 1; k <= K; ++k) {
                    words *= D;
                    if (word < words) row[pysig::level_offset(D, k) + word] = s[k - 1];
                }
            }
            if (piece == 0) break;
            pysig::chen_extend_front<R, K>(s, signatures + (path * pieces + piece - 1) * LOWER, D, word);
        }
    }
}

// cotangents: rows of SIZE, top_width apart, one for a path; rests: `count` rows of a path, each path's rest_width
// after those of the one before; bars: (paths, count, width), the first `width` coefficients.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_link_bars(const R* cotangents, i64 top_width, const R* rests, i64 rest_width, R* bars, i64 paths, i64 count,
                    i64 width) {
    const i64 sums = paths * count * width, group = blockDim.x / LANES;
    const int lane = threadIdx.x % LANES;
    for (i64 block = blockIdx.x * group; block < sums;
         block += gridDim.x * group) {  // all lanes of a warp take part in its shuffles
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
