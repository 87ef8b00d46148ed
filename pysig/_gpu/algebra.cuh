// Bodies of the ElementwiseKernels of algebra.py: a thread per coefficient of the result (algebra/tensor.hpp has
// the formulas).
#include <pysig/algebra/tensor.hpp>

namespace pysig_gpu {

using pysig::i64;

// The rows of a batch: `stride` 0 gives the same row to all.
template <class R>
struct batch {
    const R* data;
    i64 stride, stored;
    R constant;
    __device__ pysig::row<R> at(i64 row) const { return {data + row * stride, stored, constant}; }
};

// out[index] = value, or += value.
template <class R>
__device__ void write(R* out, i64 index, R value, i64 add) {
    out[index] = add ? out[index] + value : value;
}

}  // namespace pysig_gpu
