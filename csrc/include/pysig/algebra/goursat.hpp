// One cell of a signature kernel, and its adjoint.
//
// Notation: v_i and u_j increments of the paths x and y, z_ij = <v_i, u_j>, or the second difference of a static kernel
// (static_kernel.hpp); exp_P(v) = sum of v^k / k! over k <= P;
//     Phi_i = exp_P(v_0) ... exp_P(v_(i-1)),    Psi_j = exp_P(u_0) ... exp_P(u_(j-1)),    k(i, j) = <Phi_i, Psi_j>.
// k(i, j) is an inner product, hence a positive semi-definite kernel, for every order P. For P = 1 it is the explicit
// scheme; for P to infinity it is the solution of the Goursat problem (Salvi et al. 2021, arXiv 2006.14794) along the
// polygons. Király and Oberhauser 2019 (arXiv 1601.08169) have the same kernel with levels (truncated_kernel.hpp).
//
// Edges. The cell (i, j) has two edges at its corner (i, j):
//     A_a = <Phi_i, Psi_j u_j^a>,    B_b = <Phi_i v_i^b, Psi_j>,    A_0 = B_0 = k(i, j).
// Since <X v^a, Y u^b> = z <X v^(a-1), Y u^(b-1)>, the edges T and R opposite to A and B, those of the cells (i+1, j)
// and (i, j+1), are, with w_q = z^q / q! and c_ab = a! / (a + b)!,
//     T_a = A_a + sum over q = 1..a of w_q A_(a-q) + w_a sum over b = 1..P-a of c_ab B_b,
//     R_a = B_a + sum over q = 1..a of w_q B_(a-q) + w_a sum over b = 1..P-a of c_ab A_b,
//     R_0 = k(i, j+1) = k(i, j) + sum over a = 1..P of A_a / a!.
//
// T_0 and R_P are not needed: A_0 of the next cell of a row is R_0, and B_P enters T_0 only. A cell keeps A_1..A_P of
// its column in memory and B_0..B_(P-1) of its row in registers, and takes 2 P^2 + 4 (P - 1) operations. The kernel at
// the end is one more than the sum of all A_a / a! above the last row.
//
// Accuracy. A rounding of k itself would reach all cells above and to the right, and add up over the area. Here k is
// only a sum along one row, started anew from 1; what is kept from row to row are its small differences A. So roundings
// add up along paths of cells, not over areas, and float32 keeps its digits for long and finely refined paths.
#pragma once

#include "../config.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr int max_kernel_order = 16;

PYSIG_HD constexpr double factorial(int n) {
    double product = 1;
    for (int k = 2; k <= n; ++k) product *= k;
    return product;
}

// a! / (a + b)! for loops over orders that the compiler does not know.
template <class R>
struct factorial_ratios {
    R values[max_kernel_order + 1][max_kernel_order + 1];

    PYSIG_HD constexpr factorial_ratios() : values() {
        for (int a = 0; a <= max_kernel_order; ++a)
            for (int b = 0; b <= max_kernel_order; ++b) values[a][b] = R(factorial(a) / factorial(a + b));
    }
};
template <class R>
inline constexpr factorial_ratios<R> ratios_in_memory{};

// a! / (a + b)!; a constant, where the order P is known (not 0).
template <class R, int P>
PYSIG_HD constexpr R factorial_ratio(int a, int b) {
    if constexpr (P == 0) return ratios_in_memory<R>.values[a][b];
    else return R(factorial(a) / factorial(a + b));
}
// 1 / n!.
template <class R, int P>
PYSIG_HD constexpr R inverse_factorial(int n) {
    return factorial_ratio<R, P>(0, n);
}

// f(from), ..., f(to), with 0 <= from and to <= P. If the order P is known (not 0), every call is compiled with its own
// constant, so that arrays become registers.
template <int P, int first = 0, class F>
PYSIG_HD void each(int from, int to, const F& f) {
    if constexpr (P == 0) {
        for (int k = from; k <= to; ++k) f(k);
    } else if constexpr (first <= P) {
        if (from <= first && first <= to) f(first);
        each<P, first + 1>(from, to, f);
    }
}

// The cell of order P; P = 0: of the order `order`, by loops. R is the real type, T is R, a SIMD vector of R or a dual
// number. Arrays of T hold A_1..A_P ("column"), B_0..B_(P-1) ("row") and w_1..w_P ("factors").
template <class R, int P = 0>
struct square_cell {
    int order;

    static constexpr int max_size = P ? P : max_kernel_order;

    PYSIG_HD constexpr int size() const { return P ? P : order; }
    PYSIG_HD constexpr int column_size() const { return size(); }
    PYSIG_HD constexpr int row_size() const { return size(); }

    // The edge B at the beginning of a row; all A are zero at the foot of a column.
    template <class T>
    PYSIG_HD void begin_row(T* B, T one) const {
        B[0] = one;
        each<P>(1, size() - 1, [&](int b) PYSIG_INLINED { B[b] = T{}; });
    }

