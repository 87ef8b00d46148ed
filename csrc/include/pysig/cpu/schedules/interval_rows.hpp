// Signatures of intervals whose ends are close to each other, as those of windows with a small stride are: nearly every
// step of a group's sweeps is needed as a row (signature_intervals.hpp).
//
// Then nothing stays in registers from step to step, and traffic counts: with groups in the lanes a row takes as many
// vectors as it has words. Here neighbouring words of one row are in the lanes (row_blocks.hpp), so a whole group fits
// the second-level cache and a row the first. Workers take groups.
#pragma once

#include "../kernels/chen.hpp"
#include "../kernels/row_blocks.hpp"
#include "../kernels/row_writer.hpp"
#include "interval_lanes.hpp"

PYSIG_NAMESPACE_BEGIN

namespace cost {
// A step with words in the lanes costs three of a step with groups in the lanes, whose rows cost five times as much:
// groups with at most this many steps for each interval, and rows of at least as many vectors, are dense. The planner
// (pysig/_plans/intervals.py) makes them larger and puts them first.
constexpr i64 dense_steps = 12, dense_vectors = 4;
constexpr i64 cached_bytes = 4 << 20;  // results that may stay in the caches
}  // namespace cost

// The number of leading groups that are dense.
template <class R>
inline i64 dense_groups(const interval_groups& groups, i64 d, int depth) {
    if (signature_size(d, depth) < cost::dense_vectors * lane_count<R>) return 0;
    i64 g = 0;
    for (; g < groups.count; ++g) {
        const interval_slot s = slot_of(groups, g, 0);
        if (s.last - s.first == 1 || s.front + s.end > cost::dense_steps * (s.last - s.first)) break;
    }
    return g;
}

template <class R, i64 D>
class interval_rows {
 public:
    using V = lanes<R>;

    interval_rows(const signature_intervals_job<R>& job, const interval_groups& groups, const executor& exec)
        : job(job),
          path(job.value.path),
          groups(groups),
          exec(exec),
          d(path.channels),
          depth(job.value.depth),
          size(signature_size(d, depth)),
          sets(groups.shared ? path.batch : 1),
          items(groups.count * sets),
          block(plan_stream_block(d, cost::max_block, sizeof(R))),
          blocks(d, depth),
          row(blocks.row_vectors()),
          stored_rows(largest_group(groups)),
          lines_of_block(ceil_div(size * power(d, blocks.letters), size * lane_count<R>)),
          workers(plan_workers(exec.workers, items, double(items) * double(size) * cost::group_steps)),
          scratch(workers * scratch_size()) {}

    void run() {
        parallel_for_cancellable(limited_executor(exec, workers), items,
                                 [this](i64 item, int worker) { run_item(item, worker); });
    }

 private:
    const signature_intervals_job<R>& job;
    const path_view<R>& path;
    const interval_groups groups;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, sets, items, block;
    const row_blocks<R, D> blocks;
    const i64 row, stored_rows;
    const i64 lines_of_block;  // that a row has for each of its blocks
    const int workers;
    buffer<V> scratch;

    // Scratch of a worker, in vectors: two rows and the stored ones, the step's, increments, the writer's.
    i64 rows_size() const { return (2 + stored_rows) * row; }
    i64 increments_size() const { return increment_row_size<R>(block, d) / lane_count<R>; }
    i64 scratch_size() const {
        return rows_size() + blocks.scratch_vectors() + increments_size() + row_writer<R>::size(width());
    }
    i64 width() const { return size + job.value.scalar_term; }

    struct work {
        const interval_slot slot;
        V *state, *other, *stored, *kernel;
        R* x;
        row_writer<R> writer;
    };

