// Signatures of intervals of paths, and (with Q = dual numbers) their derivatives in a direction. Nothing is divided
// out: every result is a product of signatures of its own steps.
//
// A worker takes a lane group of groups (interval_lanes.hpp). One sweep from mid to the front prepends steps and stores
// the rows suf(a); a second one from mid to the end appends steps, and multiplies the stored rows by pre(b) as it
// reaches the ends of queries. Memory of a worker: a row of every query of its largest group.
#pragma once

#include "interval_lanes.hpp"
#include "interval_rows.hpp"
#include "signature_intervals_vjp.hpp"

PYSIG_NAMESPACE_BEGIN

template <class Q>
class signature_intervals {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;
    static constexpr int width = lane_count<R>;
    static constexpr bool plain = sizeof(T) == sizeof(V);

    signature_intervals(const signature_intervals_job<R>& job, const interval_groups& groups, const executor& exec)
        : job(job),
          groups(groups),
          exec(exec),
          d(job.value.path.channels),
          depth(job.value.depth),
          row(row_size(d, depth)),
          stored_rows(largest_group(groups)),
          block(plan_block<R>(d, depth, cost::max_block)),
          items(ceil_div(groups.count * (groups.shared ? job.value.path.batch : 1), width)),
          workers(plan_workers(exec.workers, items, double(items) * width * double(row) * cost::group_steps)),
          multiply(d, depth),
          scratch(workers * scratch_size()),
          backwards(plain ? row : 0) {
        for (int k = 1; plain && k <= depth; ++k)
            for (i64 word = 0; word < power(d, k); ++word)
                backwards[row_level(d, k) + word] = row_level(d, k) + reversed_word(word, d, k);
    }

    void run() {
        parallel_for_cancellable(limited_executor(exec, workers), items,
                                 [this](i64 item, int worker) { run_item(item, worker); });
    }

 private:
    const signature_intervals_job<R>& job;
    const interval_groups groups;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 row, stored_rows, block, items;
    const int workers;
    const lane_product<T> multiply;
    buffer<V> scratch;
    buffer<i64> backwards;  // the place of every word that is read backwards

    // Scratch of a worker, in vectors: two states, a product, the stored rows; increments; the kernels'.
    static constexpr i64 per_number = sizeof(T) / sizeof(V);
    i64 rows_size() const { return (3 + stored_rows) * row * per_number; }
    i64 kernel_size() const {
        const i64 step = per_number * lane_step<R, T>::scratch_size(d, depth),
                  tile = tile_forward<R>::chain_size(depth, block);
        return width + (step > tile ? step : tile);
    }
    i64 scratch_size() const { return rows_size() + interval_increments<Q>::scratch_size(block, d) + kernel_size(); }

    // What one lane group needs.
    struct work {
        const interval_lanes<R>& lanes_of;
        const interval_increments<Q>& increments;
        T *state, *other, *product, *stored;
        V* kernel;
        i64 next[width];  // of every lane: the place of its next query
    };

    void run_item(i64 item, int worker) {
        const interval_lanes<R> own(job.value.path, groups, item);
        V* memory = scratch.get() + worker * scratch_size();
        const interval_increments<Q> increments(job.value.path, job.along, block, memory + rows_size());
        T* rows = reinterpret_cast<T*>(memory);
        work w{own,
               increments,
               rows,
               rows + row,
               rows + 2 * row,
               rows + 3 * row,
               memory + rows_size() + interval_increments<Q>::scratch_size(block, d),
               {}};
        to_front(w);
        if (!exec.cancelled(exec)) to_end(w);
    }

    void set_unit(T* state) const {
        for (i64 m = 0; m < row; ++m) state[m] = T{};
        add_value(state[0], broadcast(R(1)));
    }

    // ---- from mid to the front ----

