// What the kernels of word tiles share: their sizes, the place of a tile among the words, and how the increments of
// a ride come into shared memory.
//
// A *ride* is a path and a chunk of its steps. TILES threads of a block share a ride: they stage its increments, STEPS
// at a time, in shared memory, so that one barrier serves STEPS steps and the loads of the next stage are under way
// while this one is computed. As many rides as the launcher likes stand side by side in a block.
//
// Sizes come as -D PYSIG_...: REAL, CHANNELS, DEPTH, LETTERS below the prefix, ROWS first letters and COLUMNS last
// letters of a tile, TILES, STEPS, ROW, RIDE, STAGES of a transform (transform.hpp; 0: none) and PATH_CHANNELS of what
// it is applied to.
#include <pysig/algebra/subtree.hpp>
#include <pysig/algebra/transform.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH, L = PYSIG_LETTERS, I = PYSIG_ROWS, J = PYSIG_COLUMNS, M = N - L;
constexpr int TILES = PYSIG_TILES, STEPS = PYSIG_STEPS;
constexpr unsigned STAGES = PYSIG_STAGES;
constexpr int OWN = PYSIG_PATH_CHANNELS;
static_assert(pysig::transformed_channels(STAGES, OWN) == D, "");
constexpr int ROW_BLOCKS = L > 1 ? (D + I - 1) / I : 1, COLUMN_BLOCKS = (D + J - 1) / J;
// In shared memory an increment takes ROW values and the STEPS increments of a ride RIDE values, see schedule.py.
constexpr int ROW = PYSIG_ROW, RIDE = PYSIG_RIDE;
constexpr int AHEAD = (STEPS * D + TILES - 1) / TILES;  // values of a stage that one thread fetches
static_assert(ROW >= D && (L == 1 || ROW >= ROW_BLOCKS * I) && ROW >= COLUMN_BLOCKS * J && RIDE >= STEPS * ROW, "");

template <int n>
using word = pysig::word<n, D>;

// Where the words below p stand in a row of memory.
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

// The prefix p of a tile, and the first and last letters from which its words go on.
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
    // A prefix belongs to the tile of its first word. Of the prefixes of p, those with nothing but zeros after them are
    // this tile's: all of so many letters and more.
    __device__ int owned() const {
        if (i0 || j0) return M + 1;
        int owned = 0;
        PYSIG_UNROLL
        for (int k = 0; k < M; ++k)
            if (letters[k]) owned = k + 1;
        return owned;
    }
};

// The increments of one ride: steps first, first + 1, ... before `end` of a path, whose point 0 is the basepoint if
// there is one.
struct increments {
    const char* points;
    i64 length_stride, channel_stride;
    const R* basepoint;
    i64 steps;  // of the path before it is transformed
    pysig::clock_of<R> clock;
    i64 first, end;
    R ahead[AHEAD], behind[AHEAD];

    // Element `share + k TILES` of the stage that begins with step `from`; no step is left where both ends stay 0.
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
                pysig::ends_of(pysig::element_of(STAGES, steps, OWN, step, e % D), steps, point, clock, false);
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

// The ride of path b that begins with step `first` and has `most` steps, if the path is long enough. lengths, basepoint
// and times (rows of times_stride) may be null.
__device__ increments increments_of(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride,
                                    i64 length, const R* basepoint, const i64* lengths, const R* times,
                                    i64 times_stride, double clock_end, unsigned b, i64 first, i64 most) {
    const i64 own = (lengths ? lengths[b] : length) - (basepoint ? 0 : 1);
    return {points + b * batch_stride,
            length_stride,
            channel_stride,
            basepoint ? basepoint + i64(b) * OWN : nullptr,
            own,
            {times ? times + i64(b) * times_stride : nullptr, R(clock_end), pysig::steps_of_time(STAGES, own)},
            first,
            min(pysig::transformed_steps(STAGES, own), first + most),
            {},
            {}};
}
