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

// Parameters: (scale), (b), (b, alpha) or (power, gamma, scale). `tangents`: how they move, for derivatives along
// directions.
struct static_kernel {
    kappa_kind kind;
    double parameters[3];
    double tangents[3] = {0, 0, 0};
};

}  // namespace pysig

PYSIG_NAMESPACE_BEGIN

constexpr int max_parameters = 3;

// Whether s is r^2; else it is <p, q>.
PYSIG_HD constexpr bool is_of_distance(kappa_kind kind) {
    return kind != kappa_kind::linear && kind != kappa_kind::polynomial;
}

// Digits. The differences z are small against kappa if points are close for the bandwidth b: kappa is then about
// 1 - s / b^2, and its rounding spoils them. So a kernel of a distance is kept as
//     folded(kappa) = kappa - 1 in [-1/2, 0] for near points, computed without cancellation, and kappa > 0 for far
//     ones.
// The sign says which. rise() is the difference of two. A polynomial is kept as kappa - gamma^power everywhere.
//
// Range. Factors such as 1 / b^2 and products with them are cut at the largest number, and u where exp(-u) is 0. So
// 0 times infinity does not occur, whatever the bandwidth.

// folded(kappa), d kappa / ds, and the derivatives by the parameters, up to a constant.
template <class T>
struct kappa_value {
    T folded, slope, by_parameter[max_parameters];
};

// M has exp(x) for x <= 0, log1p(x) for x >= 0 and sqrt(x) of T; folded_exp(w) = (w > 1/2 ? exp(-w) : exp(-w) - 1) for
// w in the range of normal numbers; one(x) = 1; and where_above(x, bound, y, z), which is y if x > bound, z if not or
// NaN.
template <class M, class R, class T>
PYSIG_HD T at_most(T x, R bound) {
    return M::where_above(x, bound, M::one(x) * bound, x);
}

// What folding subtracted: 1 or 0.
template <class R, class M, class T>
PYSIG_HD T fold_of(T folded) {
    return M::where_above(folded, R(0), T{}, M::one(folded));
}
// kappa of `above` - kappa of `below`, of a kernel of a distance.
template <class R, class M, class T>
PYSIG_HD T rise(T below, T above) {
    return (above - below) + (fold_of<R, M>(above) - fold_of<R, M>(below));
}

template <class R>
constexpr R largest_number = R(sizeof(R) == 4 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023);

// `x` in R, or the largest number of R; x is not negative.
template <class R>
PYSIG_HD constexpr R in_range(double x) {
    return x < double(largest_number<R>) ? R(x) : largest_number<R>;
}
// Beyond it exp(-x) is 0.
constexpr int exp_range = 1000;

// folded(exp(-w)) for 0 <= w, positive also where exp(-w) underflows.
template <class R, class M, class T>
PYSIG_HD T folded_exp(T w) {
    constexpr R range = sizeof(R) == 4 ? 87 : 708;
    return M::folded_exp(at_most<M>(w, range));
}

// The sum over k >= 2 of c(k) (-u)^k / k! for 0 <= u <= 1/2, |c(k)| <= k^2.
template <class R, class T, class C>
PYSIG_HD T alternating_series(T u, T one, const C& c) {
    constexpr int last = sizeof(R) == 4 ? 11 : 18;
    T sum = one * R(c(last));
    for (int k = last - 1; k >= 2; --k) sum = one * R(c(k)) - sum * u * (R(1) / R(k + 1));
    return sum * u * u * R(0.5);
}

// log(1 + v) - v / (1 + v), v >= 0. With y = v / (2 + v) it is 2 y^2 / (1 + y) + 2 (y^3 / 3 + y^5 / 5 + ...), where
// nothing cancels; for v > 1 the terms are far apart.
template <class R, class M, class T>
PYSIG_HD T log_excess(T v, T log, T ratio) {
    constexpr int last = sizeof(R) == 4 ? 7 : 16;
    const T one = M::one(v), y = v / (v + one * R(2)), square = y * y;
    T sum = one * (R(1) / R(2 * last + 1));
    for (int k = last - 1; k >= 1; --k) sum = sum * square + one * (R(1) / R(2 * k + 1));
    return M::where_above(v, R(1), log - ratio, (square / (one + y) + square * y * sum) * R(2));
}

// x^n and x^n - y^n for n >= 0 and x = y + difference, by
//     x^2n - y^2n = (x^n - y^n) (x^n - y^n + 2 y^n),    x^(n+1) - y^(n+1) = (x^n - y^n) x + difference y^n.
template <class R, class T>
struct power_gain {
    T x, difference, power, gain;
    R y, of_y = R(1);

