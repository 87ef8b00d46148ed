// One cell of a signature kernel with levels, and its adjoint: goursat.hpp, graded. The levels n = 0..N of
// <Phi_i, Psi_j> are k^n(i, j); their sum is the kernel truncated at depth N. With order P = 1 it is the discrete
// signature kernel, with P >= N the inner product of truncated signatures, in between the kernel of order P of Király
// and Oberhauser 2019 (arXiv 1601.08169).
//
// Every product with v and u adds one level, so the edges of goursat.hpp split, with the same w_q and c_ab:
//     T^n_a = A^n_a + sum over q = 1..a of w_q A^(n-q)_(a-q) + w_a sum over b = 1..P-a of c_ab B^(n-a)_b,
//     R^n_a = B^n_a + sum over q = 1..a of w_q B^(n-q)_(a-q) + w_a sum over b = 1..P-a of c_ab A^(n-a)_b,
//     R^n_0 = k^n(i, j+1) = k^n(i, j) + sum over a = 1..P of A^n_a / a!,
// for n = 1..N and a <= n, with A^n_0 = B^n_0 = k^n(i, j). At level 0 only A^0_0 = B^0_0 = 1 is not zero. A new level
// depends on old values of its own and of lower levels: from the highest level down, a step needs no copy.
#pragma once

#include "goursat.hpp"

PYSIG_NAMESPACE_BEGIN

// N levels of order P <= N; if both are 0: `levels` and `order`, by loops. In arrays of T, level n of A ("column") and
// of B ("row") begins at (n - 1) P.
template <class R, int N = 0, int P = 0>
struct graded_cell {
    int levels, order;

    static constexpr int max_factors = P ? P : max_kernel_order;

    PYSIG_HD constexpr int depth() const { return N ? N : levels; }
    PYSIG_HD constexpr int size() const { return P ? P : order; }
    PYSIG_HD constexpr int column_size() const { return depth() * size(); }
    PYSIG_HD constexpr int row_size() const { return depth() * size(); }

    template <class T>
    PYSIG_HD void begin_row(T* B, T) const {
        each<N * P>(0, row_size() - 1, [&](int k) PYSIG_INLINED { B[k] = T{}; });
    }
    template <class T>
    PYSIG_HD void factors(T z, T* w) const {
        w[0] = z;
        each<P>(2, size(), [&](int q) PYSIG_INLINED { w[q - 1] = w[q - 2] * (z * (R(1) / R(q))); });
    }

    // A, B: in A and B, out T and R.
    template <class T>
    PYSIG_HD void step(T* A, T* B, const T* w) const {
        const int p = size();
        each<N>(1, depth(), [&](int above) PYSIG_INLINED {
            const int n = depth() + 1 - above;
            T *top = A + (n - 1) * p, *right = B + (n - 1) * p;
            right[0] = right[0] + gain(A, n);
            each<P>(1, least(p, n),
                    [&](int a) PYSIG_INLINED { top[a - 1] = top[a - 1] + moved(n, a, A - 1, B, B, w); });
            each<P>(1, least(p - 1, n),
                    [&](int a) PYSIG_INLINED { right[a] = right[a] + moved(n, a, B, A - 1, B, w); });
        });
    }

    // k^n(i, j+1) - k^n(i, j).
    template <class T>
    PYSIG_HD T gain(const T* A, int n) const {
        T sum = A[at(n, 1) - 1];
        each<P>(2, least(size(), n),
                [&](int a) PYSIG_INLINED { sum = sum + A[at(n, a) - 1] * inverse_factorial<R, P>(a); });
        return sum;
    }
    // Adds the adjoint of gain().
    template <class T>
    PYSIG_HD void gain_adjoint(T gain_bar, int n, T* A_bar) const {
        each<P>(1, least(size(), n), [&](int a) PYSIG_INLINED {
            A_bar[at(n, a) - 1] = A_bar[at(n, a) - 1] + gain_bar * inverse_factorial<R, P>(a);
        });
    }

