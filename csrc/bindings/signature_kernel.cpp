// signature_kernel.
#include "kernel_pairs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

void signature_kernel(const pair_arrays& pairs, py::array out, const kernel_layout& layout, int rows, int workers) {
    with_dtype(any_array_of(pairs), [&](auto zero) {
        using R = decltype(zero);
        const kernel_rule_of rule(layout);
        signature_kernel_job<R> job{pairs_of<R>(pairs), rule.value, static_cast<kernel_rows>(rows), nullptr};
        job.out = output<R>(out, pair_count(job.pairs) * numbers_of_pair(job));
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

}  // namespace

void register_signature_kernel(py::module_& m) {
    m.def("signature_kernel", &signature_kernel, py::arg("pairs"), py::arg("out"), py::arg("layout"), py::arg("rows"),
          py::arg("workers"));
}

}  // namespace pysig
