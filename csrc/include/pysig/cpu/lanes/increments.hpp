// Increments of a path, computed on the fly: x[t] = point(t+1) - point(t). A basepoint is one more point in front;
// points beyond `lengths` are ignored. An increment of zero changes nothing, so padding is exact. A transform is
// another way to read increments; the transformed path is never stored.
#pragma once

#include "../jobs/path.hpp"

#include <cstring>

PYSIG_NAMESPACE_BEGIN

// Channels and steps of the given path (own_), and steps of the transformed path.
template <class R>
inline i64 own_channels(const path_view<R>& path) {
    return path.transform.stages ? path.transform.channels : path.channels;
}
template <class R>
inline i64 own_step_count(const path_view<R>& path, i64 b) {
    return (path.lengths ? path.lengths[b] : path.length) - 1 + (path.basepoint ? 1 : 0);
}
template <class R>
inline i64 step_count(const path_view<R>& path, i64 b) {
    return transformed_steps(path.transform.stages, own_step_count(path, b));
}
template <class R>
inline i64 step_count(const path_view<R>& path) {
    return transformed_steps(path.transform.stages, path.length - 1 + (path.basepoint ? 1 : 0));
}

// The first point of path b.
template <class R>
inline const R* points_of(const path_view<R>& path, i64 b) {
    if (path.rows) return path.rows[b];
    return path.data + (path.starts ? path.starts[b] * path.time_stride : b * path.batch_stride);
}
// Points of path b in a gradient: those of padding too.
template <class R>
inline i64 point_count(const path_view<R>& path, i64 b) {
    return path.starts ? path.lengths[b] : path.length;
}
// Its place among the points of a gradient.
template <class R>
inline i64 place_of_points(const path_view<R>& path, i64 b) {
    return path.starts ? path.starts[b] : b * path.length;
}
// The first time of path b, which has times.
template <class R>
inline const R* times_of(const path_view<R>& path, i64 b) {
    const path_transform<R>& how = path.transform;
    return how.times + (how.starts ? how.starts[b] : b * how.times_stride);
}

// Channels of the lag, if the steps move lead and lag alternately, the lead first; else 0. Stages after lead-lag that
// insert steps break the alternation.
template <class R>
inline i64 alternating_channels(const path_view<R>& path) {
    i64 channels = path.transform.channels, found = 0;
    for (int k = 0; k < max_stages; ++k) {
        const unsigned stage = stage_at(path.transform.stages, k);
        if (stage == stage_lead_lag) found = channels;
        if (stage == stage_basepoint || stage == stage_reset) found = 0;
        channels = channels_after(stage, channels);
    }
    return found;
}

// The increments of one transformed path.
template <class R>
class transformed_path {
 public:
    transformed_path(const path_view<R>& path, i64 b)
        : path(path),
          how(path.transform),
          base(path.basepoint ? path.basepoint + b * how.channels : nullptr),
          points(points_of(path, b)),
          steps(own_step_count(path, b)),
          clock{how.times ? times_of(path, b) : nullptr, how.end, steps_of_time(how.stages, steps)},
          all(transformed_steps(how.stages, steps)),
          head(base ? 1 : 0) {
        for (int k = 0; k < max_stages; ++k) {
            const unsigned stage = stage_at(how.stages, k);
            head = stage == stage_lead_lag ? 2 * head : head + (stage == stage_basepoint);
            tail = stage == stage_lead_lag ? 2 * tail : tail + (stage == stage_reset ? 2 : 0);
        }
    }

    // out[s * channels] = element `channel` of step begin + s, for s < count. Between the steps that stages insert at
    // the ends, an element equals that of two steps before, moved by a constant stride.
    void fill(i64 channel, i64 begin, i64 count, R* out) const {
        const i64 d = path.channels;
        i64 s = 0;
        for (; s < count && begin + s < head; ++s) out[s * d] = value(at(begin + s, channel));
        const i64 regular = count < all - tail - begin ? count : all - tail - begin;
        for (i64 first = s; first < regular && first < s + 2; ++first) {
            const element e = at(begin + first, channel);
            const i64 stride = first + 2 < regular ? at(begin + first + 2, channel).step - e.step : 0;
            run(e, stride, out + first * d, (regular - first + 1) / 2);
        }
        for (s = s < regular ? regular : s; s < count; ++s) out[s * d] = value(at(begin + s, channel));
    }

 private:
    const path_view<R>& path;
    const path_transform<R>& how;
    const R *base, *points;
    const i64 steps;
    const clock_of<R> clock;
    const i64 all;
    i64 head, tail = 0;  // steps from the origin or a basepoint, and back to the origin

    element at(i64 step, i64 channel) const { return element_of(how.stages, steps, how.channels, step, channel); }
    // `count` elements e, the same `stride` steps later, and so on, away from the basepoint, written to every other
    // step.
    void run(element e, i64 stride, R* out, i64 count) const {
        const i64 along = 2 * path.channels;
        if (e.what == part::increment) {
            const i64 next = path.time_stride, jump = stride * next;
            const R* p = points + (e.step - (base ? 1 : 0)) * next + e.channel * path.channel_stride;
            for (i64 k = 0; k < count; ++k, p += jump) out[k * along] = p[next] - p[0];
        } else if (e.what == part::time_increment) {
            for (i64 k = 0; k < count; ++k, e.step += stride) out[k * along] = value(e);
        } else {
            const R same = value(e);
            for (i64 k = 0; k < count; ++k) out[k * along] = same;
        }
    }
    R value(const element& e) const {
        // The basepoint is point 0, if there is one.
        const auto point = [this](i64 p, i64 c) {
            if (base && p == 0) return base[c];
            return points[(p - (base ? 1 : 0)) * path.time_stride + c * path.channel_stride];
        };
        const ends<R> between = ends_of(e, steps, point, clock, how.moves);
        return between.ahead - between.behind;
    }
};

