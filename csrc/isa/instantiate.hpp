// What the files of this folder share. Each is compiled once per instruction set, with PYSIG_ISA and its flags
// (CMakeLists.txt), and instantiates kernels.
//
// No template or inline function of the standard library may be instantiated in them: the linker would merge its code
// across instruction sets, and an old processor would meet the instructions of a new one. tests/cpu/test_isa.py looks
// for such symbols.
#pragma once

#include "pysig/detail/kernel_list.hpp"

// A kernel that calls another one does not compile it again.
#define PYSIG_EXTERN_KERNEL(job)                                      \
    extern template void compute(const job<float>&, const executor&); \
    extern template void compute(const job<double>&, const executor&);
PYSIG_NAMESPACE_BEGIN
PYSIG_KERNELS(PYSIG_EXTERN_KERNEL)
PYSIG_NAMESPACE_END
#undef PYSIG_EXTERN_KERNEL

#define PYSIG_INSTANTIATE(job)                                  \
    PYSIG_NAMESPACE_BEGIN                                       \
    template void compute(const job<float>&, const executor&);  \
    template void compute(const job<double>&, const executor&); \
    PYSIG_NAMESPACE_END
