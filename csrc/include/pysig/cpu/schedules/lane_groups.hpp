// Assignment of paths and chunks of time to lanes.
//
// Slot s = place * chunks + chunk; lane l of group g is slot g * lane_count + l. `place` is the position of the path
// in `path.order`. A chunk of a path of n steps holds ceil(n / chunks) steps, rounded up to a multiple of
// `plan.multiple`; the last chunks may be short or empty.
#pragma once

#include "../lanes/lane_increments.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

// The steps [begin, end) of a chunk.
struct chunk_range {
    i64 begin, end;
};
inline chunk_range chunk_of(const lane_plan& plan, i64 chunk, i64 steps) {
    i64 length = ceil_div(steps, plan.chunks);
    if (plan.multiple > 1) length = ceil_div(length, plan.multiple) * plan.multiple;
    const i64 begin = chunk * length < steps ? chunk * length : steps;
    return {begin, begin + length < steps ? begin + length : steps};
}

// The lanes of one group, and the number of steps of the longest.
template <class R>
struct lane_group {
    lane_steps slots[lane_count<R>];
    i64 index, longest = 0;

    lane_group(const path_view<R>& path, const lane_plan& plan, i64 group) : index(group) {
        for (int l = 0; l < lane_count<R>; ++l) {
            slots[l] = lane_at(path, plan, group * lane_count<R> + l);
            if (slots[l].end - slots[l].begin > longest) longest = slots[l].end - slots[l].begin;
        }
    }

 private:
    static lane_steps lane_at(const path_view<R>& path, const lane_plan& plan, i64 slot) {
        if (slot >= path.batch * plan.chunks) return {-1, 0, 0, 0, 0};
        const i64 chunk = slot % plan.chunks, place = slot / plan.chunks, b = path_at(path, place);
        const chunk_range range = chunk_of(plan, chunk, step_count(path, b));
        return {b, chunk, range.begin, range.end, place};
    }
};

PYSIG_NAMESPACE_END
