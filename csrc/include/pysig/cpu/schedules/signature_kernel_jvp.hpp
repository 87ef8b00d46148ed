// Derivatives of signature kernels along directions: the schedule of the values, on dual numbers.
#pragma once

#include "signature_kernel.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
void compute(const signature_kernel_jvp_job<R>& job, const executor& exec) {
    compute_pairs<R, dual<lanes<R>>, unrolled_derivatives>(job.value, {job.along_x, job.along_y, job.along_increments},
                                                           exec);
}

PYSIG_NAMESPACE_END
