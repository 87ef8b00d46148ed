// Points of a path, transformed or not, for static kernels that need more than increments; and their adjoint.
#pragma once

#include "increments.hpp"

PYSIG_NAMESPACE_BEGIN

// The points 0, ..., steps of one transformed path. A point takes each element from where its last step ends; an
// element of a step that is zero repeats that of the point before.
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

    // out[(s * channels + c) * stride], s < count; points after the last one repeat it.
    void fill(i64 count, R* out, i64 stride) const {
        const i64 d = path.channels, row = d * stride;
        for (i64 s = 0; s < count; ++s, out += row)
            for (i64 c = 0; c < d; ++c) {
                R& to = out[c * stride];
                if (s == 0) to = start(c);
                else if (s > steps) to = (&to)[-row];
                else if (how.stages == 0) to = point(s, c);
                else {
                    const element e = element_of(how.stages, own, own_channels(path), s - 1, c);
                    const auto read = [this](i64 p, i64 channel) { return point(p, channel); };
                    to = e.what == part::zero ? (&to)[-row] : ends_of(e, own, read, clock, how.moves).ahead;
                }
            }
    }

    // Adds the adjoints of `count` points, (count, channels), to those of the points of the path. Changes `bar`.
    template <class F>
    void adjoint(R* bar, i64 count, const F& add) const {
        const i64 d = path.channels;
        for (i64 m = (steps + 1) * d; m < count * d; ++m) bar[steps * d + m % d] += bar[m];
        for (i64 s = steps; s > 0; --s)
            for (i64 c = 0; c < d; ++c) {
                const R value = bar[s * d + c];
                const element e = element_of(how.stages, own, own_channels(path), s - 1, c);
                if (e.what == part::zero) bar[(s - 1) * d + c] += value;
                else if (e.what == part::increment) add(e.step + 1, e.channel, value);
                else if (e.what == part::first_point) add(0, e.channel, value);
            }
        for (i64 c = 0; c < d; ++c) {
            const element e = first_element(c);
            if (e.what == part::first_point) add(0, e.channel, bar[c]);
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
    // The source of an element of the first transformed point; zero: it is the origin.
    element first_element(i64 channel) const {
        i64 d[max_stages + 1] = {own_channels(path), 0, 0, 0, 0};
        for (int k = 0; k < max_stages; ++k) d[k + 1] = channels_after(stage_at(how.stages, k), d[k]);
        for (int k = max_stages - 1; k >= 0; --k) {
            const unsigned stage = stage_at(how.stages, k);
            if (stage == stage_basepoint) return {part::zero, 0, 0};
            if (stage == stage_time && channel == d[k]) return {part::first_time, 0, 0};
            if (stage == stage_reset && channel == d[k]) return {part::switched_on, 0, 0};
            if (stage == stage_lead_lag && channel >= d[k]) channel -= d[k];
        }
        return {part::first_point, 0, channel};
    }
    R start(i64 channel) const {
        const element e = first_element(channel);
        const auto read = [this](i64 p, i64 c) { return point(p, c); };
        return ends_of(e, own, read, clock, how.moves).ahead;
    }
};

// The adjoint of `count` points of path b, as fill() sets them: `bar`, (count, channels), is changed. `path_bar`:
// (length, own channels). Padding receives zero. `basepoint_bar` may be null.
template <class R>
inline void points_adjoint(const path_view<R>& path, i64 b, R* bar, i64 count, R* path_bar, R* basepoint_bar) {
    const i64 d = own_channels(path), first = path.basepoint ? 1 : 0;
    for (i64 m = 0; m < path.length * d; ++m) path_bar[m] = R(0);
    for (i64 c = 0; basepoint_bar && c < d; ++c) basepoint_bar[c] = R(0);
    transformed_points<R>(path, b).adjoint(bar, count, [&](i64 p, i64 c, R value) {
        if (p >= first) path_bar[(p - first) * d + c] += value;
        else if (basepoint_bar) basepoint_bar[c] += value;
    });
}

PYSIG_NAMESPACE_END
