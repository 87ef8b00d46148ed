// Static kernels kappa(p, q) of points, and their derivatives. The increments of a signature kernel are
//     z_ij = kappa(x_(i+1), y_(j+1)) - kappa(x_i, y_(j+1)) - kappa(x_(i+1), y_j) + kappa(x_i, y_j).
// A kernel is a function of one number s of two points, r^2 = |p - q|^2 or <p, q>:
//     rbf                  exp(-s / (2 b^2))
//     matern               (1), (1 + u), (1 + u + u^2 / 3) times exp(-u),   u = sqrt(1), sqrt(3), sqrt(5) times r / b
//     rational quadratic   (1 + s / (2 alpha b^2))^(-alpha)
//     polynomial           (scale s + gamma)^power
// The linear kernel is scale <p, q>; its z needs no points: z_ij = scale <v_i, u_j>.
#pragma once

#include "../config.hpp"

namespace pysig {

// The codes of pysig/_plans/signature_kernel.py.
enum class kappa_kind : int { linear, rbf, matern_12, matern_32, matern_52, rational_quadratic, polynomial };

// Parameters: (scale), (b), (b, alpha) or (power, gamma, scale).
struct static_kernel {
    kappa_kind kind;
    double parameters[3];
};

}  // namespace pysig

PYSIG_NAMESPACE_BEGIN

constexpr int max_parameters = 3;

// Whether s is r^2; else it is <p, q>.
PYSIG_HD constexpr bool is_of_distance(kappa_kind kind) {
    return kind != kappa_kind::linear && kind != kappa_kind::polynomial;
}

// kappa, d kappa / ds, and the derivatives by the parameters.
template <class T>
struct kappa_value {
    T value, slope, by_parameter[max_parameters];
};

// x^n, n >= 0.
template <class T>
PYSIG_HD T whole_power(T x, int n, T one) {
    T result = one;
    for (; n > 0; n /= 2) {
        if (n % 2) result = result * x;
        x = x * x;
    }
    return result;
}

// M has exp(x), log(x) for x >= 1 and sqrt(x) of T, zero_unless_positive(x, y) = (x > 0 ? y : 0), and one(x) = 1.
// Derivatives of values that are not used cost nothing once inlined.
template <class R, class M, class T>
PYSIG_HD kappa_value<T> evaluate_kappa(const static_kernel& kernel, T s) {
    const double* p = kernel.parameters;
    const T one = M::one(s);
    kappa_value<T> k{};
    switch (kernel.kind) {
        case kappa_kind::linear:
            k.value = s * R(p[0]);
            k.slope = one * R(p[0]);
            k.by_parameter[0] = s;
            break;
        case kappa_kind::rbf: {
            k.value = M::exp(s * R(-0.5 / (p[0] * p[0])));
            k.slope = k.value * R(-0.5 / (p[0] * p[0]));
            k.by_parameter[0] = k.value * s * R(1 / (p[0] * p[0] * p[0]));
            break;
        }
        case kappa_kind::matern_12: {  // not differentiable at s = 0, where the slope is taken as 0
            const T r = M::sqrt(s);
            k.value = M::exp(r * R(-1 / p[0]));
            k.slope = M::zero_unless_positive(s, k.value * R(-0.5 / p[0]) / r);
            k.by_parameter[0] = k.value * r * R(1 / (p[0] * p[0]));
            break;
        }
        case kappa_kind::matern_32: {
            const T u = M::sqrt(s * R(3 / (p[0] * p[0]))), e = M::exp(-u);
            k.value = (one + u) * e;
            k.slope = e * R(-1.5 / (p[0] * p[0]));
            k.by_parameter[0] = u * u * e * R(1 / p[0]);
            break;
        }
        case kappa_kind::matern_52: {
            const T u = M::sqrt(s * R(5 / (p[0] * p[0]))), e = M::exp(-u);
            k.value = (one + u + u * u * (R(1) / R(3))) * e;
            k.slope = (one + u) * e * R(-5 / (6 * p[0] * p[0]));
            k.by_parameter[0] = u * u * (one + u) * e * R(1 / (3 * p[0]));
            break;
        }
        case kappa_kind::rational_quadratic: {
            const T v = s * R(1 / (2 * p[1] * p[0] * p[0])), base = one + v, log = M::log(base);
            k.value = M::exp(log * R(-p[1]));
            const T lower = k.value / base;
            k.slope = lower * R(-0.5 / (p[0] * p[0]));
            k.by_parameter[0] = lower * v * R(2 * p[1] / p[0]);
            k.by_parameter[1] = lower * v - k.value * log;
            break;
        }
        case kappa_kind::polynomial: {
            const T base = s * R(p[2]) + one * R(p[1]);
            const T lower = whole_power(base, int(p[0]) - 1, one);
            k.value = lower * base;
            k.slope = lower * R(p[0] * p[2]);
            k.by_parameter[1] = lower * R(p[0]);
            k.by_parameter[2] = lower * s * R(p[0]);
            break;
        }
    }
    return k;
}

PYSIG_NAMESPACE_END
