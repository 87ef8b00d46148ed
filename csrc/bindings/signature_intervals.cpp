// signature_intervals and its derivatives.
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// Groups of pysig/_plans/intervals.py: mids, resumes, middle, begin, by_start, by_end, stored.
using group_arrays = std::tuple<py::array, py::array, py::array, py::array, py::array, py::array, py::array>;
// Signatures of steps [mid, resume) of the groups: value, tangent, cotangent.
using middle_arrays = std::tuple<optional_array, optional_array, optional_array>;

interval_groups groups_of(const py::array& bounds, const group_arrays& arrays, i64 batch, i64 middles) {
    expect(bounds.ndim() == 3 && (bounds.shape(0) == 1 || bounds.shape(0) == batch),
           "bounds must be (rows, queries, 2)");
    const auto& [mids, resumes, middle, begin, by_start, by_end, stored] = arrays;
    const i64 count = i64(mids.size()), queries = i64(by_start.size());
    return {bounds.shape(1),
            bounds.shape(0) == 1,
            data_or_null<i64>(bounds, bounds.shape(0) * bounds.shape(1) * 2),
            count,
            data_or_null<i64>(mids, count),
            data_or_null<i64>(resumes, count),
            data_or_null<i64>(middle, count),
            middles,
            data_or_null<i64>(begin, count + 1),
            data_or_null<i64>(by_start, queries),
            data_or_null<i64>(by_end, queries),
            data_or_null<i64>(stored, queries)};
}

void signature_intervals(const path_arrays& paths, const py::array& bounds, const group_arrays& groups,
                         middle_arrays middles, py::array out, const std::optional<derivative_arrays>& tangents,
                         const signature_layout& layout, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        const i64 size = std::get<1>(layout);
        signature_intervals_job<R> job{};
        job.value = signature_job_of<R>(paths, layout);
        const i64 batch = job.value.path.batch;
        const auto& [value, tangent, cotangent] = middles;
        const i64 rows = value ? i64(value->shape(1)) : 0, middle_size = batch * rows * size;
        job.groups = groups_of(bounds, groups, batch, rows);
        job.middles = {data_or_null<R>(value, middle_size), data_or_null<R>(tangent, middle_size), nullptr};
        job.value.out = output<R>(out, batch * job.groups.queries * (size + job.value.scalar_term));
        direction<R> along{};
        if (tangents) {
            along = direction_of(*tangents, job.value.path, size);
            job.along = &along;
        }
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

void signature_intervals_vjp(const path_arrays& paths, const py::array& bounds, const group_arrays& groups,
                             middle_arrays middles, const py::array& cotangent_of_out, derivative_arrays into,
                             const signature_layout& layout, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        const i64 size = std::get<1>(layout);
        signature_intervals_job<R> job{};
        job.value = signature_job_of<R>(paths, layout);
        const i64 batch = job.value.path.batch;
        auto& [value, tangent, cotangent] = middles;
        const i64 rows = value ? i64(value->shape(1)) : 0;
        job.groups = groups_of(bounds, groups, batch, rows);
        job.middles = {data_or_null<R>(value, batch * rows * size), nullptr,
                       output_or_null<R>(cotangent, batch * rows * size)};
        job.cotangent = data_or_null<R>(cotangent_of_out, batch * job.groups.queries * (size + job.value.scalar_term));
        job.into = outputs_of(into, job.value.path, size);
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

}  // namespace

void register_signature_intervals(py::module_& m) {
    m.def("signature_intervals", &signature_intervals, py::arg("paths"), py::arg("bounds"), py::arg("groups"),
          py::arg("middles"), py::arg("out"), py::arg("tangents"), py::arg("layout"), py::arg("workers"));
    m.def("signature_intervals_vjp", &signature_intervals_vjp, py::arg("paths"), py::arg("bounds"), py::arg("groups"),
          py::arg("middles"), py::arg("cotangent"), py::arg("into"), py::arg("layout"), py::arg("workers"));
}

}  // namespace pysig
