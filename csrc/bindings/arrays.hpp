// NumPy arrays as pointers, dispatch on their dtype, and calls without the GIL. pysig/_api has checked everything; this
// file asserts.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <thread>

#include "pysig/config.hpp"
#include "pysig/cpu/threads/parallel.hpp"
#include "pysig/span.hpp"

namespace pysig {
namespace py = pybind11;

using optional_array = std::optional<py::array>;

inline void expect(bool condition, const char* what) {
    if (!condition) throw std::logic_error(std::string("pysig._core: ") + what);
}

template <class R>
bool holds(const py::array& array) {
    return py::isinstance<py::array_t<R>>(array);
}

template <class R>
const R* data_or_null(const optional_array& array, i64 count) {
    if (!array) return nullptr;
    expect(holds<R>(*array) && (array->flags() & py::array::c_style),
           "an optional array must be contiguous and of the right dtype");
    expect(i64(array->size()) == count, "an optional array has the wrong size");
    return static_cast<const R*>(array->data());
}

template <class T>
span<const T> elements(const py::array& array) {
    expect(holds<T>(array) && (array.flags() & py::array::c_style),
           "elements must be contiguous and of the dtype of the object");
    return {static_cast<const T*>(array.data()), i64(array.size())};
}

template <class R>
R* output(py::array& array, i64 count) {
    expect(holds<R>(array) && (array.flags() & py::array::c_style),
           "out must be contiguous and of the dtype of the path");
    expect(i64(array.size()) == count, "out has the wrong size");
    return static_cast<R*>(array.mutable_data());
}

template <class R>
R* output_or_null(optional_array& array, i64 count) {
    return array ? output<R>(*array, count) : nullptr;
}

// Calls `f` with a zero of the dtype of `array`.
template <class F>
auto with_dtype(const py::array& array, F&& f) {
    if (holds<float>(array)) return f(float());
    expect(holds<double>(array), "an array must be float32 or float64");
    return f(double());
}

// Python delivers signals to the main thread only. No other thread acquires the GIL in the middle of a call.
inline bool is_main_thread() {
    return py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>() ==
           PyThread_get_thread_ident();
}

// Reacquires the GIL. During interpreter finalisation a daemon thread blocks forever, as recent CPython does; older
// versions would unwind it through frames that cannot be unwound.
inline void reacquire_gil(PyThreadState* state) {
#if PY_VERSION_HEX >= 0x030D0000
    const auto finalising = &Py_IsFinalizing;
#else
    const auto finalising = &_Py_IsFinalizing;
#endif
    while (finalising()) std::this_thread::sleep_for(std::chrono::hours(1));
    PyEval_RestoreThread(state);
}

// Runs `call(executor)` without the GIL. A pending signal (Ctrl-C) ends it early and is raised.
template <class F>
void run_released(int workers, F&& call) {
    const auto interrupted = [] {
        py::gil_scoped_acquire gil;
        return PyErr_CheckSignals() != 0;
    };
    team threads(workers, is_main_thread() ? +interrupted : nullptr);
    PyThreadState* state = PyEval_SaveThread();
    std::exception_ptr failure;
    try {
        call(threads.get());
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    reacquire_gil(state);
    if (failure) std::rethrow_exception(failure);
    if (threads.stopped()) throw py::error_already_set();
}

}  // namespace pysig
