// signature.
#include "fast_path.hpp"
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

void signature(const path_arrays& paths, py::array out, const signature_layout& layout, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        signature_job<R> job = signature_job_of<R>(paths, layout);
        job.out = output<R>(out, result_size(job, layout));
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

template <class R>
py::object computed(const fast_paths& from, const fast_run& run) {
    py::array_t<R> out(from.signature_shape());
    const auto job = from.job<R>(out.mutable_data());
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

py::object fast_signature(const py::object& path, const py::object& depth, int workers, double limit) {
    const auto from = fast_paths_of(path, depth, limit);
    if (!from) return py::none();
    const fast_run run(from->multiply_adds(double(from->length)), workers);
    if (run.declines()) return py::none();
    return from->single() ? computed<float>(*from, run) : computed<double>(*from, run);
}

}  // namespace

void register_signature(py::module_& m) {
    m.def("signature", &signature, py::arg("paths"), py::arg("out"), py::arg("layout"), py::arg("workers"));
    m.def("fast_signature", &fast_signature, py::arg("path"), py::arg("depth"), py::arg("workers"), py::arg("limit"));
}

}  // namespace pysig
