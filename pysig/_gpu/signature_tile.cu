// Signatures by word tiles: a thread owns a prefix and the words below it (subtree.hpp), and keeps their coefficients
// in registers over all steps of a path or of one chunk of it. One launch writes all levels.
//
// Increments (tile.cuh) are double-buffered: one barrier for each stage.
//
// Sizes are -D PYSIG_..., those of tile.cuh and: STREAM = 1 for all prefixes of the path, INVERSE = 1 for the group
// inverse. With these at compile time, addresses are constant offsets.
#include "tile.cuh"

constexpr bool STREAM = PYSIG_STREAM, INVERSE = PYSIG_INVERSE;

template <int k>
struct writer {
    R* row;
    word<k> p;
    bool first_column;
    template <int n>
    __device__ void operator()(word<n> u, R value) const {
        constexpr i64 offset = pysig::level_offset(D, k + n);
        if (n > 0 && n < L && !first_column) return;  // several tiles hold it, the first one writes it
        const word<k + n> w = p.then(u);
        row[offset + (INVERSE ? w.reversed : w.index)] = INVERSE && (k + n) % 2 ? -value : value;
    }
};

struct tile_state {
    tile_place at;
    R prefixes[M + 1];
    pysig::subtree<R, L, I, D, J> words;

    __device__ explicit tile_state(unsigned tile) : at(tile), prefixes{}, words{} {}
    template <int k = 0>
    __device__ void load(const R* row, word<k> p = {}) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(at.letters[k]);
            reader<k + 1>{row, q}(word<0>{}, prefixes[k]);
            load(row, q);
        } else {
            words.each(reader<M>{row, p}, at.i0, at.j0);
        }
    }
    __device__ void step(const R* x) {
        R empty[N], chain[L];
        PYSIG_UNROLL
        for (int r = 0; r < N; ++r) empty[r] = pysig::chain_of_empty_word<R>(r);
        pysig::prefix_step<R, M, N>(empty, x, at.letters, prefixes, chain);
        words.step(chain, x, x + at.i0, x + at.j0);
    }
    __device__ void store(R* row) { store_from(row, at.owned(), word<0>{}); }
    template <int k>
    __device__ void store_from(R* row, int owned, word<k> p) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(at.letters[k]);
            if (k + 1 >= owned) writer<k + 1>{row, q, true}(word<0>{}, prefixes[k]);
            store_from(row, owned, q);
        } else {
            words.each(writer<M>{row, p, at.j0 == 0}, at.i0, at.j0);
        }
    }
};

// Grid: (blocks of pairs, blocks of tiles), pairs = paths * chunks < 2^31; a chunk has chunk_steps steps. `out` has one
// row of out_width values for each pair, or for each step (STREAM); with scalar = 1 a row begins with the constant 1.
// initial may be null, and what path_args says.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_signature_tile(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride, i64 length,
                         const R* basepoint, const R* initial, const i64* lengths, const R* times, i64 times_stride,
                         double clock_end, R* out, i64 out_width, i64 scalar, i64 pairs, i64 chunks, i64 chunk_steps,
                         i64 first_tile, i64 tiles) {
    extern __shared__ __align__(16) R staged[];
    const unsigned block_pairs = blockDim.x / TILES, slot = threadIdx.x / TILES, share = threadIdx.x % TILES;
    const unsigned pair = blockIdx.x * block_pairs + slot, tile = unsigned(first_tile) + blockIdx.y * TILES + share;
    // A thread without a tile, where tiles do not fill the blocks, still loads its share of the increments.
    const bool has_pair = pair < unsigned(pairs), works = has_pair && tile < unsigned(tiles);
    const unsigned b = has_pair ? pair / unsigned(chunks) : 0, chunk = has_pair ? pair % unsigned(chunks) : 0;
    const path_args paths{points,    batch_stride, length_stride, channel_stride, length,
                          basepoint, lengths,      times,         times_stride,   clock_end};
    const i64 total = paths.steps();
    increments x = paths.chunk(b, chunk * chunk_steps, chunk_steps);
    // Steps after the end of a path (lengths) are zero: skipped, but STREAM writes their rows.
    const i64 steps = !works ? 0 : STREAM ? total : x.end - x.first;

    tile_state state(works ? tile : 0);
    if (works && initial && chunk == 0) state.load(initial + i64(b) * pysig::signature_size(D, N));

    if (ROW > D)  // the overhang stays zero
        for (unsigned e = share; e < STEPS * ROW; e += TILES)
            if (e % ROW >= D) staged[slot * STAGE_VALUES + e] = staged[(block_pairs + slot) * STAGE_VALUES + e] = R(0);

    R* row = out + (STREAM ? i64(b) * total : i64(pair)) * out_width;
    x.fetch(0, share);
    unsigned half = slot;
    for (i64 from = 0;; from += STEPS) {
        R* rows = staged + half * STAGE_VALUES;
        half = half < block_pairs ? half + block_pairs : half - block_pairs;
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
