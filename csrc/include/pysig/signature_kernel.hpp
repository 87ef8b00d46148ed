// Signature kernels of pairs of paths, and their gradients: contiguous points, (batch, length, channels) row-major.
#pragma once

#include "algebra/goursat.hpp"
#include "signature.hpp"

#include <cmath>

PYSIG_NAMESPACE_BEGIN

// What is computed of each pair, see algebra/goursat.hpp. An empty span means that the option is not given. Lengths
// follow from the batches and the sizes of the paths.
template <class R>
struct signature_kernel_options {
    i64 x_batch = 1, y_batch = 1;    // paths of each side, one after the other
    int order = 0;                   // P, 1 to 16: powers of a segment; 0: 6, or exact with depth
    int depth = 0;                   // N: levels above are left out; 0: none are
    int dyadic_order = 0;            // 0 to 10: every segment is cut into 2^dyadic_order parts
    bool finite_difference = false;  // that of sigkernel, not positive semi-definite; without order and depth
    static_kernel kappa = {kappa_kind::linear, {1, 0, 0}};
    span<const double> weights;            // of the levels 0 to depth, with depth
    span<const i64> x_lengths, y_lengths;  // (batch): number of points of each path
    int workers = 1;                       // threads; results do not depend on them
};

// Gradients, in the shapes of the paths; `y` is empty if the matrix is that of x with itself. `parameters`: those of
// the static kernel.
template <class R>
struct signature_kernel_cotangents {
    std::vector<R> x, y;
    std::vector<double> parameters;
};

namespace detail {

// Parameters of a static kernel: bandwidths and scales are positive, the power of a polynomial is a whole number.
inline void check_static_kernel(const static_kernel& kappa) {
    const double* p = kappa.parameters;
    const auto positive = [](double value) {
        if (!(value > 0) || std::isinf(value))
            throw_invalid_argument("kappa.parameters", "finite positive numbers", std::to_string(value));
    };
    expect(int(kappa.kind) >= 0 && int(kappa.kind) <= int(kappa_kind::polynomial), "kappa.kind", "0 to 6",
           int(kappa.kind));
    positive(p[0]);
    if (kappa.kind == kappa_kind::rational_quadratic) positive(p[1]);
    if (kappa.kind != kappa_kind::polynomial) return;
    positive(p[2]);
    if (p[0] != std::floor(p[0]) || p[0] > 1000)
        throw_invalid_argument("kappa.parameters", "a power that is a whole number of at most 1000",
                               std::to_string(p[0]));
    if (!(p[1] >= 0) || std::isinf(p[1]))
        throw_invalid_argument("kappa.parameters", "a finite number of at least 0", std::to_string(p[1]));
}

// A checked call: sizes, and the job without its output.
template <class R>
struct kernel_call {
    std::vector<i64> x_order, y_order;
    signature_kernel_job<R> job{};

    kernel_call(span<const R> x, span<const R> y, i64 channels, const signature_kernel_options<R>& options) {
        static_assert(is_real<R>, "pysig: paths are of float or double");
        expect(channels >= 1, "channels", "at least 1", channels);
        checked_workers(options.workers);
        kernel_pairs<R>& pairs = job.pairs;
        pairs.symmetric = y.empty();
        pairs.x = side(x, "x", "x_batch", options.x_batch, channels);
        sort_lengths(pairs.x, options.x_lengths, "x_lengths", x_order);
        if (pairs.symmetric) {
            expect(options.y_lengths.empty(), "y_lengths", "none without y", options.y_lengths.size());
            pairs.y = pairs.x;
        } else {
            pairs.y = side(y, "y", "y_batch", options.y_batch, channels);
            sort_lengths(pairs.y, options.y_lengths, "y_lengths", y_order);
        }
        checked_product("x_batch", pairs.x.batch, pairs.y.batch);
        set_rule(options);
    }
    kernel_call(const kernel_call&) = delete;
    kernel_call& operator=(const kernel_call&) = delete;

    i64 elements() const { return job.pairs.x.batch * job.pairs.y.batch; }

