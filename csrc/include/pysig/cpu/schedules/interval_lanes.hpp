// Groups of intervals in the lanes: what the value and the gradient of signature_intervals.hpp share.
//
// Slot s holds group s / sets for path s % sets, where `sets` is the number of paths that share the bounds. Lanes are
// independent, so a result does not depend on its neighbours. If all lanes have the same structure, as windows of one
// size have, the rows suf(a) stay in the lanes; otherwise they are stored lane by lane.
#pragma once

#include "../jobs/signature_intervals.hpp"
#include "../kernels/algebra.hpp"
#include "../kernels/chen.hpp"
#include "../kernels/lane_product.hpp"
#include "../kernels/lane_step.hpp"
#include "../kernels/tile_forward.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "../lanes/numbers.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

// How a result is made: suf(a) (x) pre(b), or one of the two where the other is trivial.
enum class interval_kind { product, end_only, front_only };
inline i64 start_of(const interval_groups& groups, i64 query) { return groups.bounds[2 * query]; }
inline i64 end_of(const interval_groups& groups, i64 query) { return groups.bounds[2 * query + 1]; }

inline interval_kind kind_of_query(const interval_groups& groups, i64 query, i64 mid) {
    return start_of(groups, query) == mid ? interval_kind::end_only
           : end_of(groups, query) == mid ? interval_kind::front_only
                                          : interval_kind::product;
}

inline i64 largest_group(const interval_groups& groups) {
    i64 most = 0;
    for (i64 g = 0; g < groups.count; ++g)
        if (groups.begin[g + 1] - groups.begin[g] > most) most = groups.begin[g + 1] - groups.begin[g];
    return most;
}

// Groups [first, last).
inline interval_groups part_of(interval_groups groups, i64 first, i64 last) {
    groups.count = last - first;
    groups.mids += first;
    groups.resumes += first;
    groups.middle += first;
    groups.begin += first;
    return groups;
}

// A group in a lane. Places are those of the lists of queries.
struct interval_slot {
    i64 path = -1;  // -1: an idle lane
    i64 group = 0, mid = 0, resume = 0, first = 0, last = 0;
    i64 query = 0;           // added to a query: the rows of the path, where bounds are shared
    i64 middle = -1;         // the row of the signature of [mid, resume), if that is needed
    i64 front = 0, end = 0;  // steps of the sweeps to the front and to the end
};

// Steps from mid to the front, and from resume to the end (-1 for b = mid), of a query.
inline i64 steps_to_front(const interval_groups& groups, const interval_slot& s, i64 query) {
    return s.mid - start_of(groups, query);
}
inline i64 steps_to_end(const interval_groups& groups, const interval_slot& s, i64 query) {
    const i64 b = end_of(groups, query);
    return b == s.mid ? -1 : b - s.resume;
}

// Group g, for path number `set` of those that share the bounds.
inline interval_slot slot_of(const interval_groups& groups, i64 g, i64 set) {
    interval_slot s;
    s.group = g;
    s.mid = groups.mids[g];
    s.resume = groups.resumes[g];
    s.first = groups.begin[g];
    s.last = groups.begin[g + 1];
    s.path = groups.shared ? set : groups.by_start[s.first] / groups.queries;
    s.query = groups.shared ? set * groups.queries : 0;
    s.middle = groups.middle[g] < 0 ? -1 : set * groups.middles + groups.middle[g];
    s.front = steps_to_front(groups, s, groups.by_start[s.last - 1]);
    s.end = steps_to_end(groups, s, groups.by_end[s.last - 1]);
    if (s.end < 0) s.end = 0;
    return s;
}

template <class R>
class interval_lanes {
 public:
    static constexpr int width = lane_count<R>;

