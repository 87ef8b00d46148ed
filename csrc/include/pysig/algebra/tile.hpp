// C1. The word tile: a prefix p and the words p i, p i j for `I` letters i and `J` letters j.
// Its accumulators stay in registers while it rides along the path; with H[i] the chain of p i (horner.hpp at reach 2),
//     A[i][j] += H[i] * x[j],    H[i] = chain_1(p) * x[i] + a[i],    a[i] += chain_0(p) * x[i].
// One multiply-add per coefficient of the top level and step: the floor of the whole computation.
#pragma once

#include "horner.hpp"

PYSIG_NAMESPACE_BEGIN

// Written as recursion, so that every index is a constant before the compiler decides what lives in registers.
template <class R, int I, int i = 0, class T>
PYSIG_HD void tile_rows_step(T (&a)[I], T (&h)[I], const T* chain, const T* xi) {
    if constexpr (i < I) {
        T x = xi[i];
        if constexpr (I > 1) PYSIG_IN_REGISTER(x);
        extend<R, 2>(chain, x, a[i], &h[i]);
        tile_rows_step<R, I, i + 1>(a, h, chain, xi);
    }
}

template <int I, int J, int i = 0, class T>
PYSIG_HD void tile_column(T (&A)[I][J], const T (&h)[I], int j, T x) {
    if constexpr (i < I) {
        A[i][j] = advance(A[i][j], h[i], x);
        tile_column<I, J, i + 1>(A, h, j, x);
    }
}

// One letter j after the other: its increment is read once for all I letters i.
template <int I, int J, int j = 0, class T>
PYSIG_HD void tile_outer(T (&A)[I][J], const T (&h)[I], const T* xj) {
    if constexpr (j < J) {
        T x = xj[j];
        if constexpr (I > 1) PYSIG_IN_REGISTER(x);
        tile_column<I, J>(A, h, j, x);
        tile_outer<I, J, j + 1>(A, h, xj);
    }
}

template <class R, int I, int J, class T>
PYSIG_HD void tile_step(T (&a)[I], T (&A)[I][J], const T* chain, const T* xi, const T* xj) {
    T h[I];
    tile_rows_step<R, I>(a, h, chain, xi);
    tile_outer<I, J>(A, h, xj);
}

template <class T>
PYSIG_HD void keep_in_register(T& v) {
    PYSIG_IN_REGISTER(v);
}

// The adjoint, one step backwards. The adjoint of the top level does not change along the path, and the top level itself is not needed:
//     x_bar[j] += sum over i of H[i] A_bar[i][j],    H_bar[i] = sum over j of A_bar[i][j] x[j],
// two multiply-adds per coefficient. The rows of A_bar are J apart; I letters i share each load of x[j] and x_bar[j].
template <class R, int I, class T>
PYSIG_HD void tile_step_adjoint(T* PYSIG_RESTRICT a, T* PYSIG_RESTRICT a_bar, const T* PYSIG_RESTRICT A_bar, i64 J, const T* chain, T* chain_bar,
                                const T* xi, T* xi_bar, const T* x, T* x_bar) {
    T h[I], h_bar[I] = {};
    for (int i = 0; i < I; ++i) retreat<R>(2, chain, xi[i], a[i], &h[i]);
    for (i64 j = 0; j < J; ++j) {
        const T xj = x[j];
        T sum = x_bar[j];
        for (int i = 0; i < I; ++i) {
            T weight = A_bar[i * J + j];
            keep_in_register(weight);
            h_bar[i] = h_bar[i] + weight * xj;
            sum = sum + weight * h[i];
        }
        x_bar[j] = sum;
    }
    for (int i = 0; i < I; ++i) extend_adjoint<R>(2, chain, xi[i], &h_bar[i], a_bar[i], chain_bar, xi_bar[i]);
}

// The same in three parts, for J known to the compiler, so that parts of different steps can be put between each other. By recursion, as
// above.
template <class R, int I, int i = 0, class T>
PYSIG_HD void rows_retreat(T* PYSIG_RESTRICT a, T (&h)[I], const T* chain, const T* xi) {
    if constexpr (i < I) {
        T x = xi[i];
        keep_in_register(x);
        retreat<R>(2, chain, x, a[i], &h[i]);
        rows_retreat<R, I, i + 1>(a, h, chain, xi);
    }
}

template <int I, int J, int j, int i = 0, class T>
PYSIG_HD void rows_column(const T* PYSIG_RESTRICT A_bar, const T (&h)[I], T (&h_bar)[I], T xj, T& sum) {
    if constexpr (i < I) {
        T weight = A_bar[i * J + j];
        keep_in_register(weight);
        h_bar[i] = j == 0 ? weight * xj : h_bar[i] + weight * xj;
        sum = sum + weight * h[i];
        rows_column<I, J, j, i + 1>(A_bar, h, h_bar, xj, sum);
    }
}

template <int I, int J, int j = 0, class T>
PYSIG_HD void rows_columns(const T* PYSIG_RESTRICT A_bar, const T (&h)[I], T (&h_bar)[I], const T* x, T* x_bar) {
    if constexpr (j < J) {
        T xj = x[j], sum = x_bar[j];
        keep_in_register(xj);
        rows_column<I, J, j>(A_bar, h, h_bar, xj, sum);
        x_bar[j] = sum;
        rows_columns<I, J, j + 1>(A_bar, h, h_bar, x, x_bar);
    }
}

template <class R, int I, int i = 0, class T>
PYSIG_HD void rows_adjoint(T* PYSIG_RESTRICT a_bar, const T (&h_bar)[I], const T* chain, T* chain_bar, const T* xi, T* xi_bar) {
    if constexpr (i < I) {
        T x = xi[i];
        keep_in_register(x);
        extend_adjoint<R>(2, chain, x, &h_bar[i], a_bar[i], chain_bar, xi_bar[i]);
        rows_adjoint<R, I, i + 1>(a_bar, h_bar, chain, chain_bar, xi, xi_bar);
    }
}

PYSIG_NAMESPACE_END
