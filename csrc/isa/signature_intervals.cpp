// The kernel of signatures of intervals.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature_intervals.hpp"

PYSIG_INSTANTIATE(signature_intervals_job)
