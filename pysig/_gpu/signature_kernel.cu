// Signature kernels of pairs of paths; signature_kernel.cuh explains the order of the work.
//
// A path y may need several strips. WARPS warps of a block process as many strips at once (with LANES = 32), each two
// stages of 32 rows behind the strip to its left; the edges between strips are in memory. Further strips follow in
// passes.
//
// Sizes are -D PYSIG_..., those of signature_kernel.cuh and: WARPS; RESULT, the kernel, its levels
// or the kernels of all prefixes.
#include "signature_kernel.cuh"

constexpr int WARPS = PYSIG_WARPS;
constexpr i64 EVERY = i64(1) << REFINED;
constexpr bool GRID = PYSIG_RESULT == 2, EACH_LEVEL = PYSIG_RESULT == 1;
static_assert(WARPS == 1 || LANES == 32, "");

// Where results go: element (x, y) at x * x_stride + y * y_stride; mirrored for upper pairs.
struct target {
    R* values;
    i64 x_stride, y_stride, steps_x, steps_y;
    bool mirrored;
    const R* weights;  // of the levels 0 to N; null: all 1
};

// The walk of one lane through the rows of the paths x of a unit, in one strip.
struct walk {
    const problem& all;
    const target& out;
    const group& lanes;
    const unit pairs;
    columns here;
    const bool first_strip, last_strip;
    const T* edges_in;
    T* edges_out;
    T A[W][COLUMN], B[ROW];
    const i64 column;  // the first one of the lane
    i64 x, row, rows;  // rows of the path x, without that which adds up the columns

    __device__ walk(const problem& all, const target& out, const group& lanes, const unit& pairs, i64 strip, i64 strips,
                    const T* edges_in, T* edges_out)
        : all(all),
          out(out),
          lanes(lanes),
          pairs(pairs),
          here(all, pairs.y, (strip * LANES + lanes.lane) * W),
          first_strip(strip == 0),
          last_strip(strip + 1 == strips),
          edges_in(edges_in),
          edges_out(edges_out),
          column((strip * LANES + lanes.lane) * W),
          x(pairs.first_x - 1),
          row(0),
          rows(-1) {
        PYSIG_UNROLL
        for (int k = 0; k < ROW; ++k) B[k] = T{};
    }

    // Step t: row t - lane, counted over all paths. All lanes of a group take part.
    __device__ void step(i64 t) {
        PYSIG_UNROLL
        for (int k = 0; k < ROW; ++k) B[k] = lanes.from_left(B[k]);
        const i64 index = t - lanes.lane;
        if (index < 0 || !advance()) return;
        if (lanes.lane == 0) enter(index);
        if (row == rows) add_up();
        else cross();
        if (lanes.lane == LANES - 1 && !last_strip) {
            PYSIG_UNROLL
            for (int k = 0; k < ROW; ++k) edges_out[index * ROW + k] = B[k];
        }
    }

