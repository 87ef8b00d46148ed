// rows_of_list.
#include "fast_path.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// The addresses and the lengths of arrays (length, channels), if all of them are ndarrays of float32 or float64 of one
// dtype and number of channels, aligned and contiguous, of at least one point; else None. Nothing is copied: the
// addresses are valid as long as the list.
py::object rows_of_list(const py::list& items) {
    const auto& numpy = py::detail::npy_api::get();
    const i64 count = i64(items.size());
    const i64 size = count ? number_bytes(items[0]) : 0;
    if (!size) return py::none();
    constexpr int plain = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    const auto* first = py::detail::array_proxy(items[0].ptr());
    py::array_t<i64> addresses(count), lengths(count);
    i64 *address = addresses.mutable_data(), *length = lengths.mutable_data();
    for (i64 k = 0; k < count; ++k) {
        PyObject* item = PyList_GET_ITEM(items.ptr(), k);
        if (Py_TYPE(item) != Py_TYPE(items[0].ptr())) return py::none();
        const auto* array = py::detail::array_proxy(item);
        const bool same = array->descr == first->descr || numpy.PyArray_EquivTypes_(array->descr, first->descr);
        if (!same || array->nd != 2 || (array->flags & plain) != plain) return py::none();
        if (array->dimensions[0] < 1 || array->dimensions[1] < 1 || array->dimensions[1] != first->dimensions[1])
            return py::none();
        address[k] = reinterpret_cast<i64>(array->data);
        length[k] = i64(array->dimensions[0]);
    }
    return py::make_tuple(addresses, lengths);
}

}  // namespace

void register_rows_of_list(py::module_& m) { m.def("rows_of_list", &rows_of_list, py::arg("items")); }

}  // namespace pysig
