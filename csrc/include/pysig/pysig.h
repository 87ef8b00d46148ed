/* pysig for C99 and everything that calls C: signatures of paths, without Python.
 *
 * A path is an array (batch, length, channels), row-major: points one after the other. `length` follows from the number
 * of elements. A signature has the levels 1, ..., depth, words in lexicographic order within a level, without the
 * constant 1 unless scalar_term is set: channels + channels^2 + ... + channels^depth coefficients.
 *
 * Every function but the ..._destroy functions, pysig_version and pysig_last_error returns a status. Unless it is
 * PYSIG_OK, pysig_last_error() says which argument is wrong, what was expected and what was received. Outputs
 * may then be partly written. Each array is followed by its number of elements, which is checked.
 *
 * There is no global state: functions may be called from any number of threads. An incremental or sliding signature is
 * used by one thread at a time.
 */
#ifndef PYSIG_PYSIG_H
#define PYSIG_PYSIG_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#ifdef PYSIG_BUILDING
#define PYSIG_API __declspec(dllexport)
#else
#define PYSIG_API __declspec(dllimport)
#endif
#else
#define PYSIG_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PYSIG_OK = 0,
    PYSIG_INVALID_ARGUMENT = 1,
    PYSIG_OUT_OF_MEMORY = 2,
    PYSIG_NO_INSTRUCTION_SET = 3, /* PYSIG_ISA in the environment names a set that is not available */
    PYSIG_INTERNAL_ERROR = 4      /* a bug in pysig */
};

enum { PYSIG_METHOD_AUTO = 0, PYSIG_METHOD_TILE = 1, PYSIG_METHOD_CUMSUM = 2 };

/* Coordinates of log-signatures: the coefficients of all words; those of the Lyndon words; coordinates in the Lyndon
 * brackets. */
enum { PYSIG_BASIS_EXPANDED = 0, PYSIG_BASIS_WORDS = 1, PYSIG_BASIS_BRACKETS = 2 };

/* Static kernels of points p and q with parameters (a, b, c); r = |p - q|. */
enum {
    PYSIG_STATIC_LINEAR = 0,             /* a <p, q> */
    PYSIG_STATIC_RBF = 1,                /* exp(-r^2 / (2 a^2)) */
    PYSIG_STATIC_MATERN_12 = 2,          /* exp(-u), u = r / a */
    PYSIG_STATIC_MATERN_32 = 3,          /* (1 + u) exp(-u), u = sqrt(3) r / a */
    PYSIG_STATIC_MATERN_52 = 4,          /* (1 + u + u^2 / 3) exp(-u), u = sqrt(5) r / a */
    PYSIG_STATIC_RATIONAL_QUADRATIC = 5, /* (1 + r^2 / (2 b a^2))^(-b) */
    PYSIG_STATIC_POLYNOMIAL = 6          /* (c <p, q> + b)^a, a whole number a >= 1 */
};

/* -- types: begin (the Cython declarations take them from here) -- */
/* Options; a NULL pointer to them means the defaults. Later versions append members; `size` states which members the
 * program was compiled with. Arrays have the float type of the function; NULL means not given. */
typedef struct pysig_options {
    size_t size;           /* sizeof(pysig_options) */
    int64_t batch;         /* paths, one after the other */
    int stream;            /* 1: all prefixes, (batch, length - 1, ...) */
    int inverse;           /* 1: the group inverse */
    int scalar_term;       /* 1: with the constant 1 in front */
    int method;            /* PYSIG_METHOD_... */
    int workers;           /* threads; results do not depend on them */
    const void* basepoint; /* (batch, channels): a point before the first; one more step */
    int64_t basepoint_size;
    const void* initial; /* (batch, signature size): signatures to continue from, without the constant 1 */
    int64_t initial_size;
    const int64_t* lengths; /* (batch): how many points of each path count */
    int64_t lengths_size;
} pysig_options;

