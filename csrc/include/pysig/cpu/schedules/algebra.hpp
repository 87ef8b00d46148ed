// The tensor algebra on a batch of rows: lanes are rows, workers take lane groups. Formulas: kernels/algebra.hpp;
// operations: jobs/algebra.hpp.
#pragma once

#include "../kernels/algebra.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/numbers.hpp"
#include "../threads/parallel_for.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

template <class V>
inline void set_lanes(V& x, V value, V) {
    x = value;
}
template <class V>
inline void set_lanes(dual<V>& x, V value, V tangent) {
    x = {value, tangent};
}

// T: lanes<R> for values and for vjp, dual<lanes<R>> for jvp and for hvp, which is vjp on dual numbers.
template <class R, class T>
class algebra_rows {
 public:
    using V = lanes<R>;
    static constexpr int lane_width = lane_count<R>;
    static constexpr bool is_lanes = sizeof(T) == sizeof(V);

    algebra_rows(const algebra_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.channels),
          depth(job.depth),
          size(row_size(d, depth)),
          groups(ceil_div(job.batch, lane_width)),
          workers(plan_workers(exec.workers, groups, double(job.batch) * double(size) * depth)),
          scratch_size(layout(nullptr).size),
          scratch(workers * scratch_size),
          marks(block_of_words(d, depth).prefixes) {
        mark_needed_blocks();
    }

    void run() {
        parallel_for(limited_executor(exec, workers), groups,
                     [this](i64 group, int worker) { run_group(group, worker); });
    }

 private:
    const algebra_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, groups;
    const int workers;
    const i64 scratch_size;
    buffer<T> scratch;
    buffer<unsigned char> marks;
    const unsigned char* needed_blocks = nullptr;

    bool is_shuffle() const { return job.op == algebra_op::shuffle || job.op == algebra_op::half_shuffle; }
    bool is_vjp() const { return job.derivative == derivative::vjp || job.derivative == derivative::hvp; }

    // The rows of one worker that the operation needs: tensors a, b, g (cotangent or result), ga, gb;
    // coordinates p, q and result; the rest of the series; the splits of words.
    struct rows {
        T *a, *b, *g, *ga, *gb, *p, *q, *result, *kept, *work, *splits;
        i64 size;
    };
    rows layout(T* scratch_of_worker) const {
        i64 used = 0;
        const auto take = [&](bool needed, i64 count) {
            T* taken = scratch_of_worker ? scratch_of_worker + used : nullptr;
            if (needed) used += count;
            return taken;
        };
        const bool linear = job.op == algebra_op::linear, is_series = job.op == algebra_op::series,
                   pair = !linear && !is_series;
        const i64 wide = widest(), lower = row_size(d, depth - 1);
        rows r;
        r.a = take(!linear, size);
        r.b = take(pair, size);
        r.g = take(is_vjp() || is_shuffle(), size);
        r.ga = take(is_vjp(), size);
        r.gb = take(is_vjp() && pair, size);
        r.p = take(linear || job.before.count + job.between.count > 0 || job.after.count > 1, wide);
        r.q = take(job.before.count > 1 || job.between.count > 1 || job.after.count > 1, wide);
        r.result = take(job.after.count > 0, wide);
        r.kept = take(is_series, is_vjp() ? series_kept_size(d, depth) : lower);
        r.work = take(is_series && is_vjp(), 2 * lower);
        r.splits = take(is_shuffle(), is_shuffle() ? shuffle_words<T>::scratch_bytes(depth) / i64(sizeof(T)) + 1 : 0);
        r.size = used;
        return r;
    }
    i64 widest() const {
        i64 width = job.a_width > job.out_width ? job.a_width : job.out_width;
        if (job.cotangent_width > width) width = job.cotangent_width;
        const map_list<R> lists[] = {job.before, job.between, job.after};
        for (const map_list<R>& list : lists)
            for (int i = 0; i < list.count; ++i)
                if (list.maps[i].rows > width) width = list.maps[i].rows;
        return width;
    }

    // Marks the blocks of the top level that the first map reads; the others are not computed.
    void mark_needed_blocks() {
        if (job.op != algebra_op::series || is_vjp() || !job.after.count) return;
        const sparse_map<R>& map = job.after.maps[0];
        const word_block cut = block_of_words(d, depth);
        const i64 top = level_offset(d, depth);
        std::memset(marks.get(), 0, std::size_t(cut.prefixes));
        for (i64 k = 0; k < map.indptr[map.rows]; ++k)
            if (map.indices[k] >= top) marks[(map.indices[k] - top) / cut.words] = 1;
        needed_blocks = marks.get();
    }

    void run_group(i64 group, int worker) {
        if (exec.cancelled(exec)) return;
        const rows r = layout(scratch.get() + worker * scratch_size);
        switch (job.op) {
            case algebra_op::linear: return run_linear(group, r);
            case algebra_op::series: return run_series(group, r);
            case algebra_op::product: return run_product(group, r);
            default: return run_shuffle(group, r);
        }
    }

    void run_linear(i64 group, const rows& r) {
        fill(group, job.a, job.da, job.a_width, r.p);
        apply(job.after, r.p, r.p, r.q, r.result);
        scatter(group, r.result, job.out_width, job.out);
    }

    void run_series(i64 group, const rows& r) {
        fill_tensor(group, job.a, job.da, job.a_width, job.before, r, r.a);
        T* result = r.a;
        if (is_vjp()) {
            power_series_inner<true, R>(job.series, r.a, r.kept, d, depth);
            fill_tensor(group, job.cotangent, {}, job.cotangent_width, job.between, r, r.g);
            clear(r.ga);
            power_series_adjoint<R>(job.series, r.a, r.kept, r.g, r.ga, r.work, d, depth);
            r.ga[0] = T{};
            result = r.ga;
        } else {
            power_series<R>(job.series, r.a, r.kept, r.a, d, depth, needed_blocks);
        }
        if (!job.after.count) return scatter_tensor(group, result, job.out);
        apply(job.after, result + 1, r.p, r.q, r.result);
        scatter(group, r.result, job.out_width, job.out);
    }

