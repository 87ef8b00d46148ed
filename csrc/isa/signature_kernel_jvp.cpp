// The kernel of derivatives of signature kernels along directions.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_kernel_jvp.hpp"

PYSIG_INSTANTIATE(signature_kernel_jvp_job)
