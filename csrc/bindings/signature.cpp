// C4. signature: unpack, drop the GIL, call the table.
#include "isa/table.hpp"
#include "jobs.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void compute(const py::array& path, py::array& out, int depth, i64 size, bool stream, const optional_array& basepoint,
             const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
             const optional_array& order, int how, int workers) {
    auto job = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order, how);
    const path_view<R>& view = job.path;
    const i64 steps = view.length - 1 + (view.basepoint ? 1 : 0);
    job.out = output<R>(out, view.batch * (stream ? steps : 1) * (size + scalar_term));
    run_released(workers, [&](const executor& exec) { run_signature(job, exec); });
}

}  // namespace

void register_signature(py::module_& m) {
    m.def(
        "signature",
        [](const py::array& path, py::array out, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
           const optional_array& order, int how, int workers) {
            const auto typed = holds<float>(path) ? compute<float> : compute<double>;
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            typed(path, out, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order, how, workers);
        },
        py::arg("path"), py::arg("out"), py::arg("depth"), py::arg("size"), py::arg("stream"), py::arg("basepoint"),
        py::arg("initial"), py::arg("inverse"), py::arg("scalar_term"), py::arg("lengths"), py::arg("order"),
        py::arg("method"), py::arg("workers"));
}

}  // namespace pysig
