// Derivatives, compiled once per instruction set beside kernels.cpp, whose rules hold here too.
#include "pysig/cpu/schedules/signature_vjp.hpp"
#include "pysig/cpu/schedules/signature_jvp.hpp"

PYSIG_NAMESPACE_BEGIN

template void compute_signature_jvp<float>(const signature_jvp_job<float>&, const executor&);
template void compute_signature_jvp<double>(const signature_jvp_job<double>&, const executor&);
template void compute_signature_vjp<float>(const signature_vjp_job<float>&, const executor&);
template void compute_signature_vjp<double>(const signature_vjp_job<double>&, const executor&);

PYSIG_NAMESPACE_END
