// Shared by the kernels of signature kernels: the cell, the numbers of both sides, and the increments z of a cell.
//
// A group of LANES threads processes pairs of one path y with paths x. A lane owns W consecutive columns of a *strip*,
// LANES * W columns of y. Rows of x pass through the lanes: at step t, lane l processes row t - l and hands the edge B
// of its last column to lane l + 1 (goursat.hpp). After the last row of a path x comes one more, which adds up the
// columns: the kernel is in B at its end.
//
// Columns after the end of y have z = 0. They change nothing to the bit, so lanes need not know where y ends.
//
// Sizes are -D PYSIG_...: REAL; SCHEME, ORDER and DEPTH of the cell, and UNROLLED = 1 if it fits the registers; STATIC,
// the kind of the static kernel, or -1 for given increments; REFINED, the dyadic order; CHANNELS in registers, 0: they
// are read anew for every row; COLUMNS is W; LANES; TANGENT = 1 for dual numbers.
#include <pysig/algebra/dual.hpp>
#include <pysig/algebra/static_kernel.hpp>
#include <pysig/algebra/truncated_kernel.hpp>

using pysig::i64;
using R = PYSIG_REAL;

constexpr int D = PYSIG_CHANNELS, W = PYSIG_COLUMNS, LANES = PYSIG_LANES, P = PYSIG_ORDER, N = PYSIG_DEPTH;
enum scheme : int { SQUARE, GRADED, DIFFERENCE };
constexpr int SCHEME = PYSIG_SCHEME;
constexpr int STATIC = PYSIG_STATIC, REFINED = PYSIG_REFINED;
constexpr bool GIVEN = STATIC < 0, POINTS = STATIC > 0;     // linear kernels read increments
constexpr int BASES = W >> REFINED > 0 ? W >> REFINED : 1;  // segments of y in the columns of a lane
constexpr int COLUMN = SCHEME == DIFFERENCE ? 1 : SCHEME == GRADED ? N * P : P;
constexpr int ROW = SCHEME == DIFFERENCE ? 2 : COLUMN;

template <bool tangent>
struct number_of {
    using type = R;
};
template <>
struct number_of<true> {
    using type = pysig::dual<R>;
};
using T = number_of<PYSIG_TANGENT>::type;

__device__ inline R result_of(R x) { return x; }
__device__ inline R result_of(pysig::dual<R> x) { return x.tangent; }
__device__ inline void make(R value, R& x) { x = value; }
__device__ inline void make(R value, pysig::dual<R>& x) { x = {value, R(0)}; }

// The cell, and its results: `LEVELS` numbers, the kernel or its levels 1 to N.
template <int scheme, bool unrolled>
struct cell_of {
    using type = pysig::square_cell<R, unrolled ? P : 0>;
    static constexpr int levels = 1;
    static __device__ constexpr type make() { return {P}; }
    template <class T>
    static __device__ void add_up(const T* A, T* B) {
        B[0] = B[0] + make().gain(A);
    }
    static __device__ void bar(const R* bars, R* A_bar) { make().gain_adjoint(bars[0], A_bar); }
};
template <bool unrolled>
struct cell_of<DIFFERENCE, unrolled> {
    using type = pysig::difference_cell<R>;
    static constexpr int levels = 1;
    static __device__ constexpr type make() { return {}; }
    template <class T>
    static __device__ void add_up(const T* A, T* B) {
        B[0] = B[0] + A[0];
    }
    static __device__ void bar(const R* bars, R* A_bar) { make().gain_adjoint(bars[0], A_bar); }
};
template <bool unrolled>
struct cell_of<GRADED, unrolled> {
    using type = pysig::graded_cell<R, unrolled ? N : 0, unrolled ? P : 0>;
    static constexpr int levels = N;
    static __device__ constexpr type make() { return {N, P}; }
    template <class T>
    static __device__ void add_up(const T* A, T* B) {
        PYSIG_UNROLL
        for (int n = 1; n <= N; ++n) B[(n - 1) * P] = B[(n - 1) * P] + make().gain(A, n);
    }
    static __device__ void bar(const R* bars, R* A_bar) {
        PYSIG_UNROLL
        for (int n = 1; n <= N; ++n) make().gain_adjoint(bars[n - 1], n, A_bar);
    }
};
using cell_type = cell_of<SCHEME, PYSIG_UNROLLED>;
constexpr int FACTORS = SCHEME == DIFFERENCE ? 2 : PYSIG_UNROLLED ? P : 16;
__device__ inline auto cell() { return cell_type::make(); }

// Numbers in memory; the tangents of dual numbers may be null.
struct numbers {
    const R *values, *tangents;

    __device__ numbers operator+(i64 offset) const {
        return {values + offset, tangents ? tangents + offset : tangents};
    }
    __device__ void read(i64 k, R& value) const { value = values[k]; }
    __device__ void read(i64 k, pysig::dual<R>& value) const { value = {values[k], tangents ? tangents[k] : R(0)}; }
};

