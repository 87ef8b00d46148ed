// C2. Increments of a path, made when they are needed: x[t] = point(t+1) - point(t), where a basepoint is one more point in front
// and points beyond `lengths` do not count. An increment of zero changes nothing, so padding is exact. A transform is one more way to
// make increments; the transformed path is never stored.
#pragma once

#include "job.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

// Channels and steps of the path as it was given, and steps as it is transformed.
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

// The channels of the lag, if all steps move a lag and a lead in turns, the lead first; else 0. Stages after lead-lag that have steps of
// their own put them in between.
template <class R>
inline i64 alternating_channels(const path_view<R>& path) {
    i64 channels = path.transform.channels, found = 0;
    for (int k = 0; k < most_stages; ++k) {
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
          points(path.data + b * path.batch_stride),
          steps(own_step_count(path, b)),
          clock{how.times ? how.times + b * how.times_stride : nullptr, how.end, steps_of_time(how.stages, steps)},
          all(transformed_steps(how.stages, steps)),
          head(base ? 1 : 0) {
        for (int k = 0; k < most_stages; ++k) {
            const unsigned stage = stage_at(how.stages, k);
            head = stage == stage_lead_lag ? 2 * head : head + (stage == stage_basepoint);
            tail = stage == stage_lead_lag ? 2 * tail : tail + (stage == stage_reset ? 2 : 0);
        }
    }

    // out[s * channels] = element `channel` of step begin + s, for s < count. Between the steps that stages have put at the ends, an element
    // of one step is that of two steps before, moved along.
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
    // `count` elements e, the same `stride` steps later, and so on, away from the basepoint, written to every other step.
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

// Writes the increments of steps [begin, begin + count) of path b, row-major (count, channels); steps from `end` on are zero.
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

// The steps [begin, end) of a path that a lane holds; path < 0 for an idle lane. `place`: of the path in the order of the lanes.
struct lane_steps {
    i64 path, chunk, begin, end, place;
};

template <class R>
inline i64 path_at(const path_view<R>& path, i64 place) {
    return path.order ? path.order[place] : place;
}

// Up to here all integers are floating-point numbers.
constexpr i64 most_counted = 1 << 24;

// How many of the next `count` steps all lanes can read as points stored one after the other; if need be with a channel of time.
template <class R>
inline i64 contiguous_steps(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count) {
    const bool time = path.transform.stages == stage_time;
    if (path.channel_stride != 1 || path.time_stride != own_channels(path) || (path.transform.stages && !time)) return 0;
    if (time && path.length >= most_counted) return 0;
    const i64 first = path.basepoint ? 1 : 0;
    for (int l = 0; l < lane_count<R>; ++l) {
        const lane_steps& s = slots[l];
        if (s.path < 0 || s.begin + t < first) return 0;
        if (s.end - s.begin - t < count) count = s.end - s.begin - t;
    }
    return count > 0 ? count : 0;
}

// As many streams as a vector has lanes are read at once, of which the hardware asks for too little ahead: reading reaches 60 to 80 per cent
// of the speed of memory, and nearly all of it where a few lines ahead are asked for. Paths that lie in the caches are not asked for.
constexpr i64 ahead_bytes = 1024;
constexpr i64 near_bytes = 4 << 20;

template <class R>
inline void ask_ahead(const R* p) {
    __builtin_prefetch(reinterpret_cast<const char*>(p) + ahead_bytes);
}

// The last channel of steps [t, t + count), which all lanes have, of paths to which only time is added.
template <class R>
inline void fill_time(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, lanes<R>* target) {
    const i64 all = path.channels;
    const path_transform<R>& how = path.transform;
    lanes<R>* last = target + all - 1;
    if (how.moves || !how.times) {
        lanes<R> point, rate;
        for (int l = 0; l < lane_count<R>; ++l) {
            point[l] = R(slots[l].begin + t);
            rate[l] = clock_of<R>{nullptr, how.end, own_step_count(path, slots[l].path)}.points_per_time();
        }
        lanes<R> before = point / rate;
        for (i64 s = 0; s < count; ++s) {
            point += R(1);
            const lanes<R> now = point / rate;
            last[s * all] = how.moves ? lanes<R>{} : now - before;
            before = now;
        }
        return;
    }
    for (int l = 0; l < lane_count<R>; ++l) {
        const R* times = how.times + slots[l].path * how.times_stride + slots[l].begin + t;
        for (i64 s = 0; s < count; ++s) last[s * all][l] = times[s + 1] - times[s];
    }
}

// The vectors of a block, from `channel` on, with room for one after every d of them.
template <class R>
inline void put_apart(const lanes<R> (&block)[lane_count<R>], lanes<R>* target, i64 channel, i64 d) {
    for (const lanes<R>& v : block) {
        target[channel] = v;
        if (++channel < d) continue;
        channel = 0;
        target += d + 1;
    }
}

// target[m][lane], m = step * channels + channel: the increments of steps [t, t + count) of every lane. `rows` is scratch,
// lane_count rows of `row_size` elements.
template <class R>
inline void fill_block(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                       lanes<R>* target) {
    constexpr int width = lane_count<R>;
    const i64 d = own_channels(path), all = path.channels, together = contiguous_steps(path, slots, t, count);
    const i64 done = together * d < width ? 0 : together, direct = done * d;
    if (done > 0) {
        if (all > d) fill_time(path, slots, t, done, target);
        const bool far = path.batch * path.length * d * i64(sizeof(R)) > near_bytes;
        const R* points[width];
        for (int l = 0; l < width; ++l)
            points[l] = path.data + slots[l].path * path.batch_stride + (slots[l].begin + t - (path.basepoint ? 1 : 0)) * d;
        for (i64 m = 0; m < direct; m += width) {
            if (m > direct - width) m = direct - width;  // the last vector overlaps the one before
            lanes<R> block[width];
            for (int l = 0; far && l < width; ++l) ask_ahead(points[l] + m);
            for (int l = 0; l < width; ++l) block[l] = load_lanes(points[l] + m + d) - load_lanes(points[l] + m);
            transpose<R>(block);
            if (all == d)
                for (int l = 0; l < width; ++l) target[m + l] = block[l];
            else
                put_apart<R>(block, target + m / d * all, m % d, d);
        }
    }
    if (done == count) return;
    for (int l = 0; l < width; ++l) {
        R* row = rows + l * row_size;
        if (slots[l].path < 0)
            std::memset(row, 0, std::size_t((count - done) * all) * sizeof(R));
        else
            fill_increments(path, slots[l].path, slots[l].begin + t + done, slots[l].end, count - done, row);
    }
    fill_lanes(target + done * all, rows, row_size, (count - done) * all);
}

// Of points [begin, end) of a transformed path, neither the first nor the last, to `points`: differences of the adjoints of the increments
// before and after them, of lead and of lag. The places of the increments of a path lie evenly among those of the transformed one.
template <class R>
inline void inner_points_adjoint(const path_view<R>& path, i64 steps, const R* PYSIG_RESTRICT x_bar, i64 begin, i64 end, R* PYSIG_RESTRICT points) {
    const unsigned stages = path.transform.stages;
    const i64 d = path.transform.channels, width = path.channels;
    for (i64 c = 0; c < d; ++c)
        for (int lead = has_stage(stages, stage_lead_lag) ? 0 : 1, first = 1; lead < 2; ++lead, first = 0) {
            const element before = place_of(stages, steps, d, part::increment, begin - 1, c, lead);
            const element after = place_of(stages, steps, d, part::increment, begin, c, lead);
            const i64 stride = (after.step - before.step) * width;
            const R* bar = x_bar + before.step * width + before.channel;
            R* to = points + c;
            for (i64 p = begin; p < end; ++p, bar += stride, to += d) *to = (first ? R(0) : *to) + (bar[0] - bar[stride]);
        }
}

// The adjoint of fill_increments over all steps of path b: from the adjoints of its increments, row-major (steps, channels), to those of
// its points, row-major (length, own channels), and of its basepoint unless that is null; of points [begin, end), of which the basepoint is the
// first. Points that do not count get zero. `constant`, unless null, has one more term of the adjoint of every increment, that of a channel
// every `stride` elements; between the ends it cancels.
template <class R>
inline void increments_adjoint(const path_view<R>& path, i64 b, const R* PYSIG_RESTRICT x_bar, const R* constant, i64 stride,
                               R* PYSIG_RESTRICT path_bar, R* PYSIG_RESTRICT basepoint_bar, i64 begin, i64 end) {
    const i64 d = own_channels(path), steps = own_step_count(path, b);
    const i64 first = path.basepoint ? 1 : 0, last = end < steps + 1 ? end : steps + 1;
    const auto point = [&](i64 p) { return p < first ? basepoint_bar : path_bar + (p - first) * d; };
    const i64 inner = begin > 1 ? begin : 1, inner_end = last < steps ? last : steps;  // neither the first point nor the last
    const auto at_ends = [&](i64 channel) { return constant ? constant[channel * stride] : R(0); };
    for (i64 p = begin < last ? last : begin; p < end; ++p)
        for (i64 c = 0; c < d; ++c) point(p)[c] = R(0);
    if (path.transform.stages) {
        const auto of_increment = [&](i64 step, i64 channel) { return x_bar[step * path.channels + channel]; };
        if (inner < inner_end) inner_points_adjoint(path, steps, x_bar, inner, inner_end, point(inner));
        for (i64 p = begin; p < last; ++p)
            for (i64 c = 0; (p < inner || p >= inner_end) && point(p) && c < d; ++c)
                point(p)[c] = point_adjoint<R>(path.transform.stages, steps, d, p, c, of_increment, at_ends);
        return;
    }
    R *start = begin == 0 ? point(0) : nullptr, *stop = steps > 0 && begin <= steps && steps < end ? point(steps) : nullptr;
    for (i64 c = 0; start && c < d; ++c) start[c] = steps > 0 ? -(x_bar[c] + at_ends(c)) : R(0);
    R* between = path_bar + (inner - first) * d;
    for (i64 m = 0; m < (inner_end - inner) * d; ++m) between[m] = x_bar[(inner - 1) * d + m] - x_bar[inner * d + m];
    for (i64 c = 0; stop && c < d; ++c) stop[c] = x_bar[(steps - 1) * d + c] + at_ends(c);
}

PYSIG_NAMESPACE_END