    PYSIG_HD power_gain(T x, T difference, R y, int n, T one) : x(x), difference(difference), power(one), gain{}, y(y) {
        int bit = 1;
        while (bit <= n / 2) bit *= 2;
        for (; n > 0 && bit > 0; bit /= 2) {
            gain = gain * (gain + one * (of_y + of_y));
            power = power * power;
            of_y = of_y * of_y;
            if (n / bit % 2) raise();
        }
    }
    // n + 1 in place of n.
    PYSIG_HD void raise() {
        gain = gain * x + difference * of_y;
        power = power * x;
        of_y = of_y * y;
    }
};

// Derivatives of values that are not used cost nothing once inlined.
template <class R, class M, class T>
PYSIG_HD kappa_value<T> evaluate_kappa(const static_kernel& kernel, T s) {
    const double* p = kernel.parameters;
    const T one = M::one(s);
    const R largest = largest_number<R>, by_b = in_range<R>(1 / p[0]);
    // At s = 0 the derivative by the points has the factor x - y = 0, whatever the slope, which may be infinite.
    const auto if_apart = [&](T slope) PYSIG_INLINED { return M::where_above(s, R(0), slope, T{}); };
    kappa_value<T> k{};
    switch (kernel.kind) {
        case kappa_kind::linear:
            k.folded = s * R(p[0]);
            k.slope = one * R(p[0]);
            k.by_parameter[0] = s;
            break;
        case kappa_kind::rbf: {
            const R factor = in_range<R>(0.5 / (p[0] * p[0]));
            const T w = at_most<M>(s * factor, R(exp_range)), e = M::exp(-w);
            k.folded = folded_exp<R, M>(w);
            k.slope = if_apart(e * -factor);
            k.by_parameter[0] = e * w * (R(2) * by_b);
            break;
        }
        case kappa_kind::matern_12: {  // not differentiable at s = 0
            const T r = M::sqrt(s), u = at_most<M>(r * by_b, R(exp_range)), e = M::exp(-u);
            k.folded = folded_exp<R, M>(u);
            k.slope = if_apart(e * (R(-0.5) * by_b) / r);
            k.by_parameter[0] = e * u * by_b;
            break;
        }
        case kappa_kind::matern_32: {
            const R factor = in_range<R>(3 / (p[0] * p[0]));
            const T u = at_most<M>(M::sqrt(at_most<M>(s * factor, largest)), R(exp_range)), e = M::exp(-u);
            const T less_one = alternating_series<R>(u, one, [](int m) { return 1 - m; });
            k.folded = M::where_above(u, R(0.5), (one + u) * e, less_one);
            k.slope = if_apart(e * (R(-0.5) * factor));
            k.by_parameter[0] = u * u * e * by_b;
            break;
        }
        case kappa_kind::matern_52: {
            const R factor = in_range<R>(5 / (p[0] * p[0]));
            const T u = at_most<M>(M::sqrt(at_most<M>(s * factor, largest)), R(exp_range)), e = M::exp(-u);
            const T less_one = alternating_series<R>(u, one, [](int m) { return (m - 1) * (m - 3) / 3.0; });
            k.folded = M::where_above(u, R(0.5), (one + u + u * u * (R(1) / R(3))) * e, less_one);
            k.slope = if_apart((one + u) * e * (factor * R(-1.0 / 6)));
            k.by_parameter[0] = u * u * (one + u) * e * (by_b * (R(1) / R(3)));
            break;
        }
        case kappa_kind::rational_quadratic: {
            // Beyond 1 / epsilon^2 the kernel is that of alpha to infinity, to the last digit.
            const double highest = sizeof(R) == 4 ? 0x1p46 : 0x1p104, alpha = p[1] < highest ? p[1] : highest;
            const R factor = in_range<R>(0.5 / (p[0] * p[0]));
            const T w = at_most<M>(s * factor, largest), v = at_most<M>(w * in_range<R>(1 / alpha), largest);
            const T log = M::log1p(v), exponent = log * R(alpha), e = M::exp(-exponent), inverse = one / (one + v);
            k.folded = folded_exp<R, M>(exponent);
            k.slope = if_apart(e * (inverse * -factor));
            k.by_parameter[0] = e * (inverse * w) * (R(2) * by_b);
            // It falls as alpha^-2 there.
            k.by_parameter[1] = e * log_excess<R, M>(v, log, inverse * v) * R(-(alpha / p[1]) * (alpha / p[1]));
            break;
        }
        case kappa_kind::polynomial: {
            const R gamma = R(p[1]);
            const T part = s * R(p[2]);
            power_gain<R, T> of(part + one * gamma, part, gamma, int(p[0]) - 1, one);
            k.slope = of.power * R(p[0] * p[2]);
            k.by_parameter[1] = of.gain * R(p[0]);
            k.by_parameter[2] = of.power * s * R(p[0]);
            of.raise();
            k.folded = of.gain;
            break;
        }
    }
    return k;
}

PYSIG_NAMESPACE_END
