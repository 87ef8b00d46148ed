// The job of signatures of intervals of paths and of their derivatives: plain data, the same type for every instruction
// set.
//
// Query number k is the interval [a, b) = bounds[k] of steps of a transformed path. A group has two steps mid <= resume
// and queries with a <= mid, and b = mid or b >= resume. Their signatures are suf(a) (x) pre(b), with the signatures
// suf(a) of steps [a, mid) and pre(b) of steps [mid, b). The planner (pysig/_plans/intervals.py) chooses the groups.
#pragma once

#include "signature_vjp.hpp"

namespace pysig {

struct interval_groups {
    i64 queries;          // of a row of bounds
    bool shared;          // one row of bounds for all paths: query k means query k of every path
    const i64* bounds;    // (queries, 2), or (batch, queries, 2)
    i64 count;            // groups
    const i64* mids;      // (count)
    const i64* resumes;   // (count)
    const i64* middle;    // (count): the row of the signature of [mid, resume), or -1 if resume = mid
    i64 middles;          // of a row of bounds
    const i64* begin;     // (count + 1): group g has the places [begin[g], begin[g + 1]) of the three lists that follow
    const i64* by_start;  // queries of a group, the largest a first
    const i64* by_end;    // the same queries, the smallest b first
    const i64* stored;    // number of by_end[i] among the queries of its group in by_start
};

// Signatures of steps [mid, resume): (batch, middles, size), null if there are none.
template <class R>
struct interval_middles {
    const R* value;
    const R* tangent;  // with `along`
    R* cotangent;      // output, with `cotangent`
};

// The signatures; with `along`, their derivatives in this direction; with `cotangent`, the gradient of <cotangent,
// signatures>.
template <class R>
struct signature_intervals_job {
    signature_job<R> value;  // `out` is (batch, queries, size [+ 1]); `initial` and `stream` are not used
    interval_groups groups;
    interval_middles<R> middles;
    const direction<R>* along;
    const R* cotangent;  // laid out as `out`
    path_cotangents<R> into;
};

}  // namespace pysig