/* Options of signature kernels; NULL means the defaults: batches of 1, one worker, the linear static kernel. */
typedef struct pysig_kernel_options {
    size_t size;     /* sizeof(pysig_kernel_options) */
    int64_t x_batch; /* paths of each side, one after the other */
    int64_t y_batch;
    int order;             /* 1 to 16: powers of a segment; 0: 6, or exact with depth */
    int depth;             /* levels above are left out; 0: none are */
    int dyadic_order;      /* 0 to 10: every segment is cut into 2^dyadic_order parts */
    int finite_difference; /* 1: finite differences, not positive semi-definite; without order and depth */
    int static_kernel;     /* PYSIG_STATIC_... */
    int workers;           /* threads; results do not depend on them */
    double parameters[3];  /* of the static kernel */
    const double* weights; /* (depth + 1): of the levels */
    int64_t weights_size;
    const int64_t* x_lengths; /* (x_batch): how many points of each path count */
    int64_t x_lengths_size;
    const int64_t* y_lengths; /* (y_batch) */
    int64_t y_lengths_size;
} pysig_kernel_options;

/* The tables of a basis, built once and used by any number of calls and threads. */
typedef struct pysig_basis pysig_basis;

/* The signature of a path whose points arrive one after the other. A push allocates nothing. */
typedef struct pysig_incremental_f32 pysig_incremental_f32;
typedef struct pysig_incremental_f64 pysig_incremental_f64;

/* The signature of the latest points of a path, the window. Up to its capacity, calls allocate nothing. */
typedef struct pysig_sliding_f32 pysig_sliding_f32;
typedef struct pysig_sliding_f64 pysig_sliding_f64;

/* The last argument of pysig_window_... */
typedef struct pysig_window {
    int64_t channels;
    int64_t depth;
    int64_t word; /* which coefficient of the signature, counted from 0 */
} pysig_window;
/* -- types: end -- */

/* The message of the last error on this thread; valid until the next error. */
PYSIG_API const char* pysig_last_error(void);
PYSIG_API const char* pysig_version(void);
/* Which instruction set runs: "avx2", ... */
PYSIG_API int pysig_isa(const char** name);

/* The defaults: batch 1, one worker, nothing else. */
PYSIG_API int pysig_options_init(pysig_options* options, size_t size);

PYSIG_API int pysig_kernel_options_init(pysig_kernel_options* options, size_t size);

PYSIG_API int pysig_signature_size(int64_t channels, int depth, int64_t* size);
PYSIG_API int pysig_logsignature_size(int64_t channels, int depth, int64_t* size); /* in words or brackets */

PYSIG_API int pysig_basis_create(int64_t channels, int depth, int kind, pysig_basis** basis);
PYSIG_API int pysig_basis_size(const pysig_basis* basis, int64_t* size); /* coordinates */
PYSIG_API void pysig_basis_destroy(pysig_basis* basis);

