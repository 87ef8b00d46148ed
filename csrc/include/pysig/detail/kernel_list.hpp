// The list of kernels: one line for each job type. The table of an instruction set, the explicit instantiations and the
// exports of the library are generated from it.
#pragma once

#include "../cpu/jobs/algebra.hpp"
#include "../cpu/jobs/incremental.hpp"
#include "../cpu/jobs/logsignature.hpp"
#include "../cpu/jobs/projection.hpp"
#include "../cpu/jobs/signature.hpp"
#include "../cpu/jobs/signature_intervals.hpp"
#include "../cpu/jobs/signature_kernel.hpp"
#include "../cpu/jobs/signature_vjp.hpp"
#include "../cpu/jobs/sliding.hpp"

// A schedule defines `template <class R> void compute(const JOB<R>&, const executor&)`, not inline; isa/STEM.cpp
// instantiates it.
#define PYSIG_KERNELS(X)        \
    X(signature_job)            \
    X(signature_jvp_job)        \
    X(signature_intervals_job)  \
    X(signature_vjp_job)        \
    X(logsignature_job)         \
    X(projection_job)           \
    X(projection_jvp_job)       \
    X(projection_vjp_job)       \
    X(algebra_job)              \
    X(incremental_job)          \
    X(sliding_job)              \
    X(signature_kernel_job)     \
    X(signature_kernel_jvp_job) \
    X(signature_kernel_vjp_job)

namespace pysig {
template <class Job>
using kernel = void (*)(const Job&, const executor&);
}  // namespace pysig

// Declares the overloads of every instruction set.
#define PYSIG_DECLARE_COMPUTE(job) \
    template <class R>             \
    void compute(const job<R>&, const executor&);
PYSIG_NAMESPACE_BEGIN
PYSIG_KERNELS(PYSIG_DECLARE_COMPUTE)
PYSIG_NAMESPACE_END
#undef PYSIG_DECLARE_COMPUTE
