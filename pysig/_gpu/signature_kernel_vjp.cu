// Gradients of signature kernels; signature_kernel.cuh explains the order of the work. A group of LANES threads
// processes one pair, in blocks of rows of x:
//     pysig_kernel_rows   the edges A and B and the increments z of all rows of a block, or A at every `every`-th row
//     of
//                         the whole path;
//     pysig_kernel_back   from the last row of the block to its first: the adjoints z_bar, in place of z. A lane
//                         repeats the edges B within its columns.
//     pysig_kernel_fold   sums of z_bar over the parts of a segment; for kernels of points their second differences,
//     the
//                         adjoints of kappa at all pairs of points.
//     pysig_kernel_sum_x, pysig_kernel_sum_y
//                         sums of these, times derivatives by elements of x and y, in a fixed order.
// Rows after the end of a path x, and columns after that of y, have no adjoint: they are skipped.
#include "signature_kernel.cuh"

constexpr int LEVELS = cell_type::levels;
constexpr int CHUNK = 8, SUM_WARPS = 4;  // channels and warps of a sum

// Some pairs of a launch: those of x_count paths x and y_count paths y, or of equal index.
struct part_of_pairs {
    int how;
    i64 first_x, x_count, first_y, y_count;

    __device__ i64 count() const { return how == paired ? y_count : x_count * y_count; }
    __device__ i64 x(i64 pair) const { return how == paired ? first_y + pair : first_x + pair / y_count; }
    __device__ i64 y(i64 pair) const { return how == paired ? first_y + pair : first_y + pair % y_count; }
    __device__ i64 pair(i64 x, i64 y) const {
        return how == paired ? y - first_y : (x - first_x) * y_count + y - first_y;
    }
    __device__ bool has(i64 x, i64 y) const { return how == paired ? x == y : how == all_pairs || x <= y; }
};

// A block of rows, from `first` to `end`, of a pair. Arrays have `strips` strips.
struct block_of_rows {
    i64 first, end, strips;

    __device__ i64 size() const { return end - first; }
    __device__ i64 slots() const { return strips * LANES; }
    __device__ i64 width() const { return slots() * W; }
    // Element k of the edge A of column w of a lane, of row `row`; of its edge B.
    __device__ i64 column_at(i64 pair, i64 rows, i64 row, int k, int w, i64 slot) const {
        return (((pair * rows + row) * COLUMN + k) * W + w) * slots() + slot;
    }
    __device__ i64 row_at(i64 pair, i64 row, int k, i64 slot) const {
        return ((pair * size() + row) * ROW + k) * slots() + slot;
    }
};

__device__ inline void load_column(const block_of_rows& block, const R* from, i64 pair, i64 rows, i64 row, i64 slot,
                                   R (&A)[W][COLUMN]) {
    PYSIG_UNROLL
    for (int w = 0; w < W; ++w) PYSIG_UNROLL
    for (int k = 0; k < COLUMN; ++k) A[w][k] = from ? from[block.column_at(pair, rows, row, k, w, slot)] : R(0);
}
__device__ inline void store_column(const block_of_rows& block, R* to, i64 pair, i64 rows, i64 row, i64 slot,
                                    const R (&A)[W][COLUMN]) {
    PYSIG_UNROLL
    for (int w = 0; w < W; ++w) PYSIG_UNROLL
    for (int k = 0; k < COLUMN; ++k) to[block.column_at(pair, rows, row, k, w, slot)] = A[w][k];
}

// The pair of a group, and its own rows and strips; `works` is false for a group without any.
struct place_of_pair {
    i64 pair, x, y, rows, own_end, strips;
    bool works;

