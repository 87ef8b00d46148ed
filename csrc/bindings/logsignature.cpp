// C4. logsignature: unpack, drop the GIL, call the table.
#include "isa/table.hpp"
#include "jobs.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void compute(const py::array& path, py::array& out, int depth, i64 size, bool stream, const optional_array& basepoint,
             const optional_array& initial, bool inverse, const optional_array& lengths, const optional_array& order, const optional_transform& transform, int how,
             const py::list& maps, int workers) {
    logsignature_job<R> job{};
    job.signature = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, false, lengths, order, transform, how);
    const path_view<R>& view = job.signature.path;
    const maps_of<R> after(maps);
    tensor_job<R>& logarithm = job.logarithm;
    logarithm.op = tensor_op::series;
    logarithm.f = series::log;
    logarithm.channels = view.channels;
    logarithm.depth = depth;
    logarithm.a_width = size;
    logarithm.out_width = i64(out.shape(out.ndim() - 1));
    logarithm.after = after.get();
    const i64 steps = steps_of(view);
    logarithm.out = output<R>(out, view.batch * (stream ? steps : 1) * logarithm.out_width);
    run_released(workers, [&](const executor& exec) { run_logsignature(job, exec); });
}

}  // namespace

void register_logsignature(py::module_& m) {
    m.def(
        "logsignature",
        [](const py::array& path, py::array out, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, const optional_array& lengths, const optional_array& order, const optional_transform& transform, int how,
           const py::list& maps, int workers) {
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            const auto typed = holds<float>(path) ? compute<float> : compute<double>;
            typed(path, out, depth, size, stream, basepoint, initial, inverse, lengths, order, transform, how, maps, workers);
        },
        py::arg("path"), py::arg("out"), py::kw_only(), py::arg("depth"), py::arg("size"), py::arg("stream"),
        py::arg("basepoint"), py::arg("initial"), py::arg("inverse"), py::arg("lengths"), py::arg("order"), py::arg("transform"), py::arg("method"),
        py::arg("maps"), py::arg("workers"));
}

}  // namespace pysig
