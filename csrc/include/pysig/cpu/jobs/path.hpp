// A batch of paths, and a direction in which it moves: plain data, the same type for every instruction set.
#pragma once

#include "../../algebra/transform.hpp"

namespace pysig {

// The transform that is applied to a path while its increments are read (algebra/transform.hpp).
template <class R>
struct path_transform {
    unsigned stages = 0;
    i64 channels = 0;          // of the path before the transform
    const R* times = nullptr;  // (batch, times_stride); null: equal steps from 0 to `end`
    i64 times_stride = 0;
    const i64* starts = nullptr;  // (batch), or null: places in `times` of the first times of paths without padding
    R end = 0;
    bool moves = false;  // the view is a tangent: channels that do not depend on the points have derivative zero
};

// The increments of a batch of paths, read in place and never stored. Strides count elements. With a transform,
// `channels` is the number of channels after it.
template <class R>
struct path_view {
    const R* data;
    i64 batch, length, channels;
    i64 batch_stride, time_stride, channel_stride;
    const R* basepoint = nullptr;  // (batch, channels) row-major, or null
    const i64* lengths = nullptr;  // (batch), or null: number of points of each path
    const i64* order = nullptr;    // (batch), or null: a permutation that puts paths of similar length side by side
    // (batch), or null: path b begins at point starts[b] of `data` instead of at b * batch_stride. Then `length` is
    // that of the longest path, `lengths` is not null, and gradients have the layout of the points.
    const i64* starts = nullptr;
    // (batch), or null: the first points of paths in separate arrays (length, channels). `data` is then not read, and
    // only values are computed.
    const R* const* rows = nullptr;
    path_transform<R> transform = {};
};

// A tangent of the paths and of the signatures that they continue. `path` has the lengths, the order and the transform
// of the paths, and a basepoint if and only if they have one.
template <class R>
struct direction {
    path_view<R> path;
    const R* initial;  // laid out as the `initial` of the job, or null: zero
};

// Outputs of a gradient, row-major. All but the first may be null.
template <class R>
struct path_cotangents {
    R* path;       // (batch, length, channels); with `starts` of the paths (points, channels)
    R* basepoint;  // (batch, channels)
    R* initial;    // laid out as the `initial` of the job
};

}  // namespace pysig