    __device__ place_of_pair(const problem& all, const part_of_pairs& part, const block_of_rows& block)
        : pair(i64(blockIdx.x) * (blockDim.x / LANES) + threadIdx.x / LANES), works(false) {
        if (pair >= part.count()) return;
        x = part.x(pair);
        y = part.y(pair);
        own_end = all.x.own_steps(x) << REFINED;
        rows = (own_end < block.end ? own_end : block.end) - block.first;
        strips = pysig::ceil_div(all.y.own_steps(y) << REFINED, i64(LANES) * W);
        works = part.has(x, y) && rows > 0 && strips > 0;
    }
};

#define PYSIG_PART_PARAMETERS \
    i64 how, i64 first_x, i64 x_count, i64 first_y, i64 y_count, i64 first_row, i64 end_row, i64 all_strips
#define PYSIG_PART                                                          \
    const part_of_pairs part{int(how), first_x, x_count, first_y, y_count}; \
    const block_of_rows block{first_row, end_row, all_strips};              \
    (void)part, (void)block

// marks: (pairs, marked rows, columns): A before row 0, every, 2 every, ...; or null. saved_A: (pairs, rows, columns),
// saved_B and z: or null. start: the row of `marks` to begin with, if first_row > 0. edges: (pairs, rows, ROW).
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_kernel_rows(PYSIG_PROBLEM_PARAMETERS, PYSIG_PART_PARAMETERS, R* marks, i64 marked, i64 every, i64 start,
                      R* saved_A, R* saved_B, R* z, R* edges) {
    PYSIG_PROBLEM;
    PYSIG_PART;
    const place_of_pair here(all, part, block);
    if (!here.works) return;
    const group lanes;
    R* const edge = edges + here.pair * block.size() * ROW;
    for (i64 strip = 0; strip < here.strips; ++strip) {
        const i64 slot = strip * LANES + lanes.lane;
        columns cells(all, here.y, slot * W);
        R A[W][COLUMN], B[ROW] = {};
        load_column(block, first_row ? marks : nullptr, here.pair, marked, start, slot, A);
        for (i64 t = 0; t < here.rows + LANES - 1; ++t) {
            PYSIG_UNROLL
            for (int k = 0; k < ROW; ++k) B[k] = lanes.from_left(B[k]);
            const i64 row = t - lanes.lane;
            if (row < 0 || row >= here.rows) continue;
            if (lanes.lane == 0) {
                cell().begin_row(B, R(1));
                PYSIG_UNROLL
                for (int k = 0; k < ROW; ++k)
                    if (strip) B[k] = edge[row * ROW + k];
            }
            if (every && row % every == 0) store_column(block, marks, here.pair, marked, row / every, slot, A);
            cells.enter(here.x, first_row + row, row == 0);
            if (saved_A) {
                store_column(block, saved_A, here.pair, block.size(), row, slot, A);
                PYSIG_UNROLL
                for (int k = 0; k < ROW; ++k) saved_B[block.row_at(here.pair, row, k, slot)] = B[k];
                PYSIG_UNROLL
                for (int w = 0; w < W; ++w)
                    z[(here.pair * block.size() + row) * block.width() + slot * W + w] = cells.of(w);
            }
            R factors[FACTORS];
            PYSIG_UNROLL
            for (int w = 0; w < W; ++w) {
                cell().factors(cells.of(w), factors);
                cell().step(A[w], B, factors);
            }
            if (lanes.lane == LANES - 1 && strip + 1 < here.strips) {
                PYSIG_UNROLL
                for (int k = 0; k < ROW; ++k) edge[row * ROW + k] = B[k];
            }
        }
        lanes.wait();
    }
}