    void run_product(i64 group, const rows& r) {
        fill_pair(group, r);
        if (!is_vjp()) {
            tensor_product<true>(r.a, r.b, R(1), r.a, d, depth);
            return scatter_tensor(group, r.a, job.out);
        }
        tensor_product_adjoint<true>(r.a, r.b, R(1), r.g, r.ga, r.gb, d, depth);
        scatter_tensor(group, r.ga, job.out);
        scatter_tensor(group, r.gb, job.out_b);
    }

    void run_shuffle(i64 group, const rows& r) {
        shuffle_words<T> words(d, depth, job.op == algebra_op::half_shuffle, r.splits);
        fill_pair(group, r);
        if (!is_vjp()) {
            words.product(r.a, r.b, r.g);
            return scatter_tensor(group, r.g, job.out);
        }
        words.adjoint(r.a, r.b, r.g, r.ga, r.gb);
        scatter_tensor(group, r.ga, job.out);
        scatter_tensor(group, r.gb, job.out_b);
    }

    // a, b, and for the adjoint also g, ga = gb = 0.
    void fill_pair(i64 group, const rows& r) const {
        fill_tensor(group, job.a, job.da, job.a_width, {}, r, r.a);
        fill_tensor(group, job.b, job.db, job.a_width, {}, r, r.b);
        if (!job.scalar_term) {
            r.a[0] = constant_of<T>(job.scalar);
            r.b[0] = constant_of<T>(job.scalar);
        }
        if (!is_vjp()) return;
        fill_tensor(group, job.cotangent, {}, job.cotangent_width, {}, r, r.g);
        clear(r.ga);
        clear(r.gb);
    }

    void clear(T* row) const {
        for (i64 w = 0; w < size; ++w) row[w] = T{};
    }

    // A tensor row from stored rows: as they are, or through maps from coordinates. The scalar is 0 where it is not
    // stored.
    void fill_tensor(i64 group, const rows_in<R>& values, const rows_in<R>& tangents, i64 width,
                     const map_list<R>& maps, const rows& r, T* row) const {
        row[0] = T{};
        if (!maps.count) return fill(group, values, tangents, width, row + !job.scalar_term);
        fill(group, values, tangents, width, r.p);
        apply(maps, r.p, r.p, r.q, row + 1);
    }

    void scatter_tensor(i64 group, const T* row, R* out) const {
        scatter(group, row + !job.scalar_term, size - !job.scalar_term, out);
    }

    // to <- maps applied to `from` one after the other; p and q hold what is between.
    void apply(const map_list<R>& list, const T* from, T* p, T* q, T* to) const {
        for (int i = 0; i < list.count; ++i) {
            T* next = i + 1 == list.count ? to : from == p ? q : p;
            apply_map(list.maps[i], from, next);
            from = next;
        }
    }

    // Idle lanes of the last group compute the last row once more.
    void fill(i64 group, const rows_in<R>& values, const rows_in<R>& tangents, i64 width, T* to) const {
        const R *value[lane_width], *tangent[lane_width];
        for (int l = 0; l < lane_width; ++l) {
            const i64 row = group * lane_width + l < job.batch ? group * lane_width + l : job.batch - 1;
            value[l] = values.data + row * values.stride;
            tangent[l] = tangents.data ? tangents.data + row * tangents.stride : nullptr;
        }
        i64 m = 0;
        for (; m + lane_width <= width; m += lane_width) fill_block(value, tangent, m, lane_width, to);
        if (m < width) fill_block(value, tangent, m, int(width - m), to);
    }

    static void fill_block(const R* const* value, const R* const* tangent, i64 m, int count, T* to) {
        V block[lane_width] = {}, moves[lane_width] = {};
        load_block(value, m, count, block);
        if (tangent[0]) load_block(tangent, m, count, moves);
        for (int i = 0; i < count; ++i) set_lanes(to[m + i], block[i], moves[i]);
    }

    static void load_block(const R* const* from, i64 m, int count, V (&block)[lane_width]) {
        if (count == lane_width) {
            for (int l = 0; l < lane_width; ++l) block[l] = load_lanes(from[l] + m);
            return transpose<R>(block);
        }
        for (int i = 0; i < count; ++i)
            for (int l = 0; l < lane_width; ++l) block[i][l] = from[l][m + i];
    }

    void scatter(i64 group, const T* from, i64 width, R* out) const {
        R* to[lane_width];
        for (int l = 0; l < lane_width; ++l) {
            const i64 row = group * lane_width + l;
            to[l] = row < job.batch ? out + row * width : nullptr;
        }
        if constexpr (is_lanes) scatter_lanes(to, 0, from, width);
        else scatter_results(to, from, width);
    }
    static void scatter_results(R* const* to, const T* from, i64 width) {
        for (i64 m = 0; m < width; m += lane_width) {
            const i64 count = width - m < lane_width ? width - m : lane_width;
            V block[lane_width] = {};
            for (i64 i = 0; i < count; ++i) block[i] = result_of(from[m + i]);
            scatter_lanes(to, m, block, count);
        }
    }
};

template <class R>
void compute(const algebra_job<R>& job, const executor& exec) {
    if (job.batch == 0) return;
    if (job.derivative == derivative::jvp || job.derivative == derivative::hvp)
        return algebra_rows<R, dual<lanes<R>>>(job, exec).run();
    algebra_rows<R, lanes<R>>(job, exec).run();
}

PYSIG_NAMESPACE_END
