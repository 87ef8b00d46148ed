// Log-signatures on the host: slices of the batch whose signatures stay in cache until their logarithms are taken.
#pragma once

#include "../jobs/logsignature.hpp"
#include "algebra.hpp"
#include "series_single_row.hpp"
#include "signature.hpp"
#include "slices.hpp"

PYSIG_NAMESPACE_BEGIN

// Many slices are shared out among the workers, each computed by one; few are computed one after the other by all.
template <class R>
class logsignature_slices {
 public:
    logsignature_slices(const logsignature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          batch(job.signature.path.batch),
          rows(job.signature.stream ? step_count(job.signature.path) : 1),
          size(signature_size(job.signature.path.channels, job.signature.depth)),
          slice(plan_logarithm_slice<R>(rows, size) < batch ? plan_logarithm_slice<R>(rows, size) : batch),
          slices(ceil_div(batch, slice)),
          shared(slices >= 2 * exec.workers),
          workers(shared ? plan_workers(exec.workers, slices,
                                        double(batch) * double(step_count(job.signature.path)) * double(size))
                         : 1),
          alone{1, exec.run, exec.cancelled, exec.state},
          signatures(workers * slice * rows * size),
          order(job.signature.path.order ? batch : 0) {
        if (job.signature.path.order) sort_slices();
    }

    void run() {
        parallel_for(limited_executor(exec, workers), slices, [this](i64 item, int worker) { run_item(item, worker); });
    }

 private:
    const logsignature_job<R>& job;
    const executor& exec;
    const i64 batch, rows, size, slice, slices;
    const bool shared;
    const int workers;
    const executor alone;
    buffer<R> signatures;
    buffer<i64> order;

    void run_item(i64 item, int worker) {
        if (exec.cancelled(exec)) return;
        const i64 first = item * slice;
        run_slice(first, first + slice < batch ? slice : batch - first, signatures.get() + worker * slice * rows * size,
                  shared ? alone : exec);
    }

    void run_slice(i64 first, i64 count, R* scratch, const executor& by) const {
        signature_job<R> paths = job.signature;
        paths.path.order = nullptr;
        paths.path = slice_of(paths.path, first, count);
        if (job.signature.path.order) paths.path.order = order.get() + first;
        if (paths.initial) paths.initial += first * size;
        paths.out = scratch;
        compute(paths, by);

        algebra_job<R> logarithm = job.logarithm;
        logarithm.batch = count * rows;
        logarithm.a = {scratch, size};
        logarithm.out += first * rows * logarithm.out_width;
        if (series_single_row<R>::pays(logarithm)) series_single_row<R>(logarithm, by).run();
        else compute(logarithm, by);
    }

    // The paths of each slice, in the order in which the whole batch has them.
    void sort_slices() {
        buffer<i64> found(slices);
        for (i64 k = 0; k < slices; ++k) found[k] = k * slice;
        for (i64 b = 0; b < batch; ++b) {
            const i64 path = job.signature.path.order[b], k = path / slice;
            order[found[k]++] = path - k * slice;
        }
    }
};

template <class R>
void compute(const logsignature_job<R>& job, const executor& exec) {
    if (job.signature.path.batch == 0) return;
    logsignature_slices<R>(job, exec).run();
}

PYSIG_NAMESPACE_END
