// Derivatives of signature: unpack, drop the GIL, call the table.
#include "fast_path.hpp"
#include "jobs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
direction<R> direction_of(const signature_job<R>& job, const py::array& tangent, const optional_array& basepoint,
                          const optional_array& initial, i64 size) {
    direction<R> along{view_of_path<R>(tangent), data_or_null<R>(initial, job.path.batch * size)};
    const i64 channels = along.path.channels;
    along.path.basepoint = data_or_null<R>(basepoint, job.path.batch * channels);
    along.path.transform = job.path.transform;
    along.path.transform.moves = true;
    along.path.channels = job.path.channels;
    along.path.lengths = job.path.lengths;
    along.path.order = job.path.order;
    expect(!along.path.basepoint == !job.path.basepoint, "a tangent of the basepoint goes with a basepoint");
    const i64 own = job.path.transform.stages ? job.path.transform.channels : job.path.channels;
    expect(along.path.batch == job.path.batch && along.path.length == job.path.length && channels == own,
           "tangent must have the shape of path");
    return along;
}

template <class R>
i64 rows_of_job(const signature_job<R>& job) {
    return job.stream ? steps_of(job.path) : 1;
}

template <class R>
R* output_or_null(std::optional<py::array>& array, i64 count) {
    return array ? output<R>(*array, count) : nullptr;
}

template <class R>
void jvp(const py::array& path, const py::array& tangent, py::array& out, int depth, i64 size, bool stream,
         const optional_array& basepoint, const optional_array& basepoint_tangent, const optional_array& initial,
         const optional_array& initial_tangent, bool inverse, bool scalar_term, const optional_array& lengths,
         const optional_array& order, const optional_transform& transform, int workers) {
    signature_jvp_job<R> job{};
    job.value = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order,
                                    transform, 0);
    job.tangent = direction_of<R>(job.value, tangent, basepoint_tangent, initial_tangent, size);
    job.value.out = output<R>(out, job.value.path.batch * rows_of_job(job.value) * (size + scalar_term));
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

template <class R>
void vjp(const py::array& path, const py::array& cotangent, py::array& path_bar, optional_array& basepoint_bar,
         optional_array& initial_bar, int depth, i64 size, bool stream, const optional_array& basepoint,
         const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
         const optional_array& order, const optional_transform& transform, const optional_array& tangent,
         const optional_array& basepoint_tangent, const optional_array& initial_tangent, int workers) {
    signature_vjp_job<R> job{};
    job.value = signature_job_of<R>(path, depth, size, stream, basepoint, initial, inverse, scalar_term, lengths, order,
                                    transform, 0);
    const path_view<R>& view = job.value.path;
    job.cotangent = data_or_null<R>(cotangent, view.batch * rows_of_job(job.value) * (size + scalar_term));
    const i64 channels = i64(path.shape(2));
    job.into.path = output<R>(path_bar, view.batch * view.length * channels);
    job.into.basepoint = output_or_null<R>(basepoint_bar, view.batch * channels);
    job.into.initial = output_or_null<R>(initial_bar, view.batch * size);
    direction<R> along{};
    if (tangent) {
        along = direction_of<R>(job.value, *tangent, basepoint_tangent, initial_tangent, size);
        job.along = &along;
    }
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

template <class R>
py::object plain_jvp(const plain_path& from, const py::array& tangent, const plain_run& run) {
    py::array_t<R> out(from.signature_shape());
    const signature_jvp_job<R> job{from.job<R>(out.mutable_data()), {from.view<R>(tangent), nullptr}};
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(out);
}

// One channel has closed forms of its own (pysig/_cpu/one_channel.py).
py::object plain_signature_jvp(const py::object& path, const py::object& depth, const py::object& tangent, int workers,
                               double limit) {
    const auto from = plain_path_of(path, depth, limit);
    if (!from || from->channels == 1 || !from->goes_with(tangent, from->path_shape())) return py::none();
    const plain_run run(from->multiply_adds(2 * double(from->length)), workers);
    if (run.refuses()) return py::none();
    return (from->single() ? plain_jvp<float> : plain_jvp<double>)(*from, py::reinterpret_borrow<py::array>(tangent),
                                                                   run);
}

template <class R>
py::object plain_vjp(const plain_path& from, const py::array& cotangent, const plain_run& run) {
    py::array_t<R> path_bar(from.path_shape());
    const signature_vjp_job<R> job{
        from.job<R>(), static_cast<const R*>(cotangent.data()), nullptr, path_bar.mutable_data(), nullptr, nullptr};
    run([&](const executor& exec) { detail::run(job, exec); });
    return std::move(path_bar);
}

// float32 of more than `most_single` points is left to others.
py::object plain_signature_vjp(const py::object& path, const py::object& depth, const py::object& cotangent,
                               i64 most_single, int workers, double limit) {
    const auto from = plain_path_of(path, depth, limit);
    if (!from || from->channels == 1 || (from->single() && from->length > most_single) ||
        !from->goes_with(cotangent, from->signature_shape()))
        return py::none();
    const auto given = py::reinterpret_borrow<py::array>(cotangent);
    const plain_run run(from->multiply_adds(4 * double(from->length)), workers);
    if (run.refuses() || !(given.flags() & py::array::c_style)) return py::none();
    return (from->single() ? plain_vjp<float> : plain_vjp<double>)(*from, given, run);
}

}  // namespace