/* One declaration for each function, for float (names end in _f32) and double (_f64). */
#define PYSIG_DECLARE(R, f)                                                                                            \
    /* out: (batch, [length - 1,] size). */                                                                            \
    PYSIG_API int pysig_signature_##f(const R* path, int64_t path_size, int64_t channels, int depth,                   \
                                      const pysig_options* options, R* out, int64_t out_size);                         \
    /* The derivative along tangents of the path and, NULL for zero, of basepoint and initial. */                      \
    PYSIG_API int pysig_signature_jvp_##f(                                                                             \
        const R* path, int64_t path_size, int64_t channels, int depth, const pysig_options* options, const R* tangent, \
        int64_t tangent_size, const R* basepoint_tangent, int64_t basepoint_tangent_size, const R* initial_tangent,    \
        int64_t initial_tangent_size, R* out, int64_t out_size);                                                       \
    /* The gradient of <cotangent, signature>: at the path and, unless NULL, at basepoint and initial. */              \
    PYSIG_API int pysig_signature_vjp_##f(const R* path, int64_t path_size, int64_t channels, int depth,               \
                                          const pysig_options* options, const R* cotangent, int64_t cotangent_size,    \
                                          R* path_bar, int64_t path_bar_size, R* basepoint_bar,                        \
                                          int64_t basepoint_bar_size, R* initial_bar, int64_t initial_bar_size);       \
    PYSIG_API int pysig_logsignature_##f(const R* path, int64_t path_size, const pysig_basis* basis,                   \
                                         const pysig_options* options, R* out, int64_t out_size);                      \
    PYSIG_API int pysig_logsignature_jvp_##f(                                                                          \
        const R* path, int64_t path_size, const pysig_basis* basis, const pysig_options* options, const R* tangent,    \
        int64_t tangent_size, const R* basepoint_tangent, int64_t basepoint_tangent_size, const R* initial_tangent,    \
        int64_t initial_tangent_size, R* out, int64_t out_size);                                                       \
    PYSIG_API int pysig_logsignature_vjp_##f(const R* path, int64_t path_size, const pysig_basis* basis,               \
                                             const pysig_options* options, const R* cotangent, int64_t cotangent_size, \
                                             R* path_bar, int64_t path_bar_size, R* basepoint_bar,                     \
                                             int64_t basepoint_bar_size, R* initial_bar, int64_t initial_bar_size);    \
    /* Rows of signatures, (batch, size) without the constant 1. */                                                    \
    PYSIG_API int pysig_signature_to_logsignature_##f(                                                                 \
        const R* signature, int64_t signature_size, const pysig_basis* basis, int workers, R* out, int64_t out_size);  \
    /* Signature kernels of all pairs of paths, (x_batch, y_batch); y NULL: of x with itself, a symmetric matrix. */   \
    PYSIG_API int pysig_signature_kernel_matrix_##f(const R* x, int64_t x_size, const R* y, int64_t y_size,            \
                                                    int64_t channels, const pysig_kernel_options* options, R* out,     \
                                                    int64_t out_size);                                                 \
    /* The gradient of <cotangent, matrix>: at x, y (NULL if y is) and, unless NULL, the 3 parameters. */              \
    PYSIG_API int pysig_signature_kernel_matrix_vjp_##f(                                                               \
        const R* x, int64_t x_size, const R* y, int64_t y_size, int64_t channels, const pysig_kernel_options* options, \
        const R* cotangent, int64_t cotangent_size, R* x_bar, int64_t x_bar_size, R* y_bar, int64_t y_bar_size,        \
        double* parameters_bar, int64_t parameters_bar_size);                                                          \
    /* Products of rows (batch, size), where one row serves the whole batch: Chen's; shuffles; half-shuffles. */       \
    PYSIG_API int pysig_combine_##f(const R* a, int64_t a_size, const R* b, int64_t b_size, int64_t channels,          \
                                    int depth, int scalar_term, int workers, R* out, int64_t out_size);                \
    PYSIG_API int pysig_shuffle_##f(const R* a, int64_t a_size, const R* b, int64_t b_size, int64_t channels,          \
                                    int depth, int scalar_term, int workers, R* out, int64_t out_size);                \
    PYSIG_API int pysig_half_shuffle_##f(const R* a, int64_t a_size, const R* b, int64_t b_size, int64_t channels,     \
                                         int depth, int scalar_term, int workers, R* out, int64_t out_size);           \
    /* Of each row: the inverse for Chen's product, the exponential, the logarithm. */                                 \
    PYSIG_API int pysig_invert_##f(const R* a, int64_t a_size, int64_t channels, int depth, int scalar_term,           \
                                   int workers, R* out, int64_t out_size);                                             \
    PYSIG_API int pysig_exp_##f(const R* a, int64_t a_size, int64_t channels, int depth, int scalar_term, int workers, \
                                R* out, int64_t out_size);                                                             \
    PYSIG_API int pysig_log_##f(const R* a, int64_t a_size, int64_t channels, int depth, int scalar_term, int workers, \
                                R* out, int64_t out_size);                                                             \
    /* One coefficient of the signature of one path, in the form that filters of SciPy and others take callbacks: 1,   \
     * or 0 if it fails. */                                                                                            \
    PYSIG_API int pysig_window_##f(R* path, intptr_t path_size, R* out, void* window);                                 \
    PYSIG_API int pysig_incremental_create_##f(int64_t channels, int depth, pysig_incremental_##f** incremental);      \
    PYSIG_API int pysig_incremental_copy_##f(const pysig_incremental_##f* incremental, pysig_incremental_##f** copy);  \
    PYSIG_API void pysig_incremental_destroy_##f(pysig_incremental_##f* incremental);                                  \
    PYSIG_API int pysig_incremental_reset_##f(pysig_incremental_##f* incremental);                                     \
    /* One point or several, (count, channels). A path that begins with increments begins at the origin. */            \
    PYSIG_API int pysig_incremental_push_##f(pysig_incremental_##f* incremental, const R* points,                      \
                                             int64_t points_size);                                                     \
    PYSIG_API int pysig_incremental_push_increments_##f(pysig_incremental_##f* incremental, const R* increments,       \
                                                        int64_t increments_size);                                      \
    PYSIG_API int pysig_incremental_signature_##f(const pysig_incremental_##f* incremental, R* out, int64_t out_size); \
    PYSIG_API int pysig_incremental_logsignature_##f(const pysig_incremental_##f* incremental,                         \
                                                     const pysig_basis* basis, R* out, int64_t out_size);              \
    /* Each of the last three may be NULL. */                                                                          \
    PYSIG_API int pysig_incremental_sizes_##f(const pysig_incremental_##f* incremental, int64_t* channels, int* depth, \
                                              int64_t* points);                                                        \
    /* As bytes, for machines of the same byte order. */                                                               \
    PYSIG_API int pysig_incremental_serialised_size_##f(const pysig_incremental_##f* incremental, int64_t* size);      \
    PYSIG_API int pysig_incremental_serialise_##f(const pysig_incremental_##f* incremental, unsigned char* bytes,      \
                                                  int64_t size);                                                       \
    PYSIG_API int pysig_incremental_deserialise_##f(const unsigned char* bytes, int64_t size,                          \
                                                    pysig_incremental_##f** incremental);                              \
    /* worst_case 1: each call takes constant time for each point; 0: a lower average. capacity: points for which to   \
     * allocate; it doubles if the window becomes longer. */                                                           \
    PYSIG_API int pysig_sliding_create_##f(int64_t channels, int depth, int worst_case, int64_t capacity,              \
                                           pysig_sliding_##f** sliding);                                               \
    PYSIG_API int pysig_sliding_copy_##f(const pysig_sliding_##f* sliding, pysig_sliding_##f** copy);                  \
    PYSIG_API void pysig_sliding_destroy_##f(pysig_sliding_##f* sliding);                                              \
    PYSIG_API int pysig_sliding_reset_##f(pysig_sliding_##f* sliding);                                                 \
    /* One point or several, (count, channels): without times, with times, or with times as integers. Times do not     \
     * decrease; all points of a window have the same kind. */                                                         \
    PYSIG_API int pysig_sliding_push_##f(pysig_sliding_##f* sliding, const R* points, int64_t points_size);            \
    PYSIG_API int pysig_sliding_push_times_##f(pysig_sliding_##f* sliding, const R* points, int64_t points_size,       \
                                               const double* times, int64_t times_size);                               \
    PYSIG_API int pysig_sliding_push_ticks_##f(pysig_sliding_##f* sliding, const R* points, int64_t points_size,       \
                                               const int64_t* ticks, int64_t ticks_size);                              \
    /* Drops the `count` oldest points. */                                                                             \
    PYSIG_API int pysig_sliding_pop_##f(pysig_sliding_##f* sliding, int64_t count);                                    \
    /* Drops the points whose time is less than `before`; inclusive 1: or equal; include_previous 1: the newest of     \
     * these stays. `dropped` may be NULL. */                                                                          \
    PYSIG_API int pysig_sliding_evict_##f(pysig_sliding_##f* sliding, double before, int inclusive,                    \
                                          int include_previous, int64_t* dropped);                                     \
    PYSIG_API int pysig_sliding_evict_ticks_##f(pysig_sliding_##f* sliding, int64_t before, int inclusive,             \
                                                int include_previous, int64_t* dropped);                               \
    PYSIG_API int pysig_sliding_signature_##f(const pysig_sliding_##f* sliding, R* out, int64_t out_size);             \
    PYSIG_API int pysig_sliding_logsignature_##f(const pysig_sliding_##f* sliding, const pysig_basis* basis, R* out,   \
                                                 int64_t out_size);                                                    \
    /* Each of the last three may be NULL. */                                                                          \
    PYSIG_API int pysig_sliding_sizes_##f(const pysig_sliding_##f* sliding, int64_t* channels, int* depth,             \
                                          int64_t* points);                                                            \
    /* As bytes, for machines of the same byte order; the capacity is not stored. */                                   \
    PYSIG_API int pysig_sliding_serialised_size_##f(const pysig_sliding_##f* sliding, int64_t* size);                  \
    PYSIG_API int pysig_sliding_serialise_##f(const pysig_sliding_##f* sliding, unsigned char* bytes, int64_t size);   \
    PYSIG_API int pysig_sliding_deserialise_##f(const unsigned char* bytes, int64_t size, pysig_sliding_##f** sliding);

PYSIG_DECLARE(float, f32)
PYSIG_DECLARE(double, f64)
#undef PYSIG_DECLARE

#ifdef __cplusplus
}
#endif

#endif
