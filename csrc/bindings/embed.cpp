// The module pysig.embed: the functions of pysig.h as Cython modules offer theirs, a dictionary __pyx_capi__ of
// capsules, each named by the type of its function. Cython, Numba and scipy.LowLevelCallable look there, and check the
// names against what they expect.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "pysig/pysig.h"

namespace {

// A type as Cython writes it.
template <class T>
std::string name_of() {
    if constexpr (std::is_pointer_v<T>) {
        using target = std::remove_pointer_t<T>;
        const std::string name = name_of<std::remove_const_t<target>>() + (std::is_const_v<target> ? " const " : " ");
        return (name.size() > 2 && name[name.size() - 2] == '*' ? name.substr(0, name.size() - 1) : name) + "*";
    } else if constexpr (std::is_same_v<T, double>) {
        return "double";
    } else if constexpr (std::is_same_v<T, float>) {
        return "float";
    } else if constexpr (std::is_same_v<T, int>) {
        return "int";
    } else if constexpr (std::is_same_v<T, void>) {
        return "void";
    } else if constexpr (std::is_same_v<T, char>) {
        return "char";
    } else if constexpr (std::is_same_v<T, unsigned char>) {
        return "unsigned char";
    } else if constexpr (std::is_same_v<T, pysig_options>) {
        return "pysig_options";
    } else if constexpr (std::is_same_v<T, pysig_kernel_options>) {
        return "pysig_kernel_options";
    } else if constexpr (std::is_same_v<T, pysig_basis>) {
        return "pysig_basis";
    } else if constexpr (std::is_same_v<T, pysig_incremental_f32>) {
        return "pysig_incremental_f32";
    } else if constexpr (std::is_same_v<T, pysig_incremental_f64>) {
        return "pysig_incremental_f64";
    } else if constexpr (std::is_same_v<T, pysig_sliding_f32>) {
        return "pysig_sliding_f32";
    } else if constexpr (std::is_same_v<T, pysig_sliding_f64>) {
        return "pysig_sliding_f64";
    } else if constexpr (std::is_same_v<T, std::size_t>) {
        return "size_t";
    } else {
        static_assert(std::is_same_v<T, std::int64_t>, "a type of pysig.h that has no name here");
        return "int64_t";
    }
}

template <class Result, class... Arguments>
std::string name_of(Result (*)(Arguments...)) {
    std::string list;
    ((list += (list.empty() ? "" : ", ") + name_of<Arguments>()), ...);
    return name_of<Result>() + (std::is_pointer_v<Result> ? "(" : " (") + (list.empty() ? "void" : list) + ")";
}

class capsules {
 public:
    template <class F>
    void add(const char* name, F* function, std::string type = {}) {
        if (type.empty()) type = name_of(function);
        // The names live as long as the capsules: as keys of a dictionary beside them.
        const pybind11::str kept = pybind11::reinterpret_steal<pybind11::str>(PyUnicode_InternFromString(type.c_str()));
        names[kept] = true;
        functions[name] = pybind11::capsule(reinterpret_cast<void*>(function), PyUnicode_AsUTF8(kept.ptr()));
    }
    pybind11::dict functions, names;
};

}  // namespace

#define PYSIG_ADD(name) table.add(#name, &pysig_##name)
#define PYSIG_ADD_BOTH(name) PYSIG_ADD(name##_f32), PYSIG_ADD(name##_f64)

PYBIND11_MODULE(embed, m, pybind11::mod_gil_not_used()) {
    m.doc() = "The functions of pysig/pysig.h for Cython, Numba and scipy.LowLevelCallable.";
    capsules table;
    PYSIG_ADD(last_error);
    PYSIG_ADD(version);
    PYSIG_ADD(isa);
    PYSIG_ADD(options_init);
    PYSIG_ADD(kernel_options_init);
    PYSIG_ADD(signature_size);
    PYSIG_ADD(logsignature_size);
    PYSIG_ADD(basis_create);
    PYSIG_ADD(basis_size);
    PYSIG_ADD(basis_destroy);
    PYSIG_ADD_BOTH(signature);
    PYSIG_ADD_BOTH(signature_jvp);
    PYSIG_ADD_BOTH(signature_vjp);
    PYSIG_ADD_BOTH(logsignature);
    PYSIG_ADD_BOTH(logsignature_jvp);
    PYSIG_ADD_BOTH(logsignature_vjp);
    PYSIG_ADD_BOTH(signature_to_logsignature);
    PYSIG_ADD_BOTH(signature_kernel_matrix);
    PYSIG_ADD_BOTH(signature_kernel_matrix_vjp);
    PYSIG_ADD_BOTH(combine);
    PYSIG_ADD_BOTH(shuffle);
    PYSIG_ADD_BOTH(half_shuffle);
    PYSIG_ADD_BOTH(invert);
    PYSIG_ADD_BOTH(exp);
    PYSIG_ADD_BOTH(log);
    // The form in which SciPy knows its filters.
    table.add("window_f32", &pysig_window_f32, "int (float *, intptr_t, float *, void *)");
    table.add("window_f64", &pysig_window_f64, "int (double *, intptr_t, double *, void *)");
    PYSIG_ADD_BOTH(incremental_create);
    PYSIG_ADD_BOTH(incremental_copy);
    PYSIG_ADD_BOTH(incremental_destroy);
    PYSIG_ADD_BOTH(incremental_reset);
    PYSIG_ADD_BOTH(incremental_push);
    PYSIG_ADD_BOTH(incremental_push_increments);
    PYSIG_ADD_BOTH(incremental_signature);
    PYSIG_ADD_BOTH(incremental_logsignature);
    PYSIG_ADD_BOTH(incremental_sizes);
    PYSIG_ADD_BOTH(incremental_serialised_size);
    PYSIG_ADD_BOTH(incremental_serialise);
    PYSIG_ADD_BOTH(incremental_deserialise);
    PYSIG_ADD_BOTH(sliding_create);
    PYSIG_ADD_BOTH(sliding_copy);
    PYSIG_ADD_BOTH(sliding_destroy);
    PYSIG_ADD_BOTH(sliding_reset);
    PYSIG_ADD_BOTH(sliding_push);
    PYSIG_ADD_BOTH(sliding_push_times);
    PYSIG_ADD_BOTH(sliding_push_ticks);
    PYSIG_ADD_BOTH(sliding_pop);
    PYSIG_ADD_BOTH(sliding_evict);
    PYSIG_ADD_BOTH(sliding_evict_ticks);
    PYSIG_ADD_BOTH(sliding_signature);
    PYSIG_ADD_BOTH(sliding_logsignature);
    PYSIG_ADD_BOTH(sliding_sizes);
    PYSIG_ADD_BOTH(sliding_serialised_size);
    PYSIG_ADD_BOTH(sliding_serialise);
    PYSIG_ADD_BOTH(sliding_deserialise);
    m.attr("__pyx_capi__") = table.functions;
    m.attr("_types") = table.names;
}
