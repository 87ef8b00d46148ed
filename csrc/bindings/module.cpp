// The extension module: all bindings of the list.
#include "register.hpp"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
#define PYSIG_REGISTER(name) pysig::register_##name(m);
    PYSIG_BINDINGS(PYSIG_REGISTER)
#undef PYSIG_REGISTER
}
