// One step of a path, S <- S (x) exp(x), in Horner form (Kidger and Lyons 2021, arXiv 2001.00706), letter by
// letter.
//
// For a level n the coefficient of w = w1...wn grows by b_n, where
//     b_1 = x[w1] / n,     b_(k+1) = (b_k + S[w1...wk]) * x[w(k+1)] / (n - k).
// All words that begin with u = w1...wk share everything up to b_k, so the *chain* of u is kept instead:
//     chain_r(u) = (b_k + S[u]) / (r + 1),   r = n - k - 1 = 0, 1, ..., depth - k - 1   (one entry for every level n
//     above k).
// The chain of the empty word is 1 / (r + 1). One more letter i gives
//     chain_(r-1)(u i) = (chain_r(u) * x[i] + S[u i]) / r,        S[u i] += chain_0(u) * x[i],
// where S on the right is the value before the step. No other file repeats these formulas.
#pragma once

#include "../config.hpp"

PYSIG_NAMESPACE_BEGIN

// R is the real type (float or double), T is R or a SIMD vector of R. `inverse` is 1 / r, for loops in which r is not
// known to the compiler.
template <class R, class T>
PYSIG_HD T chain_entry(T parent, T x, T s, int r, R inverse) {
    T value = parent * x + s;
    return r == 1 ? value : value * inverse;
}
template <class R, class T>
PYSIG_HD T chain_entry(T parent, T x, T s, int r) {
    return chain_entry<R>(parent, x, s, r, R(1) / R(r));
}

template <class R>
PYSIG_HD R chain_of_empty_word(int r) {
    return R(1) / R(r + 1);
}

template <class T>
PYSIG_HD T advance(T s, T parent, T x) {
    return s + parent * x;
}

// The whole step for one letter: `parent` holds `reach` entries at distance 1, `child` receives reach - 1 of them.
template <class R, int reach, class T>
PYSIG_HD void extend(const T* parent, T x, T& s, T* child) {
    for (int r = 1; r < reach; ++r) child[r - 1] = chain_entry<R>(parent[r], x, s, r);
    s = advance(s, parent[0], x);
}

// The step undone, for exp(x)^-1 = exp(-x): from S[u i] after the step to S[u i] before it and to the chain of u i.
// `parent` is the chain of u at the same step, so a pass down the tree stores nothing.
template <class R, class T>
PYSIG_HD void retreat(int reach, const T* parent, T x, T& s, T* child) {
    s = s - parent[0] * x;
    for (int r = 1; r < reach; ++r) child[r - 1] = chain_entry<R>(parent[r], x, s, r);
}

// The adjoint of extend(). `s_bar` goes from the adjoint of S[u i] after the step to that before it; `child_bar` holds
// the adjoint of the chain of u i. Adds to the adjoints of the chain of u and of x[i].
template <class R, class T>
PYSIG_HD void extend_adjoint(int reach, const T* parent, T x, const T* child_bar, T& s_bar, T* parent_bar, T& x_bar) {
    T x_sum = parent[0] * s_bar, s_sum{};  // s_bar enters one sum only, because the next step waits for it
    parent_bar[0] = parent_bar[0] + s_bar * x;
    for (int r = 1; r < reach; ++r) {
        const T entry_bar = r == 1 ? child_bar[0] : child_bar[r - 1] * (R(1) / R(r));
        parent_bar[r] = parent_bar[r] + entry_bar * x;
        x_sum = x_sum + entry_bar * parent[r];
        s_sum = r == 1 ? entry_bar : s_sum + entry_bar;
    }
    x_bar = x_bar + x_sum;
    s_bar = s_bar + s_sum;
}

PYSIG_NAMESPACE_END
