// C1. The state of a thread's words on a GPU: a prefix p of m letters, and all words that continue it by the last L letters.
//
// The subtree of p has I first letters, D middle letters and J last letters (I = J = D: all words below p). Everything is a fixed-size
// array whose loops unroll, so that it lives in registers; the formulas are horner.hpp's and tile.hpp's.
#pragma once

#include "tile.hpp"
#include "words.hpp"

PYSIG_NAMESPACE_BEGIN

// The prefixes p1, p1 p2, ..., p: from the chain of the empty word (`reach` entries) to the chain of p (`reach` - m entries).
template <class R, int m, int reach>
PYSIG_HD void prefix_step(const R* parent, const R* x, const int* letters, R* s, R* chain) {
    if constexpr (m == 0) {
        PYSIG_UNROLL
        for (int r = 0; r < reach; ++r) chain[r] = parent[r];
    } else {
        R child[reach - 1];
        extend<R, reach>(parent, x[*letters], *s, child);
        prefix_step<R, m - 1, reach - 1>(child, x, letters + 1, s + 1, chain);
    }
}

// A word of n letters: its index among the words of n letters, and that of the word read backwards.
template <int n, int D>
struct word {
    i64 index, reversed;
    PYSIG_HD word<n + 1, D> then(i64 letter) const {
        constexpr i64 scale = power(D, n);
        return {index * D + letter, reversed + letter * scale};
    }
    template <int m>
    PYSIG_HD word<n + m, D> then(word<m, D> u) const {
        constexpr i64 mine = power(D, n), its = power(D, m);
        return {index * its + u.index, u.reversed * mine + reversed};
    }
};

// step: x is the increment; xi and xj are its first letter i and last letter j of this subtree.
// each: f(word below p, coefficient) for the first letters from i0 on and the last letters from j0 on. Blocks that do not divide D overhang; what
// overhangs is zero and skipped.
template <class R, int L, int I, int D, int J>
struct subtree {
    R s[I];
    subtree<R, L - 1, D, D, J> below[I];

    PYSIG_HD void step(const R* chain, const R* x, const R* xi, const R* xj) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i) {
            R child[L - 1];
            extend<R, L>(chain, xi[i], s[i], child);
            below[i].step(child, x, x, xj);
        }
    }
    template <class F, int n = 0>
    PYSIG_HD void each(const F& f, i64 i0, i64 j0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) {
                f(p.then(i0 + i), s[i]);
                below[i].each(f, 0, j0, p.then(i0 + i));
            }
    }
};

template <class R, int I, int D, int J>
struct subtree<R, 2, I, D, J> {
    R s[I], top[I][J];

    PYSIG_HD void step(const R* chain, const R*, const R* xi, const R* xj) { tile_step<R, I, J>(s, top, chain, xi, xj); }
    template <class F, int n = 0>
    PYSIG_HD void each(const F& f, i64 i0, i64 j0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) {
                const auto u = p.then(i0 + i);
                f(u, s[i]);
                PYSIG_UNROLL
                for (int j = 0; j < J; ++j)
                    if (j0 + j < D) f(u.then(j0 + j), top[i][j]);
            }
    }
};

template <class R, int I, int D, int J>
struct subtree<R, 1, I, D, J> {
    R top[J];

    PYSIG_HD void step(const R* chain, const R*, const R*, const R* xj) {
        PYSIG_UNROLL
        for (int j = 0; j < J; ++j) top[j] = advance(top[j], chain[0], xj[j]);
    }
    template <class F, int n = 0>
    PYSIG_HD void each(const F& f, i64, i64 j0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int j = 0; j < J; ++j)
            if (j0 + j < D) f(p.then(j0 + j), top[j]);
    }
};

PYSIG_NAMESPACE_END
