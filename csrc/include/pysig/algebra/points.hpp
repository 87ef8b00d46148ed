// Points of transformed paths, one at a time, for static kernels: transform.hpp has those of increments.
#pragma once

#include "transform.hpp"

PYSIG_NAMESPACE_BEGIN

// Element `channel` of point `point` (0, ..., transformed steps) of the transformed path: that of a point of the path,
// a time, 1 or 0.
enum class point_part : int { zero, path, time, one };
struct point_element {
    point_part what;
    i64 point, channel;
};

PYSIG_HD constexpr point_element point_element_of(unsigned stages, i64 steps, i64 channels, i64 point, i64 channel) {
    i64 n[max_stages + 1] = {steps, 0, 0, 0, 0}, d[max_stages + 1] = {channels, 0, 0, 0, 0};
    PYSIG_UNROLL
    for (int k = 0; k < max_stages; ++k) {
        n[k + 1] = steps_after(stage_at(stages, k), n[k]);
        d[k + 1] = channels_after(stage_at(stages, k), d[k]);
    }
    PYSIG_UNROLL
    for (int k = max_stages - 1; k >= 0; --k) {
        const unsigned stage = stage_at(stages, k);
        const bool added = channel == d[k];
        if (stage == stage_time && added) return {point_part::time, point, 0};
        if (stage == stage_lead_lag) {
            const bool lead = channel >= d[k];
            if (lead) channel -= d[k];
            point = lead ? (point + 1) / 2 : point / 2;
        }
        if (stage == stage_basepoint) {
            if (point == 0) return {point_part::zero, 0, 0};
            --point;
        }
        if (stage == stage_reset) {
            if (added) return {point <= n[k] ? point_part::one : point_part::zero, 0, 0};
            if (point == n[k] + 2) return {point_part::zero, 0, 0};
            if (point > n[k]) point = n[k];
        }
    }
    return {point_part::path, point, channel};
}

// Its value; point(p, c) reads the path. `moves`: for a tangent, as in ends_of.
template <class R, class P>
PYSIG_HD R value_of_point(const point_element& e, const P& point, const clock_of<R>& clock, bool moves) {
    if (e.what == point_part::path) return point(e.point, e.channel);
    if (moves || e.what == point_part::zero) return R(0);
    return e.what == point_part::one ? R(1) : clock.at(e.point);
}

// The adjoint of element `channel` of point `point` of the path, from the adjoints bar(point, channel) of the points of
// the transformed path. An element of the path is in consecutive points of one channel, or of two with lead-lag.
template <class R, class F>
PYSIG_HD R point_adjoint_of_points(unsigned stages, i64 steps, i64 channels, i64 point, i64 channel, const F& bar) {
    R sum = R(0);
    int choices = 1;
    for (int k = 0; k < max_stages; ++k)
        if (stage_at(stages, k) == stage_lead_lag) choices *= 2;
    for (int choice = 0; choice < choices; ++choice) {
        i64 first = point, last = point, to = channel, n = steps, d = channels;
        int rest = choice;
        for (int k = 0; k < max_stages; ++k) {
            const unsigned stage = stage_at(stages, k);
            if (stage == stage_lead_lag) {
                const int lead = rest % 2;
                rest /= 2;
                first = 2 * first - (lead && first > 0 ? 1 : 0);
                last = 2 * last + (lead || last == n ? 0 : 1);
                if (lead) to += d;
            }
            if (stage == stage_basepoint) ++first, ++last;
            if (stage == stage_reset && last == n) ++last;
            n = steps_after(stage, n);
            d = channels_after(stage, d);
        }
        for (i64 p = first; p <= last; ++p) sum = sum + bar(p, to);
    }
    return sum;
}

PYSIG_NAMESPACE_END
