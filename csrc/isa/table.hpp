// What every instruction set offers: one table of functions, one instance per set, chosen at first use
// (dispatch.cpp).
#pragma once

#include "pysig/cpu/jobs/incremental.hpp"
#include "pysig/cpu/jobs/logsignature.hpp"
#include "pysig/cpu/jobs/projection.hpp"
#include "pysig/cpu/jobs/signature.hpp"
#include "pysig/cpu/jobs/signature_vjp.hpp"
#include "pysig/pysig.h"

namespace pysig {

struct kernels {
    const char* name;
    int vector_bits;
    void (*signature_f32)(const signature_job<float>&, const executor&);
    void (*signature_f64)(const signature_job<double>&, const executor&);
    void (*tensor_f32)(const tensor_job<float>&, const executor&);
    void (*tensor_f64)(const tensor_job<double>&, const executor&);
    void (*logsignature_f32)(const logsignature_job<float>&, const executor&);
    void (*logsignature_f64)(const logsignature_job<double>&, const executor&);
    void (*signature_jvp_f32)(const signature_jvp_job<float>&, const executor&);
    void (*signature_jvp_f64)(const signature_jvp_job<double>&, const executor&);
    void (*signature_vjp_f32)(const signature_vjp_job<float>&, const executor&);
    void (*signature_vjp_f64)(const signature_vjp_job<double>&, const executor&);
    void (*incremental_f32)(const incremental_job<float>&);
    void (*incremental_f64)(const incremental_job<double>&);
    void (*projection_f32)(const projection_job<float>&, const executor&);
    void (*projection_f64)(const projection_job<double>&, const executor&);
    void (*projection_jvp_f32)(const projection_jvp_job<float>&, const executor&);
    void (*projection_jvp_f64)(const projection_jvp_job<double>&, const executor&);
    void (*projection_vjp_f32)(const projection_vjp_job<float>&, const executor&);
    void (*projection_vjp_f64)(const projection_vjp_job<double>&, const executor&);
};

#define PYSIG_DECLARE_KERNELS(isa) extern const kernels kernels_##isa
PYSIG_DECLARE_KERNELS(baseline);
PYSIG_DECLARE_KERNELS(avx2);
PYSIG_DECLARE_KERNELS(avx512);
PYSIG_DECLARE_KERNELS(neon);

// The table in use. The first call chooses; PYSIG_ISA in the environment overrides, and throws std::runtime_error if it
// names a set that this build or this machine lacks.
PYSIG_API const kernels& active_kernels();

// The sets that this build holds and this machine runs, best first, separated by spaces.
PYSIG_API const char* available_kernels();

inline void run_signature(const signature_job<float>& job, const executor& exec) {
    active_kernels().signature_f32(job, exec);
}
inline void run_signature(const signature_job<double>& job, const executor& exec) {
    active_kernels().signature_f64(job, exec);
}
inline void run_tensor(const tensor_job<float>& job, const executor& exec) { active_kernels().tensor_f32(job, exec); }
inline void run_tensor(const tensor_job<double>& job, const executor& exec) { active_kernels().tensor_f64(job, exec); }
inline void run_logsignature(const logsignature_job<float>& job, const executor& exec) {
    active_kernels().logsignature_f32(job, exec);
}
inline void run_logsignature(const logsignature_job<double>& job, const executor& exec) {
    active_kernels().logsignature_f64(job, exec);
}
inline void run_signature_jvp(const signature_jvp_job<float>& job, const executor& exec) {
    active_kernels().signature_jvp_f32(job, exec);
}
inline void run_signature_jvp(const signature_jvp_job<double>& job, const executor& exec) {
    active_kernels().signature_jvp_f64(job, exec);
}
inline void run_signature_vjp(const signature_vjp_job<float>& job, const executor& exec) {
    active_kernels().signature_vjp_f32(job, exec);
}
inline void run_signature_vjp(const signature_vjp_job<double>& job, const executor& exec) {
    active_kernels().signature_vjp_f64(job, exec);
}
inline void run_projection(const projection_job<float>& job, const executor& exec) {
    active_kernels().projection_f32(job, exec);
}
inline void run_projection(const projection_job<double>& job, const executor& exec) {
    active_kernels().projection_f64(job, exec);
}
inline void run_projection_jvp(const projection_jvp_job<float>& job, const executor& exec) {
    active_kernels().projection_jvp_f32(job, exec);
}
inline void run_projection_jvp(const projection_jvp_job<double>& job, const executor& exec) {
    active_kernels().projection_jvp_f64(job, exec);
}
inline void run_projection_vjp(const projection_vjp_job<float>& job, const executor& exec) {
    active_kernels().projection_vjp_f32(job, exec);
}
inline void run_projection_vjp(const projection_vjp_job<double>& job, const executor& exec) {
    active_kernels().projection_vjp_f64(job, exec);
}

}  // namespace pysig
