// Points of a path, transformed or not, for static kernels that need more than increments; and their adjoint.
#pragma once

#include "../../algebra/points.hpp"
#include "increments.hpp"

PYSIG_NAMESPACE_BEGIN

// The points 0, ..., steps of one transformed path (algebra/points.hpp). Points after the last one repeat it.
template <class R>
class transformed_points {
 public:
    transformed_points(const path_view<R>& path, i64 b)
        : path(path),
          how(path.transform),
          b(b),
          own(own_step_count(path, b)),
          clock{how.times ? how.times + b * how.times_stride : nullptr, how.end, steps_of_time(how.stages, own)},
          steps(step_count(path, b)) {}

    // out[(s * channels + c) * stride], s < count.
    void fill(i64 count, R* out, i64 stride) const {
        const auto read = [this](i64 p, i64 channel) { return point(p, channel); };
        for (i64 s = 0; s < count; ++s)
            for (i64 c = 0; c < path.channels; ++c, out += stride)
                *out = how.stages ? value_of_point<R>(element_at(s, c), read, clock, how.moves) : point(inside(s), c);
    }

    // Adds the adjoints of `count` points, (count, channels), to those of the points of the path.
    template <class F>
    void adjoint(const R* bar, i64 count, const F& add) const {
        for (i64 s = 0; s < count; ++s)
            for (i64 c = 0; c < path.channels; ++c, ++bar) {
                const point_element e = element_at(s, c);
                if (e.what == point_part::path) add(e.point, e.channel, *bar);
            }
    }

 private:
    const path_view<R>& path;
    const path_transform<R>& how;
    const i64 b, own;
    const clock_of<R> clock;
    const i64 steps;

    R point(i64 p, i64 c) const {
        const i64 first = path.basepoint ? 1 : 0;
        if (p < first) return path.basepoint[b * own_channels(path) + c];
        return path.data[b * path.batch_stride + (p - first) * path.time_stride + c * path.channel_stride];
    }
    i64 inside(i64 s) const { return s < steps ? s : steps; }
    point_element element_at(i64 s, i64 c) const {
        return point_element_of(how.stages, own, own_channels(path), inside(s), c);
    }
};

// The adjoint of `count` points of path b, as fill() sets them, (count, channels). `path_bar`:
// (length, own channels). Padding receives zero. `basepoint_bar` may be null.
template <class R>
inline void points_adjoint(const path_view<R>& path, i64 b, const R* bar, i64 count, R* path_bar, R* basepoint_bar) {
    const i64 d = own_channels(path), first = path.basepoint ? 1 : 0;
    for (i64 m = 0; m < path.length * d; ++m) path_bar[m] = R(0);
    for (i64 c = 0; basepoint_bar && c < d; ++c) basepoint_bar[c] = R(0);
    transformed_points<R>(path, b).adjoint(bar, count, [&](i64 p, i64 c, R value) {
        if (p >= first) path_bar[(p - first) * d + c] += value;
        else if (basepoint_bar) basepoint_bar[c] += value;
    });
}

PYSIG_NAMESPACE_END
