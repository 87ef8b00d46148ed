// The list of bindings: one line for each file, which defines register_NAME. module.cpp calls them and nothing else.
#pragma once

#include <pybind11/pybind11.h>

#define PYSIG_BINDINGS(X)  \
    X(config)              \
    X(algebra)             \
    X(incremental)         \
    X(logsignature)        \
    X(projection)          \
    X(rows_of_list)        \
    X(signature)           \
    X(signature_intervals) \
    X(signature_jvp)       \
    X(signature_kernel)    \
    X(signature_vjp)       \
    X(sliding)

namespace pysig {
#define PYSIG_DECLARE_BINDING(name) void register_##name(pybind11::module_& m);
PYSIG_BINDINGS(PYSIG_DECLARE_BINDING)
#undef PYSIG_DECLARE_BINDING
}  // namespace pysig
