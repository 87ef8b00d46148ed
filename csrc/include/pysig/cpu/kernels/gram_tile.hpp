// The numbers z_ij of a rectangle of cells on lanes, and their adjoint. Lanes are pairs of paths.
//
// y is on lanes, y[j * d + c]; x is on lanes, too, or is the same path for all lanes, x[i * d + c]. Both hold
// increments, or the points of paths if a static kernel needs them. For a derivative along a direction, T is a dual
// number, and both sides come with their tangents.
#pragma once

#include "../../algebra/static_kernel.hpp"
#include "../lanes/lane_math.hpp"

PYSIG_NAMESPACE_BEGIN

// One side of the pairs: increments or points, row-major, and their tangents (null if T is a plain vector).
template <class X>
struct gram_side {
    const X *values, *tangents;

    gram_side from(i64 element) const { return {values + element, tangents ? tangents + element : nullptr}; }
};

template <class V>
inline V on_lanes(V v) {
    return v;
}
inline lanes<float> on_lanes(float v) { return broadcast(v); }
inline lanes<double> on_lanes(double v) { return broadcast(v); }

template <class T, class X>
inline T element_at(const gram_side<X>& side, i64 m, T*) {
    return on_lanes(side.values[m]);
}
template <class V, class X>
inline dual<V> element_at(const gram_side<X>& side, i64 m, dual<V>*) {
    return {on_lanes(side.values[m]), on_lanes(side.tangents[m])};
}

constexpr int gram_rows = 4;  // rows that share the loads of y

// <x_i, y_j>, or |x_i - y_j|^2 with `distance`, of `count` rows at out[i * stride + j]. D channels, or `d` if D is 0.
template <int D, int count, bool distance, class T, class X, class Y>
inline void gram_block(const gram_side<X>& x, const gram_side<Y>& y, i64 d, T* out, i64 stride, i64 width) {
    const i64 channels = D ? D : d;
    for (i64 j = 0; j < width; ++j) {
        T sum[count];
        for (int k = 0; k < count; ++k) sum[k] = T{};
        for (i64 c = 0; c < channels; ++c) {
            const T b = element_at(y, j * channels + c, static_cast<T*>(nullptr));
            for (int k = 0; k < count; ++k) {
                const T a = element_at(x, k * channels + c, static_cast<T*>(nullptr));
                if constexpr (distance) {
                    const T e = a - b;
                    sum[k] = sum[k] + e * e;
                } else {
                    sum[k] = sum[k] + a * b;
                }
            }
        }
        for (int k = 0; k < count; ++k) out[k * stride + j] = sum[k];
    }
}

template <int D, bool distance, class T, class X, class Y>
inline void gram_rows_of(gram_side<X> x, const gram_side<Y>& y, i64 d, T* out, i64 stride, i64 height, i64 width) {
    i64 i = 0;
    for (; i + gram_rows <= height; i += gram_rows)
        gram_block<D, gram_rows, distance>(x.from(i * d), y, d, out + i * stride, stride, width);
    for (; i < height; ++i) gram_block<D, 1, distance>(x.from(i * d), y, d, out + i * stride, stride, width);
}

// Products or squared distances of height x width pairs of rows.
template <bool distance, class T, class X, class Y>
inline void gram(const gram_side<X>& x, const gram_side<Y>& y, i64 d, T* out, i64 stride, i64 height, i64 width) {
    if constexpr (!distance) {  // kappa of a distance costs more than the distance
        switch (d) {
            case 1: return gram_rows_of<1, distance>(x, y, d, out, stride, height, width);
            case 2: return gram_rows_of<2, distance>(x, y, d, out, stride, height, width);
            case 3: return gram_rows_of<3, distance>(x, y, d, out, stride, height, width);
            case 4: return gram_rows_of<4, distance>(x, y, d, out, stride, height, width);
            case 5: return gram_rows_of<5, distance>(x, y, d, out, stride, height, width);
            case 6: return gram_rows_of<6, distance>(x, y, d, out, stride, height, width);
        }
    }
    gram_rows_of<0, distance>(x, y, d, out, stride, height, width);
}

// folded(kappa) of s, of one vector.
template <class R>
inline lanes<R> kappa_of(const static_kernel& kernel, lanes<R> s) {
    return evaluate_kappa<R, lane_math<R>>(kernel, s).folded;
}
template <class R>
inline dual<lanes<R>> kappa_of(const static_kernel& kernel, dual<lanes<R>> s) {
    const auto k = evaluate_kappa<R, lane_math<R>>(kernel, s.value);
    lanes<R> tangent = k.slope * s.tangent;
    for (int p = 0; p < max_parameters; ++p)
        if (kernel.tangents[p] != 0) tangent += k.by_parameter[p] * R(kernel.tangents[p]);
    return {k.folded, tangent};
}
template <class R>
inline lanes<R> rise_of(lanes<R> below, lanes<R> above) {
    return rise<R, lane_math<R>>(below, above);
}
template <class R>
inline dual<lanes<R>> rise_of(dual<lanes<R>> below, dual<lanes<R>> above) {
    return {rise_of<R>(below.value, above.value), above.tangent - below.tangent};
}

// From s of `count` + 1 points to the `count` differences of kappa, in place.
template <class R, class T>
inline void kappa_rises(static_kernel kernel, T* s, i64 count) {
    const bool folded = is_of_distance(kernel.kind);
    for (i64 j = 0; j <= count; ++j) s[j] = kappa_of<R>(kernel, s[j]);
    for (i64 j = 0; j < count; ++j) s[j] = folded ? rise_of<R>(s[j], s[j + 1]) : s[j + 1] - s[j];
}

// The products <v, u>, in place, to the increments of the linear kernel. `scale`: of refined cells.
template <class R>
inline void scale_in_place(const static_kernel& kernel, R scale, lanes<R>* z, i64 count) {
    const R factor = scale * R(kernel.parameters[0]);
    for (i64 j = 0; factor != R(1) && j < count; ++j) z[j] = z[j] * factor;
}
template <class R>
inline void scale_in_place(const static_kernel& kernel, R scale, dual<lanes<R>>* z, i64 count) {
    const R factor = scale * R(kernel.parameters[0]), slope = scale * R(kernel.tangents[0]);
    if (factor == R(1) && slope == R(0)) return;
    for (i64 j = 0; j < count; ++j) {
        const lanes<R> moved = z[j].tangent * factor;
        z[j] = {z[j].value * factor, slope != R(0) ? moved + z[j].value * slope : moved};
    }
}

PYSIG_NAMESPACE_END
