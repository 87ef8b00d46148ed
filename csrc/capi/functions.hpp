// The functions of pysig.h of one precision: included for float and for double, with PYSIG_R and
// PYSIG_NAME.

int PYSIG_NAME(pysig_signature)(const PYSIG_R* path, int64_t path_size, int64_t channels, int depth,
                                const pysig_options* options, PYSIG_R* out, int64_t out_size) {
    return status_of([&] {
        detail::signature<PYSIG_R>(array(path, path_size, "path"), channels, depth, options_of<PYSIG_R>(options).get(),
                                   array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_signature_jvp)(const PYSIG_R* path, int64_t path_size, int64_t channels, int depth,
                                    const pysig_options* options, const PYSIG_R* tangent, int64_t tangent_size,
                                    const PYSIG_R* basepoint_tangent, int64_t basepoint_tangent_size,
                                    const PYSIG_R* initial_tangent, int64_t initial_tangent_size, PYSIG_R* out,
                                    int64_t out_size) {
    return status_of([&] {
        const auto tangents = tangents_of<PYSIG_R>(tangent, tangent_size, basepoint_tangent, basepoint_tangent_size,
                                                   initial_tangent, initial_tangent_size);
        detail::signature_jvp<PYSIG_R>(array(path, path_size, "path"), channels, depth, tangents,
                                       options_of<PYSIG_R>(options).get(), array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_signature_vjp)(const PYSIG_R* path, int64_t path_size, int64_t channels, int depth,
                                    const pysig_options* options, const PYSIG_R* cotangent, int64_t cotangent_size,
                                    PYSIG_R* path_bar, int64_t path_bar_size, PYSIG_R* basepoint_bar,
                                    int64_t basepoint_bar_size, PYSIG_R* initial_bar, int64_t initial_bar_size) {
    return status_of([&] {
        detail::signature_vjp<PYSIG_R>(array(path, path_size, "path"), channels, depth,
                                       array(cotangent, cotangent_size, "cotangent"),
                                       options_of<PYSIG_R>(options).get(), array(path_bar, path_bar_size, "path_bar"),
                                       optional_output(basepoint_bar, basepoint_bar_size, "basepoint_bar"),
                                       optional_output(initial_bar, initial_bar_size, "initial_bar"));
    });
}

int PYSIG_NAME(pysig_logsignature)(const PYSIG_R* path, int64_t path_size, const pysig_basis* basis,
                                   const pysig_options* options, PYSIG_R* out, int64_t out_size) {
    return status_of([&] {
        detail::logsignature<PYSIG_R>(array(path, path_size, "path"), non_null(basis, "basis").tables,
                                      options_of<PYSIG_R>(options).get(), array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_logsignature_jvp)(const PYSIG_R* path, int64_t path_size, const pysig_basis* basis,
                                       const pysig_options* options, const PYSIG_R* tangent, int64_t tangent_size,
                                       const PYSIG_R* basepoint_tangent, int64_t basepoint_tangent_size,
                                       const PYSIG_R* initial_tangent, int64_t initial_tangent_size, PYSIG_R* out,
                                       int64_t out_size) {
    return status_of([&] {
        const auto tangents = tangents_of<PYSIG_R>(tangent, tangent_size, basepoint_tangent, basepoint_tangent_size,
                                                   initial_tangent, initial_tangent_size);
        detail::logsignature_jvp<PYSIG_R>(array(path, path_size, "path"), non_null(basis, "basis").tables, tangents,
                                          options_of<PYSIG_R>(options).get(), array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_logsignature_vjp)(const PYSIG_R* path, int64_t path_size, const pysig_basis* basis,
                                       const pysig_options* options, const PYSIG_R* cotangent, int64_t cotangent_size,
                                       PYSIG_R* path_bar, int64_t path_bar_size, PYSIG_R* basepoint_bar,
                                       int64_t basepoint_bar_size, PYSIG_R* initial_bar, int64_t initial_bar_size) {
    return status_of([&] {
        detail::logsignature_vjp<PYSIG_R>(array(path, path_size, "path"), non_null(basis, "basis").tables,
                                          array(cotangent, cotangent_size, "cotangent"),
                                          options_of<PYSIG_R>(options).get(),
                                          array(path_bar, path_bar_size, "path_bar"),
                                          optional_output(basepoint_bar, basepoint_bar_size, "basepoint_bar"),
                                          optional_output(initial_bar, initial_bar_size, "initial_bar"));
    });
}

int PYSIG_NAME(pysig_signature_to_logsignature)(const PYSIG_R* signature, int64_t signature_size,
                                                const pysig_basis* basis, int workers, PYSIG_R* out, int64_t out_size) {
    return status_of([&] {
        detail::signature_to_logsignature<PYSIG_R>(array(signature, signature_size, "signature"),
                                                   non_null(basis, "basis").tables, workers,
                                                   array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_signature_kernel_matrix)(const PYSIG_R* x, int64_t x_size, const PYSIG_R* y, int64_t y_size,
                                              int64_t channels, const pysig_kernel_options* options, PYSIG_R* out,
                                              int64_t out_size) {
    return status_of([&] {
        detail::signature_kernel_matrix<PYSIG_R>(array(x, x_size, "x"), optional<PYSIG_R>(y, y_size, "y"), channels,
                                                 kernel_options_of<PYSIG_R>(options).get(),
                                                 array(out, out_size, "out"));
    });
}

int PYSIG_NAME(pysig_signature_kernel_matrix_vjp)(const PYSIG_R* x, int64_t x_size, const PYSIG_R* y, int64_t y_size,
                                                  int64_t channels, const pysig_kernel_options* options,
                                                  const PYSIG_R* cotangent, int64_t cotangent_size, PYSIG_R* x_bar,
                                                  int64_t x_bar_size, PYSIG_R* y_bar, int64_t y_bar_size,
                                                  double* parameters_bar, int64_t parameters_bar_size) {
    return status_of([&] {
        detail::signature_kernel_matrix_vjp<PYSIG_R>(
            array(x, x_size, "x"), optional<PYSIG_R>(y, y_size, "y"), channels,
            array(cotangent, cotangent_size, "cotangent"), kernel_options_of<PYSIG_R>(options).get(),
            array(x_bar, x_bar_size, "x_bar"), optional_output(y_bar, y_bar_size, "y_bar"),
            optional_output(parameters_bar, parameters_bar_size, "parameters_bar"));
    });
}

#define PYSIG_BILINEAR(name, op)                                                                               \
    int PYSIG_NAME(name)(const PYSIG_R* a, int64_t a_size, const PYSIG_R* b, int64_t b_size, int64_t channels, \
                         int depth, int scalar_term, int workers, PYSIG_R* out, int64_t out_size) {            \
        return status_of([&] {                                                                                 \
            detail::bilinear<PYSIG_R>(op, array(a, a_size, "a"), array(b, b_size, "b"), channels, depth,       \
                                      algebra_of(scalar_term, workers), array(out, out_size, "out"));          \
        });                                                                                                    \
    }
PYSIG_BILINEAR(pysig_combine, algebra_op::product)
PYSIG_BILINEAR(pysig_shuffle, algebra_op::shuffle)
PYSIG_BILINEAR(pysig_half_shuffle, algebra_op::half_shuffle)
#undef PYSIG_BILINEAR

#define PYSIG_SERIES(name, f)                                                                                          \
    int PYSIG_NAME(name)(const PYSIG_R* a, int64_t a_size, int64_t channels, int depth, int scalar_term, int workers,  \
                         PYSIG_R* out, int64_t out_size) {                                                             \
        return status_of([&] {                                                                                         \
            detail::power_series<PYSIG_R>(f, array(a, a_size, "a"), channels, depth, algebra_of(scalar_term, workers), \
                                          array(out, out_size, "out"));                                                \
        });                                                                                                            \
    }
PYSIG_SERIES(pysig_invert, series::inverse)
PYSIG_SERIES(pysig_exp, series::exp)
PYSIG_SERIES(pysig_log, series::log)
#undef PYSIG_SERIES

int PYSIG_NAME(pysig_window)(PYSIG_R* path, intptr_t path_size, PYSIG_R* out, void* window) {
    return PYSIG_OK == status_of([&] {
               const auto& which = non_null(static_cast<const pysig_window*>(window), "window");
               expect(which.depth <= 64, "depth", "at most 64", which.depth);
               const std::vector<PYSIG_R> all =
                   signature(array(path, path_size, "path"), which.channels, int(which.depth));
               expect(which.word >= 0 && which.word < i64(all.size()), "word", "a coefficient of the signature",
                      which.word);
               non_null(out, "out") = all[std::size_t(which.word)];
           });
}

int PYSIG_NAME(pysig_incremental_create)(int64_t channels, int depth, PYSIG_NAME(pysig_incremental) * *handle) {
    return create(handle, "incremental", [&] { return incremental_signature<PYSIG_R>(channels, depth); });
}
int PYSIG_NAME(pysig_incremental_copy)(const PYSIG_NAME(pysig_incremental) * from,
                                       PYSIG_NAME(pysig_incremental) * *copy) {
    return create(copy, "copy", [&] { return non_null(from, "incremental").incremental; });
}
void PYSIG_NAME(pysig_incremental_destroy)(PYSIG_NAME(pysig_incremental) * handle) { delete handle; }

int PYSIG_NAME(pysig_incremental_reset)(PYSIG_NAME(pysig_incremental) * handle) {
    return status_of([&] { non_null(handle, "incremental").incremental.reset(); });
}
int PYSIG_NAME(pysig_incremental_push)(PYSIG_NAME(pysig_incremental) * handle, const PYSIG_R* points,
                                       int64_t points_size) {
    return status_of([&] { non_null(handle, "incremental").incremental.push(array(points, points_size, "points")); });
}
int PYSIG_NAME(pysig_incremental_push_increments)(PYSIG_NAME(pysig_incremental) * handle, const PYSIG_R* increments,
                                                  int64_t increments_size) {
    return status_of([&] {
        non_null(handle, "incremental").incremental.push_increments(array(increments, increments_size, "increments"));
    });
}
int PYSIG_NAME(pysig_incremental_signature)(const PYSIG_NAME(pysig_incremental) * handle, PYSIG_R* out,
                                            int64_t out_size) {
    return status_of([&] {
        const auto known = non_null(handle, "incremental").incremental.signature();
        const auto to = array(out, out_size, "out");
        detail::expect_size(to, "out", known.size());
        std::copy(known.data(), known.data() + known.size(), to.data());
    });
}
int PYSIG_NAME(pysig_incremental_logsignature)(const PYSIG_NAME(pysig_incremental) * handle, const pysig_basis* basis,
                                               PYSIG_R* out, int64_t out_size) {
    return status_of([&] {
        non_null(handle, "incremental")
            .incremental.logsignature_into(non_null(basis, "basis").tables, array(out, out_size, "out"));
    });
}
int PYSIG_NAME(pysig_incremental_sizes)(const PYSIG_NAME(pysig_incremental) * handle, int64_t* channels, int* depth,
                                        int64_t* points) {
    return status_of([&] {
        const auto& incremental = non_null(handle, "incremental").incremental;
        if (channels) *channels = incremental.channels();
        if (depth) *depth = incremental.depth();
        if (points) *points = incremental.points();
    });
}
int PYSIG_NAME(pysig_incremental_serialised_size)(const PYSIG_NAME(pysig_incremental) * handle, int64_t* size) {
    return status_of([&] { non_null(size, "size") = non_null(handle, "incremental").incremental.serialised_size(); });
}
int PYSIG_NAME(pysig_incremental_serialise)(const PYSIG_NAME(pysig_incremental) * handle, unsigned char* bytes,
                                            int64_t size) {
    return status_of([&] { non_null(handle, "incremental").incremental.serialise_into(array(bytes, size, "bytes")); });
}
int PYSIG_NAME(pysig_incremental_deserialise)(const unsigned char* bytes, int64_t size,
                                              PYSIG_NAME(pysig_incremental) * *handle) {
    return create(handle, "incremental",
                  [&] { return incremental_signature<PYSIG_R>::deserialise(array(bytes, size, "bytes")); });
}
