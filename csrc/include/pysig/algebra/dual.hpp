// Dual numbers a + b e with e^2 = 0: any formula of this folder, evaluated on them, gives its derivative along a
// direction as well. T may be float, double or a SIMD vector, as everywhere.
#pragma once

#include "../config.hpp"

PYSIG_NAMESPACE_BEGIN

template <class T>
struct dual {
    T value, tangent;
};

template <class T>
PYSIG_HD dual<T> operator+(dual<T> a, dual<T> b) {
    return {a.value + b.value, a.tangent + b.tangent};
}
template <class T>
PYSIG_HD dual<T> operator-(dual<T> a, dual<T> b) {
    return {a.value - b.value, a.tangent - b.tangent};
}
template <class T>
PYSIG_HD dual<T> operator*(dual<T> a, dual<T> b) {
    return {a.value * b.value, a.value * b.tangent + a.tangent * b.value};
}
template <class T, class R>
PYSIG_HD dual<T> operator*(dual<T> a, R factor) {
    return {a.value * factor, a.tangent * factor};
}
template <class T>
PYSIG_HD dual<T> operator-(dual<T> a) {
    return {-a.value, -a.tangent};
}
template <class T>
PYSIG_HD dual<T>& operator+=(dual<T>& a, dual<T> b) {
    return a = a + b;
}
template <class T>
PYSIG_HD void keep_in_register(dual<T>& v) {
    PYSIG_IN_REGISTER(v.value);
    PYSIG_IN_REGISTER(v.tangent);
}

PYSIG_NAMESPACE_END
