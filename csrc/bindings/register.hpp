// One registration for each file of bindings; module.cpp calls them and nothing else.
#pragma once

#include <pybind11/pybind11.h>

namespace pysig {
void register_config(pybind11::module_& m);
void register_derivatives(pybind11::module_& m);
void register_logsignature(pybind11::module_& m);
void register_projection(pybind11::module_& m);
void register_signature(pybind11::module_& m);
void register_incremental(pybind11::module_& m);
void register_tensor(pybind11::module_& m);
}  // namespace pysig
