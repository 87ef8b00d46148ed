// What this build is and which instruction set it runs.
#include <pybind11/stl.h>

#include <string>

#include "isa/table.hpp"
#include "register.hpp"

#if defined(__clang__)
#define PYSIG_COMPILER "Clang " __clang_version__
#elif defined(__GNUC__)
#define PYSIG_COMPILER "GCC " __VERSION__
#else
#define PYSIG_COMPILER "unknown"
#endif

namespace pysig {

void register_config(pybind11::module_& m) {
    m.attr("version") = PYSIG_VERSION;
    m.attr("compiler") = PYSIG_COMPILER;
    m.attr("max_shuffle_depth") = max_shuffle_depth;
    m.def("isa", [] { return std::string(active_kernels().name); });
    m.def("vector_bits", [] { return active_kernels().vector_bits; });
    m.def("available_isas", [] { return std::string(available_kernels()); });
}

}  // namespace pysig
