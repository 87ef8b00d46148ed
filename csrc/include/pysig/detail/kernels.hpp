// run(job, executor): computes a job.
//
// By default the kernels are compiled into the program, with its flags. With PYSIG_COMPILED, which the CMake target
// pysig::pysig defines, the kernels are those of the library, which chooses the instruction set at run time.
#pragma once

#include "../cpu/kernels/incremental.hpp"
#include "../cpu/threads/parallel.hpp"
#include "kernel_list.hpp"

#ifdef PYSIG_COMPILED
#include "../pysig.h"

// The kernel of a job type for the instruction set in use; the argument only selects the overload. Throws
// std::runtime_error if PYSIG_ISA in the environment names a set that this build or this machine lacks.
#define PYSIG_DECLARE_EXPORT(job)                                        \
    PYSIG_API kernel<job<float>> find_kernel(const job<float>* selects); \
    PYSIG_API kernel<job<double>> find_kernel(const job<double>* selects);
namespace pysig {
namespace exported {
PYSIG_KERNELS(PYSIG_DECLARE_EXPORT)
}
}  // namespace pysig
#undef PYSIG_DECLARE_EXPORT
#else
#include "../cpu/kernels/sliding.hpp"
#include "../cpu/schedules/algebra.hpp"
#include "../cpu/schedules/logsignature.hpp"
#include "../cpu/schedules/signature.hpp"
#include "../cpu/schedules/signature_jvp.hpp"
#include "../cpu/schedules/signature_kernel.hpp"
#include "../cpu/schedules/signature_kernel_jvp.hpp"
#include "../cpu/schedules/signature_kernel_vjp.hpp"
#include "../cpu/schedules/signature_vjp.hpp"
#endif

PYSIG_NAMESPACE_BEGIN
namespace detail {

// Small calls take less than a microsecond, so a program looks up each kernel once, not at every call. If the choice of
// the instruction set throws, the next call repeats it.
template <class Job>
PYSIG_HIDDEN kernel<Job> find_kernel() {
#ifdef PYSIG_COMPILED
    static const kernel<Job> found = exported::find_kernel(static_cast<const Job*>(nullptr));
    return found;
#else
    return &compute;
#endif
}

template <class Job>
void run(const Job& job, const executor& exec) {
    find_kernel<Job>()(job, exec);
}

}  // namespace detail
PYSIG_NAMESPACE_END
