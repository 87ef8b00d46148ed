// C4. signature: unpack, drop the GIL, call the table.
#include "isa/table.hpp"
#include "jobs.hpp"
#include "register.hpp"

#include <vector>

namespace pysig {
namespace {

template <class R>
void compute(const py::array& path, py::array& out, int depth, i64 size, bool stream, const optional_array& basepoint,
             const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
             const optional_array& order, const optional_transform& transform, int how, int workers) {
    auto job = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order, transform, how);
    const path_view<R>& view = job.path;
    const i64 steps = steps_of(view);
    job.out = output<R>(out, view.batch * (stream ? steps : 1) * (size + scalar_term));
    run_released(workers, [&](const executor& exec) { run_signature(job, exec); });
}

// The plain call, for which checks in Python may cost more than the work: a native, aligned NumPy array of floats, a depth that is an int, no
// option, a result of no more than `limit` bytes. None for everything else, which then goes through the checks of pysig/_api; with 0 workers
// also for what is worth a second thread, a look at signals or a release of the GIL.
constexpr double small_work = 1e5;  // multiply-adds

template <class R>
py::object plain(const py::array& path, int depth, int workers, double limit) {
    const py::ssize_t ndim = path.ndim();
    std::vector<py::ssize_t> shape(path.shape(), path.shape() + ndim - 1);
    const i64 length = path.shape(ndim - 2), channels = path.shape(ndim - 1);
    const i64 batch = ndim == 3 ? path.shape(0) : 1;
    double size = 0;
    for (int k = 0; k < depth && size <= limit; ++k) size = (size + 1) * double(channels);
    for (py::ssize_t axis = 0; axis < ndim; ++axis)
        if (path.strides(axis) % py::ssize_t(sizeof(R))) return py::none();
    const bool little = double(batch) * size * double(length) <= small_work;
    const double rows = batch > 0 ? double(batch) : 1;  // beyond the limit `size` is not known
    if (length < 1 || channels < 1 || rows * size * sizeof(R) > limit || (!little && workers == 0)) return py::none();
    shape.back() = py::ssize_t(size);
    py::array_t<R> out(shape);
    const auto stride = [&](py::ssize_t axis) { return i64(path.strides(axis)) / i64(sizeof(R)); };
    const signature_job<R> job{{static_cast<const R*>(path.data()), batch, length, channels, ndim == 3 ? stride(0) : 0,
                                stride(ndim - 2), stride(ndim - 1), nullptr, nullptr, nullptr},
                               depth, method::automatic, false, false, false, nullptr, out.mutable_data()};
    if (little)
        run_signature(job, team(1).get());
    else
        run_released(workers, [&](const executor& exec) { run_signature(job, exec); });
    return std::move(out);
}

py::object plain_signature(const py::object& path, const py::object& depth, int workers, double limit) {
    if (!PyLong_CheckExact(depth.ptr()) || !py::isinstance<py::array>(path)) return py::none();
    const long number = PyLong_AsLong(depth.ptr());
    if (number == -1 && PyErr_Occurred()) PyErr_Clear();
    const auto array = py::reinterpret_borrow<py::array>(path);
    if (number < 1 || number > 32 || array.ndim() < 2 || array.ndim() > 3 || !(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_))
        return py::none();
    if (holds<double>(array)) return plain<double>(array, int(number), workers, limit);
    if (holds<float>(array)) return plain<float>(array, int(number), workers, limit);
    return py::none();
}

}  // namespace

void register_signature(py::module_& m) {
    m.def("plain_signature", &plain_signature, py::arg("path"), py::arg("depth"), py::arg("workers"), py::arg("limit"));
    m.def(
        "signature",
        [](const py::array& path, py::array out, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
           const optional_array& order, const optional_transform& transform, int how, int workers) {
            const auto typed = holds<float>(path) ? compute<float> : compute<double>;
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            typed(path, out, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order, transform, how, workers);
        },
        py::arg("path"), py::arg("out"), py::arg("depth"), py::arg("size"), py::arg("stream"), py::arg("basepoint"),
        py::arg("initial"), py::arg("inverse"), py::arg("scalar_term"), py::arg("lengths"), py::arg("order"), py::arg("transform"),
        py::arg("method"), py::arg("workers"));
}

}  // namespace pysig