// One row of a lane on the way back: A_bar and B_bar from its end to its beginning, z_bar in place of z.
__device__ inline void row_back(const R (&A)[W][COLUMN], const R* begin, R (&A_bar)[W][COLUMN], R (&B_bar)[ROW], R* z) {
    R B[W][ROW], factors[FACTORS];
    PYSIG_UNROLL
    for (int k = 0; k < ROW; ++k) B[0][k] = begin[k];
    PYSIG_UNROLL
    for (int w = 0; w + 1 < W; ++w) {
        R top[COLUMN];
        PYSIG_UNROLL
        for (int k = 0; k < COLUMN; ++k) top[k] = A[w][k];
        PYSIG_UNROLL
        for (int k = 0; k < ROW; ++k) B[w + 1][k] = B[w][k];
        cell().factors(z[w], factors);
        cell().step(top, B[w + 1], factors);
    }
    PYSIG_UNROLL
    for (int w = W - 1; w >= 0; --w) {
        cell().factors(z[w], factors);
        z[w] = cell().adjoint(A[w], B[w], factors, A_bar[w], B_bar);
    }
}

// cotangents: (paths x, paths y, bar_width), or (pairs, bar_width): of the kernels, or (bar_width = N + 1) of their
// levels; for upper pairs those of both orders are added. weights: of the levels, or null. bars: (pairs, columns),
// A_bar at the end of the block, out at its beginning. z: (pairs, rows, columns), out z_bar. edges: as above.
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_kernel_back(PYSIG_PROBLEM_PARAMETERS, PYSIG_PART_PARAMETERS, const R* cotangents, i64 bar_width,
                      const R* weights, const R* saved_A, const R* saved_B, R* bars, R* z, R* edges) {
    PYSIG_PROBLEM;
    PYSIG_PART;
    const place_of_pair here(all, part, block);
    if (!here.works) return;
    const group lanes;
    const bool last = here.own_end <= block.end;
    R level_bars[LEVELS];
    PYSIG_UNROLL
    for (int n = 0; n < LEVELS; ++n) {
        const i64 at = bar_width > 1 ? n + 1 : 0;
        R bar = cotangents[(how == paired ? here.x : here.x * y_paths + here.y) * bar_width + at];
        if (how == upper_pairs && here.x != here.y) bar += cotangents[(here.y * y_paths + here.x) * bar_width + at];
        level_bars[n] = weights ? bar * weights[n + 1] : bar;
    }
    R* const edge = edges + here.pair * block.size() * ROW;
    for (i64 strip = here.strips - 1; strip >= 0; --strip) {
        const i64 slot = strip * LANES + lanes.lane;
        R A_bar[W][COLUMN], B_bar[ROW] = {};
        load_column(block, last ? nullptr : bars, here.pair, 1, 0, slot, A_bar);
        PYSIG_UNROLL
        for (int w = 0; w < W; ++w)
            if (last) cell_type::bar(level_bars, A_bar[w]);
        for (i64 t = 0; t < here.rows + LANES - 1; ++t) {
            PYSIG_UNROLL
            for (int k = 0; k < ROW; ++k) B_bar[k] = lanes.from_right(B_bar[k]);
            const i64 row = here.rows - 1 - (t - (LANES - 1 - lanes.lane));
            if (row < 0 || row >= here.rows) continue;
            if (lanes.lane == LANES - 1) {
                PYSIG_UNROLL
                for (int k = 0; k < ROW; ++k) B_bar[k] = strip + 1 < here.strips ? edge[row * ROW + k] : R(0);
            }
            R A[W][COLUMN], B[ROW], own[W];
            R* const z_of_row = z + (here.pair * block.size() + row) * block.width() + slot * W;
            load_column(block, saved_A, here.pair, block.size(), row, slot, A);
            PYSIG_UNROLL
            for (int k = 0; k < ROW; ++k) B[k] = saved_B[block.row_at(here.pair, row, k, slot)];
            PYSIG_UNROLL
            for (int w = 0; w < W; ++w) own[w] = z_of_row[w];
            row_back(A, B, A_bar, B_bar, own);
            PYSIG_UNROLL
            for (int w = 0; w < W; ++w) z_of_row[w] = own[w];
            if (lanes.lane == 0 && strip > 0) {
                PYSIG_UNROLL
                for (int k = 0; k < ROW; ++k) edge[row * ROW + k] = B_bar[k];
            }
        }
        if (first_row) store_column(block, bars, here.pair, 1, 0, slot, A_bar);
        lanes.wait();
    }
}

