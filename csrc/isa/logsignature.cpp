// The kernel of log-signatures.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/logsignature.hpp"

PYSIG_INSTANTIATE(logsignature_job)
