// Copies between paths with padding, (batch, length, channels), and without, (points, channels). The functions are used
// by the ElementwiseKernels of ragged.py.
#include <pysig/config.hpp>

namespace pysig_gpu {

using pysig::i64;

// Path, point and channel of element i of the paths with padding.
struct padded_element {
    i64 path, point, channel;
    __device__ padded_element(i64 i, i64 length, i64 channels)
        : path(i / channels / length), point(i / channels % length), channel(i % channels) {}
};

}  // namespace pysig_gpu
