// The kernels of an instruction set: one table for each set, chosen at the first call (dispatch.cpp).
#pragma once

#include "pysig/detail/kernel_list.hpp"
#include "pysig/pysig.h"

namespace pysig {

template <class Job>
struct table_entry {
    kernel<Job> compute;
};

struct set_name {
    const char* name;
    int vector_bits;
};

#define PYSIG_ENTRY(job) table_entry<job<float>>, table_entry<job<double>>,
struct kernel_table : PYSIG_KERNELS(PYSIG_ENTRY) set_name {};
#undef PYSIG_ENTRY

#define PYSIG_DECLARE_TABLE(isa) extern const kernel_table kernels_##isa
PYSIG_DECLARE_TABLE(baseline);
PYSIG_DECLARE_TABLE(avx2);
PYSIG_DECLARE_TABLE(avx512);
PYSIG_DECLARE_TABLE(neon);
#undef PYSIG_DECLARE_TABLE

// The table in use. The first call chooses it. Throws std::runtime_error if PYSIG_ISA in the environment names a set
// that this build or this machine lacks.
PYSIG_API const kernel_table& active_kernels();

// The sets that this build holds and this machine runs, best first, separated by spaces.
PYSIG_API const char* available_kernels();

}  // namespace pysig