// Writes the increments of steps [begin, begin + count) of path b, row-major (count, channels); steps from `end` on are
// zero.
template <class R>
inline void fill_increments(const path_view<R>& path, i64 b, i64 begin, i64 end, i64 count, R* PYSIG_RESTRICT out) {
    const i64 d = path.channels, steps = step_count(path, b);
    i64 valid = (end < steps ? end : steps) - begin;
    valid = valid < 0 ? 0 : valid > count ? count : valid;
    for (i64 m = valid * d; m < count * d; ++m) out[m] = R(0);
    if (path.transform.stages) {
        const transformed_path<R> transformed(path, b);
        for (i64 c = 0; c < d; ++c) transformed.fill(c, begin, valid, out + c);
        return;
    }
    const R* points = points_of(path, b);
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

// Adjoints of the inner points [begin, end) of a transformed path: P_bar_p = x_bar_before - x_bar_after, summed over
// lead and lag. The increments of a channel of the path are evenly spaced among those of the transformed path.
template <class R>
inline void inner_points_adjoint(const path_view<R>& path, i64 steps, const R* PYSIG_RESTRICT x_bar, i64 begin, i64 end,
                                 R* PYSIG_RESTRICT points) {
    const unsigned stages = path.transform.stages;
    const i64 d = path.transform.channels, width = path.channels;
    for (i64 c = 0; c < d; ++c)
        for (int lead = has_stage(stages, stage_lead_lag) ? 0 : 1, first = 1; lead < 2; ++lead, first = 0) {
            const element before = place_of(stages, steps, d, part::increment, begin - 1, c, lead);
            const element after = place_of(stages, steps, d, part::increment, begin, c, lead);
            const i64 stride = (after.step - before.step) * width;
            const R* bar = x_bar + before.step * width + before.channel;
            R* to = points + c;
            for (i64 p = begin; p < end; ++p, bar += stride, to += d)
                *to = (first ? R(0) : *to) + (bar[0] - bar[stride]);
        }
}

// The adjoint of fill_increments for points [begin, end) of path b, counted from the basepoint if there is one:
//     P_bar_p = x_bar_(p-1) - x_bar_p,     P_bar_0 = -x_bar_0,     P_bar_n = x_bar_(n-1).
// `x_bar`: (steps, channels) row-major. `path_bar`: (length, own channels) row-major. `basepoint_bar`: null if not
// computed. Padding receives zero. `constant`, unless null: one more term of every x_bar, channel c at constant[c *
// stride]; it cancels except at the ends.
template <class R>
inline void increments_adjoint(const path_view<R>& path, i64 b, const R* PYSIG_RESTRICT x_bar, const R* constant,
                               i64 stride, R* PYSIG_RESTRICT path_bar, R* PYSIG_RESTRICT basepoint_bar, i64 begin,
                               i64 end) {
    const i64 d = own_channels(path), steps = own_step_count(path, b);
    const i64 first = path.basepoint ? 1 : 0, last = end < steps + 1 ? end : steps + 1;
    const auto point = [&](i64 p) { return p < first ? basepoint_bar : path_bar + (p - first) * d; };
    const i64 inner = begin > 1 ? begin : 1,
              inner_end = last < steps ? last : steps;  // neither the first point nor the last
    const auto at_ends = [&](i64 channel) { return constant ? constant[channel * stride] : R(0); };
    const i64 padding = begin < last ? last : begin;
    if (padding < end) std::memset(point(padding), 0, std::size_t((end - padding) * d) * sizeof(R));
    if (path.transform.stages) {
        const auto of_increment = [&](i64 step, i64 channel) { return x_bar[step * path.channels + channel]; };
        if (inner < inner_end) inner_points_adjoint(path, steps, x_bar, inner, inner_end, point(inner));
        for (i64 p = begin; p < last; ++p)
            for (i64 c = 0; (p < inner || p >= inner_end) && point(p) && c < d; ++c)
                point(p)[c] = point_adjoint<R>(path.transform.stages, steps, d, p, c, of_increment, at_ends);
        return;
    }
    R *start = begin == 0 ? point(0) : nullptr,
      *stop = steps > 0 && begin <= steps && steps < end ? point(steps) : nullptr;
    for (i64 c = 0; start && c < d; ++c) start[c] = steps > 0 ? -(x_bar[c] + at_ends(c)) : R(0);
    R* between = path_bar + (inner - first) * d;
    for (i64 m = 0; m < (inner_end - inner) * d; ++m) between[m] = x_bar[(inner - 1) * d + m] - x_bar[inner * d + m];
    for (i64 c = 0; stop && c < d; ++c) stop[c] = x_bar[(steps - 1) * d + c] + at_ends(c);
}

PYSIG_NAMESPACE_END
