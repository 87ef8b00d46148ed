// What the derivative schedules are asked to do: plain data, as job.hpp.
#pragma once

#include "signature.hpp"

namespace pysig {

// A direction in the space of all differentiable arguments. `path` has the lengths, the order and the presence of a
// basepoint of the path that it belongs to.
template <class R>
struct direction {
    path_view<R> path;
    const R* initial;  // (batch, size) row-major, or null: zero
};

// d signature(path + e tangent) / de at e = 0.
template <class R>
struct signature_jvp_job {
    signature_job<R> value;  // its `out` receives the derivative
    direction<R> tangent;
};

// The gradient of <cotangent, signature(...)>, or with `along` the derivative of that gradient in a direction. Outputs
// may be null, except for the first.
template <class R>
struct signature_vjp_job {
    signature_job<R> value;     // its `out` is not used
    const R* cotangent;         // laid out as the signature
    const direction<R>* along;  // null: the gradient itself
    R* path_bar;                // (batch, length, channels) row-major
    R* basepoint_bar;           // (batch, channels) row-major
    R* initial_bar;             // (batch, size) row-major without the scalar
};

}  // namespace pysig
