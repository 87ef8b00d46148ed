// One channel: all increments commute, so the signature depends on the end points alone: S = initial (x) exp(x), x
// the total increment, that is S_n = initial_n + x^1/1! initial_(n-1) + ... + x^n/n!, by one Horner step whatever the
// length.
#pragma once

#include "../../algebra/horner.hpp"
#include "../jobs/signature.hpp"
#include "../lanes/increments.hpp"
#include "../threads/parallel_for.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_one_channel {
 public:
    signature_one_channel(const signature_job<R>& job, const executor& exec) : job(job), exec(exec) {}

    void run() {
        // a few multiply-adds per coefficient: no thread pays
        parallel_for(limited_executor(exec, 1), job.path.batch, [this](i64 b, int) { path(b); });
    }

 private:
    const signature_job<R>& job;
    const executor& exec;
    i64 work = 0;

    // Polls for cancellation once per million multiply-adds.
    bool cancelled(i64 multiply_adds) {
        work += multiply_adds;
        if (work < (i64(1) << 20)) return false;
        work = 0;
        return exec.cancelled(exec);
    }

    void path(i64 b) {
        constexpr i64 stretch = 1 << 16;
        const path_view<R>& p = job.path;
        const i64 width = job.depth + job.scalar_term, steps = step_count(p), own = step_count(p, b);
        const R* points = points_of(p, b);
        const R start = p.basepoint ? p.basepoint[b] : points[0];
        const i64 first = p.basepoint ? 0 : 1;  // the point after step 0
        const i64 rows = job.stream ? steps : 1;
        R* out = job.out + b * rows * width;
        R poison = R(0);  // NaN once a point on the way is NaN or infinite: its increments do not cancel
        i64 seen = 0;
        for (i64 row = 0; row < rows; ++row, out += width) {
            const i64 last = (job.stream && row + 1 < own ? row + 1 : own) + first - 1;
            while (seen < last) {
                const i64 end = last - seen > stretch ? seen + stretch : last;
                poison = poison_of(points, p.time_stride, seen, end, poison);
                if (cancelled(end - seen)) return;
                seen = end;
            }
            const R x = (last < first ? R(0) : points[last * p.time_stride] - start) + poison;
            if (!(job.initial ? continued(job.initial + b * job.depth, x, out) : started(x, out))) return;
        }
    }

    // 0 * p[begin] + ... + 0 * p[end - 1], in eight chains.
    static R poison_of(const R* points, i64 stride, i64 begin, i64 end, R poison) {
        R chains[8] = {poison};
        for (; begin + 8 <= end; begin += 8)
            for (int k = 0; k < 8; ++k) chains[k] += R(0) * points[(begin + k) * stride];
        for (; begin < end; ++begin) chains[0] += R(0) * points[begin * stride];
        R sum = R(0);
        for (R chain : chains) sum += chain;
        return sum;
    }

    void store(R value, i64 n, R* out) const { out[n - 1 + job.scalar_term] = job.inverse && n % 2 ? -value : value; }

    // exp(x), level by level. False if cancelled, as below.
    bool started(R x, R* out) {
        if (job.scalar_term) *out = R(1);
        R value = R(1);
        for (i64 n = 1; n <= job.depth; ++n) {
            value = value * x / R(n);
            store(value, n, out);
        }
        return !cancelled(job.depth);
    }

    bool continued(const R* initial, R x, R* out) {
        if (job.scalar_term) *out = R(1);
        for (int n = 1; n <= job.depth; ++n) {
            R chain = chain_of_empty_word<R>(n - 1);
            for (int k = 1; k < n; ++k) chain = chain_entry<R>(chain, x, initial[k - 1], n - k);
            store(advance(initial[n - 1], chain, x), n, out);
            if (cancelled(n)) return false;
        }
        return true;
    }
};

PYSIG_NAMESPACE_END
