// Transforms of paths as a map of increments: the transformed path is never stored.
//
// A transform is up to four *stages*, the first one innermost, each a nibble of a number, the first one lowest (0: no
// more stages). From a path of n steps x[0], ..., x[n-1] and d channels, a stage computes
//
//   time       n     steps, d + 1 channels: (x[t], time(t+1) - time(t))
//   lead_lag   2 n   steps, 2 d channels (lag, lead): (0, x[t]) and then (x[t], 0)
//   basepoint  n + 1 steps: from the origin to the first point, then x
//   reset      n + 2 steps, d + 1 channels: x while the last channel is 1; then (0, -1); then back to the origin
//
// (lead-lag: Flint, Hambly and Lyons 2016, arXiv 1310.4054; the others: Morrill et al. 2020, arXiv 2006.00873.) The
// path itself has `steps` steps; with a basepoint that is one of them.
#pragma once

#include "../config.hpp"

namespace pysig {

enum stage_kind : unsigned { stage_time = 1, stage_lead_lag = 2, stage_basepoint = 3, stage_reset = 4 };

// The source of an element of an increment of the transformed path.
enum class part : int {
    zero,
    increment,       // x[step][channel] of the path
    first_point,     // the first point, in a step from the origin
    last_point,      // minus the last point, in a step to the origin
    time_increment,  // time(step + 1) - time(step)
    first_time,
    last_time,  // minus the last time
    switched_on,
    switched_off,  // 1 and -1: the channel of `reset`
};

struct element {
    part what;
    i64 step, channel;
};

}  // namespace pysig

PYSIG_NAMESPACE_BEGIN

constexpr int max_stages = 4;

PYSIG_HD constexpr unsigned stage_at(unsigned stages, int k) { return stages >> (4 * k) & 15u; }

PYSIG_HD constexpr i64 steps_after(unsigned stage, i64 steps) {
    return stage == stage_lead_lag ? 2 * steps : steps + (stage == stage_basepoint ? 1 : stage == stage_reset ? 2 : 0);
}
PYSIG_HD constexpr i64 channels_after(unsigned stage, i64 channels) {
    return stage == stage_lead_lag ? 2 * channels : channels + (stage == stage_time || stage == stage_reset ? 1 : 0);
}

PYSIG_HD constexpr i64 transformed_steps(unsigned stages, i64 steps) {
    for (int k = 0; k < max_stages; ++k) steps = steps_after(stage_at(stages, k), steps);
    return steps;
}
PYSIG_HD constexpr i64 transformed_channels(unsigned stages, i64 channels) {
    for (int k = 0; k < max_stages; ++k) channels = channels_after(stage_at(stages, k), channels);
    return channels;
}
// The steps of the path that time is counted over.
PYSIG_HD constexpr i64 steps_of_time(unsigned stages, i64 steps) {
    for (int k = 0; k < max_stages && stage_at(stages, k) != stage_time; ++k)
        steps = steps_after(stage_at(stages, k), steps);
    return steps;
}

// Element `channel` of step `step` of the transformed path; the path has `steps` steps and `channels` channels. Stages
// are undone from the outermost inwards; the result is an element of an increment, or of the first or last point.
PYSIG_HD constexpr element element_of(unsigned stages, i64 steps, i64 channels, i64 step, i64 channel) {
    i64 n[max_stages + 1] = {steps, 0, 0, 0, 0}, d[max_stages + 1] = {channels, 0, 0, 0, 0};
    PYSIG_UNROLL
    for (int k = 0; k < max_stages; ++k) {
        n[k + 1] = steps_after(stage_at(stages, k), n[k]);
        d[k + 1] = channels_after(stage_at(stages, k), d[k]);
    }
    part what = part::increment;
    PYSIG_UNROLL
    for (int k = max_stages - 1; k >= 0; --k) {
        const unsigned stage = stage_at(stages, k);
        const bool added = channel == d[k];
        if (stage == stage_time && added)
            return {what == part::increment     ? part::time_increment
                    : what == part::first_point ? part::first_time
                                                : part::last_time,
                    step, 0};
        if (stage == stage_lead_lag) {
            const bool lead = channel >= d[k];
            if (what == part::increment && lead == (step % 2 == 1)) return {part::zero, 0, 0};
            if (lead) channel -= d[k];
            step /= 2;
        }
        if (stage == stage_basepoint) {
            if (what == part::first_point) return {part::zero, 0, 0};
            if (what == part::increment && step == 0) what = part::first_point;
            if (what == part::increment) --step;
        }
        if (stage == stage_reset) {
            if (what == part::last_point) return {part::zero, 0, 0};
            if (what == part::first_point && added) return {part::switched_on, 0, 0};
            if (what == part::increment && (added || step == n[k]))
                return {added && step == n[k] ? part::switched_off : part::zero, 0, 0};
            if (what == part::increment && step == n[k] + 1) what = part::last_point;
        }
    }
    return {what, step, channel};
}