// bars: (pairs, height, y.length), height = segments of the block, + 1 for points. With given increments: the result,
// (all pairs, steps of x, steps of y).
extern "C" __global__ void __launch_bounds__(128, 1)
    pysig_kernel_fold(PYSIG_PROBLEM_PARAMETERS, PYSIG_PART_PARAMETERS, const R* z_bars, R* bars) {
    PYSIG_PROBLEM;
    PYSIG_PART;
    const i64 width = all.y.length(), base = first_row >> REFINED, steps = (end_row >> REFINED) - base,
              height = steps + POINTS, every = i64(1) << REFINED;
    for (i64 k = i64(blockIdx.x) * blockDim.x + threadIdx.x; k < part.count() * height * width;
         k += i64(gridDim.x) * blockDim.x) {
        const i64 j = k % width, i = k / width % height, pair = k / width / height, a = part.x(pair), b = part.y(pair);
        const i64 own_rows = all.x.own_steps(a) - base, rows = own_rows < steps ? own_rows : steps,
                  own = all.y.own_steps(b);
        const auto segment = [&](i64 r, i64 c) {
            R sum = R(0);
            if (!part.has(a, b) || r < 0 || r >= rows || c < 0 || c >= own) return sum;
            const R* z_bar = z_bars + (pair * block.size() + (r << REFINED)) * block.width() + (c << REFINED);
            for (i64 p = 0; p < every; ++p)
                for (i64 q = 0; q < every; ++q) sum += z_bar[p * block.width() + q];
            return sum;
        };
        if constexpr (POINTS)
            bars[k] = (segment(i - 1, j - 1) - segment(i, j - 1)) - (segment(i - 1, j) - segment(i, j));
        else if constexpr (GIVEN)
            bars[((first_y + pair) * x_steps + base + i) * y_steps + j] = segment(i, j) * all.scale;
        else bars[k] = segment(i, j);
    }
}

// What a pair of elements (x, y) with adjoint `bar` contributes to element c of x, divided by that of z.
struct contribution {
    R factor;
    R by_parameter[3];

    // x and y: rows of channels.
    __device__ contribution(const problem& all, const R* x, const R* y, R bar) : factor(bar), by_parameter{} {
        if constexpr (!POINTS) return;
        R s = R(0);
        for (i64 c = 0; c < all.channels; ++c) s += term_of(x[c], y[c]);
        const pysig::kappa_value<R> k = kappa(all, s);
        factor = bar * k.slope * (DISTANCE ? R(2) : R(1));
        PYSIG_UNROLL
        for (int p = 0; p < 3; ++p) by_parameter[p] = bar * k.by_parameter[p];
    }
    __device__ R to(R mine, R other) const { return factor * (DISTANCE ? mine - other : other); }
};

