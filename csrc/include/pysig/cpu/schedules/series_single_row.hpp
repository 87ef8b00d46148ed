// Power series of few rows, too few to fill the lanes (algebra.hpp): each row is computed alone, with words in the
// lanes. The rounding differs slightly, so only log-signatures use it: their chunks depend on the batch size anyway.
#pragma once

#include "../jobs/algebra.hpp"
#include "../kernels/algebra.hpp"
#include "../kernels/row_product.hpp"
#include "../lanes/buffer.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class series_single_row {
 public:
    // Whether this is cheaper: a row costs as many vectors as its share of full lanes, and an overhead.
    static bool pays(const algebra_job<R>& job) {
        return job.op == algebra_op::series && job.derivative == derivative::none && !job.before.count &&
               job.channels > 1 && 2 * job.batch <= lane_count<R>;
    }

    series_single_row(const algebra_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.channels),
          depth(job.depth),
          size(signature_size(d, depth)),
          multiply(d, depth),
          workers(plan_workers(exec.workers, job.batch, double(job.batch) * double(size) * depth)),
          scratch_size(places * (widest() + lane_count<R>)),
          scratch(workers * scratch_size) {}

    void run() {
        parallel_for(limited_executor(exec, workers), job.batch, [this](i64 b, int worker) { run_row(b, worker); });
    }

 private:
    static constexpr int places = 4;  // the inner rows of the series, its value, two intermediate rows of maps

    const algebra_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size;
    const row_product<R> multiply;
    const int workers;
    const i64 scratch_size;
    buffer<R> scratch;

    i64 widest() const {
        i64 width = size;
        for (int i = 0; i < job.after.count; ++i)
            if (job.after.maps[i].rows > width) width = job.after.maps[i].rows;
        return width;
    }

    void run_row(i64 b, int worker) {
        if (exec.cancelled(exec)) return;
        R* place[places];
        for (int i = 0; i < places; ++i) place[i] = scratch.get() + worker * scratch_size + i * (scratch_size / places);
        const R* x = job.a.data + b * job.a.stride + job.scalar_term;
        R* out = job.out + b * job.out_width;
        if (!job.after.count) {
            if (job.scalar_term) *out++ = series_constant<R>(job.series, 0);
            return power_series(x, place[0], out);
        }
        power_series(x, place[0], place[1]);
        const R* from = place[1];
        for (int i = 0; i < job.after.count; ++i) {
            R* to = i + 1 == job.after.count ? out : place[2 + i % 2];
            apply_map(job.after.maps[i], from, to);
            from = to;
        }
    }

    // tensor.hpp's Horner form.
    void power_series(const R* x, R* inner, R* out) const {
        for (int m = depth - 1; m >= 1; --m)
            multiply(x, series_constant<R>(job.series, m + 1), inner, series_factor<R>(job.series, m), inner,
                     depth - m);
        multiply(x, series_constant<R>(job.series, 1), inner, series_factor<R>(job.series, 0), out, depth);
    }
};

PYSIG_NAMESPACE_END