    template <class T>
    PYSIG_HD void factors(T z, T* w) const {
        w[0] = z;
        each<P>(2, size(), [&](int q) PYSIG_INLINED { w[q - 1] = w[q - 2] * (z * (R(1) / R(q))); });
    }

    // A, B: in A and B, out T and R.
    template <class T>
    PYSIG_HD void step(T* A, T* B, const T* w) const {
        const int n = size();
        T top[max_size], right[max_size];
        if constexpr (P == 0) clear(top), clear(right);
        each<P>(1, n, [&](int a) PYSIG_INLINED {
            T t = A[a - 1];
            if (a < n) t = t + w[a - 1] * later_terms(a, B + 1);
            each<P>(1, a - 1, [&](int q) PYSIG_INLINED { t = t + w[q - 1] * A[a - q - 1]; });
            top[a - 1] = t + w[a - 1] * B[0];
        });
        right[0] = B[0] + gain(A);
        each<P>(1, n - 1, [&](int a) PYSIG_INLINED {
            T r = B[a] + w[a - 1] * later_terms(a, A);
            each<P>(1, a, [&](int q) PYSIG_INLINED { r = r + w[q - 1] * B[a - q]; });
            right[a] = r;
        });
        each<P>(0, n - 1, [&](int k) PYSIG_INLINED { A[k] = top[k], B[k] = right[k]; });
    }

    // k(i, j+1) - k(i, j).
    template <class T>
    PYSIG_HD T gain(const T* A) const {
        T sum = A[0];
        each<P>(2, size(), [&](int a) PYSIG_INLINED { sum = sum + A[a - 1] * inverse_factorial<R, P>(a); });
        return sum;
    }
    // Adds the adjoint of gain().
    template <class T>
    PYSIG_HD void gain_adjoint(T gain_bar, T* A_bar) const {
        each<P>(1, size(),
                [&](int a) PYSIG_INLINED { A_bar[a - 1] = A_bar[a - 1] + gain_bar * inverse_factorial<R, P>(a); });
    }

    // The adjoint of step(). A, B: before the step; A_bar, B_bar: in the adjoints of T and R, out those of A and B.
    // Returns that of z, for dw_q / dz = w_(q-1).
    template <class T>
    PYSIG_HD T adjoint(const T* A, const T* B, const T* w, T* A_bar, T* B_bar) const {
        const int n = size();
        T a_bar[max_size], b_bar[max_size], top[max_size], right[max_size];  // top[a - 1] = w_a T_bar_a, right alike
        if constexpr (P == 0) clear(a_bar), clear(b_bar), clear(top), clear(right);
        each<P>(1, n, [&](int a) PYSIG_INLINED { top[a - 1] = w[a - 1] * A_bar[a - 1]; });
        each<P>(1, n - 1, [&](int a) PYSIG_INLINED { right[a - 1] = w[a - 1] * B_bar[a]; });
        T z_bar = factor_adjoint(1, A, B, A_bar, B_bar);
        each<P>(2, n, [&](int q) PYSIG_INLINED { z_bar = z_bar + w[q - 2] * factor_adjoint(q, A, B, A_bar, B_bar); });
        b_bar[0] = B_bar[0] + top[n - 1];
        each<P>(1, n - 1, [&](int a) PYSIG_INLINED { b_bar[0] = b_bar[0] + (top[a - 1] + right[a - 1]); });
        each<P>(1, n, [&](int b) PYSIG_INLINED {
            T sum = A_bar[b - 1] + B_bar[0] * inverse_factorial<R, P>(b);
            each<P>(b + 1, n, [&](int a) PYSIG_INLINED { sum = sum + w[a - b - 1] * A_bar[a - 1]; });
            each<P>(1, n - b, [&](int a) PYSIG_INLINED { sum = sum + right[a - 1] * factorial_ratio<R, P>(a, b); });
            a_bar[b - 1] = sum;
        });
        each<P>(1, n - 1, [&](int b) PYSIG_INLINED {
            T sum = B_bar[b];
            each<P>(b + 1, n - 1, [&](int a) PYSIG_INLINED { sum = sum + w[a - b - 1] * B_bar[a]; });
            each<P>(1, n - b, [&](int a) PYSIG_INLINED { sum = sum + top[a - 1] * factorial_ratio<R, P>(a, b); });
            b_bar[b] = sum;
        });
        each<P>(0, n - 1, [&](int k) PYSIG_INLINED { A_bar[k] = a_bar[k], B_bar[k] = b_bar[k]; });
        return z_bar;
    }

