// The pairs of paths on the lanes of a group, and their z_ij, made where they are needed: nothing of the size of a pair
// is stored.
#pragma once

#include "../jobs/signature_kernel.hpp"
#include "../kernels/gram_tile.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lane_increments.hpp"
#include "../lanes/points.hpp"

PYSIG_NAMESPACE_BEGIN

// Place of a path in the order of its side, and back.
template <class R>
inline lane_steps whole_path(const path_view<R>& path, i64 place) {
    if (place >= path.batch) return {-1, 0, 0, 0, 0};
    const i64 b = path_at(path, place);
    return {b, 0, 0, step_count(path, b), place};
}

// The lanes of a group of pairs. Lane l has the path y[l], and x[l], or `x[0]` for all lanes if pairs are not paired.
template <class R>
struct pair_lanes {
    lane_steps x[lane_count<R>], y[lane_count<R>];
    i64 rows = 0, columns = 0;  // cells of the longest pair

    // Pairs [first, first + W) of rows with the same number, of y alone if not paired.
    pair_lanes(const kernel_pairs<R>& pairs, i64 first) {
        for (int l = 0; l < lane_count<R>; ++l) {
            const i64 place = first + l;
            if (pairs.increments) {
                const i64 b = place < pairs.batch ? place : -1;
                x[l] = {b, 0, 0, b < 0 ? 0 : pairs.steps_x, place};
                y[l] = {b, 0, 0, b < 0 ? 0 : pairs.steps_y, place};
            } else {
                y[l] = whole_path(pairs.y, place);
                x[l] = pairs.paired ? whole_path(pairs.x, place) : lane_steps{-1, 0, 0, 0, 0};
            }
            if (x[l].end > rows) rows = x[l].end;
            if (y[l].end > columns) columns = y[l].end;
        }
    }
    void take_row(const path_view<R>& path, i64 place) {
        x[0] = whole_path(path, place);
        rows = x[0].end;
    }
};

// The directions of a derivative; null: that side is constant.
template <class R>
struct kernel_directions {
    const direction<R>*x, *y;
    const R* increments;  // laid out as the increments that are given
};

// Whether z needs the points of the paths, and not their increments alone.
template <class R>
inline bool needs_points(const kernel_pairs<R>& pairs, const kernel_rule& rule) {
    return !pairs.increments && rule.kappa.kind != kappa_kind::linear;
}

// Increments or points of one side, and their tangents, for one worker.
template <class R>
class packed_side {
 public:
    using V = lanes<R>;

    // `points`: whether points are needed; `along`: the tangent or null; `dual_numbers`: whether tangents are needed.
    packed_side(const path_view<R>& path, const direction<R>* along, bool points, bool dual_numbers, bool on_lanes)
        : path(path),
          along(along),
          points(points),
          d(path.channels),
          // fill_block writes whole blocks of lane_count vectors.
          size(path.data ? ((step_count(path) + points) * d + lane_count<R>)*(on_lanes ? lane_count<R> : 1) : 0),
          values(size),
          tangents(dual_numbers ? size : 0),
          rows(on_lanes && !points ? lane_count<R> * increment_row_size<R>(block, d) : 0) {}

    // `count` increments, or count + 1 points.
    void fill_lanes_of(const lane_steps* slots, i64 count) {
        fill_lanes_of(path, slots, count, values.get());
        if (!tangents.get()) return;
        if (along) fill_lanes_of(along->path, slots, count, tangents.get());
        else std::memset(tangents.get(), 0, std::size_t((count + points) * d * lane_count<R>) * sizeof(R));
    }
    void fill_path(i64 b, i64 count) {
        fill_path(path, b, count, values.get());
        if (!tangents.get()) return;
        if (along) fill_path(along->path, b, count, tangents.get());
        else std::memset(tangents.get(), 0, std::size_t((count + points) * d) * sizeof(R));
    }

    gram_side<V> on_lanes_from(i64 row) const {
        const auto* v = reinterpret_cast<const V*>(values.get());
        const auto* t = reinterpret_cast<const V*>(tangents.get());
        return gram_side<V>{v, t}.from(row * d);
    }
    gram_side<R> of_path_from(i64 row) const { return gram_side<R>{values.get(), tangents.get()}.from(row * d); }

 private:
    static constexpr i64 block = 64;  // steps that are transposed together

    const path_view<R>& path;
    const direction<R>* along;
    const bool points;
    const i64 d, size;
    buffer<R> values, tangents, rows;

    void fill_lanes_of(const path_view<R>& from, const lane_steps* slots, i64 count, R* out) {
        auto* target = reinterpret_cast<V*>(out);
        if (points) {
            for (int l = 0; l < lane_count<R>; ++l) {
                if (slots[l].path >= 0)
                    transformed_points<R>(from, slots[l].path).fill(count + 1, out + l, lane_count<R>);
                else
                    for (i64 m = 0; m < (count + 1) * d; ++m) out[m * lane_count<R> + l] = R(0);
            }
            return;
        }
        for (i64 t = 0; t < count; t += block) {
            const i64 some = count - t < block ? count - t : block;
            fill_block(from, slots, t, some, rows.get(), increment_row_size<R>(block, d), target + t * d);
        }
    }
    void fill_path(const path_view<R>& from, i64 b, i64 count, R* out) const {
        if (points) transformed_points<R>(from, b).fill(count + 1, out, 1);
        else fill_increments(from, b, 0, count, count, out);
    }
};