 private:
    // Goes to the next row; false after the last path.
    __device__ bool advance() {
        if (row < rows) {
            ++row;
            return true;
        }
        if (x + 1 >= pairs.end_x) return false;
        ++x;
        row = 0;
        rows = (GRID ? all.x.steps : all.x.own_steps(x)) << REFINED;
        PYSIG_UNROLL
        for (int w = 0; w < W; ++w) PYSIG_UNROLL
        for (int k = 0; k < COLUMN; ++k) A[w][k] = T{};
        return true;
    }
    __device__ void enter(i64 index) {
        if (first_strip) {
            T one;
            make(R(1), one);
            return cell().begin_row(B, one);
        }
        PYSIG_UNROLL
        for (int k = 0; k < ROW; ++k) B[k] = edges_in[index * ROW + k];
    }
    __device__ void cross() {
        T factors[FACTORS];
        here.enter(x, row, row == 0);
        begin_of_grid();
        PYSIG_UNROLL
        for (int w = 0; w < W; ++w) {
            cell().factors(here.of(w), factors);
            cell().step(A[w], B, factors);
            vertex(w);
        }
    }
    __device__ void add_up() {
        begin_of_grid();
        PYSIG_UNROLL
        for (int w = 0; w < W; ++w) {
            cell_type::add_up(A[w], B);
            vertex(w);
        }
        if (!GRID && last_strip && lanes.lane == LANES - 1) write(0);
    }
    // The kernels of prefixes: B_0 is that of the vertex to the right.
    __device__ void begin_of_grid() const {
        if (GRID && column == 0 && row % EVERY == 0) write((row >> REFINED) * (out.steps_y + 1));
    }
    __device__ void vertex(int w) const {
        const i64 j = column + w + 1;
        if (GRID && row % EVERY == 0 && j % EVERY == 0 && j >> REFINED <= out.steps_y)
            write((row >> REFINED) * (out.steps_y + 1) + (j >> REFINED));
    }
    __device__ void write(i64 element) const {
        store(out.values + x * out.x_stride + pairs.y * out.y_stride + element);
        if (!out.mirrored || x == pairs.y) return;
        if (GRID)  // of the pair (y, x): the transposed one
            element = element % (out.steps_y + 1) * (out.steps_x + 1) + element / (out.steps_y + 1);
        store(out.values + pairs.y * out.x_stride + x * out.y_stride + element);
    }
    __device__ void store(R* to) const {
        if constexpr (SCHEME != GRADED) {
            to[0] = result_of(B[0]);
        } else {
            T sum;
            make(R(1), sum);  // level 0
            if (EACH_LEVEL) to[0] = result_of(sum);
            if (!EACH_LEVEL && out.weights) sum = sum * out.weights[0];
            for (int n = 1; n <= N; ++n) {
                const T level = B[(n - 1) * P];
                if (EACH_LEVEL) to[n] = result_of(level);
                else sum = sum + (out.weights ? level * out.weights[n] : level);
            }
            if (!EACH_LEVEL) to[0] = result_of(sum);
        }
    }
};

// x, y, counts, tangents: see `side`; tangents and counts may be null. edges: for each unit of the launch WARPS rows of
// `edge_rows` edges, unless there is one strip.
extern "C" __global__ void __launch_bounds__(LANES* WARPS > 128 ? LANES * WARPS : 128, 1)
    pysig_signature_kernel(PYSIG_PROBLEM_PARAMETERS, i64 how, i64 block, R* values, i64 x_stride, i64 y_stride,
                           const R* weights, R* edges, i64 edge_rows, i64 first_unit, i64 end_unit) {
    PYSIG_PROBLEM;
    const target out{values, x_stride, y_stride, x_steps, y_steps, how == upper_pairs, weights};
    const group lanes;
    constexpr int threads = LANES * WARPS;
    const i64 local = i64(blockIdx.x) * (blockDim.x / threads) + threadIdx.x / threads;
    if (first_unit + local >= end_unit) return;
    const unit pairs = unit_at(first_unit + local, int(how), x_paths, y_paths, block);
    i64 rows = 0;
    for (i64 a = pairs.first_x; a < pairs.end_x; ++a) rows += ((GRID ? x_steps : all.x.own_steps(a)) << REFINED) + 1;
    if (!rows) return;
    const i64 columns_of_y = (GRID ? y_steps : all.y.own_steps(pairs.y)) << REFINED;
    const i64 strips = columns_of_y ? pysig::ceil_div(columns_of_y, i64(LANES) * W) : 1, steps = rows + LANES - 1;
    const int warp = int(threadIdx.x % threads) / LANES, lag = 2 * LANES * warp;
    T* const edge = reinterpret_cast<T*>(edges) + local * WARPS * edge_rows * ROW;
    for (i64 first = 0; first < strips; first += WARPS) {
        const i64 strip = first + warp;
        walk lane(all, out, lanes, pairs, strip, strips, edge + (warp + WARPS - 1) % WARPS * edge_rows * ROW,
                  edge + warp * edge_rows * ROW);
        if constexpr (WARPS == 1) {
            for (i64 t = 0; t < steps; ++t) lane.step(t);
            lanes.wait();
        } else {
            for (i64 stage = 0; stage < steps + 2 * LANES * (WARPS - 1); stage += LANES) {
                for (int k = 0; k < LANES; ++k) {
                    const i64 t = stage + k - lag;
                    if (strip < strips && t >= 0 && t < steps) lane.step(t);
                }
                __syncthreads();
            }
        }
    }
}
