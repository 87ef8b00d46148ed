// C2. Increments of a path, made when they are needed: x[t] = point(t+1) - point(t), where a basepoint is one more point in front
// and points beyond `lengths` do not count. An increment of zero changes nothing, so padding is exact.
#pragma once

#include "job.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
inline i64 step_count(const path_view<R>& path) {
    return path.length - 1 + (path.basepoint ? 1 : 0);
}

template <class R>
inline i64 step_count(const path_view<R>& path, i64 b) {
    return (path.lengths ? path.lengths[b] : path.length) - 1 + (path.basepoint ? 1 : 0);
}

// Writes the increments of steps [begin, begin + count) of path b, row-major (count, channels); steps from `end` on are zero.
template <class R>
inline void fill_increments(const path_view<R>& path, i64 b, i64 begin, i64 end, i64 count, R* PYSIG_RESTRICT out) {
    const i64 d = path.channels, steps = step_count(path, b);
    i64 valid = (end < steps ? end : steps) - begin;
    valid = valid < 0 ? 0 : valid > count ? count : valid;
    for (i64 m = valid * d; m < count * d; ++m) out[m] = R(0);
    const R* points = path.data + b * path.batch_stride;
    i64 t = begin;
    if (path.basepoint) {
        if (begin == 0 && valid > 0) {
            for (i64 c = 0; c < d; ++c) out[c] = points[c * path.channel_stride] - path.basepoint[b * d + c];
            out += d;
            --valid;
        } else {
            --t;
        }
    }
    const R* p = points + t * path.time_stride;
    if (path.channel_stride == 1 && path.time_stride == d) {
        for (i64 m = 0; m < valid * d; ++m) out[m] = p[m + d] - p[m];
        return;
    }
    for (i64 s = 0; s < valid; ++s, p += path.time_stride)
        for (i64 c = 0; c < d; ++c)
            out[s * d + c] = p[path.time_stride + c * path.channel_stride] - p[c * path.channel_stride];
}

PYSIG_NAMESPACE_END
