// signature_kernel and its derivatives.
#include "kernel_pairs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// Tangents and Cotangents of one side.
using side_arrays = std::optional<derivative_arrays>;

void signature_kernel(const pair_arrays& pairs, py::array out, const kernel_layout& layout, int rows, int workers) {
    with_dtype(any_array_of(pairs), [&](auto zero) {
        using R = decltype(zero);
        const kernel_rule_of rule(layout);
        signature_kernel_job<R> job{pairs_of<R>(pairs), rule.value, static_cast<kernel_rows>(rows), nullptr};
        job.out = output<R>(out, pair_count(job.pairs) * numbers_of_pair(job));
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

// `along`: the tangents of x and y, and of increments.
void signature_kernel_jvp(const pair_arrays& pairs, const std::tuple<side_arrays, side_arrays, optional_array>& along,
                          py::array out, const kernel_layout& layout, int rows, int workers) {
    const auto& [along_x, along_y, along_increments] = along;
    with_dtype(any_array_of(pairs), [&](auto zero) {
        using R = decltype(zero);
        const kernel_rule_of rule(layout);
        signature_kernel_jvp_job<R> job{};
        job.value = {pairs_of<R>(pairs), rule.value, static_cast<kernel_rows>(rows), nullptr};
        const kernel_pairs<R>& given = job.value.pairs;
        std::optional<direction<R>> x, y;
        if (along_x) x = direction_of(*along_x, given.x, 0);
        if (along_y) y = direction_of(*along_y, given.y, 0);
        job.along_x = x ? &*x : nullptr;
        job.along_y = y ? &*y : nullptr;
        if (given.increments) {
            kernel_pairs<R> tangent{};
            expect(bool(along_increments), "the increments need a tangent");
            set_increments(tangent, *along_increments);
            expect(same_layout(tangent, given), "the tangent must have the shape and the strides of the increments");
            job.along_increments = tangent.increments;
        }
        job.value.out = output<R>(out, pair_count(given) * numbers_of_pair(job.value));
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

// `into`: the gradients of x, y, increments and parameters.
void signature_kernel_vjp(const pair_arrays& pairs, const py::array& cotangent,
                          std::tuple<side_arrays, side_arrays, optional_array, optional_array> into,
                          const kernel_layout& layout, int rows, int workers) {
    auto& [into_x, into_y, into_increments, into_parameters] = into;
    with_dtype(any_array_of(pairs), [&](auto zero) {
        using R = decltype(zero);
        const kernel_rule_of rule(layout);
        signature_kernel_vjp_job<R> job{};
        job.value = {pairs_of<R>(pairs), rule.value, static_cast<kernel_rows>(rows), nullptr};
        const kernel_pairs<R>& given = job.value.pairs;
        job.cotangent = data_or_null<R>(cotangent, pair_count(given) * numbers_of_pair(job.value));
        if (into_x) job.x = outputs_of<R>(*into_x, given.x, 0);
        if (into_y) job.y = outputs_of<R>(*into_y, given.y, 0);
        if (into_increments) job.increments = output<R>(*into_increments, given.batch * given.steps_x * given.steps_y);
        if (into_parameters) job.parameters = output<double>(*into_parameters, 3);
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

}  // namespace

void register_signature_kernel(py::module_& m) {
    m.def("signature_kernel", &signature_kernel, py::arg("pairs"), py::arg("out"), py::arg("layout"), py::arg("rows"),
          py::arg("workers"));
    m.def("signature_kernel_jvp", &signature_kernel_jvp, py::arg("pairs"), py::arg("along"), py::arg("out"),
          py::arg("layout"), py::arg("rows"), py::arg("workers"));
    m.def("signature_kernel_vjp", &signature_kernel_vjp, py::arg("pairs"), py::arg("cotangent"), py::arg("into"),
          py::arg("layout"), py::arg("rows"), py::arg("workers"));
}

}  // namespace pysig
