// logsignature: unpack, drop the GIL, call the table.
#include "fast_path.hpp"
#include "jobs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// The logarithm of signatures of `size` coefficients, in the coordinates that the maps make of it.
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

template <class R>
void typed_call(const py::array& path, py::array& out, int depth, i64 size, bool stream,
                const optional_array& basepoint, const optional_array& initial, bool inverse,
                const optional_array& lengths, const optional_array& order, const optional_transform& transform,
                int how, const py::list& maps, int workers) {
    logsignature_job<R> job{};
    job.signature = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, false, lengths, order,
                                        transform, how);
    const path_view<R>& view = job.signature.path;
    const maps_of<R> after(maps);
    const i64 steps = steps_of(view), width = i64(out.shape(out.ndim() - 1));
    R* target = output<R>(out, view.batch * (stream ? steps : 1) * width);
    job.logarithm = logarithm_of(job.signature, size, after.get(), target, width);
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

template <class R>
py::object plain(const plain_path& from, const py::object& tables, const py::object& basis, const plain_run& run) {
    logsignature_job<R> job{from.job<R>(), {}};
    const auto [maps, width] =
        tables(from.channels, from.depth, basis, from.single()).cast<std::tuple<py::list, i64>>();
    const maps_of<R> after(maps);
    py::array_t<R> out(from.shape({width}));
    job.logarithm = logarithm_of(job.signature, i64(from.size), after.get(), out.mutable_data(), width);
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

// `tables(channels, depth, basis, single)` gives the maps to the basis and how many coordinates it has; called once it
// is known that signatures of that size fit.
py::object plain_logsignature(const py::object& path, const py::object& depth, const py::object& tables,
                              const py::object& basis, int workers, double limit) {
    const auto from = plain_path_of(path, depth, limit);
    if (!from) return py::none();
    const plain_run run(from->multiply_adds(double(from->length) + 2 * from->depth), workers);
    if (run.refuses()) return py::none();
    return (from->single() ? plain<float> : plain<double>)(*from, tables, basis, run);
}

}  // namespace

void register_logsignature(py::module_& m) {
    m.def("plain_logsignature", &plain_logsignature, py::arg("path"), py::arg("depth"), py::arg("tables"),
          py::arg("basis"), py::arg("workers"), py::arg("limit"));
    m.def(
        "logsignature",
        [](const py::array& path, py::array out, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, const optional_array& lengths, const optional_array& order,
           const optional_transform& transform, int how, const py::list& maps, int workers) {
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            const auto typed = holds<float>(path) ? typed_call<float> : typed_call<double>;
            typed(path, out, depth, size, stream, basepoint, initial, inverse, lengths, order, transform, how, maps,
                  workers);
        },
        py::arg("path"), py::arg("out"), py::kw_only(), py::arg("depth"), py::arg("size"), py::arg("stream"),
        py::arg("basepoint"), py::arg("initial"), py::arg("inverse"), py::arg("lengths"), py::arg("order"),
        py::arg("transform"), py::arg("method"), py::arg("maps"), py::arg("workers"));
}

}  // namespace pysig
