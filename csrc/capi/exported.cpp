// The kernels of the compiled library for C++ programs (pysig/detail/kernels.hpp with PYSIG_COMPILED): those of the
// table in use.
#include "isa/table.hpp"
#include "pysig/detail/kernels.hpp"

#define PYSIG_DEFINE_EXPORT(job)                                                       \
    kernel<job<float>> find_kernel(const job<float>*) {                                \
        return static_cast<const table_entry<job<float>>&>(active_kernels()).compute;  \
    }                                                                                  \
    kernel<job<double>> find_kernel(const job<double>*) {                              \
        return static_cast<const table_entry<job<double>>&>(active_kernels()).compute; \
    }

namespace pysig {
namespace exported {
PYSIG_KERNELS(PYSIG_DEFINE_EXPORT)
}
}  // namespace pysig
