// Sliding signatures: the class of the C++ API, one Python class for each precision.
#include "pysig/sliding.hpp"

#include <string>

#include "arrays.hpp"
#include "register.hpp"

namespace pysig {
namespace {

template <class R>
void push(sliding_signature<R>& self, const py::array& points, const optional_array& times) {
    if (!times) self.push(elements<R>(points));
    else if (holds<double>(*times)) self.push(elements<R>(points), elements<double>(*times));
    else self.push(elements<R>(points), elements<std::int64_t>(*times));
}

template <class R>
void register_class(py::module_& m, const char* name) {
    using sliding = sliding_signature<R>;
    py::class_<sliding>(m, name)
        .def(py::init<i64, int, bool>(), py::arg("channels"), py::arg("depth"), py::arg("worst_case"))
        .def_property_readonly("channels", &sliding::channels)
        .def_property_readonly("depth", &sliding::depth)
        .def_property_readonly("worst_case", &sliding::worst_case)
        .def_property_readonly("points", &sliding::points)
        .def_property_readonly("capacity", &sliding::capacity)
        .def_static("row_count", &sliding::row_count)
        .def("capacity_for", &sliding::capacity_for)
        .def("reserve", &sliding::reserve)
        .def("push", &push<R>, py::arg("points"), py::arg("times") = py::none())
        .def("pop", &sliding::pop)
        .def("evict", &sliding::template evict<std::int64_t>)
        .def("evict", &sliding::template evict<double>)
        .def("signature", [](const sliding& self,
                             py::array out) { self.signature_into({output<R>(out, self.size()), self.size()}); })
        .def("reset", &sliding::reset)
        .def("copy", [](const sliding& self) { return sliding(self); })
        .def("serialise",
             [](const sliding& self) {
                 const std::vector<unsigned char> bytes = self.serialise();
                 return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
             })
        .def_static("deserialise", [](const std::string& bytes) {
            return sliding::deserialise({reinterpret_cast<const unsigned char*>(bytes.data()), i64(bytes.size())});
        });
}

}  // namespace

void register_sliding(py::module_& m) {
    register_class<float>(m, "SlidingSignature32");
    register_class<double>(m, "SlidingSignature64");
}

}  // namespace pysig