// The z_ij of the pairs of a group, on lanes; T is a vector, or a dual number of vectors for a derivative along
// directions.
template <class R, class T>
class pair_gram {
 public:
    using V = lanes<R>;
    static constexpr bool dual_numbers = sizeof(T) > sizeof(V);

    // Fills at most `max_height` rows and `max_width` columns at a time.
    pair_gram(const kernel_pairs<R>& pairs, const kernel_rule& rule, const kernel_directions<R>& along, i64 max_height,
              i64 max_width)
        : pairs(pairs),
          kappa(rule.kappa),
          points(needs_points(pairs, rule)),
          along(along),
          scale(R(1) / R(i64(1) << 2 * rule.dyadic_order)),
          x(pairs.x, along.x, points, dual_numbers, pairs.paired),
          y(pairs.y, pairs.symmetric ? along.x : along.y, points, dual_numbers, true),
          stride(max_width + 1),
          vertices(points ? (max_height + 1) * stride : 0),
          gathered(pairs.increments ? (dual_numbers ? 2 : 1) * max_width : 0) {}

    // Reads the paths of the lanes; that of the rows, if pairs are not paired, by take_row().
    void take_lanes(const pair_lanes<R>& lanes_of) {
        if (pairs.increments) return;
        y.fill_lanes_of(lanes_of.y, lanes_of.columns);
        if (pairs.paired) x.fill_lanes_of(lanes_of.x, lanes_of.rows);
    }
    void take_row(const pair_lanes<R>& lanes_of) { x.fill_path(lanes_of.x[0].path, lanes_of.rows); }

    // z[i * stride + j] of the refined cells of rows [i, i + height) and columns [j, j + width). `follows`: the rows
    // before these were filled last, with the same columns.
    void fill(const pair_lanes<R>& lanes_of, i64 i, i64 height, i64 j, i64 width, bool follows, T* z, i64 z_stride) {
        if (pairs.increments) return fill_given(lanes_of, i, height, j, width, z, z_stride);
        if (points) return fill_differences(i, height, j, width, follows, z, z_stride);
        products<false>(i, height, j, width, z, z_stride);
        for (i64 k = 0; k < height; ++k) scale_in_place<R>(kappa, scale, z + k * z_stride, width);
    }

 protected:
    const kernel_pairs<R>& pairs;
    const static_kernel kappa;
    const bool points;
    const kernel_directions<R> along;
    const R scale;  // of refined cells
    packed_side<R> x, y;
    const i64 stride;  // of rows of points

 private:
    buffer<T> vertices;
    buffer<V> gathered;

 protected:
    template <bool distance>
    void products(i64 i, i64 height, i64 j, i64 width, T* out, i64 out_stride) const {
        const gram_side<V> columns = y.on_lanes_from(j);
        const i64 d = pairs.x.channels;
        if (pairs.paired) gram<distance>(x.on_lanes_from(i), columns, d, out, out_stride, height, width);
        else gram<distance>(x.of_path_from(i), columns, d, out, out_stride, height, width);
    }

 private:
    // The second differences of kappa. Row k of `vertices` has the differences of kappa along the points i + k.
    void fill_differences(i64 i, i64 height, i64 j, i64 width, bool follows, T* z, i64 z_stride) {
        T* first = vertices.get();
        for (i64 m = 0; follows && m < width; ++m) first[m] = last_row[m];
        const i64 from = follows ? 1 : 0, count = height + 1 - from;
        if (is_of_distance(kappa.kind)) products<true>(i + from, count, j, width + 1, first + from * stride, stride);
        else products<false>(i + from, count, j, width + 1, first + from * stride, stride);
        for (i64 k = from; k <= height; ++k) kappa_rises<R>(kappa, first + k * stride, width);
        for (i64 k = 0; k < height; ++k) {
            const T *below = first + k * stride, *above = below + stride;
            for (i64 m = 0; m < width; ++m) z[k * z_stride + m] = (above[m] - below[m]) * scale;
        }
        last_row = first + height * stride;
    }
    const T* last_row = nullptr;

    void fill_given(const pair_lanes<R>& lanes_of, i64 i, i64 height, i64 j, i64 width, T* z, i64 z_stride) {
        for (i64 k = 0; k < height; ++k) {
            gather_given(pairs.increments, lanes_of, i + k, j, width, gathered.get());
            if constexpr (dual_numbers) {
                gather_given(along.increments, lanes_of, i + k, j, width, gathered.get() + width);
                for (i64 m = 0; m < width; ++m)
                    z[k * z_stride + m] = T{gathered[m] * scale, gathered[width + m] * scale};
            } else {
                for (i64 m = 0; m < width; ++m) z[k * z_stride + m] = gathered[m] * scale;
            }
        }
    }
    void gather_given(const R* from, const pair_lanes<R>& lanes_of, i64 i, i64 j, i64 width, V* to) const {
        const R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) {
            const i64 b = lanes_of.y[l].path;
            rows_of[l] = b < 0 ? nullptr : from + b * pairs.batch_stride + i * pairs.x_stride + j * pairs.y_stride;
        }
        if (pairs.y_stride == 1) return gather_lanes(to, rows_of, 0, width);
        for (int l = 0; l < lane_count<R>; ++l)
            for (i64 m = 0; m < width; ++m) to[m][l] = rows_of[l] ? rows_of[l][m * pairs.y_stride] : R(0);
    }
};

PYSIG_NAMESPACE_END
