// The table of one instruction set, whose kernels the other files of this folder instantiate.
#include "table.hpp"

#include "pysig/cpu/lanes/lanes.hpp"

#define PYSIG_PASTE2(a, b) a##b
#define PYSIG_PASTE(a, b) PYSIG_PASTE2(a, b)
#define PYSIG_QUOTE2(a) #a
#define PYSIG_QUOTE(a) PYSIG_QUOTE2(a)

#define PYSIG_TABLE PYSIG_PASTE(kernels_, PYSIG_ISA)
#define PYSIG_ENTRY(job) {&compute}, {&compute},  // float, double: the type of the entry selects the overload

namespace pysig {
const kernel_table PYSIG_TABLE = {PYSIG_KERNELS(PYSIG_ENTRY){PYSIG_QUOTE(PYSIG_ISA), vector_bytes * 8}};
}
