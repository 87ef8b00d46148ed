// The kernel of signatures.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/signature.hpp"

PYSIG_INSTANTIATE(signature_job)
