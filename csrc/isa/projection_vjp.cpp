// The kernel of gradients of projections.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/projection_vjp.hpp"

PYSIG_INSTANTIATE(projection_vjp_job)
