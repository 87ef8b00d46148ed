// Compiled once per instruction set, with PYSIG_ISA and its flags (CMakeLists.txt). No std template may be
// instantiated here: its code would be merged across instruction sets by the linker (tests/cpu/test_isa.py looks for
// that).
#include "pysig/cpu/jobs/projection.hpp"
#include "pysig/cpu/kernels/incremental.hpp"
#include "pysig/cpu/schedules/logsignature.hpp"
#include "pysig/cpu/schedules/signature.hpp"
#include "pysig/cpu/schedules/signature_cumsum.hpp"
#include "pysig/cpu/schedules/signature_jvp.hpp"
#include "pysig/cpu/schedules/signature_vjp.hpp"
#include "table.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
static void signature(const signature_job<R>& job, const executor& exec) {
    compute_signature(job, exec);
}

extern template void compute_signature_jvp<float>(const signature_jvp_job<float>&, const executor&);  // derivatives.cpp
extern template void compute_signature_jvp<double>(const signature_jvp_job<double>&, const executor&);
extern template void compute_signature_vjp<float>(const signature_vjp_job<float>&, const executor&);
extern template void compute_signature_vjp<double>(const signature_vjp_job<double>&, const executor&);

template <class R>
static void signature_jvp(const signature_jvp_job<R>& job, const executor& exec) {
    compute_signature_jvp(job, exec);
}

template <class R>
static void signature_vjp(const signature_vjp_job<R>& job, const executor& exec) {
    compute_signature_vjp(job, exec);
}

extern template void compute_tensor<float>(const tensor_job<float>&, const executor&);  // tensor.cpp
extern template void compute_tensor<double>(const tensor_job<double>&, const executor&);

template <class R>
static void tensor(const tensor_job<R>& job, const executor& exec) {
    compute_tensor(job, exec);
}

template <class R>
void compute_projection(const projection_job<R>&, const executor&);  // projection.cpp
template <class R>
void compute_projection_jvp(const projection_jvp_job<R>&, const executor&);
template <class R>
void compute_projection_vjp(const projection_vjp_job<R>&, const executor&);

template <class R>
static void logsignature(const logsignature_job<R>& job, const executor& exec) {
    compute_logsignature(job, exec);
}

template <class R>
static void incremental(const incremental_job<R>& job) {
    compute_incremental(job);
}

PYSIG_NAMESPACE_END

#define PYSIG_PASTE2(a, b) a##b
#define PYSIG_PASTE(a, b) PYSIG_PASTE2(a, b)
#define PYSIG_QUOTE2(a) #a
#define PYSIG_QUOTE(a) PYSIG_QUOTE2(a)

namespace pysig {
const kernels PYSIG_PASTE(kernels_, PYSIG_ISA) = {PYSIG_QUOTE(PYSIG_ISA),
                                                  PYSIG_ISA::vector_bytes * 8,
                                                  signature<float>,
                                                  signature<double>,
                                                  tensor<float>,
                                                  tensor<double>,
                                                  logsignature<float>,
                                                  logsignature<double>,
                                                  signature_jvp<float>,
                                                  signature_jvp<double>,
                                                  signature_vjp<float>,
                                                  signature_vjp<double>,
                                                  incremental<float>,
                                                  incremental<double>,
                                                  compute_projection<float>,
                                                  compute_projection<double>,
                                                  compute_projection_jvp<float>,
                                                  compute_projection_jvp<double>,
                                                  compute_projection_vjp<float>,
                                                  compute_projection_vjp<double>};
}
