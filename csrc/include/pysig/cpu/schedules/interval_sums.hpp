// Gradients of intervals: sums over groups.
#pragma once

#include "interval_lanes.hpp"

PYSIG_NAMESPACE_BEGIN

// The sums of increment adjoints of all groups, in their order, and the adjoints of the points.
template <class R>
class interval_sums {
 public:
    explicit interval_sums(const path_view<R>& path)
        : path(path), d(path.channels), steps(step_count(path)), rows(path.batch * steps * d) {
        std::memset(rows.get(), 0, std::size_t(path.batch * steps * d) * sizeof(R));
    }

    // `from`: (2, longest, d), of the sweep to the front, then of that to the end.
    void add(const interval_lanes<R>& lanes_of, const lanes<R>* from, i64 longest) {
        for (int l = 0; l < lane_count<R>; ++l) {
            const interval_slot& s = lanes_of.lane[l];
            if (s.path < 0) continue;
            R* to = rows.get() + s.path * steps * d;
            for (i64 t = 0; t < s.front; ++t)
                for (i64 c = 0; c < d; ++c) to[(s.mid - 1 - t) * d + c] += from[t * d + c][l];
            for (i64 t = 0; t < s.end; ++t)
                for (i64 c = 0; c < d; ++c) to[(s.resume + t) * d + c] += from[(longest + t) * d + c][l];
        }
    }

    void finish(i64 b, const path_cotangents<R>& into) const {
        R* basepoint = into.basepoint ? into.basepoint + b * own_channels(path) : nullptr;
        increments_adjoint<R>(path, b, rows.get() + b * steps * d, nullptr, 0,
                              into.path + b * path.length * own_channels(path), basepoint, 0,
                              path.length + (path.basepoint ? 1 : 0));
    }

 private:
    const path_view<R>& path;
    const i64 d, steps;
    buffer<R> rows;  // (batch, steps, d)
};

PYSIG_NAMESPACE_END