    interval_lanes(const path_view<R>& path, const interval_groups& groups, i64 item) : groups(groups) {
        const i64 sets = groups.shared ? path.batch : 1;
        for (int l = 0; l < width; ++l) {
            const i64 slot = item * width + l;
            if (slot < groups.count * sets) lane[l] = slot_of(groups, slot / sets, slot % sets);
            if (lane[l].front > front) front = lane[l].front;
            if (lane[l].end > end) end = lane[l].end;
            if (lane[l].last - lane[l].first > queries) queries = lane[l].last - lane[l].first;
        }
        for (int l = 1; l < width && aligned; ++l) aligned = lane[l].path < 0 || alike(lane[0], lane[l]);
    }

    interval_slot lane[width];
    i64 front = 0, end = 0;  // steps of the longest sweeps
    i64 queries = 0;         // of the largest group
    bool aligned = true;     // all lanes have the structure of lane 0

    // The slots of lane_increments.hpp for steps from `resume` on.
    void ahead(lane_steps* steps) const {
        for (int l = 0; l < width; ++l) steps[l] = {lane[l].path, 0, lane[l].resume, lane[l].resume + lane[l].end, l};
    }
    // For `count` steps that end t steps before `mid`; a lane that has fewer needs none.
    void behind(lane_steps* steps, i64 t, i64 count) const {
        for (int l = 0; l < width; ++l) {
            const i64 begin = lane[l].mid - t - count;
            steps[l] = {begin < 0 ? -1 : lane[l].path, 0, begin, begin + count, l};
        }
    }
    // At most `count`, and as many as the lanes that need any have before them.
    i64 steps_behind(i64 t, i64 count) const {
        for (int l = 0; l < width; ++l)
            if (lane[l].front > t && lane[l].mid - t < count) count = lane[l].mid - t;
        return count;
    }

 private:
    const interval_groups& groups;

    bool alike(const interval_slot& p, const interval_slot& q) const {
        if (p.last - p.first != q.last - q.first || p.resume - p.mid != q.resume - q.mid) return false;
        if (p.group == q.group) return true;
        for (i64 i = 0; i < p.last - p.first; ++i) {
            const i64 of_p = groups.by_end[p.first + i], of_q = groups.by_end[q.first + i];
            if (steps_to_front(groups, p, of_p) != steps_to_front(groups, q, of_q) ||
                steps_to_end(groups, p, of_p) != steps_to_end(groups, q, of_q))
                return false;
        }
        return true;
    }
};

// Increments of the lanes as numbers Q, a block at a time.
template <class Q>
class interval_increments {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;
    static constexpr bool plain = sizeof(T) == sizeof(V);

    // Vectors of scratch.
    static i64 scratch_size(i64 block, i64 d) {
        const i64 row = increment_row_size<R>(block, d);
        return (plain ? 3 : 7) * row;
    }

    interval_increments(const path_view<R>& path, const direction<R>* along, i64 block, V* scratch)
        : path(path), along(along), block(block), row(increment_row_size<R>(block, path.channels)), rows(scratch) {}

    // The increments of steps [t, t + count) of the slots, (count, channels).
    const T* fill(const lane_steps* steps, i64 t, i64 count) const {
        V* values = rows + row;
        fill_block(path, steps, t, count, reinterpret_cast<R*>(rows), row, values);
        if constexpr (plain) {
            return values;
        } else {
            V* moves = values + row;
            fill_block(along->path, steps, t, count, reinterpret_cast<R*>(rows), row, moves);
            T* x = reinterpret_cast<T*>(moves + row);
            for (i64 m = 0; m < count * path.channels; ++m) x[m] = {values[m], moves[m]};
            return x;
        }
    }
    // The same, the last step first.
    const T* fill_backward(const lane_steps* steps, i64 count) const {
        const T* x = fill(steps, 0, count);
        T* turned = const_cast<T*>(x) + row;
        const i64 d = path.channels;
        for (i64 s = 0; s < count; ++s)
            for (i64 c = 0; c < d; ++c) turned[s * d + c] = x[(count - 1 - s) * d + c];
        return turned;
    }

 private:
    const path_view<R>& path;
    const direction<R>* along;
    const i64 block, row;
    V* rows;
};

PYSIG_NAMESPACE_END
