// signature: unpack, drop the GIL, call the table.
#include "fast_path.hpp"
#include "jobs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void typed_call(const py::array& path, py::array& out, int depth, i64 size, bool stream,
                const optional_array& basepoint, const optional_array& initial, bool inverse, bool scalar_term,
                const optional_array& lengths, const optional_array& order, const optional_transform& transform,
                int how, int workers) {
    auto job = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order,
                                   transform, how);
    const path_view<R>& view = job.path;
    const i64 steps = steps_of(view);
    job.out = output<R>(out, view.batch * (stream ? steps : 1) * (size + scalar_term));
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

template <class R>
py::object plain(const plain_path& from, const plain_run& run) {
    py::array_t<R> out(from.signature_shape());
    const auto job = from.job<R>(out.mutable_data());
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

py::object plain_signature(const py::object& path, const py::object& depth, int workers, double limit) {
    const auto from = plain_path_of(path, depth, limit);
    if (!from) return py::none();
    const plain_run run(from->multiply_adds(double(from->length)), workers);
    if (run.refuses()) return py::none();
    return from->single() ? plain<float>(*from, run) : plain<double>(*from, run);
}

}  // namespace

void register_signature(py::module_& m) {
    m.def("plain_signature", &plain_signature, py::arg("path"), py::arg("depth"), py::arg("workers"), py::arg("limit"));
    m.def(
        "signature",
        [](const py::array& path, py::array out, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
           const optional_array& order, const optional_transform& transform, int how, int workers) {
            const auto typed = holds<float>(path) ? typed_call<float> : typed_call<double>;
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            typed(path, out, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order, transform,
                  how, workers);
        },
        py::arg("path"), py::arg("out"), py::arg("depth"), py::arg("size"), py::arg("stream"), py::arg("basepoint"),
        py::arg("initial"), py::arg("inverse"), py::arg("scalar_term"), py::arg("lengths"), py::arg("order"),
        py::arg("transform"), py::arg("method"), py::arg("workers"));
}

}  // namespace pysig
