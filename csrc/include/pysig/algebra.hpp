// The tensor algebra on rows of coefficients, (batch, size [+ 1]). A factor with one row applies to the whole batch.
#pragma once

#include "detail/checks.hpp"
#include "detail/kernels.hpp"

#include <vector>

PYSIG_NAMESPACE_BEGIN

struct algebra_options {
    bool scalar_term = false;  // rows begin with the scalar; else it is that of the operation: 1 for groups, 0 for Lie
                               // elements and shuffles
    int workers = 1;
};

namespace detail {

inline i64 row_width(i64 channels, int depth, const algebra_options& options) {
    checked_workers(options.workers);
    return checked_size(channels, depth) + options.scalar_term;
}

template <class R>
algebra_job<R> make_algebra_job(algebra_op op, i64 channels, int depth, i64 batch, i64 width, bool scalar_term) {
    static_assert(is_real<R>, "pysig: rows are of float or double");
    algebra_job<R> job{};
    job.op = op;
    job.channels = channels;
    job.depth = depth;
    job.batch = batch;
    job.scalar_term = scalar_term;
    job.a_width = job.cotangent_width = job.out_width = width;
    return job;
}

inline i64 common_batch(i64 a, i64 b) {
    if (a != b && a != 1 && b != 1)
        throw_invalid_argument("b", "as many rows as a (" + std::to_string(a) + "), or one", std::to_string(b));
    return a == 1 ? b : a;
}

template <class R>
i64 bilinear_size(span<const R> a, span<const R> b, i64 channels, int depth, const algebra_options& options) {
    const i64 width = row_width(channels, depth, options);
    return common_batch(rows_of(a, "a", width), rows_of(b, "b", width)) * width;
}

template <class R>
void bilinear(algebra_op op, span<const R> a, span<const R> b, i64 channels, int depth, const algebra_options& options,
              span<R> out) {
    const i64 width = row_width(channels, depth, options), rows_a = rows_of(a, "a", width),
              rows_b = rows_of(b, "b", width);
    if (op != algebra_op::product && depth > max_shuffle_depth)
        throw_invalid_argument("depth", "at most " + std::to_string(max_shuffle_depth) + " for shuffles",
                               std::to_string(depth));
    const i64 batch = common_batch(rows_a, rows_b);
    expect_size(out, "out", batch * width);
    if (batch == 0) return;
    algebra_job<R> job = make_algebra_job<R>(op, channels, depth, batch, width, options.scalar_term);
    job.scalar = op == algebra_op::product ? R(1) : R(0);
    job.a = {a.data(), rows_a == 1 ? 0 : width};
    job.b = {b.data(), rows_b == 1 ? 0 : width};
    job.out = out.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

template <class R>
void power_series(series f, span<const R> a, i64 channels, int depth, const algebra_options& options, span<R> out) {
    const i64 width = row_width(channels, depth, options), batch = rows_of(a, "a", width);
    expect_size(out, "out", a.size());
    if (batch == 0) return;
    algebra_job<R> job = make_algebra_job<R>(algebra_op::series, channels, depth, batch, width, options.scalar_term);
    job.series = f;
    job.a = {a.data(), width};
    job.out = out.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

template <class R>
std::vector<R> bilinear(algebra_op op, span<const R> a, span<const R> b, i64 channels, int depth,
                        const algebra_options& options) {
    std::vector<R> out(std::size_t(bilinear_size(a, b, channels, depth, options)));
    bilinear<R>(op, a, b, channels, depth, options, out);
    return out;
}

template <class R>
std::vector<R> power_series(series f, span<const R> a, i64 channels, int depth, const algebra_options& options) {
    rows_of(a, "a", row_width(channels, depth, options));
    std::vector<R> out(std::size_t(a.size()));
    power_series<R>(f, a, channels, depth, options, out);
    return out;
}

}  // namespace detail

// The Chen product: the signature of one path followed by another.
template <class A, class R = detail::real_of<A>>
std::vector<R> combine(const A& a, const detail::given<span<const R>>& b, i64 channels, int depth,
                       const algebra_options& options = {}) {
    return detail::bilinear<R>(algebra_op::product, a, b, channels, depth, options);
}

// The shuffle product: <shuffle(u, v), S> = <u, S> <v, S> for every signature S.
template <class A, class R = detail::real_of<A>>
std::vector<R> shuffle(const A& a, const detail::given<span<const R>>& b, i64 channels, int depth,
                       const algebra_options& options = {}) {
    return detail::bilinear<R>(algebra_op::shuffle, a, b, channels, depth, options);
}

// The part of the shuffle product whose last letter is that of b.
template <class A, class R = detail::real_of<A>>
std::vector<R> half_shuffle(const A& a, const detail::given<span<const R>>& b, i64 channels, int depth,
                            const algebra_options& options = {}) {
    return detail::bilinear<R>(algebra_op::half_shuffle, a, b, channels, depth, options);
}

// The inverse with respect to the Chen product.
template <class A, class R = detail::real_of<A>>
std::vector<R> invert(const A& a, i64 channels, int depth, const algebra_options& options = {}) {
    return detail::power_series<R>(series::inverse, a, channels, depth, options);
}

// From Lie elements to the group, and back.
template <class A, class R = detail::real_of<A>>
std::vector<R> exp(const A& a, i64 channels, int depth, const algebra_options& options = {}) {
    return detail::power_series<R>(series::exp, a, channels, depth, options);
}
template <class A, class R = detail::real_of<A>>
std::vector<R> log(const A& a, i64 channels, int depth, const algebra_options& options = {}) {
    return detail::power_series<R>(series::log, a, channels, depth, options);
}

PYSIG_NAMESPACE_END