 private:
    // Loops of unknown length leave a compiler in doubt about which elements they set.
    template <class T>
    PYSIG_HD static void clear(T (&numbers)[max_size]) {
        for (int k = 0; k < max_size; ++k) numbers[k] = T{};
    }
    // sum over b = 1..P-a of c_ab E_b; `edge` begins with E_1.
    template <class T>
    PYSIG_HD T later_terms(int a, const T* edge) const {
        T sum = edge[0] * factorial_ratio<R, P>(a, 1);
        each<P>(2, size() - a, [&](int b) PYSIG_INLINED { sum = sum + edge[b - 1] * factorial_ratio<R, P>(a, b); });
        return sum;
    }
    // The adjoint of w_q.
    template <class T>
    PYSIG_HD T factor_adjoint(int q, const T* A, const T* B, const T* A_bar, const T* B_bar) const {
        const int n = size();
        T sum = B[0] * A_bar[q - 1];
        if (q < n) sum = sum + later_terms(q, B + 1) * A_bar[q - 1] + later_terms(q, A) * B_bar[q];
        each<P>(q + 1, n, [&](int a) PYSIG_INLINED { sum = sum + A[a - q - 1] * A_bar[a - 1]; });
        each<P>(q, n - 1, [&](int a) PYSIG_INLINED { sum = sum + B[a - q] * B_bar[a]; });
        return sum;
    }
};

// The cell of finite differences of sigkernel and pysiglib (Day 1966; Wazwaz 1993), which is not positive
// semi-definite:
//     k(i+1, j+1) = (k(i+1, j) + k(i, j+1)) (1 + z/2 + z^2/12) - k(i, j) (1 - z^2/12).
// With A = k(i, j+1) - k(i, j), alpha = z/2 + z^2/12 and beta = z/2 + z^2/6 it reads
//     T = k(i+1, j+1) - k(i+1, j) = A + (alpha A + alpha k(i+1, j) + beta k(i, j)).
// "column" is A; "row" holds k(i, j) and k(i+1, j). The terms in brackets are added before A: (1 + alpha) A would be as
// short, but the rounding of 1 + alpha is the same for all cells of a z, and would add up.
template <class R>
struct difference_cell {
    static constexpr int max_size = 2;

    PYSIG_HD constexpr int column_size() const { return 1; }
    PYSIG_HD constexpr int row_size() const { return 2; }

    template <class T>
    PYSIG_HD void begin_row(T* B, T one) const {
        B[0] = B[1] = one;
    }
    // w = (alpha, beta).
    template <class T>
    PYSIG_HD void factors(T z, T* w) const {
        const T half = z * R(0.5), gamma = z * z * (R(1) / R(12));
        w[0] = half + gamma;
        w[1] = w[0] + gamma;
    }
    template <class T>
    PYSIG_HD T top(T A, T corner, T above, const T* w) const {
        return A + (w[0] * A + (w[0] * above + w[1] * corner));
    }
    template <class T>
    PYSIG_HD void step(T* A, T* B, const T* w) const {
        const T right = B[0] + A[0];
        A[0] = top(A[0], B[0], B[1], w);
        B[0] = right;
        B[1] = B[1] + A[0];
    }
    // The cells of a column in `rows` rows, with the factors w[i / same] of row i. B_1 of a row is B_0 of the next one
    // to the last bit, so only that of the last row is computed; close_rows() sets the others.
    template <int rows, int same, class T>
    PYSIG_HD void step_rows(T* A, T (*B)[2], const T (*w)[2]) const {
        T right = B[0][0] + A[0];
        for (int i = 0; i < rows; ++i) {
            const T above = i + 1 < rows ? B[i + 1][0] : B[i][1];
            A[0] = top(A[0], B[i][0], above, w[i / same]);
            B[i][0] = right;
            right = above + A[0];
        }
        B[rows - 1][1] = right;
    }
    template <int rows, class T>
    PYSIG_HD void close_rows(T (*B)[2]) const {
        for (int i = 0; i + 1 < rows; ++i) B[i][1] = B[i + 1][0];
    }
    template <class T>
    PYSIG_HD T gain(const T* A) const {
        return A[0];
    }
    template <class T>
    PYSIG_HD void gain_adjoint(T gain_bar, T* A_bar) const {
        A_bar[0] = A_bar[0] + gain_bar;
    }
    template <class T>
    PYSIG_HD T adjoint(const T* A, const T* B, const T* w, T* A_bar, T* B_bar) const {
        const T top_bar = A_bar[0] + B_bar[1], alpha_bar = top_bar * (A[0] + B[1]), beta_bar = top_bar * B[0];
        // d(alpha)/dz = 1/2 + z/6, d(beta)/dz = 1/2 + z/3, and z = 2 (2 alpha - beta).
        const T sixth = (w[0] + (w[0] - w[1])) * (R(1) / R(3)), sum_bar = alpha_bar + beta_bar;
        A_bar[0] = B_bar[0] + (top_bar + w[0] * top_bar);
        B_bar[0] = B_bar[0] + w[1] * top_bar;
        B_bar[1] = B_bar[1] + w[0] * top_bar;
        return sum_bar * R(0.5) + sixth * (sum_bar + beta_bar);
    }
};

PYSIG_NAMESPACE_END
