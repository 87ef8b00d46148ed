// Lanes: a SIMD vector whose lanes are independent paths (or chunks of time), and the transposes that gather and
// scatter them.
#pragma once

#include "../../config.hpp"

#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

PYSIG_NAMESPACE_BEGIN

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int vector_registers = 32;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
constexpr int vector_registers = 16;
#elif defined(__aarch64__)
constexpr int vector_bytes = 16;
constexpr int vector_registers = 32;
#else
constexpr int vector_bytes = 16;
constexpr int vector_registers = 16;
#endif

template <class R>
constexpr int lane_count = vector_bytes / int(sizeof(R));

template <class R>
struct lanes_of;
template <>
struct lanes_of<float> {
    typedef float type __attribute__((vector_size(vector_bytes)));
};
template <>
struct lanes_of<double> {
    typedef double type __attribute__((vector_size(vector_bytes)));
};
template <class R>
using lanes = typename lanes_of<R>::type;

template <class R>
inline lanes<R> load_lanes(const R* source) {
    lanes<R> v;
    std::memcpy(&v, source, sizeof v);
    return v;
}

template <class R>
inline void store_lanes(R* target, lanes<R> v) {
    std::memcpy(target, &v, sizeof v);
}

// Compilers remove the subtraction of 0. They keep an addition, because 0 + (-0) is not -0.
template <class R>
inline lanes<R> broadcast(R value) {
    return value - lanes<R>{};
}

// The first `count` lanes, the others zero; all lanes if count is not less.
template <class R>
inline lanes<R> load_some(const R* source, i64 count) {
    if (count >= lane_count<R>) return load_lanes(source);
#if defined(__AVX512F__)
    if constexpr (sizeof(R) == 4) return (lanes<R>)_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), source);
    else return (lanes<R>)_mm512_maskz_loadu_pd(__mmask8((1u << count) - 1), source);
#else
    lanes<R> v{};
    for (i64 l = 0; l < count; ++l) v[l] = source[l];
    return v;
#endif
}

template <class R>
inline void store_some(R* target, lanes<R> v, i64 count) {
    if (count >= lane_count<R>) return store_lanes(target, v);
#if defined(__AVX512F__)
    if constexpr (sizeof(R) == 4) _mm512_mask_storeu_ps(target, __mmask16((1u << count) - 1), (__m512)v);
    else _mm512_mask_storeu_pd(target, __mmask8((1u << count) - 1), (__m512d)v);
#else
    for (i64 l = 0; l < count; ++l) target[l] = v[l];
#endif
}

// count rounded up to whole vectors.
template <class R>
inline i64 pad_to_lanes(i64 count) {
    return ceil_div(count, lane_count<R>) * lane_count<R>;
}

// Elements of a row of `block` steps: whole vectors, and one more to read past the end.
template <class R>
inline i64 increment_row_size(i64 block, i64 channels) {
    return pad_to_lanes<R>(block * channels) + lane_count<R>;
}

template <int... indices>
struct index_list {};
template <int n, int... tail>
struct count_up : count_up<n - 1, n - 1, tail...> {};
template <int... indices>
struct count_up<0, indices...> {
    using type = index_list<indices...>;
};

// Vector number `part` of the `times` vectors that repeat each lane of v `times` times.
template <int times, int part, class V, int... l>
inline V repeated_lanes(V v, index_list<l...>) {
    return __builtin_shufflevector(v, v, (part * int(sizeof...(l)) + l) / times...);
}

// Rotates the lanes: every lane receives the one `stride` lanes after it.
template <int stride, class V, int... l>
inline V rotated_lanes(V v, index_list<l...>) {
    return __builtin_shufflevector(v, v, (l + stride) % int(sizeof...(l))...);
}

// One round of the butterfly: exchanges the off-diagonal blocks of `stride` lanes between rows `stride` apart.
template <int width, int stride, class V, int... l>
inline void exchange(V& a, V& b, index_list<l...>) {
    V upper = __builtin_shufflevector(a, b, ((l & stride) ? width + l - stride : l)...);
    V lower = __builtin_shufflevector(a, b, ((l & stride) ? width + l : l + stride)...);
    a = upper;
    b = lower;
}

template <int width, int stride, class V>
inline void transpose_round(V* rows) {
    for (int i = 0; i < width; ++i)
        if (!(i & stride)) exchange<width, stride>(rows[i], rows[i + stride], typename count_up<width>::type{});
    if constexpr (stride > 1) transpose_round<width, stride / 2>(rows);
}

// Transposes a square block in registers.
template <class R>
inline void transpose(lanes<R> (&rows)[lane_count<R>]) {
    transpose_round<lane_count<R>, lane_count<R> / 2>(rows);
}

// target[m] = {rows[0][m], rows[1][m], ...} for m < count; rows of a multiple of lane_count elements may be read past
// `count`.
template <class R>
inline void fill_lanes(lanes<R>* target, const R* rows, i64 row_stride, i64 count) {
    constexpr int width = lane_count<R>;
    for (i64 m = 0; m < count; m += width) {
        lanes<R> block[width];
        for (int l = 0; l < width; ++l) block[l] = load_lanes(rows + l * row_stride + m);
        transpose<R>(block);
        for (int l = 0; l < width; ++l) target[m + l] = block[l];
    }
}

// target[m] = {rows[0][offset + m], rows[1][offset + m], ...} for m < count; zero if the row is null. Reads no further:
// if count >= W, the last vector overlaps the one before.
template <class R>
inline void gather_lanes(lanes<R>* target, const R* const* rows, i64 offset, i64 count) {
    constexpr int width = lane_count<R>;
    i64 m = 0;
    for (; m < count && count >= width; m += width) {
        if (m > count - width) m = count - width;
        lanes<R> block[width];
        for (int l = 0; l < width; ++l) block[l] = rows[l] ? load_lanes(rows[l] + offset + m) : lanes<R>{};
        transpose<R>(block);
        for (int l = 0; l < width; ++l) target[m + l] = block[l];
    }
    for (; m < count; ++m)
        for (int l = 0; l < width; ++l) target[m][l] = rows[l] ? rows[l][offset + m] : R(0);
}

// rows[lane][offset + m] = source[m][lane] for m < count; a lane whose row is null is dropped.
template <class R>
inline void scatter_lanes(R* const* rows, i64 offset, const lanes<R>* source, i64 count) {
    constexpr int width = lane_count<R>;
    i64 m = 0;
    for (; m < count && count >= width; m += width) {
        if (m > count - width) m = count - width;
        lanes<R> block[width];
        for (int l = 0; l < width; ++l) block[l] = source[m + l];
        transpose<R>(block);
        for (int l = 0; l < width; ++l)
            if (rows[l]) store_lanes(rows[l] + offset + m, block[l]);
    }
    for (; m < count; ++m)
        for (int l = 0; l < width; ++l)
            if (rows[l]) rows[l][offset + m] = source[m][l];
}

PYSIG_NAMESPACE_END
