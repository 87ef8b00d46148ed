// Incremental signatures: the class of the C++ API, one Python class for each precision.
#include "pysig/incremental.hpp"

#include <string>

#include "arrays.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void register_class(py::module_& m, const char* name) {
    using incremental = incremental_signature<R>;
    py::class_<incremental>(m, name)
        .def(py::init<i64, int>(), py::arg("channels"), py::arg("depth"))
        .def_property_readonly("points", &incremental::points)
        .def("push", [](incremental& self, const py::array& points) { self.push(elements<R>(points)); })
        .def("push_increments",
             [](incremental& self, const py::array& increments) { self.push_increments(elements<R>(increments)); })
        .def("signature",
             [](const incremental& self, py::array out) {
                 const span<const R> known = self.signature();
                 std::copy(known.data(), known.data() + known.size(), output<R>(out, known.size()));
             })
        .def("reset", &incremental::reset)
        .def("copy", [](const incremental& self) { return incremental(self); })
        .def("serialise",
             [](const incremental& self) {
                 const std::vector<unsigned char> bytes = self.serialise();
                 return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
             })
        .def_static("deserialise", [](const std::string& bytes) {
            return incremental::deserialise({reinterpret_cast<const unsigned char*>(bytes.data()), i64(bytes.size())});
        });
}

}  // namespace

void register_incremental(py::module_& m) {
    register_class<float>(m, "IncrementalSignature32");
    register_class<double>(m, "IncrementalSignature64");
}

}  // namespace pysig
