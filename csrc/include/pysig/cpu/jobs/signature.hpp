// What a host schedule is asked to do: plain data, hence the same type for every instruction set.
#pragma once

#include "../../algebra/transform.hpp"

namespace pysig {

// How a path is transformed while its increments are read, see algebra/transform.hpp.
template <class R>
struct path_transform {
    unsigned stages = 0;
    i64 channels = 0;          // of the path itself
    const R* times = nullptr;  // (batch, times_stride), or null: from 0 to `end` in equal steps
    i64 times_stride = 0;
    R end = 0;
    bool moves = false;  // a direction in which paths move: what does not come from the points stays where it is
};

// The increments of a batch of paths, described and never stored. Strides are counted in elements. `channels` are those
// of the transformed path, if there is a transform.
template <class R>
struct path_view {
    const R* data;
    i64 batch, length, channels;
    i64 batch_stride, time_stride, channel_stride;
    const R* basepoint;  // (batch, channels) row-major, or null
    const i64* lengths;  // (batch), or null: the points that count
    const i64* order;    // (batch), or null: a permutation that puts paths of similar length side by side
    path_transform<R> transform = {};
};

// The one threading seam: calls body(context, item, worker) once for each item in [0, items), worker in [0, workers).
// A schedule asks `cancelled` between blocks of work and returns early, its output unspecified, once it says true.
struct executor {
    int workers;
    void (*run)(const executor& self, i64 items, void (*body)(void* context, i64 item, int worker), void* context);
    bool (*cancelled)(const executor& self);
    void* state;
};

enum class method : int { automatic = 0, tile = 1, cumsum = 2 };

template <class R>
struct signature_job {
    path_view<R> path;
    int depth;
    method how;
    bool stream, inverse, scalar_term;
    const R* initial;  // (batch, size) row-major without the scalar, or null
    R* out;            // (batch, [rows,] size [+ 1]) row-major
};

}  // namespace pysig
