// Few paths of many channels: the lanes hold letters instead of paths.
//
// The recursion of kernels/tile_forward.hpp with other lanes: at a word u, whose chain is one number at each step, all
// words u i are computed at once, one vector of letters i after the other. The last two letters are then a matrix
// product over the steps of the block, A[i][j] += sum over t of H_t[i] x_t[j], in register tiles. States are updated in
// the row of the result: no transposes, no joins.
#pragma once

#include "../jobs/signature.hpp"
#include "../kernels/chen.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class signature_wide {
 public:
    using V = lanes<R>;
    static constexpr int width = lane_count<R>;

    signature_wide(const signature_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.path.channels),
          padded(pad_to_lanes<R>(d)),
          depth(job.depth),
          size(signature_size(d, depth)),
          steps(step_count(job.path)),
          block(plan_wide_block<R>(padded, steps)),
          letters(plan_wide_letters<R>(padded, job.path.batch, exec.workers)),
          tiles(ceil_div(d, letters)),
          workers(plan_workers(exec.workers, job.path.batch * tiles,
                               double(job.path.batch) * double(steps) * double(size))),
          scratch(workers * scratch_size()) {}

    void run() {
        parallel_for(limited_executor(exec, workers), job.path.batch * tiles,
                     [this](i64 item, int worker) { run_item(item, worker); });
        for (i64 b = 0; b < job.path.batch; ++b) {
            R* out = out_row(b);
            if (job.inverse) invert_in_place(out, d, depth);
            if (job.scalar_term) out[-1] = R(1);
        }
    }

 private:
    // The chain of a word: entry r at step t stands at data[t * step + r * entry].
    struct chain_view {
        const R* data;
        i64 step, entry;
        R operator()(i64 t, int r) const { return data[t * step + r * entry]; }
    };
    struct place {
        R* x;       // (block, padded) increments
        R* chains;  // level after level: (block, depth - k, padded)
        R* row;
        R* out;
        i64 steps;
    };

    const signature_job<R>& job;
    const executor& exec;
    const i64 d, padded;
    const int depth;
    const i64 size, steps, block, letters, tiles;
    const int workers;
    buffer<R> scratch;

    i64 scratch_size() const {
        return pad_to_lanes<R>(block * (padded + padded * (i64(depth) * (depth - 1) / 2) + d) + depth);
    }
    R* out_row(i64 b) const { return job.out + b * (size + job.scalar_term) + job.scalar_term; }

    void run_item(i64 item, int worker) {
        const i64 b = item / tiles, first = (item % tiles) * letters, last = first + letters < d ? first + letters : d;
        place at;
        at.x = scratch.get() + worker * scratch_size();
        at.chains = at.x + block * padded;
        at.row = at.chains + block * padded * (i64(depth) * (depth - 1) / 2);
        at.out = out_row(b);
        R* root = at.row + block * d;
        for (int r = 0; r < depth; ++r) root[r] = chain_of_empty_word<R>(r);
        begin(b, at.out, first, last);
        const i64 own = step_count(job.path, b);
        for (i64 t = 0; t < own; t += block) {
            if (exec.cancelled(exec)) return;
            at.steps = own - t < block ? own - t : block;
            fill(b, t, at);
            children(at, 0, {root, 0, 1}, 0, first, last, at.chains);
        }
    }

    void begin(i64 b, R* out, i64 first, i64 last) const {
        i64 below = 1;
        for (int k = 1; k <= depth; ++k, below *= d) {
            const i64 offset = level_offset(d, k) + first * below, count = (last - first) * below;
            if (job.initial) std::memcpy(out + offset, job.initial + b * size + offset, std::size_t(count) * sizeof(R));
            else std::memset(out + offset, 0, std::size_t(count) * sizeof(R));
        }
    }

    void fill(i64 b, i64 t, const place& at) const {
        R* to = padded == d ? at.x : at.row;
        fill_increments(job.path, b, t, steps, at.steps, to);
        if (padded == d) return;
        for (i64 s = 0; s < at.steps; ++s) {
            std::memcpy(at.x + s * padded, at.row + s * d, std::size_t(d) * sizeof(R));
            for (i64 c = d; c < padded; ++c) at.x[s * padded + c] = R(0);
        }
    }

    // All words u i, i in [first, last), of a word u of k letters; `word` is the index of u.
    void children(const place& at, int k, chain_view parent, i64 word, i64 first, i64 last, R* chains) const {
        R* states = at.out + level_offset(d, k + 1) + word * d;
        const int reach = depth - k;
        switch (reach) {
            case 1: return sums(at, parent, states, first, last);
            case 2: extend_letters<2>(at, parent, states, first, last, chains); break;
            case 3: extend_letters<3>(at, parent, states, first, last, chains); break;
            case 4: extend_letters<4>(at, parent, states, first, last, chains); break;
            default: extend_deep(at, reach, parent, states, first, last, chains);
        }
        if (reach == 2) return last_letters(at, word, first, last, chains);
        for (i64 i = first; i < last; ++i)
            children(at, k + 1, {chains + i, (reach - 1) * padded, padded}, word * d + i, 0, d,
                     chains + block * (reach - 1) * padded);
    }

    void sums(const place& at, chain_view parent, R* states, i64 first, i64 last) const {
        for (i64 i = first; i < last; ++i)
            for (i64 t = 0; t < at.steps; ++t) states[i] = advance(states[i], parent(t, 0), at.x[t * padded + i]);
    }

    template <int reach>
    void extend_letters(const place& at, chain_view parent, R* states, i64 first, i64 last, R* chains) const {
        for (i64 i = first; i < last; i += width) {
            V s = load_some(states + i, last - i);
            for (i64 t = 0; t < at.steps; ++t) {
                V up[reach], child[reach];
                for (int r = 0; r < reach; ++r) up[r] = broadcast(parent(t, r));
                extend<R, reach>(up, load_lanes(at.x + t * padded + i), s, child);
                for (int r = 0; r < reach - 1; ++r) store_lanes(chains + (t * (reach - 1) + r) * padded + i, child[r]);
            }
            store_some(states + i, s, last - i);
        }
    }

    void extend_deep(const place& at, int reach, chain_view parent, R* states, i64 first, i64 last, R* chains) const {
        for (i64 i = first; i < last; i += width) {
            V s = load_some(states + i, last - i);
            for (i64 t = 0; t < at.steps; ++t) {
                const V xi = load_lanes(at.x + t * padded + i);
                R* child = chains + t * (reach - 1) * padded + i;
                for (int r = 1; r < reach; ++r)
                    store_lanes(child + (r - 1) * padded, chain_entry<R>(broadcast(parent(t, r)), xi, s, r));
                s = advance(s, broadcast(parent(t, 0)), xi);
            }
            store_some(states + i, s, last - i);
        }
    }

    // Register tiles of I letters i and J vectors of letters j, columns of tiles of even width.
    void last_letters(const place& at, i64 word, i64 first, i64 last, const R* chains) const {
        R* top = at.out + level_offset(d, depth) + word * d * d;
        i64 blocks = (padded / width + 2) / 3;
        for (i64 j = 0; j < padded; --blocks) {
            const i64 vectors = ceil_div((padded - j) / width, blocks);
            if (vectors == 3) columns<tile_letters(3), 3>(at, top, chains, first, last, j);
            else if (vectors == 2) columns<tile_letters(2), 2>(at, top, chains, first, last, j);
            else columns<tile_letters(1), 1>(at, top, chains, first, last, j);
            j += vectors * width;
        }
    }
    static constexpr int tile_letters(int vectors) {
        return (vector_registers - 1 - vectors) / (vectors + 1) < 6 ? (vector_registers - 1 - vectors) / (vectors + 1)
                                                                    : 6;
    }

    template <int I, int J>
    void columns(const place& at, R* top, const R* chains, i64 first, i64 last, i64 j) const {
        i64 i = first;
        for (; i + I <= last; i += I) outer<I, J>(at, top, chains, i, j);
        if constexpr (I > 2)
            for (; i + 2 <= last; i += 2) outer<2, J>(at, top, chains, i, j);
        for (; i < last; ++i) outer<1, J>(at, top, chains, i, j);
    }

    template <int I, int J>
    void outer(const place& at, R* top, const R* chains, i64 i, i64 j) const {
        V A[I][J];
        move_tile<I, J, false>(A, top + i * d + j, d - j);
        const R* h = chains + i;
        const R* x = at.x + j;
        for (i64 t = 0; t < at.steps; ++t, h += padded, x += padded) {
            V xj[J];
            for (int q = 0; q < J; ++q) xj[q] = load_lanes(x + q * width);
            outer_rows<I, J>(A, h, xj);
        }
        move_tile<I, J, true>(A, top + i * d + j, d - j);
    }

    template <int I, int J, int i = 0>
    static void outer_rows(V (&A)[I][J], const R* h, const V (&xj)[J]) {
        if constexpr (i < I) {
            const V hi = broadcast(h[i]);
            tile_row<J>(A[i], hi, xj);
            outer_rows<I, J, i + 1>(A, h, xj);
        }
    }
    template <int J, int j = 0>
    static void tile_row(V (&A)[J], V h, const V (&xj)[J]) {
        if constexpr (j < J) {
            A[j] = advance(A[j], h, xj[j]);
            tile_row<J, j + 1>(A, h, xj);
        }
    }
    template <int I, int J, bool back, int k = 0>
    void move_tile(V (&A)[I][J], R* top, i64 columns) const {
        if constexpr (k < I * J) {
            R* at = top + (k / J) * d + (k % J) * width;
            if constexpr (back) store_some(at, A[k / J][k % J], columns - (k % J) * width);
            else A[k / J][k % J] = load_some(at, columns - (k % J) * width);
            move_tile<I, J, back, k + 1>(A, top, columns);
        }
    }
};

PYSIG_NAMESPACE_END
