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

// The steps [begin, end) of a path that a lane holds; path < 0 for an idle lane.
struct lane_steps {
    i64 path, chunk, begin, end;
};

// How many of the next `count` steps all lanes can read as points stored one after the other.
template <class R>
inline i64 contiguous_steps(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count) {
    if (path.channel_stride != 1 || path.time_stride != path.channels) return 0;
    const i64 first = path.basepoint ? 1 : 0;
    for (int l = 0; l < lane_count<R>; ++l) {
        const lane_steps& s = slots[l];
        if (s.path < 0 || s.begin + t < first) return 0;
        if (s.end - s.begin - t < count) count = s.end - s.begin - t;
    }
    return count > 0 ? count : 0;
}

// target[m][lane], m = step * channels + channel: the increments of steps [t, t + count) of every lane. `rows` is scratch,
// lane_count rows of `row_size` elements.
template <class R>
inline void fill_block(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                       lanes<R>* target) {
    constexpr int width = lane_count<R>;
    const i64 d = path.channels;
    const i64 direct = contiguous_steps(path, slots, t, count) * d / width * width;
    if (direct > 0) {
        const R* points[width];
        for (int l = 0; l < width; ++l)
            points[l] = path.data + slots[l].path * path.batch_stride + (slots[l].begin + t - (path.basepoint ? 1 : 0)) * d;
        for (i64 m = 0; m < direct; m += width) {
            lanes<R> block[width];
            for (int l = 0; l < width; ++l) block[l] = load_lanes(points[l] + m + d) - load_lanes(points[l] + m);
            transpose<R>(block);
            for (int l = 0; l < width; ++l) target[m + l] = block[l];
        }
    }
    if (direct == count * d) return;
    const i64 done = direct / d;  // whole steps
    for (int l = 0; l < width; ++l) {
        R* row = rows + l * row_size;
        if (slots[l].path < 0)
            std::memset(row, 0, std::size_t((count - done) * d) * sizeof(R));
        else
            fill_increments(path, slots[l].path, slots[l].begin + t + done, slots[l].end, count - done, row);
    }
    fill_lanes(target + direct, rows + direct - done * d, row_size, count * d - direct);
}

// The adjoint of fill_increments over all steps of path b: from the adjoints of its increments, row-major (steps, channels), to those of
// its points, row-major (length, channels), and of its basepoint unless that is null. Points that do not count get zero. `constant`, unless
// null, is one more term of the adjoint of every increment; between the ends it cancels.
template <class R>
inline void increments_adjoint(const path_view<R>& path, i64 b, const R* PYSIG_RESTRICT x_bar, const R* constant, R* PYSIG_RESTRICT path_bar,
                               R* PYSIG_RESTRICT basepoint_bar) {
    const i64 d = path.channels, steps = step_count(path, b), points = steps + 1;  // the basepoint is one of them
    const i64 first = path.basepoint ? 1 : 0;
    const auto point = [&](i64 p) { return p < first ? basepoint_bar : path_bar + (p - first) * d; };
    for (i64 m = steps > 0 ? (points - first) * d : 0; m < path.length * d; ++m) path_bar[m] = R(0);
    if (steps == 0) {
        for (i64 c = 0; basepoint_bar && c < d; ++c) basepoint_bar[c] = R(0);
        return;
    }
    R* start = point(0);
    R* end = point(steps);
    for (i64 c = 0; start && c < d; ++c) start[c] = -(x_bar[c] + (constant ? constant[c] : R(0)));
    R* between = point(1);
    for (i64 m = 0; m < (steps - 1) * d; ++m) between[m] = x_bar[m] - x_bar[m + d];
    for (i64 c = 0; c < d; ++c) end[c] = x_bar[(steps - 1) * d + c] + (constant ? constant[c] : R(0));
}

PYSIG_NAMESPACE_END
