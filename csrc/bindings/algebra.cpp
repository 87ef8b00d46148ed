// The tensor algebra: unpack, drop the GIL, call the table.
#include "jobs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void typed_call(int op, int of, int f, i64 channels, int depth, i64 batch, bool scalar_term, double scalar,
                const optional_array& a, const optional_array& b, const optional_array& da, const optional_array& db,
                const optional_array& g, const py::list& before, const py::list& between, const py::list& after,
                py::array& out, std::optional<py::array>& out_b, int workers) {
    const auto width = [](const optional_array& array) { return array ? i64(array->shape(array->ndim() - 1)) : 0; };
    const maps_of<R> first(before), middle(between), last(after);
    algebra_job<R> job{};
    job.op = static_cast<algebra_op>(op);
    job.derivative = static_cast<derivative>(of);
    job.series = static_cast<series>(f);
    job.channels = channels;
    job.depth = depth;
    job.batch = batch;
    job.scalar_term = scalar_term;
    job.scalar = R(scalar);
    job.a_width = width(a);
    job.cotangent_width = width(g);
    job.out_width = i64(out.shape(out.ndim() - 1));
    job.a = rows_of<R>(a, batch, job.a_width);
    job.b = rows_of<R>(b, batch, job.a_width);
    job.da = rows_of<R>(da, batch, job.a_width);
    job.db = rows_of<R>(db, batch, job.a_width);
    job.cotangent = rows_of<R>(g, batch, job.cotangent_width);
    job.before = first.get();
    job.between = middle.get();
    job.after = last.get();
    job.out = output<R>(out, batch * job.out_width);
    job.out_b = out_b ? output<R>(*out_b, batch * job.a_width) : nullptr;
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

}  // namespace

void register_tensor(py::module_& m) {
    m.def(
        "tensor",
        [](int op, int of, int f, i64 channels, int depth, i64 batch, bool scalar_term, double scalar,
           const optional_array& a, const optional_array& b, const optional_array& da, const optional_array& db,
           const optional_array& g, const py::list& before, const py::list& between, const py::list& after,
           py::array out, std::optional<py::array> out_b, int workers) {
            expect(holds<float>(out) || holds<double>(out), "out must be float32 or float64");
            const auto typed = holds<float>(out) ? typed_call<float> : typed_call<double>;
            typed(op, of, f, channels, depth, batch, scalar_term, scalar, a, b, da, db, g, before, between, after, out,
                  out_b, workers);
        },
        py::kw_only(), py::arg("op"), py::arg("of"), py::arg("f"), py::arg("channels"), py::arg("depth"),
        py::arg("batch"), py::arg("scalar_term"), py::arg("scalar"), py::arg("a"), py::arg("b"), py::arg("da"),
        py::arg("db"), py::arg("g"), py::arg("before"), py::arg("between"), py::arg("after"), py::arg("out"),
        py::arg("out_b"), py::arg("workers"));
}

}  // namespace pysig
