// C2. The tensor algebra on a batch of rows: lanes are rows, workers take lane groups. See tensor.hpp for the algebra and
// tensor_job.hpp for what is asked.
#pragma once

#include "buffer.hpp"
#include "lanes.hpp"
#include "schedule.hpp"
#include "tensor.hpp"

PYSIG_NAMESPACE_BEGIN

template <class V>
inline void set_lanes(V& x, V value, V) {
    x = value;
}
template <class V>
inline void set_lanes(dual<V>& x, V value, V tangent) {
    x = {value, tangent};
}
template <class V>
inline V result_of(V x) {
    return x;
}
template <class V>
inline V result_of(dual<V> x) {
    return x.tangent;
}

// T: lanes<R> for values and for vjp, dual<lanes<R>> for jvp.
template <class R, class T>
class tensor_rows {
  public:
    using V = lanes<R>;
    static constexpr int lane_width = lane_count<R>;

    tensor_rows(const tensor_job<R>& job, const executor& exec)
        : job(job),
          exec(exec),
          d(job.channels),
          depth(job.depth),
          size(row_size(d, depth)),
          lower(row_size(d, depth - 1)),
          wide(widest()),
          kept(job.op == tensor_op::series && job.of == derivative::vjp ? series_kept_size(d, depth) : lower),
          splits(is_shuffle() ? shuffle_walk<T>::scratch_bytes(depth) / i64(sizeof(T)) + 1 : 0),
          groups((job.batch + lane_width - 1) / lane_width),
          workers(plan_workers(exec.workers, groups, double(job.batch) * double(size) * depth)),
          scratch(workers * scratch_size()) {}

    void run() {
        executor limited = exec;
        limited.workers = workers;
        limited.run(limited, groups, [](void* self, i64 group, int worker) {
            static_cast<tensor_rows*>(self)->run_group(group, worker);
        }, this);
    }

  private:
    const tensor_job<R>& job;
    const executor& exec;
    const i64 d;
    const int depth;
    const i64 size, lower, wide, kept, splits, groups;
    const int workers;
    buffer<T> scratch;

    // The rows of one worker: tensors a, b, g (cotangent), ga, gb; coordinates p, q and result; the rest of
    // the series; the splits of words.
    struct rows {
        T *a, *b, *g, *ga, *gb, *p, *q, *result, *kept, *work, *splits;
    };
    bool is_shuffle() const { return job.op == tensor_op::shuffle || job.op == tensor_op::half_shuffle; }
    bool is_vjp() const { return job.of == derivative::vjp; }
    i64 scratch_size() const { return 5 * size + 3 * wide + kept + 2 * lower + splits; }
    rows rows_of(int worker) const {
        T* a = scratch.get() + worker * scratch_size();
        T *p = a + 5 * size, *kept_rows = p + 3 * wide, *work = kept_rows + kept;
        return {a, a + size, a + 2 * size, a + 3 * size, a + 4 * size, p, p + wide, p + 2 * wide, kept_rows, work, work + 2 * lower};
    }
    i64 widest() const {
        i64 most = job.a_width > job.out_width ? job.a_width : job.out_width;
        if (job.g_width > most) most = job.g_width;
        const map_list<R> lists[] = {job.before, job.between, job.after};
        for (const map_list<R>& list : lists)
            for (int i = 0; i < list.count; ++i)
                if (list.maps[i].rows > most) most = list.maps[i].rows;
        return most;
    }

    void run_group(i64 group, int worker) {
        if (exec.cancelled(exec)) return;
        const rows r = rows_of(worker);
        switch (job.op) {
            case tensor_op::linear: return run_linear(group, r);
            case tensor_op::series: return run_series(group, r);
            case tensor_op::product: return run_product(group, r);
            default: return run_shuffle(group, r);
        }
    }

    void run_linear(i64 group, const rows& r) {
        fill(group, job.a, job.da, job.a_width, r.p);
        apply(job.after, r.p, r.p, r.q, r.result);
        drain(group, r.result, job.out_width, job.out);
    }

    void run_series(i64 group, const rows& r) {
        fill_tensor(group, job.a, job.da, job.a_width, job.before, r, r.a);
        T* result = r.b;
        if (is_vjp()) {
            power_series<true, R>(job.f, r.a, r.kept, r.b, d, depth);
            fill_tensor(group, job.g, {}, job.g_width, job.between, r, r.g);
            clear(r.ga);
            power_series_adjoint<R>(job.f, r.a, r.kept, r.g, r.ga, r.work, d, depth);
            r.ga[0] = T{};
            result = r.ga;
        } else {
            power_series<false, R>(job.f, r.a, r.kept, r.b, d, depth);
        }
        if (!job.after.count) return drain_tensor(group, result, job.out);
        apply(job.after, result + 1, r.p, r.q, r.result);
        drain(group, r.result, job.out_width, job.out);
    }