// The lanes of a group, and exchanges between neighbours.
struct group {
    int lane;
    unsigned mask;

    __device__ group()
        : lane(int(threadIdx.x) % LANES),
          mask((LANES == 32 ? ~0u : (1u << LANES % 32) - 1) << (threadIdx.x % 32 / LANES * LANES)) {}
    __device__ R from_left(R x) const { return __shfl_up_sync(mask, x, 1, LANES); }
    __device__ R from_right(R x) const { return __shfl_down_sync(mask, x, 1, LANES); }
    __device__ pysig::dual<R> from_left(pysig::dual<R> x) const { return {from_left(x.value), from_left(x.tangent)}; }
    __device__ void wait() const { __syncwarp(mask); }
};

// One side of all pairs: increments (paths, steps, channels), zero after the end of a path; or points (paths, steps +
// 1, channels), after the end the last one. With given increments of pairs, x is (pairs, steps of x, steps of y), and y
// has sizes only. `counts` (paths,): own steps, or null.
struct side {
    numbers rows;
    const i64* counts;
    i64 paths, steps;

    __device__ i64 own_steps(i64 b) const { return counts ? counts[b] : steps; }
    __device__ i64 length() const { return POINTS ? steps + 1 : steps; }
};

// `scale`: that of the linear kernel / 4^REFINED.
struct problem {
    side x, y;
    i64 channels;
    R scale;
    pysig::static_kernel kernel;

    __device__ R scaled(R product) const { return product * scale; }
    __device__ pysig::dual<R> scaled(pysig::dual<R> product) const {
        R tangent = product.tangent * scale;
        if (STATIC == 0 && kernel.tangents[0] != 0)
            tangent += product.value * R(kernel.tangents[0] / double(i64(1) << 2 * REFINED));
        return {product.value * scale, tangent};
    }
};

// The functions that static_kernel.hpp needs.
struct functions {
    static __device__ R one(R) { return R(1); }
    static __device__ float exp(float x) { return expf(x); }
    static __device__ double exp(double x) { return ::exp(x); }
    static __device__ float folded_exp(float w) { return w > 0.5f ? expf(-w) : expm1f(-w); }
    static __device__ double folded_exp(double w) { return w > 0.5 ? ::exp(-w) : ::expm1(-w); }
    static __device__ float log1p(float x) { return log1pf(x); }
    static __device__ double log1p(double x) { return ::log1p(x); }
    static __device__ float sqrt(float x) { return sqrtf(x); }
    static __device__ double sqrt(double x) { return ::sqrt(x); }
    static __device__ R where_above(R x, R bound, R y, R z) { return x > bound ? y : z; }
};
// kappa of the number s of two points, see static_kernel.hpp.
__device__ inline pysig::kappa_value<R> kappa(const problem& all, R s) {
    const pysig::static_kernel known{pysig::kappa_kind(STATIC < 0 ? 0 : STATIC),
                                     {all.kernel.parameters[0], all.kernel.parameters[1], all.kernel.parameters[2]},
                                     {}};
    return pysig::evaluate_kappa<R, functions>(known, s);
}
__device__ inline R kappa_of(const problem& all, R s) { return kappa(all, s).folded; }
__device__ inline pysig::dual<R> kappa_of(const problem& all, pysig::dual<R> s) {
    const pysig::kappa_value<R> k = kappa(all, s.value);
    R tangent = k.slope * s.tangent;
    PYSIG_UNROLL
    for (int p = 0; p < 3; ++p)
        if (all.kernel.tangents[p] != 0) tangent += k.by_parameter[p] * R(all.kernel.tangents[p]);
    return {k.folded, tangent};
}
constexpr bool DISTANCE = POINTS && pysig::is_of_distance(pysig::kappa_kind(STATIC < 0 ? 0 : STATIC));
__device__ inline R rise_of(R below, R above) {
    return DISTANCE ? pysig::rise<R, functions>(below, above) : above - below;
}
__device__ inline pysig::dual<R> rise_of(pysig::dual<R> below, pysig::dual<R> above) {
    return {rise_of(below.value, above.value), above.tangent - below.tangent};
}
template <class T>
__device__ T term_of(T x, T y) {
    if (!DISTANCE) return x * y;
    const T apart = x - y;
    return apart * apart;
}

// The increments z of the BASES segments of y in the W columns of a lane, for consecutive rows of a path x.
struct columns {
    const problem& all;
    numbers y;  // of the path
    i64 first, own;
    T u[BASES + POINTS][D > 0 ? D : 1];
    T slopes[BASES];  // kappa(x, y_(j+1)) - kappa(x, y_j) at the last point x
    T z[BASES];

