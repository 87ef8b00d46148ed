// The C ABI: converts arguments to those of the C++ API and exceptions to statuses.
#include "pysig/pysig.h"

#include <cstring>
#include <memory>

#include "isa/table.hpp"
#include "pysig/pysig.hpp"
#include "status.hpp"

struct pysig_basis {
    pysig::logsignature_basis tables;
};
struct pysig_incremental_f32 {
    pysig::incremental_signature<float> incremental;
};
struct pysig_incremental_f64 {
    pysig::incremental_signature<double> incremental;
};
struct pysig_sliding_f32 {
    pysig::sliding_signature<float> sliding;
};
struct pysig_sliding_f64 {
    pysig::sliding_signature<double> sliding;
};

namespace pysig {

static_assert(sizeof(i64) == sizeof(std::int64_t), "pysig.h counts in int64_t");
static_assert(PYSIG_METHOD_AUTO == int(method::automatic) && PYSIG_METHOD_TILE == int(method::tile) &&
                  PYSIG_METHOD_CUMSUM == int(method::cumsum),
              "pysig.h has the numbers of the enumerators");

namespace {

thread_local char message[1024] = "";

using detail::expect;
using detail::throw_invalid_argument;

template <class T>
T& non_null(T* pointer, const char* argument) {
    if (!pointer) throw_invalid_argument(argument, "a pointer that is not null", "null");
    return *pointer;
}

// An array that may be left out: no elements, whatever the pointer; elements need a pointer.
template <class T>
span<T> array(T* data, std::int64_t size, const char* argument) {
    expect(size >= 0, argument, "at least 0 elements", size);
    if (size > 0) non_null(data, argument);
    return {data, size};
}
template <class R>
span<const R> optional(const void* data, std::int64_t size, const char* argument) {
    if (!data) {
        expect(size == 0, argument, "no elements of a null pointer", size);
        return {};
    }
    expect(size > 0, argument, "at least 1 element", size);
    return {static_cast<const R*>(data), size};
}
template <class R>
span<R> optional_output(R* data, std::int64_t size, const char* argument) {
    if (!data) return {};
    expect(size >= 0, argument, "at least 0 elements", size);
    return {data, size};
}

bool flag(int value, const char* argument) {
    expect(value == 0 || value == 1, argument, "0 or 1", value);
    return value == 1;
}

// The options of the C++ API. Later members get a branch here for callers whose `size` ends before them.
template <class R>
class options_of {
 public:
    explicit options_of(const pysig_options* given) {
        if (!given) return;
        expect(given->size == sizeof(pysig_options), "options", "a size that pysig_options_init has set",
               i64(given->size));
        options.batch = given->batch;
        options.stream = flag(given->stream, "stream");
        options.inverse = flag(given->inverse, "inverse");
        options.scalar_term = flag(given->scalar_term, "scalar_term");
        options.method = static_cast<method>(given->method);  // signature.hpp checks it
        options.workers = given->workers;
        options.basepoint = optional<R>(given->basepoint, given->basepoint_size, "basepoint");
        options.initial = optional<R>(given->initial, given->initial_size, "initial");
        const span<const std::int64_t> counted = optional<std::int64_t>(given->lengths, given->lengths_size, "lengths");
        if (counted.empty()) return;
        detail::expect_size(counted, "lengths", options.batch);
        lengths.assign(counted.data(), counted.data() + counted.size());
        options.lengths = lengths;
    }
    const signature_options<R>& get() const { return options; }

 private:
    std::vector<i64> lengths;  // int64_t need not be i64
    signature_options<R> options;
};

template <class R>
class kernel_options_of {
 public:
    explicit kernel_options_of(const pysig_kernel_options* given) {
        if (!given) return;
        expect(given->size == sizeof(pysig_kernel_options), "options", "a size that pysig_kernel_options_init has set",
               i64(given->size));
        options.x_batch = given->x_batch;
        options.y_batch = given->y_batch;
        options.order = given->order;
        options.depth = given->depth;
        options.dyadic_order = given->dyadic_order;
        options.finite_difference = flag(given->finite_difference, "finite_difference");
        options.workers = given->workers;
        expect(given->static_kernel >= 0 && given->static_kernel <= 6, "static_kernel", "0 to 6", given->static_kernel);
        const double* p = given->parameters;
        options.kappa = {static_cast<kappa_kind>(given->static_kernel), {p[0], p[1], p[2]}};
        options.weights = optional<double>(given->weights, given->weights_size, "weights");
        options.x_lengths = copied(given->x_lengths, given->x_lengths_size, "x_lengths", x_lengths);
        options.y_lengths = copied(given->y_lengths, given->y_lengths_size, "y_lengths", y_lengths);
    }
    const signature_kernel_options<R>& get() const { return options; }

