// signature_jvp.
#include "fast_path.hpp"
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

void signature_jvp(const path_arrays& paths, const derivative_arrays& tangents, py::array out,
                   const signature_layout& layout, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        signature_jvp_job<R> job{};
        job.value = signature_job_of<R>(paths, layout);
        job.tangent = direction_of(tangents, job.value.path, std::get<1>(layout));
        job.value.out = output<R>(out, result_size(job.value, layout));
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

template <class R>
py::object computed(const fast_paths& from, const py::array& tangent, const fast_run& run) {
    py::array_t<R> out(from.signature_shape());
    const signature_jvp_job<R> job{from.job<R>(out.mutable_data()), {from.view<R>(tangent), nullptr}};
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

// Declines one channel, which has closed forms (pysig/_cpu/one_channel.py).
py::object fast_signature_jvp(const py::object& path, const py::object& depth, const py::object& tangent, int workers,
                              double limit) {
    const auto from = fast_paths_of(path, depth, limit);
    if (!from || from->channels == 1 || !from->matches(tangent, from->path_shape())) return py::none();
    const fast_run run(from->multiply_adds(2 * double(from->length)), workers);
    if (run.declines()) return py::none();
    const auto along = py::reinterpret_borrow<py::array>(tangent);
    return from->single() ? computed<float>(*from, along, run) : computed<double>(*from, along, run);
}

}  // namespace

void register_signature_jvp(py::module_& m) {
    m.def("signature_jvp", &signature_jvp, py::arg("paths"), py::arg("tangents"), py::arg("out"), py::arg("layout"),
          py::arg("workers"));
    m.def("fast_signature_jvp", &fast_signature_jvp, py::arg("path"), py::arg("depth"), py::arg("tangent"),
          py::arg("workers"), py::arg("limit"));
}

}  // namespace pysig
