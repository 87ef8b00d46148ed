// The kernel of derivatives of signatures along a direction.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_jvp.hpp"

PYSIG_INSTANTIATE(signature_jvp_job)
