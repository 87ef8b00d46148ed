// Where the kernels come from. Without a word they are compiled into the program, for the machine that
// its flags name. With PYSIG_COMPILED (the CMake target pysig::pysig defines it) they are those of the library, which
// chooses the instruction set at run time.
#pragma once

#include "../cpu/kernels/incremental.hpp"
#include "../cpu/threads/parallel.hpp"

#ifdef PYSIG_COMPILED
#include "../cpu/jobs/logsignature.hpp"
#include "../cpu/jobs/signature_vjp.hpp"
#include "../pysig.h"

namespace pysig {
namespace exported {
PYSIG_API void run(const signature_job<float>&, const executor&);
PYSIG_API void run(const signature_job<double>&, const executor&);
PYSIG_API void run(const signature_jvp_job<float>&, const executor&);
PYSIG_API void run(const signature_jvp_job<double>&, const executor&);
PYSIG_API void run(const signature_vjp_job<float>&, const executor&);
PYSIG_API void run(const signature_vjp_job<double>&, const executor&);
PYSIG_API void run(const logsignature_job<float>&, const executor&);
PYSIG_API void run(const logsignature_job<double>&, const executor&);
PYSIG_API void run(const tensor_job<float>&, const executor&);
PYSIG_API void run(const tensor_job<double>&, const executor&);
// Incremental signatures look up the function once, not at every push.
using incremental_f32 = void (*)(const incremental_job<float>&);
using incremental_f64 = void (*)(const incremental_job<double>&);
PYSIG_API incremental_f32 incremental_kernel(float);
PYSIG_API incremental_f64 incremental_kernel(double);
}  // namespace exported
}  // namespace pysig

PYSIG_NAMESPACE_BEGIN
namespace detail {
using exported::incremental_kernel;
using exported::run;
}  // namespace detail
PYSIG_NAMESPACE_END
#else
#include "../cpu/schedules/algebra.hpp"
#include "../cpu/schedules/logsignature.hpp"
#include "../cpu/schedules/signature.hpp"
#include "../cpu/schedules/signature_jvp.hpp"
#include "../cpu/schedules/signature_vjp.hpp"

PYSIG_NAMESPACE_BEGIN
namespace detail {
template <class R>
void run(const signature_job<R>& job, const executor& exec) {
    compute_signature(job, exec);
}
template <class R>
void run(const signature_jvp_job<R>& job, const executor& exec) {
    compute_signature_jvp(job, exec);
}
template <class R>
void run(const signature_vjp_job<R>& job, const executor& exec) {
    compute_signature_vjp(job, exec);
}
template <class R>
void run(const logsignature_job<R>& job, const executor& exec) {
    compute_logsignature(job, exec);
}
template <class R>
void run(const tensor_job<R>& job, const executor& exec) {
    compute_tensor(job, exec);
}
template <class R>
auto incremental_kernel(R) {
    return static_cast<void (*)(const incremental_job<R>&)>(&compute_incremental<R>);
}
}  // namespace detail
PYSIG_NAMESPACE_END
#endif
