// The kernel of signature kernels.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_kernel.hpp"

PYSIG_INSTANTIATE(signature_kernel_job)
