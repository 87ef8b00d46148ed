// Gradients of <cotangent, signature> by word tiles: a thread owns a prefix p and all words below it (subtree.hpp), and
// goes through a path, or through one chunk of it, from its last step to its first. y_bar is the cotangent of y.
//
// Let x be the increment of a step, H[i] the chain of the word p i of N - 1 letters before the step, and A_bar[i][j]
// the cotangent of the coefficient of p i j. A step adds H[i] x[j] to that coefficient, so A_bar is the same at all
// steps, and
//     x_bar[j] += sum_i H[i] A_bar[i][j],    H_bar[i] = sum_j A_bar[i][j] x[j].
// The chains give the cotangents of shorter words (prefix_step_adjoint). The states below level N are computed
// backwards,
//     S <- S (x) exp(-x),
// from a stored state at the end of every *segment* (signature_vjp_link.cu), which bounds the rounding errors.
//
// The gradient is linear in the cotangent, so tiles are independent: each one starts from the cotangents of the words
// that it owns and from zero for all others. Its contribution to x_bar is a *line* in shared memory for each thread and
// step. After each stage the threads of a pair add the lines in the order of the tiles. If the tiles of a path fill
// several blocks, pysig_link_sum adds the results of the blocks.
//
// Sizes are -D PYSIG_..., those of tile.cuh and: LINE values of a line; PITCH values of the lines of a step; BARS
// values of the lines of a stage. All last letters belong to one tile, COLUMNS = CHANNELS.
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

    // Cotangents of the owned words: those of the top level from `top`, all others from `lower`.
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

    // One step backwards; the cotangent of the increment x goes to the line `row`.
    __device__ void step(const R* x, R* row) {
        R empty[N], empty_bar[N] = {};
        PYSIG_UNROLL
        for (int r = 0; r < N; ++r) empty[r] = pysig::chain_of_empty_word<R>(r);
        pysig::prefix_step_adjoint<R, M, N>(
            empty, empty_bar, x, row, at.letters, prefixes, prefix_bars, [&](const R* chain, R* chain_bar) {
                R x_bar[D] = {}, xi_bar[I] = {};
                constexpr bool whole = ROW_BLOCKS == 1;  // all first letters are in one tile
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

// Grid: (blocks of pairs, blocks of tiles), pairs = paths * chunks < 2^31. A chunk has chunk_steps steps in segments of
// segment_steps, which are whole stages.
//     states (paths, segments, LOWER): S at the end of each segment;
//     lower_bars: a row of lower_width for each pair, the cotangents below level N at its end;
//     top_bars: a row of top_width for each path, the cotangents of all levels;
//     x_bar (blocks of tiles, paths, steps, D): the result; steps after the end of a path are not written.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_signature_vjp(const char* points, i64 batch_stride, i64 length_stride, i64 channel_stride, i64 length,
                        const R* basepoint, const i64* lengths, const R* times, i64 times_stride, double clock_end,
                        const R* states, const R* lower_bars, i64 lower_width, const R* top_bars, i64 top_width,
                        R* x_bar, i64 batch, i64 chunks, i64 chunk_steps, i64 segments, i64 segment_steps,
                        i64 first_tile, i64 tiles) {
    extern __shared__ __align__(16) R staged[];
    const unsigned block_pairs = blockDim.x / TILES, slot = threadIdx.x / TILES, share = threadIdx.x % TILES;
    const unsigned pair = blockIdx.x * block_pairs + slot, first_of_block = unsigned(first_tile) + blockIdx.y * TILES,
                   tile = first_of_block + share;
    const bool has_pair = pair < unsigned(batch * chunks), works = has_pair && tile < unsigned(tiles);
    const unsigned b = has_pair ? pair / unsigned(chunks) : 0, chunk = has_pair ? pair % unsigned(chunks) : 0;
    const path_args paths{points,    batch_stride, length_stride, channel_stride, length,
                          basepoint, lengths,      times,         times_stride,   clock_end};
    increments x = paths.chunk(b, chunk * chunk_steps, chunk_steps);
    R *rows = staged + slot * STAGE_VALUES, *bars = staged + block_pairs * STAGE_VALUES + slot * BARS;
    R* target = x_bar + ((i64(blockIdx.y) * batch + b) * paths.steps() + x.first) * D;
    const int lines = min(TILES, int(unsigned(tiles) - first_of_block));

    tile_adjoint state(works ? tile : 0);
    if (works) state.load_bars(lower_bars + i64(pair) * lower_width, top_bars + i64(b) * top_width);

    if (ROW > D)  // the overhang stays zero
        for (unsigned e = share; e < STEPS * ROW; e += TILES)
            if (e % ROW >= D) rows[e] = R(0);

    i64 segment = -1, from = (chunk_steps + STEPS - 1) / STEPS * STEPS - STEPS;
    x.fetch(from, share);
    for (; from >= 0; from -= STEPS) {
        x.stage(rows, share);
        const int count = has_pair ? int(max(i64(0), min(i64(STEPS), x.end - x.first - from))) : 0;
        const bool any = __syncthreads_or(count > 0);  // else all paths of the block ended before this stage
        if (from > 0) x.fetch(from - STEPS, share);
        if (!any) continue;
        if (works && count > 0) {
            const i64 here = (x.first + from) / segment_steps;
            if (here != segment) state.load_states(states + (i64(b) * segments + here) * LOWER);
            segment = here;
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