    // The adjoint of step(). A, B: before the step; A_bar, B_bar: in the adjoints of T and R, out those of A and B.
    // Returns that of z, for dw_q / dz = w_(q-1). From the lowest level up: level n is an argument of the levels from n
    // on, and no result of a lower one.
    template <class T>
    PYSIG_HD T adjoint(const T* A, const T* B, const T* w, T* A_bar, T* B_bar) const {
        const int p = size();
        T z_bar{};
        each<N>(1, depth(), [&](int n) PYSIG_INLINED {
            z_bar = z_bar + factors_adjoint(n, p, A - 1, B, B, w, A_bar - 1);
            z_bar = z_bar + factors_adjoint(n, p - 1, B, A - 1, B, w, B_bar);
        });
        each<N>(1, depth(), [&](int n) PYSIG_INLINED {
            // Of R^n_0 first, then of the higher levels.
            const T value_bar = B_bar[at(n, 0)];
            gain_adjoint(value_bar, n, A_bar);
            T sum = value_bar;
            each<P>(1, least(p, depth() - n), [&](int a) PYSIG_INLINED {
                sum = sum + w[a - 1] * A_bar[at(n + a, a) - 1];
                if (a < p) sum = sum + w[a - 1] * B_bar[at(n + a, a)];
            });
            each<P>(1, least(p, n), [&](int a) PYSIG_INLINED {
                A_bar[at(n, a) - 1] = A_bar[at(n, a) - 1] + moved_adjoint(n, a, p, A_bar - 1, B_bar, w);
            });
            each<P>(1, least(p - 1, n), [&](int a) PYSIG_INLINED {
                B_bar[at(n, a)] = B_bar[at(n, a)] + moved_adjoint(n, a, p - 1, B_bar, A_bar - 1, w);
            });
            B_bar[at(n, 0)] = sum;
        });
        return z_bar;
    }

 private:
    PYSIG_HD static constexpr int least(int a, int b) { return a < b ? a : b; }
    PYSIG_HD constexpr int at(int n, int a) const { return (n - 1) * size() + a; }

    // What E^n_a gains; `own` is the edge E and `other` the opposite one, both with E^n_a at at(n, a) for a >= 1.
    // `values` has k^n at at(n, 0).
    template <class T>
    PYSIG_HD T moved(int n, int a, const T* own, const T* other, const T* values, const T* w) const {
        T sum = n == a ? w[a - 1] : w[a - 1] * values[at(n - a, 0)];
        each<P>(1, a - 1, [&](int q) PYSIG_INLINED { sum = sum + w[q - 1] * own[at(n - q, a - q)]; });
        each<P>(1, least(size() - a, n - a), [&](int b) PYSIG_INLINED {
            sum = sum + w[a - 1] * (other[at(n - a, b)] * factorial_ratio<R, P>(a, b));
        });
        return sum;
    }
    // The adjoint of z in moved(n, a) for a = 1..last.
    template <class T>
    PYSIG_HD T factors_adjoint(int n, int last, const T* own, const T* other, const T* values, const T* w,
                               const T* bar) const {
        T sum{};
        each<P>(1, least(last, n), [&](int a) PYSIG_INLINED {
            const T gain_bar = bar[at(n, a)];
            T of_a = gain_bar;
            if (n > a) of_a = of_a * values[at(n - a, 0)];
            each<P>(1, least(size() - a, n - a), [&](int b) PYSIG_INLINED {
                of_a = of_a + gain_bar * (other[at(n - a, b)] * factorial_ratio<R, P>(a, b));
            });
            sum = sum + (a == 1 ? of_a : w[a - 2] * of_a);
            each<P>(1, a - 1, [&](int q) PYSIG_INLINED {
                const T of_q = own[at(n - q, a - q)] * gain_bar;
                sum = sum + (q == 1 ? of_q : w[q - 2] * of_q);
            });
        });
        return sum;
    }
    // The adjoint of E^n_a as an argument of higher levels of its own edge, up to power `last`, and of the other edge.
    template <class T>
    PYSIG_HD T moved_adjoint(int n, int a, int last, const T* own_bar, const T* other_bar, const T* w) const {
        T sum{};
        each<P>(1, least(last - a, depth() - n),
                [&](int q) PYSIG_INLINED { sum = sum + w[q - 1] * own_bar[at(n + q, a + q)]; });
        each<P>(1, least(size() - a, depth() - n), [&](int b) PYSIG_INLINED {
            sum = sum + w[b - 1] * (other_bar[at(n + b, b)] * factorial_ratio<R, P>(b, a));
        });
        return sum;
    }
};

PYSIG_NAMESPACE_END
