// Gradients of <cotangent, signature> by word tiles: a thread owns a prefix and all words below it (subtree.hpp)
// and rides along a path, or a chunk of it, from its end to its beginning. With H[i] the chain of a word p i of N - 1
// letters, and the adjoint of the top level A_bar, which does not change in time,
//     x_bar[j] += sum over i of H[i] A_bar[i][j],    H_bar[i] = sum over j of A_bar[i][j] x[j],
// and then the chains backwards. Lower levels are rebuilt on the way, S <- S (x) exp(-x), anew from a stored state at
// the end of every *piece* of a path (signature_vjp_link.cu), so that rounding does not grow with its length.
//
// The adjoint is linear in the cotangent, so that tiles need not know of each other: each begins with the cotangents of
// the words that it owns, and zero for what belongs to others, has adjoints of its own of all that it holds, and says
// what its words want of every increment. The threads of a ride leave that in shared memory, a row for each thread and
// step; after each stage they add the rows up, in the order of the tiles. Where the tiles of a path fill several
// blocks, signature_sum.cu adds up what these have found.
//
// Sizes come as -D PYSIG_..., those of tile.cuh and: LINE, the values of a thread's row; PITCH, those of the rows of a
// step; BARS, those of a ride's stage. All last letters belong to one tile, COLUMNS = CHANNELS.
#include "tile.cuh"

constexpr int LINE = PYSIG_LINE, PITCH = PYSIG_PITCH, BARS = PYSIG_BARS;
constexpr i64 LOWER = pysig::signature_size(D, N - 1);
static_assert(J == D && L >= 2 && LINE >= D && PITCH >= TILES * LINE && BARS >= STEPS * PITCH, "");

struct tile_adjoint {
    tile_place at;
    R prefixes[M + 1], prefix_bars[M + 1];
    pysig::subtree_adjoint<R, L, I, D> words;

    __device__ explicit tile_adjoint(unsigned tile) : at(tile), prefixes{}, prefix_bars{}, words{} {}

    template <int k = 0>
    __device__ void load_states(const R* row, word<k> p = {}) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(at.letters[k]);
            reader<k + 1>{row, q}(word<0>{}, prefixes[k]);
            load_states(row, q);
        } else {
            words.states(reader<M>{row, p}, at.i0);
        }
    }

    // Of the words that the tile owns: those of the top level from `top`, all others from `lower`.
    template <int k>
    struct bar_reader {
        reader<k> lower, top;
        template <int n>
        __device__ void operator()(word<n> u, R& value) const {
            n == L ? top(u, value) : lower(u, value);
        }
    };
    __device__ void load_bars(const R* lower, const R* top) { load_bars_from(lower, top, at.owned(), word<0>{}); }
    template <int k>
    __device__ void load_bars_from(const R* lower, const R* top, int owned, word<k> p) {
        if constexpr (k < M) {
            const word<k + 1> q = p.then(at.letters[k]);
            if (k + 1 >= owned) reader<k + 1>{lower, q}(word<0>{}, prefix_bars[k]);
            load_bars_from(lower, top, owned, q);
        } else {
            words.each(bar_reader<M>{{lower, p}, {top, p}}, at.i0);
        }
    }

    // One step back; what it wants of the increment x goes to `row`.
    __device__ void step(const R* x, R* row) {
        R empty[N], empty_bar[N] = {};
        PYSIG_UNROLL
        for (int r = 0; r < N; ++r) empty[r] = pysig::chain_of_empty_word<R>(r);
        pysig::prefix_step_adjoint<R, M, N>(
            empty, empty_bar, x, row, at.letters, prefixes, prefix_bars, [&](const R* chain, R* chain_bar) {
                R x_bar[D] = {}, xi_bar[I] = {};
                constexpr bool whole = ROW_BLOCKS == 1;  // the first letters are letters like all others
                words.step(chain, chain_bar, x, x_bar, whole ? x : x + at.i0, whole ? x_bar : xi_bar);
                PYSIG_UNROLL
                for (int c = 0; c < D; ++c) row[c] = x_bar[c];
                if constexpr (!whole) {
                    PYSIG_UNROLL
                    for (int i = 0; i < I; ++i)
                        if (at.i0 + i < D) row[at.i0 + i] += xi_bar[i];
                }
            });
    }
};

