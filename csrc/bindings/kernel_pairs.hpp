// Unpacks the objects of pysig/_plans/signature_kernel.py. pysig/_api has checked them; this file asserts.
#pragma once

#include <array>
#include <vector>

#include "paths.hpp"
#include "pysig/cpu/jobs/signature_kernel.hpp"

namespace pysig {

// Pairs: x, y, increments, paired.
using pair_arrays = std::tuple<std::optional<path_arrays>, std::optional<path_arrays>, optional_array, bool>;
// StaticKernel: kind, parameters, tangents.
using static_kernel_layout = std::tuple<int, std::array<double, 3>, std::array<double, 3>>;
// KernelPlan: scheme (0, 1, 2), order, depth, dyadic_order, static, weights.
using kernel_layout = std::tuple<int, int, int, int, static_kernel_layout, std::optional<std::vector<double>>>;

inline const py::array& any_array_of(const pair_arrays& pairs) {
    const auto& [x, y, increments, paired] = pairs;
    expect(bool(x) != bool(increments), "pairs need paths or increments");
    return increments ? *increments : points_of(*x);
}

// A rule, and the weights that it points to.
struct kernel_rule_of {
    std::vector<double> weights;
    kernel_rule value;

    explicit kernel_rule_of(const kernel_layout& layout) {
        const auto& [scheme, order, depth, dyadic_order, kappa, given] = layout;
        const auto& [kind, p, moves] = kappa;
        if (given) weights = *given;
        expect(!given || int(weights.size()) == depth + 1, "one weight for each level");
        value = {static_cast<kernel_scheme>(scheme),
                 order,
                 depth,
                 dyadic_order,
                 {static_cast<kappa_kind>(kind), {p[0], p[1], p[2]}, {moves[0], moves[1], moves[2]}},
                 given ? weights.data() : nullptr};
    }
    kernel_rule_of(const kernel_rule_of&) = delete;
    kernel_rule_of& operator=(const kernel_rule_of&) = delete;
};

// Increments that are given; one array of the same shape as another.
template <class R>
void set_increments(kernel_pairs<R>& pairs, const py::array& z) {
    expect(holds<R>(z) && z.ndim() == 3, "increments must be (batch, steps_x, steps_y) of the dtype of out");
    const auto stride = [&](int axis) { return i64(z.strides(axis)) / i64(sizeof(R)); };
    pairs.increments = static_cast<const R*>(z.data());
    pairs.batch = z.shape(0), pairs.steps_x = z.shape(1), pairs.steps_y = z.shape(2);
    pairs.batch_stride = stride(0), pairs.x_stride = stride(1), pairs.y_stride = stride(2);
}

template <class R>
bool same_layout(const kernel_pairs<R>& a, const kernel_pairs<R>& b) {
    return a.batch == b.batch && a.steps_x == b.steps_x && a.steps_y == b.steps_y && a.batch_stride == b.batch_stride &&
           a.x_stride == b.x_stride && a.y_stride == b.y_stride;
}

template <class R>
kernel_pairs<R> pairs_of(const pair_arrays& arrays) {
    const auto& [x, y, increments, paired] = arrays;
    kernel_pairs<R> pairs{};
    pairs.paired = paired;
    if (increments) {
        set_increments(pairs, *increments);
        return pairs;
    }
    pairs.x = view_of<R>(*x);
    pairs.symmetric = !y && !paired;
    pairs.y = y ? view_of<R>(*y) : pairs.x;
    expect(pairs.x.channels == pairs.y.channels, "both sides must have the same channels");
    expect(!paired || pairs.x.batch == pairs.y.batch, "paired sides must have the same batch");
    return pairs;
}

template <class R>
i64 pair_count(const kernel_pairs<R>& pairs) {
    if (pairs.increments) return pairs.batch;
    return pairs.paired ? pairs.x.batch : pairs.x.batch * pairs.y.batch;
}

template <class R>
i64 points_of_side(const path_view<R>& path) {
    return transformed_steps(path.transform.stages, path.length - 1 + (path.basepoint ? 1 : 0)) + 1;
}

// Numbers of one pair in the result.
template <class R>
i64 numbers_of_pair(const signature_kernel_job<R>& job) {
    if (job.rows == kernel_rows::value) return 1;
    if (job.rows == kernel_rows::levels) return job.rule.depth + 1;
    if (job.pairs.increments) return (job.pairs.steps_x + 1) * (job.pairs.steps_y + 1);
    return points_of_side(job.pairs.x) * points_of_side(job.pairs.y);
}

}  // namespace pysig