    void to_front(work& w) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (int l = 0; l < width; ++l) {
            w.next[l] = own.lane[l].first;
            while (w.next[l] < own.lane[l].last && front_steps(w, l) == 0) ++w.next[l];
        }
        const i64 rows = own.queries;
        // Long strides between rows are swept in blocks, on words that are read backwards.
        const bool in_blocks = plain && own.front > 2 * rows;
        const lane_step<R, T> step(d, depth, reinterpret_cast<T*>(w.kernel));
        T* state = w.state;
        set_unit(state);
        lane_steps steps[width];
        for (i64 t = 0; t < own.front;) {
            const i64 count = own.steps_behind(t, own.front - t < block ? own.front - t : block);
            own.behind(steps, t, count);
            const T* x = w.increments.fill_backward(steps, count);
            for (i64 s = 0; s < count;) {
                i64 gap = next_of(w, own.front, true) - (t + s);
                if (gap > count - s) gap = count - s;
                if (in_blocks) advance_blocks(w, state, x + s * d, gap);
                else state = prepend(w, step, state, x + s * d, gap, t + s);
                s += gap;
                store_rows(w, t + s, state, in_blocks);
            }
            t += count;
            if (exec.cancelled(exec)) return;
        }
    }

    i64 front_steps(const work& w, int l) const {
        return steps_to_front(groups, w.lanes_of.lane[l], groups.by_start[w.next[l]]);
    }
    i64 end_steps(const work& w, int l) const {
        return steps_to_end(groups, w.lanes_of.lane[l], groups.by_end[w.next[l]]);
    }
    // The number of steps after which a lane needs a row; `last` if none does.
    i64 next_of(const work& w, i64 last, bool front) const {
        for (int l = 0; l < width; ++l) {
            if (w.next[l] >= w.lanes_of.lane[l].last) continue;
            const i64 at = front ? front_steps(w, l) : end_steps(w, l);
            if (at < last) last = at;
        }
        return last;
    }

    void advance_blocks(const work& w, T* state, const T* x, i64 count) const {
        if constexpr (plain) {
            tile_forward<R> tile(d, depth, block, w.kernel, state + 1);
            tile.open({0, 0, 0, d});
            tile.advance_block(x, count);
        } else {
            const lane_step<R, T> step(d, depth, reinterpret_cast<T*>(w.kernel));
            for (i64 s = 0; s < count; ++s) step.template advance_row<side::end>(x + s * d, state, state);
        }
    }

    // The state moves from row to row; where all lanes store it, it is written there.
    T* prepend(const work& w, const lane_step<R, T>& step, T* state, const T* x, i64 count, i64 t) const {
        for (i64 s = 0; s < count; ++s) {
            T* after = state == w.state ? w.other : w.state;
            if (w.lanes_of.aligned && s + 1 == count && w.next[0] < w.lanes_of.lane[0].last &&
                front_steps(w, 0) == t + count)
                after = w.stored + (w.next[0] - w.lanes_of.lane[0].first) * row;
            step.template advance_row<side::front>(x + s * d, state, after);
            state = after;
        }
        return state;
    }

    void store_rows(work& w, i64 t, const T* state, bool turn) const {
        const interval_lanes<R>& own = w.lanes_of;
        if (own.aligned) {
            for (; w.next[0] < own.lane[0].last && front_steps(w, 0) == t; ++w.next[0]) {
                T* to = w.stored + (w.next[0] - own.lane[0].first) * row;
                if (to != state) copy_row(state, turn, to);
            }
            for (int l = 1; l < width; ++l)
                w.next[l] = own.lane[l].path < 0 ? own.lane[l].last : own.lane[l].first + w.next[0] - own.lane[0].first;
            return;
        }
        Q* to[width];
        bool turned = !turn;
        while (next_of(w, t + 1, true) == t) {
            if (!turned) copy_row(state, true, w.product);
            turned = true;
            for (int l = 0; l < width; ++l) {
                const bool here = w.next[l] < own.lane[l].last && front_steps(w, l) == t;
                to[l] = here ? lane_row(w, l, w.next[l] - own.lane[l].first) : nullptr;
                w.next[l] += here;
            }
            scatter_lanes(to, 0, (turn ? w.product : state) + 1, row - 1);
        }
    }

    // Row `place` of the queries of a lane, of `row - 1` numbers.
    Q* lane_row(const work& w, int l, i64 place) const {
        return reinterpret_cast<Q*>(w.stored) + (l * stored_rows + place) * (row - 1);
    }

    void copy_row(const T* from, bool turn, T* to) const {
        if (!turn) {
            std::memcpy(static_cast<void*>(to), from, std::size_t(row) * sizeof(T));
            return;
        }
        to[0] = from[0];
        for (i64 m = 1; m < row; ++m) to[m] = from[backwards[m]];
    }

    // ---- from resume to the end ----

    void to_end(work& w) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (int l = 0; l < width; ++l) w.next[l] = own.lane[l].first;
        set_unit(w.state);
        while (next_of(w, 0, false) < 0) finish_queries(w, -1);
        begin_middle(w);
        finish_all(w, 0);
        lane_steps steps[width];
        own.ahead(steps);
        for (i64 t = 0; t < own.end;) {
            const i64 count = own.end - t < block ? own.end - t : block;
            const T* x = w.increments.fill(steps, t, count);
            for (i64 s = 0; s < count;) {
                i64 gap = next_of(w, own.end, false) - (t + s);
                if (gap > count - s) gap = count - s;
                advance_blocks(w, w.state, x + s * d, gap);
                s += gap;
                finish_all(w, t + s);
            }
            t += count;
            if (exec.cancelled(exec)) return;
        }
    }

    void begin_middle(const work& w) const {
        if (!job.middles.value) return;
        const R *values[width], *tangents[width];
        for (int l = 0; l < width; ++l) {
            const bool empty = w.lanes_of.lane[l].middle < 0;
            values[l] = empty ? nullptr : job.middles.value + w.lanes_of.lane[l].middle * (row - 1);
            tangents[l] = empty || plain ? nullptr : job.middles.tangent + w.lanes_of.lane[l].middle * (row - 1);
        }
        if constexpr (plain) {
            gather_lanes(w.state + 1, values, 0, row - 1);
        } else {
            V* both = reinterpret_cast<V*>(w.product);
            gather_lanes(both, values, 0, row - 1);
            gather_lanes(both + row, tangents, 0, row - 1);
            for (i64 m = 0; m < row - 1; ++m) w.state[1 + m] = {both[m], both[row + m]};
        }
    }

    void finish_all(work& w, i64 t) const {
        while (next_of(w, t + 1, false) == t) finish_queries(w, t);
    }

    interval_kind kind_of(const work& w, int l) const {
        return kind_of_query(groups, groups.by_end[w.next[l]], w.lanes_of.lane[l].mid);
    }

    // One query of every lane that has one after t steps, of the kind of the first such lane.
    void finish_queries(work& w, i64 t) const {
        const interval_lanes<R>& own = w.lanes_of;
        R* to[width];
        const Q* from[width];
        interval_kind kind{};
        i64 place = -1;  // of the stored row in lane 0
        bool found = false;
        for (int l = 0; l < width; ++l) {
            to[l] = nullptr;
            from[l] = nullptr;
            if (w.next[l] >= own.lane[l].last || end_steps(w, l) != t) continue;
            if (!found) kind = kind_of(w, l);
            else if (kind != kind_of(w, l)) continue;
            if (!found) place = groups.stored[w.next[l]];
            found = true;
            to[l] = job.value.out + (own.lane[l].query + groups.by_end[w.next[l]]) * (row - 1 + job.value.scalar_term) +
                    job.value.scalar_term;
            from[l] = lane_row(w, l, groups.stored[w.next[l]]);
            ++w.next[l];
        }
        const T* result = w.state;
        if (kind != interval_kind::end_only) {
            const T* front = w.stored + place * row;
            if (!own.aligned) {
                set_unit(w.other);
                gather_lanes(w.other + 1, from, 0, row - 1);
                front = w.other;
            }
            if (kind == interval_kind::product) multiply(front, w.state, w.product);
            result = kind == interval_kind::product ? w.product : front;
        }
        write(result + 1, to, reinterpret_cast<V*>(w.kernel));
        for (int l = 0; l < width; ++l)
            if (to[l]) finish(to[l]);
    }

    // `spare` holds `width` vectors.
    void write(const T* from, R* const* to, V* spare) const {
        if constexpr (plain) {
            prefetch_rows(to);
            scatter_lanes(to, 0, from, row - 1);
        } else {
            for (i64 m = 0; m < row - 1; m += width) {
                const i64 count = row - 1 - m < width ? row - 1 - m : width;
                for (i64 i = 0; i < count; ++i) spare[i] = result_of(from[m + i]);
                scatter_lanes(to, m, spare, count);
            }
        }
    }

    // The next query of a lane is often the next row. Rows are written faster than memory delivers their cache lines.
    void prefetch_rows(R* const* to) const {
        const i64 bytes = (row - 1 + job.value.scalar_term) * i64(sizeof(R));
        for (int l = 0; l < width; ++l) {
            if (!to[l]) continue;
            const char* next = reinterpret_cast<const char*>(to[l]) + bytes;
            for (i64 m = 0; m < bytes; m += 64) __builtin_prefetch(next + m, 1, 2);
        }
    }

    void finish(R* out) const {
        if (job.value.inverse) invert_in_place(out, d, depth);
        if (job.value.scalar_term) out[-1] = plain ? R(1) : R(0);
    }
};

template <class R>
void compute(const signature_intervals_job<R>& job, const executor& exec) {
    if (job.cotangent) return signature_intervals_vjp<R>(job, exec).run();
    if (job.groups.count == 0) return;
    if (job.along) return signature_intervals<dual<R>>(job, job.groups, exec).run();
    const i64 dense = dense_groups<R>(job.groups, job.value.path.channels, job.value.depth);
    if (dense > 0) run_interval_rows(job, part_of(job.groups, 0, dense), exec);
    if (dense < job.groups.count && !exec.cancelled(exec))
        signature_intervals<R>(job, part_of(job.groups, dense, job.groups.count), exec).run();
}

PYSIG_NAMESPACE_END
