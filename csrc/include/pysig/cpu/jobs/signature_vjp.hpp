// The jobs of the derivatives of signatures: plain data, the same types for every instruction set.
#pragma once

#include "signature.hpp"

namespace pysig {

// d signature(path + e tangent) / de at e = 0.
template <class R>
struct signature_jvp_job {
    signature_job<R> value;  // its `out` receives the derivative
    direction<R> tangent;
};

// The gradient of <cotangent, signature(...)>; with `along`, the derivative of that gradient in a direction.
template <class R>
struct signature_vjp_job {
    signature_job<R> value;     // its `out` is not used
    const R* cotangent;         // laid out as the signature
    const direction<R>* along;  // null: the gradient itself
    path_cotangents<R> into;    // its `initial` is (batch, size), without the scalar
};

}  // namespace pysig
