// The extension module: a list of registrations.
#include "register.hpp"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    pysig::register_config(m);
    pysig::register_derivatives(m);
    pysig::register_logsignature(m);
    pysig::register_projection(m);
    pysig::register_signature(m);
    pysig::register_incremental(m);
    pysig::register_tensor(m);
}
