// C3. Compiled once per instruction set, with PYSIG_ISA and its flags (CMakeLists.txt). No std template may be instantiated here: its
// code would be merged across instruction sets by the linker (tests/test_isa.py looks for that).
#include "pysig/cpu/cumsum.hpp"
#include "pysig/cpu/signature.hpp"
#include "table.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
static void signature(const signature_job<R>& job, const executor& exec) {
    compute_signature(job, exec);
}

PYSIG_NAMESPACE_END

#define PYSIG_PASTE2(a, b) a##b
#define PYSIG_PASTE(a, b) PYSIG_PASTE2(a, b)
#define PYSIG_QUOTE2(a) #a
#define PYSIG_QUOTE(a) PYSIG_QUOTE2(a)

namespace pysig {
const kernels PYSIG_PASTE(kernels_, PYSIG_ISA) = {PYSIG_QUOTE(PYSIG_ISA), PYSIG_ISA::vector_bytes * 8, signature<float>,
                                                  signature<double>};
}