    void run_item(i64 item, int worker) {
        V* memory = scratch.get() + worker * scratch_size();
        V* const kernel = memory + rows_size();
        V* const x = kernel + blocks.scratch_vectors();
        const bool past_caches = path.batch * groups.queries > cost::cached_bytes / (width() * i64(sizeof(R)));
        for (i64 m = 0; m < increments_size(); ++m) x[m] = V{};
        work w{slot_of(groups, item / sets, item % sets),
               memory,
               memory + row,
               memory + 2 * row,
               kernel,
               reinterpret_cast<R*>(x),
               {x + increments_size(), width(), past_caches}};
        to_front(w);
        if (!exec.cancelled(exec)) to_end(w);
        w.writer.finish();
    }

    V* stored(const work& w, i64 place) const { return w.stored + place * row; }

    // The signatures suf(a) of the starts, from mid to the front.
    void to_front(work& w) const {
        const interval_slot& s = w.slot;
        i64 next = s.first;
        while (next < s.last && steps_to_front(groups, s, groups.by_start[next]) == 0) ++next;
        const V* state = w.state;
        blocks.set_trivial(w.state);
        for (i64 t = 0; t < s.front;) {
            const i64 count = s.front - t < block ? s.front - t : block;
            fill_increments(path, s.path, s.mid - t - count, s.mid, count, w.x);
            for (i64 left = count; left > 0;) {
                ++t;
                --left;
                const bool needed = steps_to_front(groups, s, groups.by_start[next]) == t;
                V* after = needed ? stored(w, next - s.first) : state == w.state ? w.other : w.state;
                blocks.prepend(w.x + left * d, state, after, w.kernel);
                state = after;
                if (!needed) continue;
                for (++next; next < s.last && steps_to_front(groups, s, groups.by_start[next]) == t; ++next)
                    std::memcpy(stored(w, next - s.first), state, std::size_t(row) * sizeof(V));
            }
        }
    }

    // The signatures pre(b) of the ends, and the products.
    void to_end(work& w) const {
        const interval_slot& s = w.slot;
        i64 next = s.first;
        while (next < s.last && steps_to_end(groups, s, groups.by_end[next]) < 0) finish(w, next++);
        if (s.middle < 0) blocks.set_trivial(w.state);
        else blocks.read(job.middles.value + s.middle * size, w.state);
        for (i64 t = 0;; ++t) {
            while (next < s.last && steps_to_end(groups, s, groups.by_end[next]) == t) finish(w, next++);
            if (t == s.end) return;
            const i64 m = t % block;
            if (m == 0) {
                if (exec.cancelled(exec)) return;
                const i64 count = s.end - t < block ? s.end - t : block, begin = s.resume + t;
                fill_increments(path, s.path, begin, begin + count, count, w.x);
            }
            blocks.append(w.x + m * d, w.state, w.state, w.kernel);
        }
    }

    void finish(work& w, i64 place) const {
        const i64 query = groups.by_end[place];
        R* out = w.writer.row_for(job.value.out + (w.slot.query + query) * width());
        if (job.value.scalar_term) *out++ = R(1);
        const V* front = stored(w, groups.stored[place]);
        switch (kind_of_query(groups, query, w.slot.mid)) {
            case interval_kind::product:
                blocks.multiply(front, w.state, out, [&w, this] {
                    for (i64 lines = 0; lines < lines_of_block; ++lines) w.writer.write_line();
                });
                break;
            case interval_kind::end_only: blocks.write(w.state, out); break;
            case interval_kind::front_only: blocks.write(front, out); break;
        }
        if (job.value.inverse) invert_in_place(out, d, depth);
    }
};

// With as many letters known to the compiler as pays.
template <class R, i64 D = lane_count<R> <= 8 ? lane_count<R> - 1 : 8>
inline void run_interval_rows(const signature_intervals_job<R>& job, const interval_groups& groups,
                              const executor& exec) {
    if constexpr (D > 1)
        if (job.value.path.channels != D) return run_interval_rows<R, D - 1>(job, groups, exec);
    interval_rows<R, D == 1 ? 0 : D>(job, groups, exec).run();
}

PYSIG_NAMESPACE_END
