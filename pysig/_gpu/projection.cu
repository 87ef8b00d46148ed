// Selected coefficients of signatures: a thread owns a *family*, a word p of M = LETTERS letters and up to CHILDREN
// words p i, over all steps of a path. A step computes the chain of p, at most M^2 / 2 multiply-adds, and one
// multiply-add for each p i. Only families of selected words exist. The formulas are those of horner.hpp.
//
// Backwards, a thread writes for each step and each of its letters the contribution of its words to the cotangent of
// the increment; pysig_projection_sum adds the contributions of each channel in a fixed order. States are stored at the
// ends of *segments* of time and computed backwards within them.
//
// Sizes are -D PYSIG_...: REAL, LETTERS, CHILDREN; TANGENTS = 1 for dual numbers, whose tangents are derivatives in a
// direction; INCREMENTS = 1 if `points` holds the increments of a transformed path.
#include <pysig/algebra/dual.hpp>
#include <pysig/algebra/horner.hpp>

using pysig::i64;
using R = PYSIG_REAL;
constexpr int M = PYSIG_LETTERS, C = PYSIG_CHILDREN, W = M + C;
constexpr bool INCREMENTS = PYSIG_INCREMENTS;
// Loops over long words stay loops over local memory: unrolled they would need too many registers.
#if PYSIG_LETTERS <= 8
#define PYSIG_EACH PYSIG_UNROLL
#else
#define PYSIG_EACH
#endif

#if PYSIG_TANGENTS
using T = pysig::dual<R>;
__device__ inline T number(R value, R tangent) { return {value, tangent}; }
// The part of a number that is the result.
__device__ inline R result_of(T value) { return value.tangent; }
__device__ inline void add_value(T& sum, R value) { sum.value += value; }
#else
using T = R;
__device__ inline T number(R value, R) { return value; }
__device__ inline R result_of(T value) { return value; }
__device__ inline void add_value(T& sum, R value) { sum += value; }
#endif

// A row of the table of families: the number of children; the letters of p and of the children; the columns of
// `initial` that hold their coefficients (-1: none); the columns of the result for the children.
struct family {
    int children, letter[W], start[W], column[C];
};

// The points of a path: point -1 is the basepoint.
struct line {
    const char* points;
    i64 length_stride, channel_stride;
    const R* base;
    __device__ R at(i64 point, int c) const {
        return point < 0 ? base[c] : *reinterpret_cast<const R*>(points + point * length_stride + c * channel_stride);
    }
    __device__ R step(i64 from, int c) const { return INCREMENTS ? at(from, c) : at(from + 1, c) - at(from, c); }
};

struct batch_of_lines {
    const char* points;
    i64 batch_stride, length_stride, channel_stride;
    const R* base;
    __device__ line at(i64 b, i64 channels) const {
        return {points + b * batch_stride, length_stride, channel_stride, base ? base + b * channels : nullptr};
    }
};

// Step t of a path goes from point t + first to the next one; steps from `own` on, after the end of the path, are zero.
struct path_steps {
    line values, tangents;
    i64 first, own;
    __device__ T step(i64 t, int c) const {
        if (t >= own) return number(R(0), R(0));
#if PYSIG_TANGENTS
        return number(values.step(t + first, c), tangents.step(t + first, c));
#else
        return number(values.step(t + first, c), R(0));
#endif
    }
};

__device__ inline void begin_chain(T (&chain)[M + 1]) {
    PYSIG_EACH
    for (int r = 0; r <= M; ++r) chain[r] = number(pysig::chain_of_empty_word<R>(r), R(0));
}

// Fills `out` (batch, rows, columns), rows = 1 or one for each step (stream), with `sign` times the coefficients or
// their derivatives. If `states` is not null, fills it instead with the states of p at the ends of segments, (segments,
// batch, families, M) numbers.
extern "C" __global__ void __launch_bounds__(128)
    pysig_projection(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride, const char* tangent,
                     i64 tangent_batch_stride, i64 tangent_length_stride, i64 tangent_channel_stride,
                     const R* basepoint, const R* basepoint_tangent, const R* initial, const R* initial_tangent,
                     const i64* lengths, const int* table, i64 families, i64 batch, i64 length, i64 channels,
                     i64 columns, i64 sign, i64 stream, R* out, R* states, i64 segment) {
    const i64 thread = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= batch * families) return;
    const i64 b = thread / families, steps = length - (basepoint ? 0 : 1);
    const family own = *reinterpret_cast<const family*>(table + thread % families * (sizeof(family) / sizeof(int)));
    const path_steps path = {
        batch_of_lines{points, batch_stride, length_stride, channel_stride, basepoint}.at(b, channels),
        batch_of_lines{tangent, tangent_batch_stride, tangent_length_stride, tangent_channel_stride, basepoint_tangent}
            .at(b, channels),
        basepoint ? -1 : 0, (lengths ? lengths[b] : length) - (basepoint ? 0 : 1)};
    T s[W];
    PYSIG_EACH
    for (int k = 0; k < W; ++k) {
        const i64 at = b * columns + own.start[k];
        s[k] = own.start[k] < 0 ? number(R(0), R(0))
                                : number(initial ? initial[at] : R(0), initial_tangent ? initial_tangent[at] : R(0));
    }
    const i64 last = stream || states ? steps : path.own;
    for (i64 t = 0; t < last; ++t) {
        T chain[M + 1];
        begin_chain(chain);
        PYSIG_EACH
        for (int k = 0; k < M; ++k) {
            const T x = path.step(t, own.letter[k]), before = s[k];
            s[k] = pysig::advance(before, chain[0], x);
            PYSIG_EACH
            for (int r = 1; r <= M - k; ++r) chain[r - 1] = pysig::chain_entry<R>(chain[r], x, before, r);
        }
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) s[M + c] = pysig::advance(s[M + c], chain[0], path.step(t, own.letter[M + c]));
        if (states && (t + 1) % segment == 0 && M > 0) {
            T* row = reinterpret_cast<T*>(states) + ((t / segment) * batch * families + thread) * M;
            for (int k = 0; k < M; ++k) row[k] = s[k];
        }
        if (!stream || states) continue;
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) out[(b * steps + t) * columns + own.column[c]] = R(sign) * result_of(s[M + c]);
    }
    if (states && M > 0) {  // the last segment may be short
        T* row =
            reinterpret_cast<T*>(states) + ((steps > 0 ? (steps - 1) / segment : 0) * batch * families + thread) * M;
        for (int k = 0; k < M; ++k) row[k] = s[k];
    }
    if (stream || states) return;
    PYSIG_EACH
    for (int c = 0; c < C; ++c)
        if (c < own.children) out[b * columns + own.column[c]] = R(sign) * result_of(s[M + c]);
}

