// Chen products of rows of coefficients (algebra/chen.hpp, as loops over contiguous suffixes), and the antipode in
// place.
#pragma once

#include "../../algebra/chen.hpp"
#include "row_product.hpp"

#include <type_traits>

PYSIG_NAMESPACE_BEGIN

// a <- a (x) b. From the top level down, so that the lower levels of `a` are still the old ones when they are read.
template <class Q>
inline void multiply_in_place(Q* PYSIG_RESTRICT a, const Q* PYSIG_RESTRICT b, i64 d, int depth) {
    if constexpr (std::is_floating_point_v<Q>)
        if (d > 1) return row_product<Q>(d, depth)(Q(1), a, Q(1), b, Q(1), a, depth);
    for (int n = depth; n >= 1; --n) {
        Q* an = a + level_offset(d, n);
        const Q* bn = b + level_offset(d, n);
        const i64 words = power(d, n);
        for (i64 w = 0; w < words; ++w) an[w] += bn[w];
        for (int k = 1; k < n; ++k) {
            const Q* ak = a + level_offset(d, k);
            const Q* rest = b + level_offset(d, n - k);
            const i64 prefixes = power(d, k), suffixes = power(d, n - k);
            for (i64 u = 0; u < prefixes; ++u) {
                Q* row = an + u * suffixes;
                const Q factor = ak[u];
                for (i64 v = 0; v < suffixes; ++v) row[v] += factor * rest[v];
            }
        }
    }
}

// (a, a') <- the derivative of a (x) b along a', b' and its value, of which the top level is not needed: a and b end
// before it.
template <class R>
inline void multiply_tangent_in_place(R* PYSIG_RESTRICT a, R* PYSIG_RESTRICT a_tangent, const R* PYSIG_RESTRICT b,
                                      const R* PYSIG_RESTRICT b_tangent, i64 d, int depth) {
    for (int n = depth; n >= 1; --n) {
        R* an = a_tangent + level_offset(d, n);
        const R* bn = b_tangent + level_offset(d, n);
        const i64 words = power(d, n);
        for (i64 w = 0; w < words; ++w) an[w] += bn[w];
        for (int k = 1; k < n; ++k) {
            const i64 prefixes = power(d, k), suffixes = power(d, n - k), from = level_offset(d, k),
                      rest = level_offset(d, n - k);
            for (i64 u = 0; u < prefixes; ++u) {
                R* row = an + u * suffixes;
                const R factor = a[from + u], factor_tangent = a_tangent[from + u];
                for (i64 v = 0; v < suffixes; ++v)
                    row[v] += factor_tangent * b[rest + v] + factor * b_tangent[rest + v];
            }
        }
    }
    multiply_in_place(a, b, d, depth - 1);
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
