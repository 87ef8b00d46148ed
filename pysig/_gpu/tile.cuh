// Shared by the kernels of word tiles: sizes, the place of a tile among the words, and the staging of increments in
// shared memory.
//
// A block processes several (path, chunk of time) pairs. TILES threads share a pair. They load the increments of a
// *stage*, STEPS steps, into shared memory. One barrier serves a stage, and the loads of the next stage are in flight
// while this one is computed.
//
// Sizes are -D PYSIG_...: REAL, CHANNELS, DEPTH; LETTERS below the prefix, ROWS first letters and COLUMNS last letters
// of a tile; TILES, STEPS, ROW, STAGE_VALUES; STAGES of a transform (transform.hpp; 0: none), and PATH_CHANNELS of the
// path before it.
#include <pysig/algebra/subtree.hpp>
#include <pysig/algebra/transform.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH, L = PYSIG_LETTERS, I = PYSIG_ROWS, J = PYSIG_COLUMNS, M = N - L;
constexpr int TILES = PYSIG_TILES, STEPS = PYSIG_STEPS;
constexpr unsigned STAGES = PYSIG_STAGES;
constexpr int PATH_D = PYSIG_PATH_CHANNELS;
static_assert(pysig::transformed_channels(STAGES, PATH_D) == D, "");
constexpr int ROW_BLOCKS = L > 1 ? (D + I - 1) / I : 1, COLUMN_BLOCKS = (D + J - 1) / J;
// In shared memory an increment has ROW values, and the increments of a stage have STAGE_VALUES, see schedule.py.
constexpr int ROW = PYSIG_ROW, STAGE_VALUES = PYSIG_STAGE_VALUES;
constexpr int AHEAD = (STEPS * D + TILES - 1) / TILES;  // values of a stage that one thread loads
static_assert(ROW >= D && (L == 1 || ROW >= ROW_BLOCKS * I) && ROW >= COLUMN_BLOCKS * J && STAGE_VALUES >= STEPS * ROW,
              "");

template <int n>
using word = pysig::word<n, D>;

// Reads coefficients of the words p u from a row of memory.
template <int k>
struct reader {
    const R* row;
    word<k> p;
    template <int n>
    __device__ void operator()(word<n> u, R& value) const {
        constexpr i64 offset = pysig::level_offset(D, k + n);
        value = row[offset + p.then(u).index];
    }
};

// The words of a tile: p u with the prefix p; the first letter of u is i0 or later, the last one j0 or later.
struct tile_place {
    int letters[M + 1];
    int i0, j0;

    __device__ explicit tile_place(unsigned tile) {
        j0 = int(tile % COLUMN_BLOCKS) * J;
        i0 = int(tile / COLUMN_BLOCKS % ROW_BLOCKS) * I;
        unsigned rest = tile / (COLUMN_BLOCKS * ROW_BLOCKS);
        PYSIG_UNROLL
        for (int k = M - 1; k >= 0; --k) {
            letters[k] = int(rest % D);
            rest /= D;
        }
    }
    // Several tiles share a prefix of p; the tile of its first word owns it. So p[1..k] is owned iff i0 = j0 = 0 and
    // p[k+1..M] = 0...0. Returns the smallest such k; all longer prefixes are owned too.
    __device__ int owned() const {
        if (i0 || j0) return M + 1;
        int owned = 0;
        PYSIG_UNROLL
        for (int k = 0; k < M; ++k)
            if (letters[k]) owned = k + 1;
        return owned;
    }
};

// The increments of one (path, chunk) pair: steps first, first + 1, ..., end - 1. Point 0 of a path is the basepoint if
// there is one.
struct increments {
    const char* points;
    i64 length_stride, channel_stride;
    const R* basepoint;
    i64 steps;  // of the path before it is transformed
    pysig::clock_of<R> clock;
    i64 first, end;
    R ahead[AHEAD], behind[AHEAD];

    // Loads the elements share, share + TILES, ... of the stage that begins with step `from`. After the last step both
    // ends are 0.
    __device__ void fetch(i64 from, int share) {
        const auto point = [this](i64 p, i64 c) {
            if (basepoint && p == 0) return basepoint[c];
            return *reinterpret_cast<const R*>(points + (p - (basepoint ? 1 : 0)) * length_stride + c * channel_stride);
        };
        PYSIG_UNROLL
        for (int k = 0; k < AHEAD; ++k) {
            const int e = share + k * TILES;
            const i64 step = first + from + e / D;
            ahead[k] = behind[k] = R(0);
            if (e >= STEPS * D || step >= end) continue;
            const pysig::ends<R> between =
                pysig::ends_of(pysig::element_of(STAGES, steps, PATH_D, step, e % D), steps, point, clock, false);
            ahead[k] = between.ahead;
            behind[k] = between.behind;
        }
    }
    __device__ void stage(R* rows, int share) const {
        PYSIG_UNROLL
        for (int k = 0; k < AHEAD; ++k) {
            const int e = share + k * TILES;
            if (e < STEPS * D) rows[e / D * ROW + e % D] = ahead[k] - behind[k];
        }
    }
};

// The paths of a launch, as its arguments give them. lengths, basepoint and times (rows of times_stride) may be null.
struct path_args {
    const char* points;
    i64 batch_stride, length_stride, channel_stride, length;
    const R* basepoint;
    const i64* lengths;
    const R* times;
    i64 times_stride;
    double clock_end;

    // Steps of the transformed path of all points.
    __device__ i64 steps() const { return pysig::transformed_steps(STAGES, length - (basepoint ? 0 : 1)); }

    // The increments of path b from step `first` on, `count` steps unless the path ends before.
    __device__ increments chunk(unsigned b, i64 first, i64 count) const {
        const i64 own = (lengths ? lengths[b] : length) - (basepoint ? 0 : 1);
        return {points + b * batch_stride,
                length_stride,
                channel_stride,
                basepoint ? basepoint + i64(b) * PATH_D : nullptr,
                own,
                {times ? times + i64(b) * times_stride : nullptr, R(clock_end), pysig::steps_of_time(STAGES, own)},
                first,
                min(pysig::transformed_steps(STAGES, own), first + count),
                {},
                {}};
    }
};
