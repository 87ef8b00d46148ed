// The kernels of projections.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/projection.hpp"

PYSIG_INSTANTIATE(projection_job)
PYSIG_INSTANTIATE(projection_jvp_job)
