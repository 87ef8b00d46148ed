// The kernel of incremental signatures.
#include "instantiate.hpp"

#include "pysig/cpu/kernels/incremental.hpp"

PYSIG_INSTANTIATE(incremental_job)
