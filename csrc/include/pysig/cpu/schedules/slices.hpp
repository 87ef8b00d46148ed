// A large batch in slices of some lane groups, each computed by one worker. The data of a slice stay in the caches, and
// scratch memory does not grow with the batch.
//
// Slices depend on the shape alone, because results must not depend on the number of workers.
#pragma once

#include "../jobs/signature_vjp.hpp"
#include "../lanes/increments.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

// Paths [first, first + count); with an order, the paths at these positions of the order.
template <class R>
inline path_view<R> slice_of(path_view<R> path, i64 first, i64 count) {
    path.batch = count;
    if (path.order) {
        path.order += first;
        return path;
    }
    if (path.rows) path.rows += first;
    else if (path.starts) path.starts += first;
    else path.data += first * path.batch_stride;
    if (path.basepoint) path.basepoint += first * own_channels(path);
    if (path.lengths) path.lengths += first;
    if (path.transform.starts) path.transform.starts += first;
    else if (path.transform.times) path.transform.times += first * path.transform.times_stride;
    return path;
}

template <class R>
inline direction<R> slice_of(const direction<R>& along, i64 first, i64 count, i64 size) {
    const i64 moved = along.path.order ? 0 : first;
    return {slice_of(along.path, first, count), along.initial ? along.initial + moved * size : nullptr};
}

template <class R>
inline signature_vjp_job<R> slice_of(signature_vjp_job<R> job, i64 first, i64 count) {
    const path_view<R>& path = job.value.path;
    const i64 size = signature_size(path.channels, job.value.depth), channels = own_channels(path),
              moved = path.order ? 0 : first;
    job.cotangent += moved * (job.value.stream ? step_count(path) : 1) * (size + job.value.scalar_term);
    if (!path.starts) job.into.path += moved * path.length * channels;
    if (job.into.basepoint) job.into.basepoint += moved * channels;
    if (job.into.initial) job.into.initial += moved * size;
    if (job.value.initial) job.value.initial += moved * size;
    job.value.path = slice_of(path, first, count);
    return job;
}

// Calls body(first, count, executor) for every slice, each on one worker. The last slices first, because an order puts
// the longest paths last.
template <class F>
inline void parallel_for_slices(i64 batch, i64 slice, const executor& exec, const F& body) {
    const i64 slices = ceil_div(batch, slice);
    parallel_for_cancellable(exec, slices, [&](i64 item, int) {
        const i64 first = (slices - 1 - item) * slice, rest = batch - first;
        body(first, rest < slice ? rest : slice, limited_executor(exec, 1));
    });
}

PYSIG_NAMESPACE_END
