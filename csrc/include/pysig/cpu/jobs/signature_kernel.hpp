// The jobs of signature kernels: plain data, the same types for every instruction set.
#pragma once

#include "../../algebra/static_kernel.hpp"
#include "path.hpp"

namespace pysig {

enum class kernel_scheme : int { square, levels, difference };  // algebra/goursat.hpp, algebra/truncated_kernel.hpp
enum class kernel_rows : int { value, levels, grid };

// What is computed of each pair.
struct kernel_rule {
    kernel_scheme scheme;
    int order;         // of square and levels
    int depth;         // of levels
    int dyadic_order;  // every segment is cut into 2^dyadic_order parts
    static_kernel kappa;
    const double* weights;  // of the levels 0 to depth; null: all 1
};

// Pairs of paths, in the forms of pysig/_plans/signature_kernel.py. If `symmetric`, y is x.
template <class R>
struct kernel_pairs {
    path_view<R> x, y;
    bool paired, symmetric;
    const R* increments;  // (batch, steps_x, steps_y), or null: those of x and y
    i64 batch, steps_x, steps_y, batch_stride, x_stride, y_stride;
};

template <class R>
struct signature_kernel_job {
    kernel_pairs<R> pairs;
    kernel_rule rule;
    kernel_rows rows;
    R* out;  // row-major: (batch) or (batch_x, batch_y), then depth + 1 levels or the grid of points
};

// The derivative along directions of both sides, of the values or the levels.
template <class R>
struct signature_kernel_jvp_job {
    signature_kernel_job<R> value;         // its `out` receives the derivative
    const direction<R>*along_x, *along_y;  // null: constant
    const R* along_increments;             // with increments only: their tangent, of the same strides
};

// The gradient of the sum of cotangent * kernel.
template <class R>
struct signature_kernel_vjp_job {
    signature_kernel_job<R> value;  // its `out` is not used
    const R* cotangent;             // laid out as the values or the levels
    path_cotangents<R> x, y;        // `path` may be null: not needed. If symmetric, x receives all
    R* increments;                  // with increments only: (batch, steps_x, steps_y)
    double* parameters;             // (3), or null
};

}  // namespace pysig
