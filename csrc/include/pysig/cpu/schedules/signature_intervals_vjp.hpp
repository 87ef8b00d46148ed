// Gradients of <cotangent, signatures of intervals of paths>.
//
// Notation: S_t the row after t steps of a sweep, x_t its increments; bar(.) adjoints; R = suf(a) (x) pre(b) a result.
//
//   1. front    the sweep from mid to the front stores suf(a) of every query, and S_t at every K-th step
//   2. end      the sweep to the end stores S_t at every K-th step
//   3. end      backwards: a block of K rows is computed again; at the end of a query, bar(R) adds to bar(S_t) and sets
//               bar(suf(a)); a step takes bar(S_(t+1)) to bar(S_t) and yields bar(x_t)
//   4. front    backwards: bar(suf(a)) adds to bar(S_t) where a row was stored
//   5. sums     bar(x_t) of all groups, in their order, and the adjoints of the points
//
// No state is divided out. K is about the square root of the longest sweep, so a worker stores 2 K rows and two rows
// for every query of its largest group. Lane groups are computed in rounds whose number depends on the shape alone.
#pragma once

#include "interval_sums.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_intervals_vjp {
 public:
    using V = lanes<R>;
    static constexpr int width = lane_count<R>;

    signature_intervals_vjp(const signature_intervals_job<R>& job, const executor& exec)
        : job(job),
          path(job.value.path),
          groups(job.groups),
          exec(exec),
          d(path.channels),
          depth(job.value.depth),
          row(row_size(d, depth)),
          items(ceil_div(groups.count * (groups.shared ? path.batch : 1), width)),
          stored_rows(largest_group(groups)),
          longest(longest_sweep()),
          block(square_root(longest)),
          blocks(ceil_div(longest, block) + width),
          round(items_of_round()),
          workers(plan_workers(exec.workers, round, double(items) * width * double(row) * cost::group_steps)),
          multiply(d, depth),
          scratch(workers * scratch_size()),
          sums(round * 2 * longest * d),
          x_bar(path) {}

    void run() {
        for (i64 first = 0; first < items; first += round) {
            const i64 count = items - first < round ? items - first : round;
            parallel_for_cancellable(limited_executor(exec, workers), count, [&](i64 item, int worker) {
                run_item(first + item, sums.get() + item * 2 * longest * d, worker);
            });
            for (i64 item = 0; item < count; ++item)
                x_bar.add(interval_lanes<R>(path, groups, first + item), sums.get() + item * 2 * longest * d, longest);
        }
        parallel_for_cancellable(limited_executor(exec, workers), path.batch,
                                 [this](i64 b, int) { x_bar.finish(b, job.into); });
    }

 private:
    const signature_intervals_job<R>& job;
    const path_view<R>& path;
    const interval_groups& groups;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 row, items, stored_rows, longest, block, blocks, round;
    const int workers;
    const lane_product<V> multiply;
    buffer<V> scratch;
    buffer<V> sums;  // of every lane group of a round: bar(x_t) of the sweep to the front, then of that to the end
    interval_sums<R> x_bar;

    i64 longest_sweep() const {
        i64 most = 1;
        for (i64 item = 0; item < items; ++item) {
            const interval_lanes<R> own(path, groups, item);
            if (own.front > most) most = own.front;
            if (own.end > most) most = own.end;
        }
        return most;
    }
    static i64 square_root(i64 n) {
        i64 root = cost::min_block;
        while (root * root < n) ++root;
        return root;
    }
    i64 items_of_round() const {
        const i64 fit = cost::round_bytes / (2 * longest * d * i64(sizeof(V)));
        const i64 most = fit < cost::min_items ? cost::min_items : fit;
        return items < most ? items : most;
    }

    // Scratch of a worker, in vectors: rows, increments, the kernels'.
    i64 rows_size() const { return (5 + 2 * stored_rows + 2 * blocks + block + 1) * row; }
    i64 increments_size() const { return interval_increments<R>::scratch_size(block, d); }
    i64 scratch_size() const {
        const i64 tile = tile_forward<R>::chain_size(depth, block),
                  step = lane_step<R, V>::adjoint_scratch_size(d, depth);
        return rows_size() + increments_size() + (tile > step ? tile : step);
    }

    struct work {
        const interval_lanes<R>& lanes_of;
        const interval_increments<R>& increments;
        V *bar, *cotangent, *front_row, *front_bar, *state;
        V *stored, *stored_bar;      // rows of queries, as in signature_intervals.hpp
        V *front_marks, *end_marks;  // S_t at the beginnings of blocks
        V* rows;                     // a block of S_t
        V* kernel;
        i64 next[width];  // of every lane: the place of its next query
    };

    void run_item(i64 item, V* into, int worker) {
        const interval_lanes<R> own(path, groups, item);
        V* at = scratch.get() + worker * scratch_size();
        const interval_increments<R> increments(path, nullptr, block, at + rows_size());
        V* const kernel = at + rows_size() + increments_size();
        const auto take = [&](i64 count) {
            V* taken = at;
            at += count * row;
            return taken;
        };
        work w{own,
               increments,
               take(1),
               take(1),
               take(1),
               take(1),
               take(1),
               take(stored_rows),
               take(stored_rows),
               take(blocks),
               take(blocks),
               take(block + 1),
               kernel,
               {}};
        to_front(w);
        to_end(w);
        end_backwards(w, into + longest * d);
        if (!exec.cancelled(exec)) front_backwards(w, into);
    }

    void set_unit(V* state) const {
        for (i64 m = 0; m < row; ++m) state[m] = V{};
        state[0] = broadcast(R(1));
    }
    void clear(V* to) const {
        for (i64 m = 0; m < row; ++m) to[m] = V{};
    }
    void copy(V* to, const V* from) const { std::memcpy(to, from, std::size_t(row) * sizeof(V)); }
    void add(V* to, const V* from) const {
        for (i64 m = 0; m < row; ++m) to[m] += from[m];
    }

    R* lane_row(V* rows, int l, i64 place) const {
        return reinterpret_cast<R*>(rows) + (l * stored_rows + place) * (row - 1);
    }

    i64 front_steps(const work& w, int l, i64 place) const {
        return steps_to_front(groups, w.lanes_of.lane[l], groups.by_start[place]);
    }
    i64 end_steps(const work& w, int l, i64 place) const {
        return steps_to_end(groups, w.lanes_of.lane[l], groups.by_end[place]);
    }

    // ---- forward ----

    void to_front(work& w) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (int l = 0; l < width; ++l) {
            w.next[l] = own.lane[l].first;
            while (w.next[l] < own.lane[l].last && front_steps(w, l, w.next[l]) == 0) ++w.next[l];
        }
        const lane_step<R, V> step(d, depth, w.kernel);
        set_unit(w.state);
        lane_steps slots[width];
        i64 mark = 0;
        for (i64 t = 0; t < own.front; ++mark) {
            const i64 count = own.steps_behind(t, own.front - t < block ? own.front - t : block);
            copy(w.front_marks + mark * row, w.state);
            own.behind(slots, t, count);
            const V* x = w.increments.fill_backward(slots, count);
            for (i64 s = 0; s < count; ++s) {
                step.template advance_row<side::front>(x + s * d, w.state, w.state);
                store_rows(w, t + s + 1);
            }
            t += count;
        }
    }

    void store_rows(work& w, i64 t) const {
        const interval_lanes<R>& own = w.lanes_of;
        if (own.aligned) {
            for (; w.next[0] < own.lane[0].last && front_steps(w, 0, w.next[0]) == t; ++w.next[0])
                copy(w.stored + (w.next[0] - own.lane[0].first) * row, w.state);
            return;
        }
        for (bool more = true; more;) {
            R* to[width];
            more = false;
            for (int l = 0; l < width; ++l) {
                const bool here = w.next[l] < own.lane[l].last && front_steps(w, l, w.next[l]) == t;
                to[l] = here ? lane_row(w.stored, l, w.next[l] - own.lane[l].first) : nullptr;
                w.next[l] += here;
                more = more || here;
            }
            if (more) scatter_lanes(to, 0, w.state + 1, row - 1);
        }
    }

    void to_end(work& w) const {
        const interval_lanes<R>& own = w.lanes_of;
        set_unit(w.state);
        begin_middle(w);
        tile_forward<R> tile(d, depth, block, w.kernel, w.state + 1);
        tile.open({0, 0, 0, d});
        lane_steps slots[width];
        own.ahead(slots);
        for (i64 t = 0, mark = 0; t < own.end; t += block, ++mark) {
            copy(w.end_marks + mark * row, w.state);
            const i64 count = own.end - t < block ? own.end - t : block;
            tile.advance_block(w.increments.fill(slots, t, count), count);
        }
    }

    void begin_middle(const work& w) const {
        if (!job.middles.value) return;
        const R* values[width];
        for (int l = 0; l < width; ++l) {
            const i64 middle = w.lanes_of.lane[l].middle;
            values[l] = middle < 0 ? nullptr : job.middles.value + middle * (row - 1);
        }
        gather_lanes(w.state + 1, values, 0, row - 1);
    }

    // ---- backwards ----

    void end_backwards(work& w, V* into) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (int l = 0; l < width; ++l) w.next[l] = own.lane[l].last - 1;
        const lane_step<R, V> step(d, depth, w.kernel);
        clear(w.bar);
        lane_steps slots[width];
        own.ahead(slots);
        if (own.end == 0) {
            set_unit(w.state);
            begin_middle(w);
            take_queries(w, 0, w.state);
        }
        for (i64 mark = ceil_div(own.end, block) - 1; mark >= 0; --mark) {
            if (exec.cancelled(exec)) return;
            const i64 t = mark * block, count = own.end - t < block ? own.end - t : block;
            const V* x = w.increments.fill(slots, t, count);
            copy(w.rows, w.end_marks + mark * row);
            for (i64 s = 0; s < count; ++s)
                step.template advance_row<side::end>(x + s * d, w.rows + s * row, w.rows + (s + 1) * row);
            for (i64 s = count; s > 0; --s) {
                take_queries(w, t + s, w.rows + s * row);
                step_back<side::end>(step, w, x + (s - 1) * d, w.rows + (s - 1) * row, into + (t + s - 1) * d);
            }
            if (t == 0) take_queries(w, 0, w.rows);
        }
        end_middle(w);
        take_queries(w, -1, nullptr);
    }

    template <side at>
    void step_back(const lane_step<R, V>& step, const work& w, const V* x, const V* before, V* into) const {
        for (i64 c = 0; c < d; ++c) into[c] = V{};
        step.template adjoint<at>(x, before, w.bar, into);
    }

    void end_middle(const work& w) const {
        if (!job.middles.cotangent) return;
        R* to[width];
        for (int l = 0; l < width; ++l) {
            const i64 middle = w.lanes_of.lane[l].middle;
            to[l] = middle < 0 ? nullptr : job.middles.cotangent + middle * (row - 1);
        }
        scatter_lanes(to, 0, w.bar + 1, row - 1);
    }

    // All queries that end after t steps, one of every lane at a time, of one kind.
    void take_queries(work& w, i64 t, const V* state) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (;;) {
            const R* cotangents[width];
            R *fronts[width], *bars[width];
            interval_kind kind{};
            i64 place = -1;
            for (int l = 0; l < width; ++l) {
                cotangents[l] = nullptr;
                fronts[l] = bars[l] = nullptr;
                if (w.next[l] < own.lane[l].first || w.next[l] < 0 || own.lane[l].path < 0) continue;
                if (end_steps(w, l, w.next[l]) != t) continue;
                const i64 query = groups.by_end[w.next[l]], stored = groups.stored[w.next[l]];
                const interval_kind its = kind_of_query(groups, query, own.lane[l].mid);
                if (place < 0) kind = its;
                else if (kind != its) continue;
                if (place < 0) place = stored;
                cotangents[l] = job.cotangent + (own.lane[l].query + query) * (row - 1 + job.value.scalar_term) +
                                job.value.scalar_term;
                fronts[l] = lane_row(w.stored, l, stored);
                bars[l] = lane_row(w.stored_bar, l, stored);
                --w.next[l];
            }
            if (place < 0) return;
            load_cotangents(w, cotangents);
            take_kind(w, kind, place, state, fronts, bars);
        }
    }

    // The antipode is its own adjoint.
    void load_cotangents(const work& w, const R* const* rows) const {
        w.cotangent[0] = V{};
        gather_lanes(w.cotangent + 1, rows, 0, row - 1);
        if (!job.value.inverse) return;
        for (int k = 1; k <= depth; ++k) {
            V* level = w.cotangent + row_level(d, k);
            const R sign = k % 2 ? R(-1) : R(1);
            for (i64 word = 0; word < power(d, k); ++word) {
                const i64 turned = reversed_word(word, d, k);
                if (turned < word) continue;
                const V value = level[word] * sign;
                level[word] = level[turned] * sign;
                level[turned] = value;
            }
        }
    }

    void take_kind(const work& w, interval_kind kind, i64 place, const V* state, R* const* fronts,
                   R* const* bars) const {
        if (kind == interval_kind::end_only) return add(w.bar, w.cotangent);
        const bool aligned = w.lanes_of.aligned;
        V* bar = aligned ? w.stored_bar + place * row : w.front_bar;
        if (kind == interval_kind::front_only) {
            copy(bar, w.cotangent);
        } else {
            const V* front = w.stored + place * row;
            if (!aligned) {
                set_unit(w.front_row);
                gather_lanes(w.front_row + 1, fronts, 0, row - 1);
                front = w.front_row;
            }
            multiply.adjoint(front, state, w.cotangent, bar, w.bar);
        }
        if (!aligned) scatter_lanes(bars, 0, bar + 1, row - 1);
    }

    void front_backwards(work& w, V* into) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (int l = 0; l < width; ++l) w.next[l] = own.lane[l].last - 1;
        const lane_step<R, V> step(d, depth, w.kernel);
        clear(w.bar);
        buffer<i64> begin(blocks + 1);
        i64 mark = 0;
        for (i64 t = 0; t < own.front;) {
            begin[mark++] = t;
            t += own.steps_behind(t, own.front - t < block ? own.front - t : block);
        }
        begin[mark] = own.front;
        lane_steps slots[width];
        while (--mark >= 0) {
            if (exec.cancelled(exec)) return;
            const i64 t = begin[mark], count = begin[mark + 1] - t;
            own.behind(slots, t, count);
            const V* x = w.increments.fill_backward(slots, count);
            copy(w.rows, w.front_marks + mark * row);
            for (i64 s = 0; s + 1 < count; ++s)
                step.template advance_row<side::front>(x + s * d, w.rows + s * row, w.rows + (s + 1) * row);
            for (i64 s = count; s > 0; --s) {
                add_stored(w, t + s);
                step_back<side::front>(step, w, x + (s - 1) * d, w.rows + (s - 1) * row, into + (t + s - 1) * d);
            }
        }
    }

    void add_stored(work& w, i64 t) const {
        const interval_lanes<R>& own = w.lanes_of;
        for (bool more = true; more;) {
            const R* bars[width];
            more = false;
            for (int l = 0; l < width; ++l) {
                const bool here =
                    own.lane[l].path >= 0 && w.next[l] >= own.lane[l].first && front_steps(w, l, w.next[l]) == t;
                bars[l] = here ? lane_row(w.stored_bar, l, w.next[l] - own.lane[l].first) : nullptr;
                if (here && own.aligned && l == 0) add(w.bar, w.stored_bar + (w.next[0] - own.lane[0].first) * row);
                w.next[l] -= here;
                more = more || here;
            }
            if (!more || own.aligned) continue;
            w.front_bar[0] = V{};
            gather_lanes(w.front_bar + 1, bars, 0, row - 1);
            add(w.bar, w.front_bar);
        }
    }
};

PYSIG_NAMESPACE_END
