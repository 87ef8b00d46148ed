// The only code that touches py::array. The Python side has checked everything (pysig/_api); here are assertions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <thread>

#include "pysig/cpu/jobs/signature.hpp"
#include "pysig/cpu/threads/parallel.hpp"

namespace pysig {
namespace py = pybind11;

inline void expect(bool condition, const char* what) {
    if (!condition) throw std::logic_error(std::string("pysig._core: ") + what);
}

template <class R>
bool holds(const py::array& array) {
    return py::isinstance<py::array_t<R>>(array);
}

template <class R>
const R* data_or_null(const std::optional<py::array>& array, i64 count) {
    if (!array) return nullptr;
    expect(holds<R>(*array) && (array->flags() & py::array::c_style),
           "an optional array must be contiguous and of the right dtype");
    expect(i64(array->size()) == count, "an optional array has the wrong size");
    return static_cast<const R*>(array->data());
}

template <class R>
R* output(py::array& array, i64 count) {
    expect(holds<R>(array) && (array.flags() & py::array::c_style),
           "out must be contiguous and of the dtype of the path");
    expect(i64(array.size()) == count, "out has the wrong size");
    return static_cast<R*>(array.mutable_data());
}

template <class R>
path_view<R> view_of_path(const py::array& path) {
    expect(path.ndim() == 3 && path.shape(1) >= 1 && path.shape(2) >= 1, "path must be (batch, length, channels)");
    const auto stride = [&](int axis) {
        expect(path.strides(axis) % i64(sizeof(R)) == 0, "path must be aligned");
        return i64(path.strides(axis)) / i64(sizeof(R));
    };
    return {static_cast<const R*>(path.data()),
            path.shape(0),
            path.shape(1),
            path.shape(2),
            stride(0),
            stride(1),
            stride(2),
            nullptr,
            nullptr,
            nullptr};
}

// Only the main thread hears of signals; no other asks for the GIL in the middle of a call.
inline bool hears_signals() {
    return py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>() ==
           PyThread_get_thread_ident();
}

// Takes the GIL back. When the interpreter ends meanwhile, a daemon thread never gets it: it stands still, as in newer
// interpreters, where older ones would unwind it through destructors that cannot be.
inline void take_gil(PyThreadState* state) {
#if PY_VERSION_HEX >= 0x030D0000
    const auto ends = &Py_IsFinalizing;
#else
    const auto ends = &_Py_IsFinalizing;
#endif
    while (ends()) std::this_thread::sleep_for(std::chrono::hours(1));
    PyEval_RestoreThread(state);
}

// Runs `call(executor)` without the GIL; a pending signal (Ctrl-C) ends it early and is raised.
template <class F>
void run_released(int workers, F&& call) {
    const auto interrupted = [] {
        py::gil_scoped_acquire gil;
        return PyErr_CheckSignals() != 0;
    };
    team threads(workers, hears_signals() ? +interrupted : nullptr);
    PyThreadState* state = PyEval_SaveThread();
    std::exception_ptr failure;
    try {
        call(threads.get());
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    take_gil(state);
    if (failure) std::rethrow_exception(failure);
    if (threads.stopped()) throw py::error_already_set();
}

}  // namespace pysig