 private:
    static path_view<R> side(span<const R> path, const char* name, const char* batch_name, i64 batch, i64 channels) {
        expect(batch >= 1, batch_name, "at least 1", batch);
        const i64 row = checked_product(batch_name, batch, channels);
        if (path.size() < row || path.size() % row)
            throw_invalid_argument(
                name, "batch * length * channels elements, that is a positive multiple of " + std::to_string(row),
                std::to_string(path.size()));
        expect_size(path, name, path.size());
        path_view<R> view{};
        view.data = path.data();
        view.batch = batch;
        view.length = path.size() / row;
        view.channels = channels;
        view.batch_stride = view.length * channels;
        view.time_stride = channels;
        view.channel_stride = 1;
        return view;
    }
    static void sort_lengths(path_view<R>& path, span<const i64> lengths, const char* name, std::vector<i64>& order) {
        if (lengths.empty()) return;
        expect_size(lengths, name, path.batch);
        path.lengths = lengths.data();
        path.order = order_of_lengths(lengths, path.length, name, order);
    }
    void set_rule(const signature_kernel_options<R>& options) {
        const bool difference = options.finite_difference, levels = options.depth > 0;
        expect(options.depth >= 0 && options.depth <= 1000, "depth", "0 to 1000", options.depth);
        expect(options.order >= 0 && options.order <= max_kernel_order, "order", "0 to 16", options.order);
        expect(!difference || !levels, "depth", "0 for finite differences", options.depth);
        expect(!difference || !options.order, "order", "0 for finite differences", options.order);
        expect(options.dyadic_order >= 0 && options.dyadic_order <= 10, "dyadic_order", "0 to 10",
               options.dyadic_order);
        check_static_kernel(options.kappa);
        if (!options.weights.empty()) {
            expect(levels, "weights", "none without depth", options.weights.size());
            expect_size(options.weights, "weights", options.depth + 1);
            for (i64 n = 0; n <= options.depth; ++n)
                if (!(options.weights[n] >= 0))
                    throw_invalid_argument("weights", "numbers of at least 0", std::to_string(options.weights[n]));
        }
        kernel_rule& rule = job.rule;
        rule.scheme = difference ? kernel_scheme::difference : levels ? kernel_scheme::levels : kernel_scheme::square;
        rule.order = options.order ? options.order : levels ? max_kernel_order : 6;
        if (levels && rule.order > options.depth) rule.order = options.depth;  // higher powers have higher levels
        if (difference) rule.order = 0;
        rule.depth = options.depth;
        rule.dyadic_order = options.dyadic_order;
        rule.kappa = options.kappa;
        rule.weights = options.weights.empty() ? nullptr : options.weights.data();
        job.rows = kernel_rows::value;
    }
};

template <class R>
void signature_kernel_matrix(span<const R> x, span<const R> y, i64 channels, const signature_kernel_options<R>& options,
                             span<R> out) {
    kernel_call<R> call(x, y, channels, options);
    expect_size(out, "out", call.elements());
    call.job.out = out.data();
    team threads(checked_workers(options.workers));
    run(call.job, threads.get());
}

// `y_bar` is empty if y is; `parameters_bar` may be empty: that gradient is then not computed.
template <class R>
void signature_kernel_matrix_vjp(span<const R> x, span<const R> y, i64 channels, span<const R> cotangent,
                                 const signature_kernel_options<R>& options, span<R> x_bar, span<R> y_bar,
                                 span<double> parameters_bar) {
    const kernel_call<R> call(x, y, channels, options);
    expect_size(cotangent, "cotangent", call.elements());
    expect_size(x_bar, "x_bar", x.size());
    expect_size(y_bar, "y_bar", y.size());
    if (!parameters_bar.empty()) expect_size(parameters_bar, "parameters_bar", max_parameters);
    signature_kernel_vjp_job<R> job{};
    job.value = call.job;
    job.cotangent = cotangent.data();
    job.x.path = x_bar.data();
    job.y.path = y.empty() ? nullptr : y_bar.data();
    job.parameters = parameters_bar.empty() ? nullptr : parameters_bar.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

}  // namespace detail

// The kernels of all pairs of paths, (x_batch, y_batch), into memory of the caller. Without y, all pairs of x with
// itself: a symmetric matrix.
template <class P, class R = detail::real_of<P>>
void signature_kernel_matrix_into(const P& x, const detail::given<span<const R>>& y, i64 channels,
                                  detail::given<span<R>> out, const signature_kernel_options<R>& options = {}) {
    detail::signature_kernel_matrix<R>(x, y, channels, options, out);
}

// The same, returned.
template <class P, class R = detail::real_of<P>>
std::vector<R> signature_kernel_matrix(const P& x, const detail::given<span<const R>>& y, i64 channels,
                                       const signature_kernel_options<R>& options = {}) {
    std::vector<R> out(std::size_t(detail::kernel_call<R>(x, y, channels, options).elements()));
    detail::signature_kernel_matrix<R>(x, y, channels, options, out);
    return out;
}

// The gradients of <cotangent, matrix>; without y, that of x is through both sides.
template <class P, class R = detail::real_of<P>>
signature_kernel_cotangents<R> signature_kernel_matrix_vjp(const P& x, const detail::given<span<const R>>& y,
                                                           i64 channels, const detail::given<span<const R>>& cotangent,
                                                           const signature_kernel_options<R>& options = {}) {
    signature_kernel_cotangents<R> bars;
    bars.x.resize(std::size(x));
    bars.y.resize(std::size_t(y.size()));
    bars.parameters.resize(max_parameters);
    detail::signature_kernel_matrix_vjp<R>(x, y, channels, cotangent, options, bars.x, bars.y, bars.parameters);
    return bars;
}

PYSIG_NAMESPACE_END