// The inverse map: the place of an element of an increment of the path, or of its first or last point, in the
// increments of the transformed path. Lead-lag has two places; `lead` selects one. `part::zero`: none.
PYSIG_HD constexpr element place_of(unsigned stages, i64 steps, i64 channels, part what, i64 step, i64 channel,
                                    bool lead) {
    PYSIG_UNROLL
    for (int k = 0; k < max_stages; ++k) {
        const unsigned stage = stage_at(stages, k);
        if (stage == stage_lead_lag) {
            step = 2 * step + (lead ? 0 : 1);
            if (lead) channel += channels;
        }
        if (stage == stage_basepoint) {
            step = what == part::increment ? step + 1 : 0;
            if (what == part::first_point) what = part::increment;
        }
        if (stage == stage_reset && what == part::last_point) {
            what = part::increment;
            step = steps + 1;
        }
        steps = steps_after(stage, steps);
        channels = channels_after(stage, channels);
    }
    return {what == part::increment ? part::increment : part::zero, step, channel};
}

// The times of the points of one path, where time is counted: an array, or from 0 to `end` in equal steps.
//
// An increment of time is the difference of two rounded times, so the increments add up to the total time. Rounded
// equal increments would not. Times are quotients, because a compiler may fuse a product with the subtraction and skip
// its rounding.
template <class R>
struct clock_of {
    const R* times;
    R end;
    i64 steps;

    PYSIG_HD R points_per_time() const { return R(steps) / end; }
    PYSIG_HD R at(i64 point) const { return times ? times[point] : point == 0 ? R(0) : R(point) / points_per_time(); }
};

// The value of an element is ahead - behind. point(p, c) reads the path. For a tangent (`moves`), elements that do not
// depend on the points are zero.
template <class R>
struct ends {
    R ahead, behind;
};

template <class R, class P>
PYSIG_HD ends<R> ends_of(const element& e, i64 steps, const P& point, const clock_of<R>& clock, bool moves) {
    if (e.what == part::increment) return {point(e.step + 1, e.channel), point(e.step, e.channel)};
    if (e.what == part::first_point) return {point(0, e.channel), R(0)};
    if (e.what == part::last_point) return {R(0), point(steps, e.channel)};
    if (e.what == part::switched_on && !moves) return {R(1), R(0)};
    if (e.what == part::switched_off && !moves) return {R(0), R(1)};
    if (e.what == part::zero || moves) return {R(0), R(0)};
    if (e.what == part::time_increment) return {clock.at(e.step + 1), clock.at(e.step)};
    if (e.what == part::first_time) return {clock.at(0), R(0)};
    return {R(0), clock.at(clock.steps)};
}

PYSIG_HD constexpr bool has_stage(unsigned stages, unsigned stage) {
    for (int k = 0; k < max_stages; ++k)
        if (stage_at(stages, k) == stage) return true;
    return false;
}

// The adjoint: of element `channel` of point `point` (0, ..., steps), from the adjoints x_bar(step, channel) of the
// increments of the transformed path. `constant(channel)` is one more term of the adjoint of every increment of a
// channel. It cancels at interior points and is omitted there, to keep all digits.
template <class R, class F, class G>
PYSIG_HD R point_adjoint(unsigned stages, i64 steps, i64 channels, i64 point, i64 channel, const F& x_bar,
                         const G& constant) {
    R sum = R(0);
    for (int lead = has_stage(stages, stage_lead_lag) ? 0 : 1; lead < 2; ++lead) {
        int count = 0;
        i64 to = 0;
        const auto add = [&](part what, i64 step, int sign) {
            const element at = place_of(stages, steps, channels, what, step, channel, lead);
            if (at.what == part::zero) return;
            const R value = x_bar(at.step, at.channel);
            sum = sign > 0 ? sum + value : sum - value;
            count += sign;
            to = at.channel;
        };
        if (point > 0) add(part::increment, point - 1, 1);
        if (point < steps) add(part::increment, point, -1);
        if (point == 0) add(part::first_point, 0, 1);
        if (point == steps) add(part::last_point, 0, -1);
        if (count) sum += R(count) * constant(to);
    }
    return sum;
}

PYSIG_NAMESPACE_END
