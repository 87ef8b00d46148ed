// C3. What every instruction set offers: one table of functions, one instance per set, chosen at first use (dispatch.cpp).
#pragma once

#include "pysig/cpu/job.hpp"

namespace pysig {

struct kernels {
    const char* name;
    int vector_bits;
    void (*signature_f32)(const signature_job<float>&, const executor&);
    void (*signature_f64)(const signature_job<double>&, const executor&);
};

#define PYSIG_DECLARE_KERNELS(isa) extern const kernels kernels_##isa
PYSIG_DECLARE_KERNELS(baseline);
PYSIG_DECLARE_KERNELS(avx2);
PYSIG_DECLARE_KERNELS(avx512);
PYSIG_DECLARE_KERNELS(neon);

// The table in use. The first call chooses; PYSIG_ISA in the environment overrides, and throws std::runtime_error if it names
// a set that this build or this machine lacks.
const kernels& active_kernels();

// The sets that this build holds and this machine runs, best first, separated by spaces.
const char* available_kernels();

inline void run_signature(const signature_job<float>& job, const executor& exec) { active_kernels().signature_f32(job, exec); }
inline void run_signature(const signature_job<double>& job, const executor& exec) { active_kernels().signature_f64(job, exec); }

}  // namespace pysig
