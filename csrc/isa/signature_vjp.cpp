// The kernel of gradients of signatures.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_vjp.hpp"

PYSIG_INSTANTIATE(signature_vjp_job)