    void run_product(i64 group, const rows& r) {
        fill_pair(group, r);
        if (!is_vjp()) {
            tensor_product<true>(r.a, r.b, R(1), r.g, d, depth);
            return drain_tensor(group, r.g, job.out);
        }
        tensor_product_adjoint<true>(r.a, r.b, R(1), r.g, r.ga, r.gb, d, depth);
        drain_tensor(group, r.ga, job.out);
        drain_tensor(group, r.gb, job.out_b);
    }

    void run_shuffle(i64 group, const rows& r) {
        shuffle_walk<T> walk(d, depth, job.op == tensor_op::half_shuffle, r.splits);
        fill_pair(group, r);
        if (!is_vjp()) {
            walk.product(r.a, r.b, r.g);
            return drain_tensor(group, r.g, job.out);
        }
        walk.adjoint(r.a, r.b, r.g, r.ga, r.gb);
        drain_tensor(group, r.ga, job.out);
        drain_tensor(group, r.gb, job.out_b);
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
        fill_tensor(group, job.g, {}, job.g_width, {}, r, r.g);
        clear(r.ga);
        clear(r.gb);
    }

    void clear(T* row) const {
        for (i64 w = 0; w < size; ++w) row[w] = T{};
    }

    // A tensor row from stored rows: as they are, or through maps from coordinates. The scalar is 0 where it is not stored.
    void fill_tensor(i64 group, const rows_in<R>& values, const rows_in<R>& tangents, i64 width, const map_list<R>& maps,
                     const rows& r, T* row) const {
        row[0] = T{};
        if (!maps.count) return fill(group, values, tangents, width, row + !job.scalar_term);
        fill(group, values, tangents, width, r.p);
        apply(maps, r.p, r.p, r.q, row + 1);
    }

    void drain_tensor(i64 group, const T* row, R* out) const {
        drain(group, row + !job.scalar_term, size - !job.scalar_term, out);
    }

    // to <- maps applied to `from` one after the other; p and q hold what is between.
    void apply(const map_list<R>& list, const T* from, T* p, T* q, T* to) const {
        for (int i = 0; i < list.count; ++i) {
            T* next = i + 1 == list.count ? to : from == p ? q : p;
            apply(list.maps[i], from, next);
            from = next;
        }
    }

    static void apply(const sparse_map<R>& map, const T* from, T* to) {
        for (i64 row = 0; row < map.rows; ++row) {
            T sum{};
            for (i64 k = map.indptr[row]; k < map.indptr[row + 1]; ++k) sum = sum + from[map.indices[k]] * map.data[k];
            to[row] = sum;
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
        for (i64 m = 0; m < width; m += lane_width) {
            const int count = int(width - m < lane_width ? width - m : lane_width);
            V block[lane_width] = {}, moves[lane_width] = {};
            load_block(value, m, count, block);
            if (tangents.data) load_block(tangent, m, count, moves);
            for (int i = 0; i < count; ++i) set_lanes(to[m + i], block[i], moves[i]);
        }
    }

    static void load_block(const R* const* from, i64 m, int count, V (&block)[lane_width]) {
        if (count == lane_width) {
            for (int l = 0; l < lane_width; ++l) block[l] = load_lanes(from[l] + m);
            return transpose<R>(block);
        }
        for (int i = 0; i < count; ++i)
            for (int l = 0; l < lane_width; ++l) block[i][l] = from[l][m + i];
    }

    void drain(i64 group, const T* from, i64 width, R* out) const {
        R* to[lane_width];
        for (int l = 0; l < lane_width; ++l) {
            const i64 row = group * lane_width + l;
            to[l] = row < job.batch ? out + row * width : nullptr;
        }
        for (i64 m = 0; m < width; m += lane_width) {
            const i64 count = width - m < lane_width ? width - m : lane_width;
            V block[lane_width] = {};
            for (i64 i = 0; i < count; ++i) block[i] = result_of(from[m + i]);
            drain_lanes(to, m, block, count);
        }
    }
};

template <class R>
inline void compute_tensor(const tensor_job<R>& job, const executor& exec) {
    if (job.batch == 0) return;
    if (job.of == derivative::jvp) return tensor_rows<R, dual<lanes<R>>>(job, exec).run();
    tensor_rows<R, lanes<R>>(job, exec).run();
}

PYSIG_NAMESPACE_END
