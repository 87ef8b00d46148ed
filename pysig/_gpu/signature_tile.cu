// P2. Signatures by word tiles: a thread owns a prefix and the words below it (subtree.hpp) and rides along the whole path, or along
// one chunk of it, with its coefficients in registers. One launch writes all levels.
//
// A *ride* is a path and a chunk of its steps. TILES threads of a block share a ride: they stage its increments, STEPS at a time and
// double-buffered, in shared memory, so that one barrier serves STEPS steps and the loads of the next stage are under way while
// this one is computed. As many rides as the launcher likes stand side by side in a block.
//
// Sizes come as -D PYSIG_...: REAL, CHANNELS, DEPTH, LETTERS below the prefix, ROWS first letters and COLUMNS last letters of a tile, TILES,
// STEPS, ROW, RIDE, STREAM = 1 for all prefixes of the path, INVERSE = 1 for the group inverse (known here, addresses are constant offsets),
// STAGES of a transform (transform.hpp; 0: none) and PATH_CHANNELS of what it is applied to.
#include <pysig/algebra/subtree.hpp>
#include <pysig/algebra/transform.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, N = PYSIG_DEPTH, L = PYSIG_LETTERS, I = PYSIG_ROWS, J = PYSIG_COLUMNS, M = N - L;
constexpr int TILES = PYSIG_TILES, STEPS = PYSIG_STEPS;
constexpr bool STREAM = PYSIG_STREAM, INVERSE = PYSIG_INVERSE;
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

template <int k>
struct writer {
    R* row;
    word<k> p;
    bool first_column;
    template <int n>
    __device__ void operator()(word<n> u, R value) const {
        constexpr i64 offset = pysig::level_offset(D, k + n);
        if (n > 0 && n < L && !first_column) return;  // held by several tiles, written by one
        const word<k + n> w = p.then(u);
        row[offset + (INVERSE ? w.reversed : w.index)] = INVERSE && (k + n) % 2 ? -value : value;
    }
};

struct tile_state {
    int letters[M + 1];
    R prefixes[M + 1];
    pysig::subtree<R, L, I, D, J> words;
    int i0, j0;

    __device__ explicit tile_state(unsigned tile) : prefixes{}, words{} {
        j0 = int(tile % COLUMN_BLOCKS) * J;
        i0 = int(tile / COLUMN_BLOCKS % ROW_BLOCKS) * I;
        unsigned rest = tile / (COLUMN_BLOCKS * ROW_BLOCKS);
        PYSIG_UNROLL
        for (int k = M - 1; k >= 0; --k) {
            letters[k] = int(rest % D);
            rest /= D;
        }
    }
    template <int k = 0>
    __device__ void load(const R* row, word<k> p = {}) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(letters[k]);
            reader<k + 1>{row, q}(word<0>{}, prefixes[k]);
            load(row, q);
        } else {
            words.each(reader<M>{row, p}, i0, j0);
        }
    }
    __device__ void step(const R* x) {
        R empty[N], chain[L];
        PYSIG_UNROLL
        for (int r = 0; r < N; ++r) empty[r] = pysig::chain_of_empty_word<R>(r);
        pysig::prefix_step<R, M, N>(empty, x, letters, prefixes, chain);
        words.step(chain, x, x + i0, x + j0);
    }
    __device__ void store(R* row) {
        // A prefix belongs to the tile of its first word: of the prefixes of p, those with nothing but zeros after them.
        int owned = i0 || j0 ? M + 1 : 0;
        if (!owned) {
            PYSIG_UNROLL
            for (int k = 0; k < M; ++k)
                if (letters[k]) owned = k + 1;
        }
        store_from(row, owned, word<0>{});
    }
    template <int k>
    __device__ void store_from(R* row, int owned, word<k> p) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(letters[k]);
            if (k + 1 >= owned) writer<k + 1>{row, q, true}(word<0>{}, prefixes[k]);
            store_from(row, owned, q);
        } else {
            words.each(writer<M>{row, p, j0 == 0}, i0, j0);
        }
    }
};

// The increments of one ride: steps first, first + 1, ... before `end` of a path, whose point 0 is the basepoint if there is one.
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

// rides = paths * chunks < 2^31, each of chunk_steps steps; a grid of (blocks of rides, blocks of tiles). A row of `out` has out_width
// coefficients, which begin `scalar` after its start, where 1 is written; there is one row for a ride, or one for each step (STREAM).
// basepoint, initial, lengths and times (rows of times_stride) may be null.
extern "C" __global__ void __launch_bounds__(128, 1) pysig_signature_tile(
    const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride, i64 length, const R* basepoint, const R* initial,
    const i64* lengths, const R* times, i64 times_stride, double clock_end, R* out, i64 out_width, i64 scalar, i64 rides, i64 chunks,
    i64 chunk_steps, i64 first_tile, i64 tiles) {
    extern __shared__ __align__(16) R staged[];
    const unsigned side = blockDim.x / TILES, slot = threadIdx.x / TILES, share = threadIdx.x % TILES;
    const unsigned ride = blockIdx.x * side + slot, tile = unsigned(first_tile) + blockIdx.y * TILES + share;
    // A thread without a tile, where tiles do not fill the blocks, still fetches its share of the ride's increments.
    const bool rides_along = ride < unsigned(rides), works = rides_along && tile < unsigned(tiles);
    const unsigned b = rides_along ? ride / unsigned(chunks) : 0, chunk = rides_along ? ride % unsigned(chunks) : 0;
    const i64 all = length - (basepoint ? 0 : 1), own = (lengths ? lengths[b] : length) - (basepoint ? 0 : 1);
    const i64 total = pysig::transformed_steps(STAGES, all);  // steps of a path, if all its points count

    increments x{points + b * batch_stride, length_stride, channel_stride, basepoint ? basepoint + i64(b) * OWN : nullptr, own,
                 {times ? times + i64(b) * times_stride : nullptr, R(clock_end), pysig::steps_of_time(STAGES, own)}, chunk * chunk_steps,
                 0, {}, {}};
    x.end = min(pysig::transformed_steps(STAGES, own), x.first + chunk_steps);
    // After the end of its points a path stands still: nothing to do, but rows to write.
    const i64 steps = !works ? 0 : STREAM ? total : x.end - x.first;

    tile_state state(works ? tile : 0);
    if (works && initial && chunk == 0) state.load(initial + i64(b) * pysig::signature_size(D, N));

    if (ROW > D)  // the overhang stays zero
        for (unsigned e = share; e < STEPS * ROW; e += TILES)
            if (e % ROW >= D) staged[slot * RIDE + e] = staged[(side + slot) * RIDE + e] = R(0);

    R* row = out + (STREAM ? i64(b) * total : i64(ride)) * out_width;
    x.fetch(0, share);
    unsigned half = slot;
    for (i64 from = 0;; from += STEPS) {
        R* rows = staged + half * RIDE;
        half = half < side ? half + side : half - side;
        x.stage(rows, share);
        if (!__syncthreads_or(from < steps)) break;
        x.fetch(from + STEPS, share);
        const int count = int(min(i64(STEPS), steps - from));
#pragma unroll 2
        for (int t = 0; t < count; ++t, rows += ROW) {
            state.step(rows);
            if (STREAM) {
                if (scalar && tile == 0) row[0] = R(1);
                state.store(row + scalar);
                row += out_width;
            }
        }
    }
    if (STREAM || !works) return;
    if (scalar && tile == 0) row[0] = R(1);
    state.store(row + scalar);
}