 private:
    std::vector<i64> x_lengths, y_lengths;  // int64_t need not be i64
    signature_kernel_options<R> options;

    static span<const i64> copied(const std::int64_t* given, std::int64_t size, const char* argument,
                                  std::vector<i64>& copy) {
        const span<const std::int64_t> counted = optional<std::int64_t>(given, size, argument);
        copy.assign(counted.data(), counted.data() + counted.size());
        return copy;
    }
};

template <class R>
signature_tangents<R> tangents_of(const R* path, i64 path_size, const R* basepoint, i64 basepoint_size,
                                  const R* initial, i64 initial_size) {
    return {array(path, path_size, "tangent"), optional<R>(basepoint, basepoint_size, "basepoint_tangent"),
            optional<R>(initial, initial_size, "initial_tangent")};
}

algebra_options algebra_of(int scalar_term, int workers) { return {flag(scalar_term, "scalar_term"), workers}; }

// Stores what `make` returns in a new handle. The handle is null if `make` throws.
template <class Handle, class F>
int create(Handle** handle, const char* name, F&& make) noexcept {
    return status_of([&] {
        non_null(handle, name) = nullptr;
        *handle = new Handle{make()};
    });
}

}  // namespace

int failed(int status, const char* what) noexcept {
    std::strncpy(message, what, sizeof message - 1);
    return status;
}

}  // namespace pysig

using namespace pysig;

extern "C" {

const char* pysig_last_error(void) { return message; }
const char* pysig_version(void) { return PYSIG_VERSION; }
int pysig_isa(const char** name) {
    return status_of([&] { non_null(name, "name") = active_kernels().name; });
}

int pysig_options_init(pysig_options* options, size_t size) {
    return status_of([&] {
        non_null(options, "options");
        expect(size == sizeof(pysig_options), "size", "sizeof(pysig_options) of this version of pysig", i64(size));
        *options = pysig_options();
        options->size = size;
        options->batch = 1;
        options->workers = 1;
    });
}

int pysig_kernel_options_init(pysig_kernel_options* options, size_t size) {
    return status_of([&] {
        non_null(options, "options");
        expect(size == sizeof(pysig_kernel_options), "size", "sizeof(pysig_kernel_options) of this version of pysig",
               i64(size));
        const signature_kernel_options<double> defaults;
        *options = pysig_kernel_options();
        options->size = size;
        options->x_batch = defaults.x_batch;
        options->y_batch = defaults.y_batch;
        options->workers = defaults.workers;
        options->parameters[0] = defaults.kappa.parameters[0];
    });
}

int pysig_signature_size(int64_t channels, int depth, int64_t* size) {
    return status_of([&] { non_null(size, "size") = detail::checked_size(channels, depth); });
}
int pysig_logsignature_size(int64_t channels, int depth, int64_t* size) {
    return status_of([&] { non_null(size, "size") = logsignature_size(channels, depth); });
}

int pysig_basis_create(int64_t channels, int depth, int kind, pysig_basis** handle) {
    return create(handle, "basis", [&] { return logsignature_basis(channels, depth, static_cast<basis>(kind)); });
}
int pysig_basis_size(const pysig_basis* basis, int64_t* size) {
    return status_of([&] { non_null(size, "size") = non_null(basis, "basis").tables.size(); });
}
void pysig_basis_destroy(pysig_basis* basis) { delete basis; }

#define PYSIG_R float
#define PYSIG_NAME(name) name##_f32
#include "functions.hpp"
#include "sliding.hpp"
#undef PYSIG_R
#undef PYSIG_NAME
#define PYSIG_R double
#define PYSIG_NAME(name) name##_f64
#include "functions.hpp"
#include "sliding.hpp"

}  // extern "C"
