// The kernel of the tensor algebra.
#include "instantiate.hpp"

#include "pysig/cpu/schedules/algebra.hpp"

PYSIG_INSTANTIATE(algebra_job)
