// C2. Chen products of rows of coefficients (algebra/chen.hpp, as loops over contiguous suffixes), and the antipode in place.
#pragma once

#include "../algebra/chen.hpp"

PYSIG_NAMESPACE_BEGIN

// a <- a (x) b. From the top level down, so that the lower levels of `a` are still the old ones when they are read.
template <class R>
inline void multiply_in_place(R* PYSIG_RESTRICT a, const R* PYSIG_RESTRICT b, i64 d, int depth) {
    for (int n = depth; n >= 1; --n) {
        R* an = a + level_offset(d, n);
        const R* bn = b + level_offset(d, n);
        const i64 words = power(d, n);
        for (i64 w = 0; w < words; ++w) an[w] += bn[w];
        for (int k = 1; k < n; ++k) {
            const R* ak = a + level_offset(d, k);
            const R* rest = b + level_offset(d, n - k);
            const i64 prefixes = power(d, k), suffixes = power(d, n - k);
            for (i64 u = 0; u < prefixes; ++u) {
                R* row = an + u * suffixes;
                const R factor = ak[u];
                for (i64 v = 0; v < suffixes; ++v) row[v] += factor * rest[v];
            }
        }
    }
}

// a <- the antipode of a: exchanges each word with its reverse.
template <class R>
inline void invert_in_place(R* a, i64 d, int depth) {
    for (int n = 1; n <= depth; ++n) {
        R* an = a + level_offset(d, n);
        const i64 words = power(d, n);
        const R sign = n % 2 ? R(-1) : R(1);
        for (i64 w = 0; w < words; ++w) {
            const i64 r = reversed_word(w, d, n);
            if (r < w) continue;
            const R value = sign * an[w];
            an[w] = sign * an[r];
            an[r] = value;
        }
    }
}

PYSIG_NAMESPACE_END
