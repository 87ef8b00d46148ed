// The tensor algebra.
#include "pysig/detail/kernels.hpp"
#include "register.hpp"
#include "rows.hpp"

namespace pysig {
namespace {

// algebra_op, derivative, series.
using operation = std::tuple<int, int, int>;
// channels, depth, scalar_term, the coefficient of the empty word if it is not stored.
using algebra_layout = std::tuple<i64, int, bool, double>;
// a, b, their tangents, the cotangent.
using operands = std::tuple<optional_array, optional_array, optional_array, optional_array, optional_array>;
// before, between, after: see algebra_job.
using map_lists = std::tuple<py::list, py::list, py::list>;

template <class R>
algebra_job<R> job_of(const operation& what, const algebra_layout& layout, const operands& rows, i64 batch) {
    const auto& [op, derivative, series] = what;
    const auto& [channels, depth, scalar_term, scalar] = layout;
    const auto& [a, b, da, db, cotangent] = rows;
    algebra_job<R> job{};
    job.op = static_cast<algebra_op>(op);
    job.derivative = static_cast<pysig::derivative>(derivative);
    job.series = static_cast<pysig::series>(series);
    job.channels = channels;
    job.depth = depth;
    job.batch = batch;
    job.scalar_term = scalar_term;
    job.scalar = R(scalar);
    job.a_width = width_of(a);
    job.cotangent_width = width_of(cotangent);
    job.a = rows_of<R>(a, batch, job.a_width);
    job.b = rows_of<R>(b, batch, job.a_width);
    job.da = rows_of<R>(da, batch, job.a_width);
    job.db = rows_of<R>(db, batch, job.a_width);
    job.cotangent = rows_of<R>(cotangent, batch, job.cotangent_width);
    return job;
}

void algebra(const operation& what, const algebra_layout& layout, const operands& rows, const map_lists& maps,
             py::array out, optional_array out_b, int workers) {
    with_dtype(out, [&](auto zero) {
        using R = decltype(zero);
        const maps_of<R> before(std::get<0>(maps)), between(std::get<1>(maps)), after(std::get<2>(maps));
        algebra_job<R> job = job_of<R>(what, layout, rows, i64(out.shape(0)));
        job.before = before.get();
        job.between = between.get();
        job.after = after.get();
        job.out_width = i64(out.shape(out.ndim() - 1));
        job.out = output<R>(out, job.batch * job.out_width);
        job.out_b = output_or_null<R>(out_b, job.batch * job.a_width);
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

}  // namespace

void register_algebra(py::module_& m) {
    m.def("algebra", &algebra, py::arg("operation"), py::arg("layout"), py::arg("rows"), py::arg("maps"),
          py::arg("out"), py::arg("out_b"), py::arg("workers"));
}

}  // namespace pysig
