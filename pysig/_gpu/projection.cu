// Chosen coefficients of signatures: a thread owns a *family*, a word p of LETTERS letters and up to CHILDREN words
// p i, and rides along a whole path. It computes the chain of p anew, at most LETTERS^2 / 2 multiply-adds a step, and
// one more for each p i; families of words that are not asked for do not exist. Formulas are horner.hpp's.
//
// Backwards a thread says for every step what its words want of the increments of its letters; project_sum adds that
// up, channel by channel, in a fixed order. States are kept at the ends of segments of time, and rebuilt backwards
// inside of them.
//
// Sizes come as -D PYSIG_...: REAL, LETTERS, CHILDREN, MOVES = 1 for dual numbers, which give derivatives in a
// direction, and READY = 1 where `points` are increments already, of a transformed path.
#include <pysig/algebra/dual.hpp>
#include <pysig/algebra/horner.hpp>

using pysig::i64;
using R = PYSIG_REAL;
constexpr int M = PYSIG_LETTERS, C = PYSIG_CHILDREN, W = M + C;
constexpr bool READY = PYSIG_READY;
// Long words would take too many registers: their loops stay loops, over local memory.
#if PYSIG_LETTERS <= 8
#define PYSIG_EACH PYSIG_UNROLL
#else
#define PYSIG_EACH
#endif

#if PYSIG_MOVES
using T = pysig::dual<R>;
__device__ inline T number(R value, R tangent) { return {value, tangent}; }
__device__ inline R wanted(T value) { return value.tangent; }
__device__ inline void add_value(T& sum, R value) { sum.value += value; }
#else
using T = R;
__device__ inline T number(R value, R) { return value; }
__device__ inline R wanted(T value) { return value; }
__device__ inline void add_value(T& sum, R value) { sum += value; }
#endif

// Of a family in the table: how many children; the letters of p and of the children; where their coefficients stand in
// a row of `initial`, and those of the children in a row of the result (-1: nowhere).
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
    __device__ R step(i64 from, int c) const { return READY ? at(from, c) : at(from + 1, c) - at(from, c); }
};

struct batch_of_lines {
    const char* points;
    i64 batch_stride, length_stride, channel_stride;
    const R* base;
    __device__ line at(i64 b, i64 channels) const {
        return {points + b * batch_stride, length_stride, channel_stride, base ? base + b * channels : nullptr};
    }
};

// Step t of a path goes from point t + first to the next; after the last one that counts it stands still.
struct ride {
    line values, moves;
    i64 first, own;
    __device__ T step(i64 t, int c) const {
        if (t >= own) return number(R(0), R(0));
#if PYSIG_MOVES
        return number(values.step(t + first, c), moves.step(t + first, c));
#else
        return number(values.step(t + first, c), R(0));
#endif
    }
};

__device__ inline void begin_chain(T (&chain)[M + 1]) {
    PYSIG_EACH
    for (int r = 0; r <= M; ++r) chain[r] = number(pysig::chain_of_empty_word<R>(r), R(0));
}

// Fills `out` (batch, rows, columns), rows = 1 or one for each step (stream), with the coefficients or their
// derivatives times `sign`; or, where `states` is not null, that with the states of p at the ends of segments:
// (segments, batch, families, M) numbers.
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
    const ride along = {
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
    const i64 last = stream || states ? steps : along.own;
    for (i64 t = 0; t < last; ++t) {
        T chain[M + 1];
        begin_chain(chain);
        PYSIG_EACH
        for (int k = 0; k < M; ++k) {
            const T x = along.step(t, own.letter[k]), before = s[k];
            s[k] = pysig::advance(before, chain[0], x);
            PYSIG_EACH
            for (int r = 1; r <= M - k; ++r) chain[r - 1] = pysig::chain_entry<R>(chain[r], x, before, r);
        }
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) s[M + c] = pysig::advance(s[M + c], chain[0], along.step(t, own.letter[M + c]));
        if (states && (t + 1) % segment == 0 && M > 0) {
            T* row = reinterpret_cast<T*>(states) + ((t / segment) * batch * families + thread) * M;
            for (int k = 0; k < M; ++k) row[k] = s[k];
        }
        if (!stream || states) continue;
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) out[(b * steps + t) * columns + own.column[c]] = R(sign) * wanted(s[M + c]);
    }
    if (states && M > 0) {  // the last segment may be short
        T* row =
            reinterpret_cast<T*>(states) + ((steps > 0 ? (steps - 1) / segment : 0) * batch * families + thread) * M;
        for (int k = 0; k < M; ++k) row[k] = s[k];
    }
    if (stream || states) return;
    PYSIG_EACH
    for (int c = 0; c < C; ++c)
        if (c < own.children) out[b * columns + own.column[c]] = R(sign) * wanted(s[M + c]);
}

