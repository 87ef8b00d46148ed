// C2. A large batch in slices, each of some lane groups, computed on its own by one worker: what a slice keeps about its increments stays in
// the caches, and no memory grows with the batch.
//
// Slices depend on the shape alone, as results must not depend on the number of workers.
#pragma once

#include "derivative_job.hpp"
#include "increments.hpp"
#include "schedule.hpp"

PYSIG_NAMESPACE_BEGIN

namespace cost {
constexpr i64 slice_bytes = 1 << 20;      // of what is kept about a slice: half of a second-level cache
constexpr i64 unsliced_bytes = 4 << 20;   // of what is kept about a batch that is not worth cutting
constexpr i64 least_slices = 8;           // so that workers have equal shares
}  // namespace cost

// Paths of a slice: whole lane groups; the whole batch where that is small, or has paths of different lengths, which are sorted as a whole.
template <class R>
inline i64 plan_slice(const path_view<R>& path, double bytes) {
    const i64 groups = path.batch / lane_count<R>;
    if (path.order || groups < cost::least_slices || bytes < double(cost::unsliced_bytes)) return path.batch;
    const double wanted = bytes / double(cost::slice_bytes);
    const i64 slices = wanted < double(cost::least_slices) ? cost::least_slices : wanted < double(groups) ? i64(wanted) : groups;
    return groups / slices * lane_count<R>;
}

template <class R>
inline path_view<R> slice_of(path_view<R> path, i64 first, i64 count) {
    const i64 channels = path.transform.stages ? path.transform.channels : path.channels;
    path.data += first * path.batch_stride;
    if (path.basepoint) path.basepoint += first * channels;
    if (path.lengths) path.lengths += first;
    if (path.transform.times) path.transform.times += first * path.transform.times_stride;
    path.batch = count;
    return path;
}

template <class R>
inline direction<R> slice_of(const direction<R>& along, i64 first, i64 count, i64 size) {
    return {slice_of(along.path, first, count), along.initial ? along.initial + first * size : nullptr};
}

template <class R>
inline signature_vjp_job<R> slice_of(signature_vjp_job<R> job, i64 first, i64 count) {
    const path_view<R>& path = job.value.path;
    const i64 size = signature_size(path.channels, job.value.depth), channels = path.transform.stages ? path.transform.channels : path.channels;
    job.cotangent += first * (job.value.stream ? step_count(path) : 1) * (size + job.value.scalar_term);
    job.path_bar += first * path.length * channels;
    if (job.basepoint_bar) job.basepoint_bar += first * channels;
    if (job.initial_bar) job.initial_bar += first * size;
    if (job.value.initial) job.value.initial += first * size;
    job.value.path = slice_of(path, first, count);
    return job;
}

// Calls body(first, count, executor) for every slice.
template <class F>
inline void each_slice(i64 batch, i64 slice, const executor& exec, const F& body) {
    struct call {
        const F& body;
        i64 batch, slice;
        const executor& exec;
        executor alone;
    } context{body, batch, slice, exec, {}};
    context.alone = {1,
                     [](const executor&, i64 items, void (*what)(void*, i64, int), void* of) {
                         for (i64 item = 0; item < items; ++item) what(of, item, 0);
                     },
                     [](const executor& self) {
                         const executor& outer = static_cast<call*>(self.state)->exec;
                         return outer.cancelled(outer);
                     },
                     &context};
    exec.run(exec, (batch + slice - 1) / slice, [](void* c, i64 item, int) {
        const call& to = *static_cast<call*>(c);
        const i64 first = item * to.slice, rest = to.batch - first;
        if (!to.exec.cancelled(to.exec)) to.body(first, rest < to.slice ? rest : to.slice, to.alone);
    }, &context);
}

PYSIG_NAMESPACE_END