    __device__ columns(const problem& all, i64 b, i64 first_column)
        : all(all),
          y(all.y.rows + b * all.y.length() * all.channels),
          first(first_column >> REFINED),
          own(all.y.own_steps(b)) {
        PYSIG_UNROLL
        for (int k = 0; k < BASES + POINTS; ++k) PYSIG_UNROLL
        for (int c = 0; c < D; ++c) read_y(k, c, u[k][c]);
        PYSIG_UNROLL
        for (int k = 0; k < BASES; ++k) z[k] = T{};
    }
    __device__ const T& of(int w) const { return z[w >> REFINED < BASES ? w >> REFINED : 0]; }

    // Goes to row `row` of path a; `begins`: it is the first one of its segment, or of all.
    __device__ void enter(i64 a, i64 row, bool first_row) {
        const i64 i = row >> REFINED;
        if (!first_row && row % (i64(1) << REFINED)) return;
        if (GIVEN) return given(all.x.rows + (a * all.x.steps + i) * all.y.steps);
        const numbers at = all.x.rows + (a * all.x.length() + i) * all.channels;
        T sums[BASES + POINTS];
        if constexpr (!POINTS) {
            dots(at, sums);
            PYSIG_UNROLL
            for (int k = 0; k < BASES; ++k) z[k] = all.scaled(sums[k]);
        } else {
            if (first_row) {
                dots(at, sums);
                differences(sums, slopes);
            }
            T next[BASES];
            dots(at + all.channels, sums);
            differences(sums, next);
            PYSIG_UNROLL
            for (int k = 0; k < BASES; ++k) {
                z[k] = (next[k] - slopes[k]) * all.scale;
                slopes[k] = next[k];
            }
        }
    }

 private:
    __device__ void read_y(int k, i64 c, T& value) const {
        const i64 j = first + k;
        value = T{};
        if (POINTS || j < own) y.read((j < own ? j : own) * all.channels + c, value);
    }
    __device__ void given(const numbers& row) {
        PYSIG_UNROLL
        for (int k = 0; k < BASES; ++k) {
            z[k] = T{};
            if (first + k < own) row.read(first + k, z[k]);
            z[k] = z[k] * all.scale;
        }
    }
    __device__ void dots(const numbers& v, T (&sums)[BASES + POINTS]) const {
        PYSIG_UNROLL
        for (int k = 0; k < BASES + POINTS; ++k) sums[k] = T{};
        if constexpr (D > 0) {
            PYSIG_UNROLL
            for (int c = 0; c < D; ++c) add_terms(v, c, u, c, sums);
        } else {
            for (i64 c = 0; c < all.channels; ++c) {
                T there[BASES + POINTS][1];
                PYSIG_UNROLL
                for (int k = 0; k < BASES + POINTS; ++k) read_y(k, c, there[k][0]);
                add_terms(v, c, there, 0, sums);
            }
        }
    }
    template <int size>
    __device__ static void add_terms(const numbers& v, i64 c, const T (&there)[BASES + POINTS][size], int at,
                                     T (&sums)[BASES + POINTS]) {
        T here;
        v.read(c, here);
        PYSIG_UNROLL
        for (int k = 0; k < BASES + POINTS; ++k) sums[k] = sums[k] + term_of(here, there[k][at]);
    }
    __device__ void differences(const T (&sums)[BASES + POINTS], T (&result)[BASES]) const {
        T below = kappa_of(all, sums[0]);
        PYSIG_UNROLL
        for (int k = 0; k < BASES; ++k) {
            const T above = kappa_of(all, sums[k + POINTS]);
            result[k] = rise_of(below, above);
            below = above;
        }
    }
};

// Pairs of a group: one path y with the paths x from first_x to end_x.
struct unit {
    i64 y, first_x, end_x;
};
enum pairing : int { all_pairs = 0, upper_pairs = 1, paired = 2 };

// Blocks of paths x follow each other, each with all paths y. `upper_pairs`: x not after y.
__device__ inline unit unit_at(i64 index, int how, i64 x_paths, i64 y_paths, i64 block) {
    if (how == paired) return {index, index, index + 1};
    const i64 y = index % y_paths, first = index / y_paths * block, end = how == upper_pairs ? y + 1 : x_paths;
    return {y, first, first + block < end ? first + block : end};
}

#define PYSIG_PROBLEM_PARAMETERS                                                                                     \
    const R *x, const R *x_tangents, const i64 *x_counts, i64 x_paths, i64 x_steps, const R *y, const R *y_tangents, \
        const i64 *y_counts, i64 y_paths, i64 y_steps, i64 channels, double scale, double parameter_0,               \
        double parameter_1, double parameter_2, double moved_0, double moved_1, double moved_2
#define PYSIG_PROBLEM                                                                                           \
    const problem all {                                                                                         \
        {{x, x_tangents}, x_counts, x_paths, x_steps}, {{y, y_tangents}, y_counts, y_paths, y_steps}, channels, \
            R(scale), {                                                                                         \
            pysig::kappa_kind(STATIC < 0 ? 0 : STATIC), {parameter_0, parameter_1, parameter_2}, {              \
                moved_0, moved_1, moved_2                                                                       \
            }                                                                                                   \
        }                                                                                                       \
    }
