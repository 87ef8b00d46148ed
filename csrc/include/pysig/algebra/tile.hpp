// The word tile: a prefix p and the words p i, p i j for `I` letters i and `J` letters j.
// Its accumulators stay in registers while it advances along the path; with H[i] the chain of p i (horner.hpp at reach
// 2),
//     A[i][j] += H[i] * x[j],    H[i] = chain_1(p) * x[i] + a[i],    a[i] += chain_0(p) * x[i].
// One multiply-add per coefficient of the top level and step: the lower bound of the whole computation.
#pragma once

#include "horner.hpp"

PYSIG_NAMESPACE_BEGIN

// A recursion, so that every index is a constant before the compiler allocates registers.
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

// The adjoint, one step backwards. The top level itself is not needed, for its adjoint A_bar is known:
//     x_bar[j] += sum over i of H[i] A_bar[i][j],    H_bar[i] = sum over j of A_bar[i][j] x[j],
// two multiply-adds per coefficient. This function computes both products for I rows of A_bar, J apart: with one number
// per row, and with x. The rows share each load of x[j] and of the sum. The first block of rows sets the sum; the
// others add to it.
template <int I, class T>
PYSIG_HD void tile_columns(const T* PYSIG_RESTRICT A_bar, i64 J, const T* of_rows, T (&h_bar)[I], const T* x,
                           T* PYSIG_RESTRICT sums, bool first) {
    PYSIG_UNROLL
    for (int i = 0; i < I; ++i) h_bar[i] = T{};
    PYSIG_UNROLL
    for (i64 j = 0; j < J; ++j) {
        const T xj = x[j];
        T sum = first ? T{} : sums[j];
        PYSIG_UNROLL
        for (int i = 0; i < I; ++i) {
            T weight = A_bar[i * J + j];
            keep_in_register(weight);
            h_bar[i] = h_bar[i] + weight * xj;
            sum = sum + weight * of_rows[i];
        }
        sums[j] = sum;
    }
}

template <class R, int I, class T>
PYSIG_HD void tile_step_adjoint(T* PYSIG_RESTRICT a, T* PYSIG_RESTRICT a_bar, const T* PYSIG_RESTRICT A_bar, i64 J,
                                const T* chain, T* chain_bar, const T* xi, T* xi_bar, const T* x, T* x_bar) {
    T h[I], h_bar[I];
    PYSIG_UNROLL
    for (int i = 0; i < I; ++i) retreat<R>(2, chain, xi[i], a[i], &h[i]);
    tile_columns<I>(A_bar, J, h, h_bar, x, x_bar, false);
    PYSIG_UNROLL
    for (int i = 0; i < I; ++i) extend_adjoint<R>(2, chain, xi[i], &h_bar[i], a_bar[i], chain_bar, xi_bar[i]);
}

// Where A_bar is the same at all steps, a is not needed either. With H[i] = a[i] + chain_1 x[i] and the columns c[j] =
// sum over i of x[i] A_bar[i][j],
//     x_bar[j] += rest[j] + chain_1 c[j],    rest[j] = sum over i of a[i] A_bar[i][j],
// and since a step adds chain_0 x[i] to a[i], it adds chain_0 c[j] to rest[j]: d sums replace d words, no factor of
// A_bar depends on a state, and c enters the adjoints of x together with H_bar.
template <class T>
PYSIG_HD void rest_retreat(T& rest, T c, T chain_0) {
    rest = rest - chain_0 * c;
}

// With the symmetric and the antisymmetric part of A_bar,
//     H_bar = s + k,    c = s - k,    s = (A_bar + A_bar^T) / 2 x,    k = (A_bar - A_bar^T) / 2 x,
// J multiply-adds fewer, as the second part has no diagonal; and H_bar . x = s . x. In place: from the diagonal on the
// first, below it the second.
template <class R, class T>
PYSIG_HD void tile_split(T* A_bar, i64 J) {
    for (i64 i = 0; i < J; ++i)
        for (i64 j = i + 1; j < J; ++j) {
            const T above = A_bar[i * J + j] * R(0.5), below = A_bar[j * J + i] * R(0.5);
            A_bar[i * J + j] = above + below;
            A_bar[j * J + i] = below - above;
        }
}

// The products of both parts, for J known to the compiler. By recursion, as above; each weight is read once.
template <int J, int i = 0, int j = 0, class T>
PYSIG_HD void tile_symmetric(const T* PYSIG_RESTRICT A_bar, const T (&x)[J], T (&s)[J]) {
    if constexpr (j < J) {
        T weight = A_bar[i * J + j];
        keep_in_register(weight);
        s[i] = i + j == 0 ? weight * x[j] : s[i] + weight * x[j];
        if constexpr (j > i) s[j] = i == 0 ? weight * x[i] : s[j] + weight * x[i];
        tile_symmetric<J, i, j + 1>(A_bar, x, s);
    } else if constexpr (i + 1 < J) {
        tile_symmetric<J, i + 1, i + 1>(A_bar, x, s);
    }
}
template <int J, int i = 1, int j = 0, class T>
PYSIG_HD void tile_antisymmetric(const T* PYSIG_RESTRICT A_bar, const T (&x)[J], T (&k)[J]) {
    if constexpr (j < i) {
        T weight = A_bar[i * J + j];
        keep_in_register(weight);
        k[i] = j == 0 ? weight * x[j] : k[i] + weight * x[j];
        k[j] = i + j == 1 ? -weight * x[i] : k[j] - weight * x[i];
        tile_antisymmetric<J, i, j + 1>(A_bar, x, k);
    } else if constexpr (i + 1 < J) {
        tile_antisymmetric<J, i + 1, 0>(A_bar, x, k);
    }
}

// The rest of the step, given s and k. The adjoints of the chain are two partial sums each, chain_bar[0] + chain_bar[2]
// and chain_bar[1] + chain_bar[3], which halves their latency. The caller passes twice chain_1, because s is half of
// its factor.
template <class R, int J, int j = 0, class T>
PYSIG_HD void tile_rest_adjoint(T* PYSIG_RESTRICT rest, T* PYSIG_RESTRICT a_bar, const T (&s)[J], const T (&k)[J],
                                T chain_0, T twice_chain_1, T* chain_bar, const T (&x)[J], T* x_bar) {
    if constexpr (j < J) {
        const T bar = a_bar[j];
        T sum = rest[j];
        rest_retreat(sum, s[j] - k[j], chain_0);
        rest[j] = sum;
        x_bar[j] = x_bar[j] + (sum + twice_chain_1 * s[j] + chain_0 * bar);
        T* partial = chain_bar + 2 * (j % 2);
        partial[0] = j < 2 ? bar * x[j] : partial[0] + bar * x[j];
        partial[1] = j < 2 ? s[j] * x[j] : partial[1] + s[j] * x[j];
        a_bar[j] = bar + (s[j] + k[j]);
        tile_rest_adjoint<R, J, j + 1>(rest, a_bar, s, k, chain_0, twice_chain_1, chain_bar, x, x_bar);
    }
}

PYSIG_NAMESPACE_END
