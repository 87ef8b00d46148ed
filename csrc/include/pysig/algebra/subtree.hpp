// The state of a thread's words on a GPU: a prefix p of m letters, and all words that continue it by the last L
// letters.
//
// The subtree of p has I first letters, D middle letters and J last letters (I = J = D: all words below p). Everything
// is a fixed-size array whose loops unroll, so that it stays in registers. The formulas are those of horner.hpp and
// tile.hpp. Each adjoint follows its forward step.
#pragma once

#include "tile.hpp"
#include "words.hpp"

PYSIG_NAMESPACE_BEGIN

// The prefixes p1, p1 p2, ..., p: from the chain of the empty word (`reach` entries) to the chain of p (`reach` - m
// entries).
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

// The adjoint: moves states s and adjoints s_bar from after the step to before it. Downwards, the states are recomputed
// and give the chains. below(chain of p, its adjoint) adds to the adjoint. Upwards, adjoints of chains pass to their
// parents. Adds to x_bar.
template <class R, int m, int reach, class B>
PYSIG_HD void prefix_step_adjoint(const R* parent, R* parent_bar, const R* x, R* x_bar, const int* letters, R* s,
                                  R* s_bar, const B& below) {
    if constexpr (m == 0) {
        below(parent, parent_bar);
    } else {
        const R here = x[*letters];
        R child[reach - 1], child_bar[reach - 1] = {};
        retreat<R>(reach, parent, here, *s, child);
        prefix_step_adjoint<R, m - 1, reach - 1>(child, child_bar, x, x_bar, letters + 1, s + 1, s_bar + 1, below);
        extend_adjoint<R>(reach, parent, here, child_bar, *s_bar, parent_bar, x_bar[*letters]);
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
// each: f(word below p, coefficient) for the first letters from i0 on and the last letters from j0 on. Blocks that do
// not divide D extend beyond it; the excess is zero and skipped.
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

    PYSIG_HD void step(const R* chain, const R*, const R* xi, const R* xj) {
        tile_step<R, I, J>(s, top, chain, xi, xj);
    }
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

// The adjoint of a subtree with all last letters: states s of the words below p but for the longest, adjoints s_bar of
// these, and the constant adjoints of the longest, whose states are not needed. step: as prefix_step_adjoint, with
// x_bar and xi_bar beside x and xi. each: f(word below p, adjoint), and states: f(word below p, state), as
// subtree::each.
template <class R, int L, int I, int D>
struct subtree_adjoint {
    R s[I], s_bar[I];
    subtree_adjoint<R, L - 1, D, D> below[I];

    PYSIG_HD void step(const R* chain, R* chain_bar, const R* x, R* x_bar, const R* xi, R* xi_bar) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i) {
            R child[L - 1], child_bar[L - 1] = {};
            retreat<R>(L, chain, xi[i], s[i], child);
            below[i].step(child, child_bar, x, x_bar, x, x_bar);
            extend_adjoint<R>(L, chain, xi[i], child_bar, s_bar[i], chain_bar, xi_bar[i]);
        }
    }
    template <class F, int n = 0>
    PYSIG_HD void each(const F& f, i64 i0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) {
                f(p.then(i0 + i), s_bar[i]);
                below[i].each(f, 0, p.then(i0 + i));
            }
    }
    template <class F, int n = 0>
    PYSIG_HD void states(const F& f, i64 i0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) {
                f(p.then(i0 + i), s[i]);
                below[i].states(f, 0, p.then(i0 + i));
            }
    }
};

template <class R, int I, int D>
struct subtree_adjoint<R, 2, I, D> {
    R s[I], s_bar[I], top_bar[I][D];

    PYSIG_HD void step(const R* chain, R* chain_bar, const R* x, R* x_bar, const R* xi, R* xi_bar) {
        tile_step_adjoint<R, I>(s, s_bar, &top_bar[0][0], D, chain, chain_bar, xi, xi_bar, x, x_bar);
    }
    template <class F, int n = 0>
    PYSIG_HD void each(const F& f, i64 i0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) {
                const auto u = p.then(i0 + i);
                f(u, s_bar[i]);
                PYSIG_UNROLL
                for (int j = 0; j < D; ++j) f(u.then(j), top_bar[i][j]);
            }
    }
    template <class F, int n = 0>
    PYSIG_HD void states(const F& f, i64 i0, word<n, D> p = {}) {
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i)
            if (i0 + i < D) f(p.then(i0 + i), s[i]);
    }
};

PYSIG_NAMESPACE_END
