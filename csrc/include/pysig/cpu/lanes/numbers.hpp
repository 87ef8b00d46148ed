// Numbers Q and their vectors T. Q is R, or dual<R> for a derivative in a direction; T holds one Q for each lane.
#pragma once

#include "../../algebra/dual.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

template <class Q>
struct number {
    using real = Q;
    using vector = lanes<Q>;
};
template <class R>
struct number<dual<R>> {
    using real = R;
    using vector = dual<lanes<R>>;
};

template <class R>
inline void set_lane(lanes<R>& v, int l, R value) {
    v[l] = value;
}
template <class R>
inline void set_lane(dual<lanes<R>>& v, int l, dual<R> value) {
    v.value[l] = value.value;
    v.tangent[l] = value.tangent;
}

template <class R>
inline R lane_of(const lanes<R>& v, int l) {
    return v[l];
}
template <class R>
inline dual<R> lane_of(const dual<lanes<R>>& v, int l) {
    return {v.value[l], v.tangent[l]};
}

// The output of a computation with Q: the value of a plain number, the derivative of a dual number.
template <class V>
inline V result_of(V x) {
    return x;
}
template <class V>
inline V result_of(dual<V> x) {
    return x.tangent;
}

template <class V>
inline void add_value(V& sum, V value) {
    sum += value;
}
template <class V>
inline void add_value(dual<V>& sum, V value) {
    sum.value += value;
}

template <class R>
inline void gather_lanes(dual<lanes<R>>* target, const dual<R>* const* rows, i64 offset, i64 count) {
    for (i64 m = 0; m < count; ++m)
        for (int l = 0; l < lane_count<R>; ++l) set_lane<R>(target[m], l, rows[l] ? rows[l][offset + m] : dual<R>{});
}
template <class R>
inline void scatter_lanes(dual<R>* const* rows, i64 offset, const dual<lanes<R>>* source, i64 count) {
    for (i64 m = 0; m < count; ++m)
        for (int l = 0; l < lane_count<R>; ++l)
            if (rows[l]) rows[l][offset + m] = {source[m].value[l], source[m].tangent[l]};
}

PYSIG_NAMESPACE_END