void register_derivatives(py::module_& m) {
    m.def("plain_signature_jvp", &plain_signature_jvp, py::arg("path"), py::arg("depth"), py::arg("tangent"),
          py::arg("workers"), py::arg("limit"));
    m.def("plain_signature_vjp", &plain_signature_vjp, py::arg("path"), py::arg("depth"), py::arg("cotangent"),
          py::arg("most_single"), py::arg("workers"), py::arg("limit"));
    m.def(
        "signature_jvp",
        [](const py::array& path, const py::array& tangent, py::array out, int depth, i64 size, bool stream,
           const optional_array& basepoint, const optional_array& basepoint_tangent, const optional_array& initial,
           const optional_array& initial_tangent, bool inverse, bool scalar_term, const optional_array& lengths,
           const optional_array& order, const optional_transform& transform, int workers) {
            expect(holds<float>(path) ? holds<float>(tangent) : holds<double>(path) && holds<double>(tangent),
                   "path and tangent must both be float32 or float64");
            const auto typed = holds<float>(path) ? jvp<float> : jvp<double>;
            typed(path, tangent, out, depth, size, stream, basepoint, basepoint_tangent, initial, initial_tangent,
                  inverse, scalar_term, lengths, order, transform, workers);
        },
        py::arg("path"), py::arg("tangent"), py::arg("out"), py::kw_only(), py::arg("depth"), py::arg("size"),
        py::arg("stream"), py::arg("basepoint"), py::arg("basepoint_tangent"), py::arg("initial"),
        py::arg("initial_tangent"), py::arg("inverse"), py::arg("scalar_term"), py::arg("lengths"), py::arg("order"),
        py::arg("transform"), py::arg("workers"));
    m.def(
        "signature_vjp",
        [](const py::array& path, const py::array& cotangent, py::array path_bar, optional_array basepoint_bar,
           optional_array initial_bar, int depth, i64 size, bool stream, const optional_array& basepoint,
           const optional_array& initial, bool inverse, bool scalar_term, const optional_array& lengths,
           const optional_array& order, const optional_transform& transform, const optional_array& tangent,
           const optional_array& basepoint_tangent, const optional_array& initial_tangent, int workers) {
            expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
            const auto typed = holds<float>(path) ? vjp<float> : vjp<double>;
            typed(path, cotangent, path_bar, basepoint_bar, initial_bar, depth, size, stream, basepoint, initial,
                  inverse, scalar_term, lengths, order, transform, tangent, basepoint_tangent, initial_tangent,
                  workers);
        },
        py::arg("path"), py::arg("cotangent"), py::arg("path_bar"), py::arg("basepoint_bar"), py::arg("initial_bar"),
        py::kw_only(), py::arg("depth"), py::arg("size"), py::arg("stream"), py::arg("basepoint"), py::arg("initial"),
        py::arg("inverse"), py::arg("scalar_term"), py::arg("lengths"), py::arg("order"), py::arg("transform"),
        py::arg("tangent"), py::arg("basepoint_tangent"), py::arg("initial_tangent"), py::arg("workers"));
}

}  // namespace pysig