// Steps [begin, end), a segment of time, backwards. `states`: of p at its end. `adjoints` (batch, W, families) numbers:
// of p and of its children, from after the segment to before it; at the end of the path, `fresh`, those of the
// cotangent. `wishes` (batch, steps of the segment, W, families): what each letter wants of its increment.
extern "C" __global__ void __launch_bounds__(128)
    pysig_projection_vjp(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride,
                         const char* tangent, i64 tangent_batch_stride, i64 tangent_length_stride,
                         i64 tangent_channel_stride, const R* basepoint, const R* basepoint_tangent, const i64* lengths,
                         const int* table, i64 families, i64 batch, i64 length, i64 channels, i64 columns, i64 sign,
                         i64 stream, const R* cotangent, const R* states, R* adjoints, i64 fresh, i64 begin, i64 end,
                         R* wishes) {
    const i64 thread = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= batch * families) return;
    const i64 b = thread / families, f = thread % families, steps = length - (basepoint ? 0 : 1);
    const family own = *reinterpret_cast<const family*>(table + f * (sizeof(family) / sizeof(int)));
    const ride along = {
        batch_of_lines{points, batch_stride, length_stride, channel_stride, basepoint}.at(b, channels),
        batch_of_lines{tangent, tangent_batch_stride, tangent_length_stride, tangent_channel_stride, basepoint_tangent}
            .at(b, channels),
        basepoint ? -1 : 0, (lengths ? lengths[b] : length) - (basepoint ? 0 : 1)};
    T* kept = reinterpret_cast<T*>(adjoints) + b * W * families + f;
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
        R* wish = wishes + (b * (end - begin) + t - begin) * W * families + f;
        T chain[M + 1][M + 1], x[M + 1];
        begin_chain(chain[0]);
        PYSIG_EACH
        for (int k = 0; k < M; ++k) {
            x[k] = along.step(t, own.letter[k]);
            pysig::retreat<R>(M - k + 1, chain[k], x[k], s[k], chain[k + 1]);
        }
        const T h = chain[M][0];
        T below[M + 1];
        below[0] = number(R(0), R(0));
        PYSIG_EACH
        for (int c = 0; c < C; ++c)
            if (c < own.children) {
                below[0] = below[0] + bar[M + c] * along.step(t, own.letter[M + c]);
                wish[(M + c) * families] = wanted(bar[M + c] * h);
            } else {
                wish[(M + c) * families] = R(0);
            }
        PYSIG_EACH
        for (int k = M - 1; k >= 0; --k) {
            T above[M + 1], x_bar = number(R(0), R(0));
            PYSIG_EACH
            for (int r = 0; r <= M - k; ++r) above[r] = number(R(0), R(0));
            pysig::extend_adjoint<R>(M - k + 1, chain[k], x[k], below, bar[k], above, x_bar);
            wish[k * families] = wanted(x_bar);
            PYSIG_EACH
            for (int r = 0; r <= M - k; ++r) below[r] = above[r];
        }
    }
    PYSIG_EACH
    for (int k = 0; k < W; ++k) kept[k * families] = bar[k];
}

// out[r, j] = the sum of values[r, index[e]] * weight[e] for begin[j] <= e < begin[j + 1]; a null `weight` is one.
// Added to `out` where `more`. Row r of `values` begins at r * width; of `out`, whose rows come in groups of `group`,
// those of a group at (r / group) * stride.
extern "C" __global__ void __launch_bounds__(128)
    pysig_projection_sum(const R* values, i64 width, const int* begin, const int* index, const R* weight, R* out,
                         i64 rows, i64 outputs, i64 group, i64 stride, i64 more) {
    const i64 thread = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= rows * outputs) return;
    const i64 r = thread / outputs, j = thread % outputs;
    R sum = R(0);
    for (int e = begin[j]; e < begin[j + 1]; ++e) sum += (weight ? weight[e] : R(1)) * values[r * width + index[e]];
    R& target = out[r / group * stride + r % group * outputs + j];
    target = more ? target + sum : sum;
}
