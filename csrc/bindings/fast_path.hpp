// The fast path, for calls whose checks in Python may cost more than the computation. It accepts native, aligned NumPy
// arrays of floats (not of a subclass), a depth that is an int, and no options. For any other call a function of the
// fast path returns None without raising an error, and pysig/_api checks the call.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "paths.hpp"

namespace pysig {

// The bytes of a number of an accepted array: float64 or float32, native, aligned. 0 for anything else.
inline int number_bytes(const py::handle& object) {
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
struct fast_paths {
    py::array array;
    int bytes;  // of a number
    int depth;
    bool batched;
    i64 batch, length, channels;
    double size;  // of a signature

    bool single() const { return bytes == sizeof(float); }

    // Of `operations` on signatures for each path.
    double multiply_adds(double operations) const { return double(batch) * size * operations; }

    // The shape of an array with these axes for every path.
    std::vector<py::ssize_t> shape(std::initializer_list<i64> own) const {
        std::vector<py::ssize_t> whole;
        if (batched) whole.push_back(py::ssize_t(batch));
        whole.insert(whole.end(), own.begin(), own.end());
        return whole;
    }
    std::vector<py::ssize_t> path_shape() const { return shape({length, channels}); }
    std::vector<py::ssize_t> signature_shape() const { return shape({i64(size)}); }

    // Whether `other` is accepted, has the same dtype and this shape.
    bool matches(const py::handle& other, const std::vector<py::ssize_t>& expected) const {
        if (number_bytes(other) != bytes) return false;
        const auto given = py::reinterpret_borrow<py::array>(other);
        return given.ndim() == py::ssize_t(expected.size()) &&
               std::equal(expected.begin(), expected.end(), given.shape());
    }

    // An array of the shape of the path, as paths.
    template <class R>
    path_view<R> view(const py::array& of) const {
        const auto stride = [&](py::ssize_t axis) { return i64(of.strides(axis)) / i64(sizeof(R)); };
        const py::ssize_t time = batched;
        const R* data = static_cast<const R*>(of.data());
        return {data, batch, length, channels, batched ? stride(0) : 0, stride(time), stride(time + 1)};
    }

    // The signatures of the path; `out` may be filled in later.
    template <class R>
    signature_job<R> job(R* out = nullptr) const {
        return {view<R>(array), depth, method::automatic, false, false, false, nullptr, out};
    }
};

// None unless path and depth are as described above and the signatures of all paths take at most `limit` bytes; an
// empty batch counts as one path.
inline std::optional<fast_paths> fast_paths_of(const py::object& path, const py::object& depth, double limit) {
    const int bytes = number_bytes(path);
    if (!bytes || !PyLong_CheckExact(depth.ptr())) return std::nullopt;
    const long number = PyLong_AsLong(depth.ptr());
    if (number == -1 && PyErr_Occurred()) PyErr_Clear();
    const auto array = py::reinterpret_borrow<py::array>(path);
    const py::ssize_t ndim = array.ndim();
    if (number < 1 || number > 32 || ndim < 2 || ndim > 3) return std::nullopt;
    fast_paths from{array,
                    bytes,
                    int(number),
                    ndim == 3,
                    ndim == 3 ? i64(array.shape(0)) : 1,
                    i64(array.shape(ndim - 2)),
                    i64(array.shape(ndim - 1)),
                    0};
    for (int k = 0; k < from.depth && from.size <= limit; ++k) from.size = (from.size + 1) * double(from.channels);
    const double rows = from.batch > 0 ? double(from.batch) : 1;  // beyond the limit `size` is a lower bound
    if (from.length < 1 || from.channels < 1 || rows * from.size * from.bytes > limit) return std::nullopt;
    return from;
}

// Runs a call of the fast path. A call of at most `small_work` multiply-adds runs on this thread, without a check for
// signals and without releasing the GIL, because these cost more than they gain. With 0 workers only such calls run.
class fast_run {
 public:
    fast_run(double work, int workers) : small_(work <= small_work), workers_(workers) {}

    bool declines() const { return !small_ && workers_ == 0; }

    template <class F>
    void operator()(F&& call) const {
        if (small_) call(team(1).get());
        else run_released(workers_, call);
    }

 private:
    static constexpr double small_work = 1e5;
    const bool small_;
    const int workers_;
};

}  // namespace pysig
