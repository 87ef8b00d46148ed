// signature_vjp; with tangents, signature_hvp.
#include "fast_path.hpp"
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

void signature_vjp(const path_arrays& paths, const py::array& cotangent, derivative_arrays into,
                   const std::optional<derivative_arrays>& tangents, const signature_layout& layout, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        const i64 size = std::get<1>(layout);
        signature_vjp_job<R> job{};
        job.value = signature_job_of<R>(paths, layout);
        job.cotangent = data_or_null<R>(cotangent, result_size(job.value, layout));
        job.into = outputs_of(into, job.value.path, size);
        direction<R> along{};
        if (tangents) {
            along = direction_of(*tangents, job.value.path, size);
            job.along = &along;
        }
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

template <class R>
py::object computed(const fast_paths& from, const py::array& cotangent, const fast_run& run) {
    py::array_t<R> path_bar(from.path_shape());
    signature_vjp_job<R> job{};
    job.value = from.job<R>();
    job.cotangent = static_cast<const R*>(cotangent.data());
    job.into.path = path_bar.mutable_data();
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(path_bar);
}

// Declines one channel, as fast_signature_jvp, and float32 paths of more than `max_single` points.
py::object fast_signature_vjp(const py::object& path, const py::object& depth, const py::object& cotangent,
                              i64 max_single, int workers, double limit) {
    const auto from = fast_paths_of(path, depth, limit);
    if (!from || from->channels == 1 || (from->single() && from->length > max_single) ||
        !from->matches(cotangent, from->signature_shape()))
        return py::none();
    const auto weights = py::reinterpret_borrow<py::array>(cotangent);
    const fast_run run(from->multiply_adds(4 * double(from->length)), workers);
    if (run.declines() || !(weights.flags() & py::array::c_style)) return py::none();
    return from->single() ? computed<float>(*from, weights, run) : computed<double>(*from, weights, run);
}

}  // namespace

void register_signature_vjp(py::module_& m) {
    m.def("signature_vjp", &signature_vjp, py::arg("paths"), py::arg("cotangent"), py::arg("into"), py::arg("tangents"),
          py::arg("layout"), py::arg("workers"));
    m.def("fast_signature_vjp", &fast_signature_vjp, py::arg("path"), py::arg("depth"), py::arg("cotangent"),
          py::arg("max_single"), py::arg("workers"), py::arg("limit"));
}

}  // namespace pysig
