// Plain calls, for which checks in Python may cost more than the work: native, aligned NumPy arrays of floats
// themselves (no subclass), a depth that is an int, no option. What is checked here is right for sure; for everything
// else a plain call returns None, and goes through the checks of pysig/_api.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "arrays.hpp"

namespace pysig {

// The bytes of a number of an array that is plain: float64 or float32, native, aligned; 0 for everything else.
inline int plain_bytes(const py::handle& object) {
    const auto& api = py::detail::npy_api::get();
    if (reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())) != reinterpret_cast<PyObject*>(api.PyArray_Type_)) return 0;
    const auto array = py::reinterpret_borrow<py::array>(object);
    const int bytes = holds<double>(array) ? sizeof(double) : holds<float>(array) ? sizeof(float) : 0;
    if (!bytes || !(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_)) return 0;
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis)
        if (array.strides(axis) % bytes) return 0;
    return bytes;
}

// Paths (length, channels) or (batch, length, channels).
struct plain_path {
    py::array array;
    int bytes;  // of a number
    int depth;
    bool batched;
    i64 batch, length, channels;
    double size;  // of a signature

    bool single() const { return bytes == sizeof(float); }

    // Of so many operations on signatures for each path.
    double multiply_adds(double operations) const { return double(batch) * size * operations; }

    // The shape of an array that has these axes for every path.
    std::vector<py::ssize_t> shape(std::initializer_list<i64> own) const {
        std::vector<py::ssize_t> whole;
        if (batched) whole.push_back(py::ssize_t(batch));
        whole.insert(whole.end(), own.begin(), own.end());
        return whole;
    }
    std::vector<py::ssize_t> path_shape() const { return shape({length, channels}); }
    std::vector<py::ssize_t> signature_shape() const { return shape({i64(size)}); }

    // Whether `other` is plain, of the same dtype, and has this shape.
    bool goes_with(const py::handle& other, const std::vector<py::ssize_t>& wanted) const {
        if (plain_bytes(other) != bytes) return false;
        const auto given = py::reinterpret_borrow<py::array>(other);
        return given.ndim() == py::ssize_t(wanted.size()) && std::equal(wanted.begin(), wanted.end(), given.shape());
    }

    // An array of the shape of the path, as paths.
    template <class R>
    path_view<R> view(const py::array& of) const {
        const auto stride = [&](py::ssize_t axis) { return i64(of.strides(axis)) / i64(sizeof(R)); };
        const py::ssize_t time = batched;
        return {static_cast<const R*>(of.data()),
                batch,
                length,
                channels,
                batched ? stride(0) : 0,
                stride(time),
                stride(time + 1),
                nullptr,
                nullptr,
                nullptr};
    }

    // The signatures of the path; `out` may be filled in later.
    template <class R>
    signature_job<R> job(R* out = nullptr) const {
        return {view<R>(array), depth, method::automatic, false, false, false, nullptr, out};
    }
};

// None unless the path and the depth are as described and the signatures of all paths, of which even an empty batch is
// said to have one, take no more than `limit` bytes.
inline std::optional<plain_path> plain_path_of(const py::object& path, const py::object& depth, double limit) {
    const int bytes = plain_bytes(path);
    if (!bytes || !PyLong_CheckExact(depth.ptr())) return std::nullopt;
    const long number = PyLong_AsLong(depth.ptr());
    if (number == -1 && PyErr_Occurred()) PyErr_Clear();
    const auto array = py::reinterpret_borrow<py::array>(path);
    const py::ssize_t ndim = array.ndim();
    if (number < 1 || number > 32 || ndim < 2 || ndim > 3) return std::nullopt;
    plain_path from{array,
                    bytes,
                    int(number),
                    ndim == 3,
                    ndim == 3 ? i64(array.shape(0)) : 1,
                    i64(array.shape(ndim - 2)),
                    i64(array.shape(ndim - 1)),
                    0};
    for (int k = 0; k < from.depth && from.size <= limit; ++k) from.size = (from.size + 1) * double(from.channels);
    const double rows = from.batch > 0 ? double(from.batch) : 1;  // beyond the limit `size` is not known
    if (from.length < 1 || from.channels < 1 || rows * from.size * from.bytes > limit) return std::nullopt;
    return from;
}

// Who computes a plain call: `work` multiply-adds that are little are worth no second thread, no look at signals, no
// release of the GIL. With 0 workers nothing else is done.
class plain_run {
 public:
    plain_run(double work, int workers) : little(work <= small_work), workers(workers) {}

    bool refuses() const { return !little && workers == 0; }

    template <class F>
    void operator()(F&& call) const {
        if (little) call(team(1).get());
        else run_released(workers, call);
    }

 private:
    static constexpr double small_work = 1e5;
    const bool little;
    const int workers;
};

}  // namespace pysig
