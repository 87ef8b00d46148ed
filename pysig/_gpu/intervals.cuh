// Functions of the ElementwiseKernels of interval_kernels.py.
#include <pysig/algebra/chen.hpp>
#include <pysig/algebra/tensor.hpp>

namespace pysig_gpu {

using pysig::i64;

// Coefficient `index` of a row without scalar, or of its antipode.
template <class R>
__device__ R coefficient_of(const R* row, i64 index, i64 d, bool inverse) {
    if (!inverse) return row[index];
    const pysig::place at = pysig::place_of(index, 0, d);
    return pysig::antipode_coefficient(row, d, at.level, at.word);
}

}  // namespace pysig_gpu
