// C2. Increments on lanes, a block of steps at a time. Where all lanes read points that lie one after the other, a square of numbers is
// transposed in registers; a channel of time, and lead and lag, only put it elsewhere. Else the increments of each lane are written to a row.
#pragma once

#include "increments.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

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

// Steps of the transformed path for each of the path itself, where they are made without rows; else 0.
template <class R>
inline i64 direct_steps(const path_view<R>& path) {
    if (path.channel_stride != 1 || path.time_stride != own_channels(path)) return 0;
    const unsigned stages = path.transform.stages;
    return !stages || (stages == stage_time && path.length < most_counted) ? 1 : stages == stage_lead_lag ? 2 : 0;
}

// How many of the next steps of the path itself, `count` of the transformed path, all lanes can read as points stored one after the other.
template <class R>
inline i64 contiguous_steps(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count) {
    const i64 each = direct_steps(path), first = path.basepoint ? 1 : 0;
    if (each == 0 || t % each) return 0;
    for (int l = 0; l < lane_count<R>; ++l) {
        const lane_steps& s = slots[l];
        if (s.path < 0 || s.begin % each || (s.begin + t) / each < first) return 0;
        if (s.end - s.begin - t < count) count = s.end - s.begin - t;
    }
    return count > 0 ? count / each : 0;
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

// The vectors of a block, from element m of the steps of d channels on, where the transform has them: before a channel of time, or as lead and
// then as lag.
template <class R>
inline void put_apart(const lanes<R> (&block)[lane_count<R>], lanes<R>* target, i64 m, i64 d, bool lead_lag) {
    const i64 each = lead_lag ? 4 * d : d + 1;
    target += m / d * each;
    i64 channel = m % d;
    for (const lanes<R>& v : block) {
        if (lead_lag) {
            target[channel] = target[3 * d + channel] = lanes<R>{};
            target[d + channel] = target[2 * d + channel] = v;
        } else {
            target[channel] = v;
        }
        if (++channel < d) continue;
        channel = 0;
        target += each;
    }
}

// target[m][lane], m = step * channels + channel: the increments of steps [t, t + count) of every lane. `rows` is scratch,
// lane_count rows of `row_size` elements.
template <class R>
inline void fill_block(const path_view<R>& path, const lane_steps* slots, i64 t, i64 count, R* rows, i64 row_size,
                       lanes<R>* target) {
    constexpr int width = lane_count<R>;
    const i64 d = own_channels(path), all = path.channels, each = direct_steps(path);
    const i64 direct = contiguous_steps(path, slots, t, count) * d, done = direct < width ? 0 : direct / d * each;
    if (done > 0) {
        if (each == 1 && all > d) fill_time(path, slots, t, done, target);
        const bool far = path.batch * path.length * d * i64(sizeof(R)) > near_bytes;
        const R* points[width];
        for (int l = 0; l < width; ++l)
            points[l] = path.data + slots[l].path * path.batch_stride + ((slots[l].begin + t) / each - (path.basepoint ? 1 : 0)) * d;
        for (i64 m = 0; m < direct; m += width) {
            if (m > direct - width) m = direct - width;  // the last vector overlaps the one before
            lanes<R> block[width];
            for (int l = 0; far && l < width; ++l) ask_ahead(points[l] + m);
            for (int l = 0; l < width; ++l) block[l] = load_lanes(points[l] + m + d) - load_lanes(points[l] + m);
            transpose<R>(block);
            if (all > d)
                put_apart<R>(block, target, m, d, each == 2);
            else
                for (int l = 0; l < width; ++l) target[m + l] = block[l];
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

PYSIG_NAMESPACE_END
