// The kernel of gradients of signature kernels.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_kernel_vjp.hpp"

PYSIG_INSTANTIATE(signature_kernel_vjp_job)
