// Projections, compiled once per instruction set beside kernels.cpp, whose rules hold here too.
#include "pysig/cpu/schedules/projection.hpp"
#include "pysig/cpu/schedules/projection_vjp.hpp"

PYSIG_NAMESPACE_BEGIN

template void compute_projection<float>(const projection_job<float>&, const executor&);
template void compute_projection<double>(const projection_job<double>&, const executor&);
template void compute_projection_jvp<float>(const projection_jvp_job<float>&, const executor&);
template void compute_projection_jvp<double>(const projection_jvp_job<double>&, const executor&);
template void compute_projection_vjp<float>(const projection_vjp_job<float>&, const executor&);
template void compute_projection_vjp<double>(const projection_vjp_job<double>&, const executor&);

PYSIG_NAMESPACE_END
