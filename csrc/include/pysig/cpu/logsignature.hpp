// C2. Log-signatures on the host: slices of the batch whose signatures stay in cache until their logarithms are taken.
#pragma once

#include "logsignature_job.hpp"
#include "signature.hpp"
#include "tensor_rows.hpp"

PYSIG_NAMESPACE_BEGIN

namespace cost {
constexpr i64 slice_bytes = 1 << 20;  // signatures of a slice: stay in the caches that cores share
constexpr i64 slice_groups = 8;       // but several groups of lanes, so that many cores find work
}  // namespace cost

// Paths of a slice. It does not depend on the number of workers, hence neither does any result.
template <class R>
inline i64 plan_slice(i64 rows, i64 size) {
    constexpr i64 width = lane_count<R>;
    const i64 row_bytes = rows * size * i64(sizeof(R));
    i64 groups = cost::slice_bytes / (width * (row_bytes > 0 ? row_bytes : 1));
    if (groups < cost::slice_groups && rows <= 1) groups = cost::slice_groups;
    return (groups < 1 ? 1 : groups) * width;
}

template <class R>
class logsignature_slices {
  public:
    logsignature_slices(const logsignature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          batch(job.signature.path.batch),
          rows(job.signature.stream ? step_count(job.signature.path) : 1),
          size(signature_size(job.signature.path.channels, job.signature.depth)),
          slice(plan_slice<R>(rows, size) < batch ? plan_slice<R>(rows, size) : batch),
          signatures(slice * rows * size),
          order(slice) {}

    void run() {
        for (i64 first = 0; first < batch && !exec.cancelled(exec); first += slice)
            run_slice(first, first + slice < batch ? slice : batch - first);
    }

  private:
    const logsignature_job<R>& job;
    const executor& exec;
    const i64 batch, rows, size, slice;
    buffer<R> signatures;
    buffer<i64> order;

    void run_slice(i64 first, i64 count) {
        signature_job<R> paths = job.signature;
        path_view<R>& path = paths.path;
        path.data += first * path.batch_stride;
        path.batch = count;
        if (path.basepoint) path.basepoint += first * path.channels;
        if (path.lengths) path.lengths += first;
        if (path.order) path.order = order_of_slice(first, count);
        if (paths.initial) paths.initial += first * size;
        paths.out = signatures.get();
        compute_signature(paths, exec);

        tensor_job<R> logarithm = job.logarithm;
        logarithm.batch = count * rows;
        logarithm.a = {signatures.get(), size};
        logarithm.out += first * rows * logarithm.out_width;
        compute_tensor(logarithm, exec);
    }

    // The paths of the slice in the order of the whole batch.
    const i64* order_of_slice(i64 first, i64 count) const {
        i64 found = 0;
        for (i64 b = 0; b < batch; ++b) {
            const i64 path = job.signature.path.order[b] - first;
            if (path >= 0 && path < count) order[found++] = path;
        }
        return order.get();
    }
};

template <class R>
inline void compute_logsignature(const logsignature_job<R>& job, const executor& exec) {
    if (job.signature.path.batch == 0) return;
    logsignature_slices<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
