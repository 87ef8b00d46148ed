// logsignature.
#include "fast_path.hpp"
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"
#include "rows.hpp"

namespace pysig {
namespace {

// The logarithm of signatures of `size` coefficients, then the maps to the coordinates of a basis.
template <class R>
algebra_job<R> logarithm_of(const signature_job<R>& of, i64 size, const map_list<R>& after, R* out, i64 width) {
    algebra_job<R> job{};
    job.op = algebra_op::series;
    job.series = series::log;
    job.channels = of.path.channels;
    job.depth = of.depth;
    job.a_width = size;
    job.after = after;
    job.out = out;
    job.out_width = width;
    return job;
}

void logsignature(const path_arrays& paths, py::array out, const signature_layout& layout, const py::list& maps,
                  int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        logsignature_job<R> job{};
        job.signature = signature_job_of<R>(paths, layout);
        const path_view<R>& view = job.signature.path;
        const maps_of<R> after(maps);
        const i64 width = i64(out.shape(out.ndim() - 1));
        R* target = output<R>(out, view.batch * result_rows(view, job.signature.stream) * width);
        job.logarithm = logarithm_of(job.signature, std::get<1>(layout), after.get(), target, width);
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

template <class R>
py::object computed(const fast_paths& from, const py::object& tables, const py::object& basis, const fast_run& run) {
    logsignature_job<R> job{from.job<R>(), {}};
    const auto [maps, width] =
        tables(from.channels, from.depth, basis, from.single()).cast<std::tuple<py::list, i64>>();
    const maps_of<R> after(maps);
    py::array_t<R> out(from.shape({width}));
    job.logarithm = logarithm_of(job.signature, i64(from.size), after.get(), out.mutable_data(), width);
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

// `tables(channels, depth, basis, single)` returns the maps to the basis and the number of its coordinates. It is
// called only if signatures of that size fit.
py::object fast_logsignature(const py::object& path, const py::object& depth, const py::object& tables,
                             const py::object& basis, int workers, double limit) {
    const auto from = fast_paths_of(path, depth, limit);
    if (!from) return py::none();
    const fast_run run(from->multiply_adds(double(from->length) + 2 * from->depth), workers);
    if (run.declines()) return py::none();
    return (from->single() ? computed<float> : computed<double>)(*from, tables, basis, run);
}

}  // namespace

void register_logsignature(py::module_& m) {
    m.def("logsignature", &logsignature, py::arg("paths"), py::arg("out"), py::arg("layout"), py::arg("maps"),
          py::arg("workers"));
    m.def("fast_logsignature", &fast_logsignature, py::arg("path"), py::arg("depth"), py::arg("tables"),
          py::arg("basis"), py::arg("workers"), py::arg("limit"));
}

}  // namespace pysig
