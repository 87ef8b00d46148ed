// The kernels of the compiled library for C++ programs (door/kernels.hpp with PYSIG_COMPILED): the table that runs
// here.
#include "isa/table.hpp"
#include "pysig/detail/kernels.hpp"

namespace pysig {
namespace exported {

void run(const signature_job<float>& job, const executor& exec) { run_signature(job, exec); }
void run(const signature_job<double>& job, const executor& exec) { run_signature(job, exec); }
void run(const signature_jvp_job<float>& job, const executor& exec) { run_signature_jvp(job, exec); }
void run(const signature_jvp_job<double>& job, const executor& exec) { run_signature_jvp(job, exec); }
void run(const signature_vjp_job<float>& job, const executor& exec) { run_signature_vjp(job, exec); }
void run(const signature_vjp_job<double>& job, const executor& exec) { run_signature_vjp(job, exec); }
void run(const logsignature_job<float>& job, const executor& exec) { run_logsignature(job, exec); }
void run(const logsignature_job<double>& job, const executor& exec) { run_logsignature(job, exec); }
void run(const tensor_job<float>& job, const executor& exec) { run_tensor(job, exec); }
void run(const tensor_job<double>& job, const executor& exec) { run_tensor(job, exec); }
incremental_f32 incremental_kernel(float) { return active_kernels().incremental_f32; }
incremental_f64 incremental_kernel(double) { return active_kernels().incremental_f64; }

}  // namespace exported
}  // namespace pysig