// rides = paths * chunks < 2^31, each of chunk_steps steps, in pieces of piece_steps, whole stages; a grid of (blocks
// of rides, blocks of tiles). states: (paths, pieces of a path, LOWER), at the end of each piece. lower_bars: rows of
// lower_width, one for a ride, the adjoints at its end; top_bars: rows of top_width, one for a path, the cotangents of
// all levels. x_bar: (blocks of tiles, paths, steps, D); steps after the end of a path are not written. basepoint,
// lengths and times (rows of times_stride) may be null.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_signature_vjp(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride, i64 length,
                        const R* basepoint, const i64* lengths, const R* times, i64 times_stride, double clock_end,
                        const R* states, const R* lower_bars, i64 lower_width, const R* top_bars, i64 top_width,
                        R* x_bar, i64 paths, i64 chunks, i64 chunk_steps, i64 pieces, i64 piece_steps, i64 first_tile,
                        i64 tiles) {
    extern __shared__ __align__(16) R staged[];
    const unsigned side = blockDim.x / TILES, slot = threadIdx.x / TILES, share = threadIdx.x % TILES;
    const unsigned ride = blockIdx.x * side + slot, first_of_block = unsigned(first_tile) + blockIdx.y * TILES,
                   tile = first_of_block + share;
    const bool rides_along = ride < unsigned(paths * chunks), works = rides_along && tile < unsigned(tiles);
    const unsigned b = rides_along ? ride / unsigned(chunks) : 0, chunk = rides_along ? ride % unsigned(chunks) : 0;
    const i64 total = pysig::transformed_steps(STAGES, length - (basepoint ? 0 : 1));
    increments x = increments_of(points, batch_stride, length_stride, channel_stride, length, basepoint, lengths, times,
                                 times_stride, clock_end, b, chunk * chunk_steps, chunk_steps);
    R *rows = staged + slot * RIDE, *bars = staged + side * RIDE + slot * BARS;
    R* target = x_bar + ((i64(blockIdx.y) * paths + b) * total + x.first) * D;
    const int lines = min(TILES, int(unsigned(tiles) - first_of_block));

    tile_adjoint state(works ? tile : 0);
    if (works) state.load_bars(lower_bars + i64(ride) * lower_width, top_bars + i64(b) * top_width);

    if (ROW > D)  // the overhang stays zero
        for (unsigned e = share; e < STEPS * ROW; e += TILES)
            if (e % ROW >= D) rows[e] = R(0);

    i64 piece = -1, from = (chunk_steps + STEPS - 1) / STEPS * STEPS - STEPS;
    x.fetch(from, share);
    for (; from >= 0; from -= STEPS) {
        x.stage(rows, share);
        const int count = rides_along ? int(max(i64(0), min(i64(STEPS), x.end - x.first - from))) : 0;
        const bool any = __syncthreads_or(count > 0);  // else all paths of the block have ended before
        if (from > 0) x.fetch(from - STEPS, share);
        if (!any) continue;
        if (works && count > 0) {
            const i64 here = (x.first + from) / piece_steps;
            if (here != piece) state.load_states(states + (i64(b) * pieces + here) * LOWER);
            piece = here;
            for (int t = count - 1; t >= 0; --t) state.step(rows + t * ROW, bars + t * PITCH + share * LINE);
        }
        __syncthreads();
        for (int e = share; e < count * D; e += TILES) {
            const R* column = bars + e / D * PITCH + e % D;
            R sum = column[0];
            for (int k = 1; k < lines; ++k) sum += column[k * LINE];
            target[from * D + e] = sum;
        }
    }
}
