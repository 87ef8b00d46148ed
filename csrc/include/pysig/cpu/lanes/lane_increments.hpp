// Increments on lanes, a block of steps at a time. If the points of all lanes are contiguous, square blocks are
// transposed in registers; with a channel of time, or lead and lag, they are stored to other places. Otherwise the
// increments of each lane are written to a row first.
#pragma once

#include "increments.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

// The steps [begin, end) of a path that a lane holds; path < 0 for an idle lane. `place`: of the path in the order of
// the lanes.
struct lane_steps {
    i64 path, chunk, begin, end, place;
};

template <class R>
inline i64 path_at(const path_view<R>& path, i64 place) {
    return path.order ? path.order[place] : place;
}

// All integers up to here are exact in float32.
constexpr i64 max_exact_integer = 1 << 24;

// Number of the next `count` steps that all lanes can read from contiguous points, possibly with a channel of time.
template <class R>
inline i64 contiguous_steps(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count) {
    const bool time = path.transform.stages == stage_time;
    if (path.channel_stride != 1 || path.time_stride != own_channels(path) || (path.transform.stages && !time))
        return 0;
    if (time && path.length >= max_exact_integer) return 0;
    const i64 first = path.basepoint ? 1 : 0;
    for (int l = 0; l < lane_count<R>; ++l) {
        const lane_steps& s = slots[l];
        if (s.path < 0 || s.begin + t < first) return 0;
        if (s.end - s.begin - t < count) count = s.end - s.begin - t;
    }
    return count > 0 ? count : 0;
}

// Every lane reads its own stream. Hardware prefetchers do not track that many: reading reaches 60 to 80 % of the
// memory bandwidth without prefetching, and nearly all of it with. Batches that fit the caches are not prefetched.
constexpr i64 prefetch_bytes = 1024;
constexpr i64 cached_bytes = 4 << 20;

template <class R>
inline void prefetch(const R* p) {
    __builtin_prefetch(reinterpret_cast<const char*>(p) + prefetch_bytes);
}

// The channel of time of steps [t, t + count), which all lanes have.
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
        const R* times = times_of(path, slots[l].path) + slots[l].begin + t;
        for (i64 s = 0; s < count; ++s) last[s * all][l] = times[s + 1] - times[s];
    }
}

// Stores the vectors of a block, elements m, m + 1, ... of rows of d channels, to rows of d + 1 channels.
template <class R>
inline void scatter_channels(const lanes<R> (&block)[lane_count<R>], lanes<R>* target, i64 m, i64 d) {
    target += m / d * (d + 1);
    i64 channel = m % d;
    for (const lanes<R>& v : block) {
        target[channel] = v;
        if (++channel < d) continue;
        channel = 0;
        target += d + 1;
    }
}

// Returns the number of steps of [t, t + count) that were filled.
template <class R>
inline i64 fill_lead_lag(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                         lanes<R>* target);

// target[m][lane], m = step * channels + channel: the increments of steps [t, t + count) of every lane. `rows` is
// scratch, lane_count rows of `row_size` elements.
template <class R>
inline void fill_block(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                       lanes<R>* target) {
    constexpr int width = lane_count<R>;
    const i64 d = own_channels(path), all = path.channels, together = contiguous_steps(path, slots, t, count);
    const i64 direct = together * d < width ? 0 : together * d;
    i64 done = direct > 0 ? together : 0;
    if (direct > 0) {
        if (all > d) fill_time(path, slots, t, done, target);
        const bool far = path.batch * path.length * d * i64(sizeof(R)) > cached_bytes;
        const R* points[width];
        for (int l = 0; l < width; ++l)
            points[l] = points_of(path, slots[l].path) + (slots[l].begin + t - (path.basepoint ? 1 : 0)) * d;
        for (i64 m = 0; m < direct; m += width) {
            if (m > direct - width) m = direct - width;  // the last vector overlaps the one before
            lanes<R> block[width];
            for (int l = 0; far && l < width; ++l) prefetch(points[l] + m);
            for (int l = 0; l < width; ++l) block[l] = load_lanes(points[l] + m + d) - load_lanes(points[l] + m);
            transpose<R>(block);
            if (all == d)
                for (int l = 0; l < width; ++l) target[m + l] = block[l];
            else scatter_channels<R>(block, target, m, d);
        }
    } else if (path.transform.stages == stage_lead_lag) {
        done = fill_lead_lag(path, slots, t, count, rows, row_size, target);
    }
    if (done == count) return;
    for (int l = 0; l < width; ++l) {
        R* row = rows + l * row_size;
        if (slots[l].path < 0) std::memset(row, 0, std::size_t((count - done) * all) * sizeof(R));
        else fill_increments(path, slots[l].path, slots[l].begin + t + done, slots[l].end, count - done, row);
    }
    fill_lanes(target + done * all, rows, row_size, (count - done) * all);
}

// The increments without lead and lag, half as many steps, are read to the last quarter of the target; then each of
// them becomes two steps, in place. Fills nothing if the points of the lanes are not contiguous, or if a lane begins in
// the middle of a pair.
template <class R>
inline i64 fill_lead_lag(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                         lanes<R>* target) {
    path_view<R> own = path;
    own.channels = own_channels(path);
    own.transform = {};
    lane_steps halves[lane_count<R>];
    i64 odd = t;
    for (int l = 0; l < lane_count<R>; ++l) {
        odd |= slots[l].begin;
        halves[l] = {slots[l].path, slots[l].chunk, slots[l].begin / 2, slots[l].end / 2, slots[l].place};
    }
    const i64 d = own.channels, pairs = count / 2;
    if (odd % 2 || pairs * d < lane_count<R> || contiguous_steps(own, halves, t / 2, pairs) < pairs) return 0;
    lanes<R>* x = target + 3 * pairs * d;
    fill_block(own, halves, t / 2, pairs, rows, row_size, x);
    for (i64 s = 0; s < pairs; ++s, x += d, target += 4 * d)
        for (i64 c = 0; c < d; ++c) {
            const lanes<R> v = x[c];
            target[c] = target[3 * d + c] = lanes<R>{};
            target[d + c] = target[2 * d + c] = v;
        }
    return 2 * pairs;
}

PYSIG_NAMESPACE_END
