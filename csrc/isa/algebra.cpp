// The tensor algebra, compiled once per instruction set beside kernels.cpp, whose rules hold here too.
#include "pysig/cpu/schedules/algebra.hpp"

PYSIG_NAMESPACE_BEGIN

template void compute_tensor<float>(const tensor_job<float>&, const executor&);
template void compute_tensor<double>(const tensor_job<double>&, const executor&);

PYSIG_NAMESPACE_END
