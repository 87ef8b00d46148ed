// exp, expm1, log1p and sqrt on lanes, for static kernels: the library functions of C take one number at a time.
#pragma once

#include "numbers.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
struct float_format;
template <>
struct float_format<float> {
    using integer = int;
    typedef int integers __attribute__((vector_size(vector_bytes)));
    static constexpr int digits = 23, bias = 127;
    static constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number in the low bits
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cf8p-20f;
    static constexpr float smallest = -87.0f, largest = 88.0f;
    static constexpr int exp_terms = 7, log_terms = 5;
};
template <>
struct float_format<double> {
    using integer = long long;
    typedef long long integers __attribute__((vector_size(vector_bytes)));
    static constexpr int digits = 52, bias = 1023;
    static constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double smallest = -708.0, largest = 709.0;
    static constexpr int exp_terms = 13, log_terms = 11;
};

template <class R>
struct lane_math {
    using V = lanes<R>;
    using format = float_format<R>;
    using integers = typename format::integers;

    static V one(V) { return broadcast(R(1)); }
    static V where_above(V x, R bound, V y, V z) { return x > bound ? y : z; }

    // exp(x), zero below `smallest` and infinite above `largest`; and folded_exp of static_kernel.hpp.
    static V exp(V x) {
        const power_of_e e(x);
        const V result = (e.less_one + R(1)) * e.scale;
        return x < e.low ? V{} : x > e.high ? broadcast(R(__builtin_huge_val())) : result;
    }
    static V folded_exp(V w) {
        const power_of_e e(-w, -w);
        return e.less_one * e.scale + (w > R(0.5) ? e.scale : e.scale - R(1));
    }

    // log(1 + v) = e ln 2 + 2 atanh(f / (2 + f)), 1 + v = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); v is not
    // negative. For e = 0, f is v itself, without the rounding of 1 + v.
    static V log1p(V v) {
        const V x = v + R(1);
        const integers bits = (integers)x, half = (integers)broadcast(R(0.70710678118654752));
        const integers e = (bits - half) >> format::digits;
        const V f = e == 0 ? v : (V)(bits - (e << format::digits)) - R(1), s = f / (f + R(2)), square = s * s;
        V sum = broadcast(R(1) / R(2 * format::log_terms - 1));
        for (int k = format::log_terms - 2; k >= 0; --k) sum = sum * square + R(1) / R(2 * k + 1);
        const V exponent = __builtin_convertvector(e, V);
        const V result = exponent * format::ln2_high + (exponent * format::ln2_low + R(2) * s * sum);
        const V finite = x - x;  // NaN for infinity and NaN
        return finite == finite ? result : x;
    }

    static V sqrt(V x) {
        R numbers[lane_count<R>];
        store_lanes(numbers, x);
        for (int l = 0; l < lane_count<R>; ++l) numbers[l] = square_root(numbers[l]);
        return load_lanes(numbers);
    }

 private:
    // exp(x) = scale (1 + less_one) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, for x between `low` and
    // `high`.
    struct power_of_e {
        const V low = broadcast(format::smallest), high = broadcast(format::largest);
        V scale, less_one;

        explicit power_of_e(V x)
            : power_of_e(x, cut(x < broadcast(format::smallest) ? broadcast(format::smallest) : x)) {}
        static V cut(V x) { return x > broadcast(format::largest) ? broadcast(format::largest) : x; }  // NaN stays
        power_of_e(V, V inside) {
            const V shifted = inside * R(1.4426950408889634) + format::rounder, n = shifted - format::rounder;
            const V r = (inside - n * format::ln2_high) - n * format::ln2_low;
            V sum = broadcast(R(1) / R(whole_factorial(format::exp_terms)));
            for (int k = format::exp_terms - 1; k >= 1; --k) sum = sum * r + R(1) / R(whole_factorial(k));
            less_one = sum * r;
            scale = (V)(((integers)shifted << format::digits) + (integers)broadcast(R(1)));
        }
    };

    static constexpr double whole_factorial(int n) { return n < 2 ? 1 : n * whole_factorial(n - 1); }
    static float square_root(float x) { return __builtin_sqrtf(x); }
    static double square_root(double x) { return __builtin_sqrt(x); }
};

PYSIG_NAMESPACE_END
