// The signature of a path from those of consecutive chunks, by Chen's identity S = S_1 (x) S_2 (x) ... (x) S_n.
//
// A thread owns a word of level N and all its prefixes (chen_extend in chen.hpp) and multiplies by one chunk after the
// other; threads are independent. A launch multiplies `radix` chunks; the launcher repeats it until one is left.
//
// Sizes are -D PYSIG_...: REAL, CHANNELS, DEPTH.
#include <pysig/algebra/chen.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH;

// parts: (paths, chunks, size). out: a row of out_width for each (path, group of `radix` chunks); with scalar = 1 it
// begins with the constant 1.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_signature_join(const R* parts, R* out, i64 out_width, i64 scalar, i64 inverse, i64 paths, i64 chunks,
                         i64 radix) {
    const i64 words = pysig::power(D, N), size = pysig::signature_size(D, N);
    const i64 groups = (chunks + radix - 1) / radix, all = paths * groups * words;
    for (i64 index = blockIdx.x * i64(blockDim.x) + threadIdx.x; index < all; index += i64(gridDim.x) * blockDim.x) {
        const i64 word = index % words, row = index / words, path = row / groups, group = row % groups;
        const R* part = parts + (path * chunks + group * radix) * size;
        const int factors = int(min(radix, chunks - group * radix));
        R s[N];
        i64 prefix = word;
        PYSIG_UNROLL
        for (int k = N; k >= 1; --k) {
            s[k - 1] = part[pysig::level_offset(D, k) + prefix];
            prefix /= D;
        }
        for (int f = 1; f < factors; ++f) {
            part += size;
            pysig::chen_extend<R, N>(s, part, D, word);
        }
        R* to = out + row * out_width;
        if (scalar && word == 0) to[0] = R(1);
        to += scalar;
        prefix = word;
        bool mine = true;  // several threads hold a shorter prefix, that of its first word writes it
        PYSIG_UNROLL
        for (int k = N; k >= 1; --k) {
            if (mine) {
                const i64 at = inverse ? pysig::reversed_word(prefix, D, k) : prefix;
                to[pysig::level_offset(D, k) + at] = inverse && k % 2 ? -s[k - 1] : s[k - 1];
            }
            mine = mine && prefix % D == 0;
            prefix /= D;
        }
    }
}