// The sums over all paths y and their elements: x_bars (paths x, x.length, channels) +=. A warp has an element of a
// path x and CHUNK channels. parameters: (3, paths x, x.length) +=, or null.
extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS, 1)
    pysig_kernel_sum_x(PYSIG_PROBLEM_PARAMETERS, PYSIG_PART_PARAMETERS, const R* bars, R* x_bars, R* parameters) {
    PYSIG_PROBLEM;
    PYSIG_PART;
    const i64 chunks = pysig::ceil_div(channels, CHUNK), base = first_row >> REFINED,
              height = (end_row >> REFINED) - base + POINTS, width = all.y.length(),
              index = i64(blockIdx.x) * SUM_WARPS + threadIdx.x / 32, lane = threadIdx.x % 32,
              c0 = index % chunks * CHUNK, i = index / chunks % height, local = index / chunks / height,
              a = (how == paired ? first_y : first_x) + local;
    if (local >= (how == paired ? y_count : x_count) || base + i >= all.x.own_steps(a) + POINTS) return;
    const R* const from = x + (a * all.x.length() + base + i) * channels;
    R sums[CHUNK] = {}, of_parameters[3] = {};
    for (i64 b = how == paired ? a : first_y; b < (how == paired ? a + 1 : first_y + y_count); ++b) {
        if (!part.has(a, b)) continue;
        const R* row = bars + (part.pair(a, b) * height + i) * width;
        for (i64 j = lane; j < all.y.own_steps(b) + POINTS; j += 32) {
            const R* to = y + (b * width + j) * channels;
            const contribution of(all, from, to, row[j]);
            PYSIG_UNROLL
            for (int c = 0; c < CHUNK; ++c)
                if (c0 + c < channels) sums[c] += of.to(from[c0 + c], to[c0 + c]);
            PYSIG_UNROLL
            for (int p = 0; p < 3; ++p) of_parameters[p] += of.by_parameter[p];
        }
    }
    const auto total = [](R sum) {
        for (int apart = 16; apart; apart /= 2) sum += __shfl_xor_sync(0xffffffff, sum, apart);
        return sum;
    };
    PYSIG_UNROLL
    for (int c = 0; c < CHUNK; ++c) {
        const R sum = total(sums[c]);
        if (lane == 0 && c0 + c < channels) x_bars[(a * all.x.length() + base + i) * channels + c0 + c] += sum;
    }
    PYSIG_UNROLL
    for (int p = 0; p < 3; ++p) {
        const R sum = total(of_parameters[p]);
        if (parameters && lane == 0 && c0 == 0) parameters[(p * x_paths + a) * all.x.length() + base + i] += sum;
    }
}

// The sums over all paths x and their elements: y_bars (paths y, y.length, channels) +=. A thread has an element of a
// path y and CHUNK channels; the warps of a block share the rows.
extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS, 1)
    pysig_kernel_sum_y(PYSIG_PROBLEM_PARAMETERS, PYSIG_PART_PARAMETERS, const R* bars, R* y_bars) {
    PYSIG_PROBLEM;
    PYSIG_PART;
    __shared__ R shares[SUM_WARPS][32][CHUNK + 1];
    const i64 chunks = pysig::ceil_div(channels, CHUNK), base = first_row >> REFINED,
              height = (end_row >> REFINED) - base + POINTS, width = all.y.length(),
              groups = pysig::ceil_div(width, 32), index = blockIdx.x, lane = threadIdx.x % 32, warp = threadIdx.x / 32,
              c0 = index % chunks * CHUNK, j = index / chunks % groups * 32 + lane,
              b = first_y + index / chunks / groups;
    const bool works = j < all.y.own_steps(b) + POINTS;
    const R* const from = y + (b * width + j) * channels;
    R sums[CHUNK] = {};
    for (i64 a = how == paired ? b : first_x; works && a < (how == paired ? b + 1 : first_x + x_count); ++a) {
        if (!part.has(a, b)) continue;
        for (i64 i = warp; i < height && base + i < all.x.own_steps(a) + POINTS; i += SUM_WARPS) {
            const R* to = x + (a * all.x.length() + base + i) * channels;
            const contribution of(all, from, to, bars[(part.pair(a, b) * height + i) * width + j]);
            PYSIG_UNROLL
            for (int c = 0; c < CHUNK; ++c)
                if (c0 + c < channels) sums[c] += of.to(from[c0 + c], to[c0 + c]);
        }
    }
    PYSIG_UNROLL
    for (int c = 0; c < CHUNK; ++c) shares[warp][lane][c] = sums[c];
    __syncthreads();
    if (warp || !works) return;
    for (int c = 0; c < CHUNK && c0 + c < channels; ++c) {
        R sum = shares[0][lane][c];
        for (int other = 1; other < SUM_WARPS; ++other) sum += shares[other][lane][c];
        y_bars[(b * width + j) * channels + c0 + c] += sum;
    }
}