// The steps [begin, end), one segment, backwards.
//     states (batch, families, M): of p at the end of the segment;
//     state_bars (batch, W, families): cotangents of p and its children, from after the segment to before it; with
//         `fresh` = 1, at the end of the path, they begin with the cotangent;
//     x_bars (batch, steps of the segment, W, families): the contribution of each letter to the cotangent of x.
extern "C" __global__ void __launch_bounds__(128)
    pysig_projection_vjp(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride,
                         const char* tangent, i64 tangent_batch_stride, i64 tangent_length_stride,
                         i64 tangent_channel_stride, const R* basepoint, const R* basepoint_tangent, const i64* lengths,
                         const int* table, i64 families, i64 batch, i64 length, i64 channels, i64 columns, i64 sign,
                         i64 stream, const R* cotangent, const R* states, R* state_bars, i64 fresh, i64 begin, i64 end,
                         R* x_bars) {
    const i64 thread = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= batch * families) return;
    const i64 b = thread / families, f = thread % families, steps = length - (basepoint ? 0 : 1);
    const family own = *reinterpret_cast<const family*>(table + f * (sizeof(family) / sizeof(int)));
    const path_steps path = {
        batch_of_lines{points, batch_stride, length_stride, channel_stride, basepoint}.at(b, channels),
        batch_of_lines{tangent, tangent_batch_stride, tangent_length_stride, tangent_channel_stride, basepoint_tangent}
            .at(b, channels),
        basepoint ? -1 : 0, (lengths ? lengths[b] : length) - (basepoint ? 0 : 1)};
    T* kept = reinterpret_cast<T*>(state_bars) + b * W * families + f;
    T s[M + 1], bar[W];
    for (int k = 0; k < M; ++k) s[k] = reinterpret_cast<const T*>(states)[thread * M + k];
    PYSIG_EACH
    for (int k = 0; k < W; ++k) bar[k] = fresh ? number(R(0), R(0)) : kept[k * families];
    if (fresh && !stream) {
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) add_value(bar[M + c], R(sign) * cotangent[b * columns + own.column[c]]);
    }
    for (i64 t = end - 1; t >= begin; --t) {
        if (stream) {
            PYSIG_EACH
            for (int c = 0; c < C; ++c)
                if (c < own.children)
                    add_value(bar[M + c], R(sign) * cotangent[(b * steps + t) * columns + own.column[c]]);
        }
        R* x_bar_row = x_bars + (b * (end - begin) + t - begin) * W * families + f;
        T chain[M + 1][M + 1], x[M + 1];
        begin_chain(chain[0]);
        PYSIG_EACH
        for (int k = 0; k < M; ++k) {
            x[k] = path.step(t, own.letter[k]);
            pysig::retreat<R>(M - k + 1, chain[k], x[k], s[k], chain[k + 1]);
        }
        const T h = chain[M][0];
        T below[M + 1];
        below[0] = number(R(0), R(0));
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) {
                below[0] = below[0] + bar[M + c] * path.step(t, own.letter[M + c]);
                x_bar_row[(M + c) * families] = result_of(bar[M + c] * h);
            } else {
                x_bar_row[(M + c) * families] = R(0);
            }
        PYSIG_EACH
        for (int k = M - 1; k >= 0; --k) {
            T above[M + 1], x_bar = number(R(0), R(0));
            PYSIG_EACH
            for (int r = 0; r <= M - k; ++r) above[r] = number(R(0), R(0));
            pysig::extend_adjoint<R>(M - k + 1, chain[k], x[k], below, bar[k], above, x_bar);
            x_bar_row[k * families] = result_of(x_bar);
            PYSIG_EACH
            for (int r = 0; r <= M - k; ++r) below[r] = above[r];
        }
    }
    PYSIG_EACH
    for (int k = 0; k < W; ++k) kept[k * families] = bar[k];
}

// out[r, j] = sum over begin[j] <= e < begin[j + 1] of values[r, index[e]] * weight[e]; with `add` = 1 added to `out`.
// A null `weight` is 1. Row r of `values` is at r * width. Rows of `out` are in groups of `group`, `stride` apart.
extern "C" __global__ void __launch_bounds__(128)
    pysig_projection_sum(const R* values, i64 width, const int* begin, const int* index, const R* weight, R* out,
                         i64 rows, i64 outputs, i64 group, i64 stride, i64 add) {
    const i64 thread = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= rows * outputs) return;
    const i64 r = thread / outputs, j = thread % outputs;
    R sum = R(0);
    for (int e = begin[j]; e < begin[j + 1]; ++e) sum += (weight ? weight[e] : R(1)) * values[r * width + index[e]];
    R& target = out[r / group * stride + r % group * outputs + j];
    target = add ? target + sum : sum;
}
