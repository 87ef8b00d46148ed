// The kernel of sliding signatures.
#include "instantiate.hpp"

#include "pysig/cpu/kernels/sliding.hpp"

PYSIG_INSTANTIATE(sliding_job)
