// The adjoint of pair_gram.hpp: sums of the adjoints of increments, or points, of the paths of a lane group.
#pragma once

#include "../kernels/gram_adjoint.hpp"
#include "pair_gram.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class pair_gram_adjoint : public pair_gram<R, lanes<R>> {
    using base = pair_gram<R, lanes<R>>;

 public:
    using V = lanes<R>;

    // `increments_bar`: where given increments receive their gradient, or null. `parameters`: whether those of the
    // parameters are needed.
    pair_gram_adjoint(const kernel_pairs<R>& pairs, const kernel_rule& rule, i64 max_height, i64 max_width,
                      R* increments_bar, bool parameters)
        : base(pairs, rule, {nullptr, nullptr, nullptr}, max_height, max_width),
          d(pairs.x.channels),
          parameters(parameters),
          increments_bar(increments_bar),
          s(base::points ? (max_height + 1) * base::stride : 0),
          s_bar(base::points ? (max_height + 1) * base::stride : 0),
          x_size((pairs.increments ? 0 : step_count(pairs.x) + base::points) * d),
          y_size((pairs.increments ? 0 : step_count(pairs.y) + base::points) * d),
          x_bar(x_size),
          y_bar(y_size) {
        for (V& bar : parameters_bar) bar = V{};
    }

    const i64 d;
    V parameters_bar[max_parameters];

    void clear_x() { clear(x_bar, x_size); }
    void clear_y() { clear(y_bar, y_size); }
    const V* x_sums() const { return x_bar.get(); }
    const V* y_sums() const { return y_bar.get(); }

    // The adjoints of the z that fill() has set for the same rectangle.
    void add(const pair_lanes<R>& lanes_of, i64 i, i64 height, i64 j, i64 width, const V* z, V* z_bar, i64 z_stride) {
        if (base::pairs.increments) return add_given(lanes_of, i, height, j, width, z_bar, z_stride);
        if (base::points) return add_differences(i, height, j, width, z_bar, z_stride);
        const R factor = base::scale * R(base::kappa.parameters[0]), by_scale = R(1 / base::kappa.parameters[0]);
        for (i64 k = 0; (parameters || factor != R(1)) && k < height; ++k)
            for (i64 m = 0; m < width; ++m) {
                V& bar = z_bar[k * z_stride + m];
                if (parameters) parameters_bar[0] += bar * z[k * z_stride + m] * by_scale;
                bar = bar * factor;
            }
        to_sides<false>(i, height, j, width, z_bar, z_stride);
    }

 private:
    const bool parameters;
    R* const increments_bar;
    buffer<V> s, s_bar;
    const i64 x_size, y_size;
    buffer<V> x_bar, y_bar;

    static void clear(const buffer<V>& sums, i64 size) {
        for (i64 m = 0; m < size; ++m) sums[m] = V{};
    }

    template <bool distance>
    void to_sides(i64 i, i64 height, i64 j, i64 width, const V* bar, i64 bar_stride) {
        const V* columns = base::y.on_lanes_from(j).values;
        V *to_x = x_bar.get() + i * d, *to_y = y_bar.get() + j * d;
        if (base::pairs.paired)
            gram_adjoint<distance>(base::x.on_lanes_from(i).values, columns, d, bar, bar_stride, height, width, to_x,
                                   to_y);
        else
            gram_adjoint<distance>(base::x.of_path_from(i).values, columns, d, bar, bar_stride, height, width, to_x,
                                   to_y);
    }

    // kappa of point (i, j) enters the z of the four cells around it.
    void add_differences(i64 i, i64 height, i64 j, i64 width, const V* z_bar, i64 z_stride) {
        const i64 stride = base::stride;
        const bool distance = is_of_distance(base::kappa.kind);
        if (distance) base::template products<true>(i, height + 1, j, width + 1, s.get(), stride);
        else base::template products<false>(i, height + 1, j, width + 1, s.get(), stride);
        const auto bar = [&](i64 k, i64 m) {
            return k < 0 || k >= height || m < 0 || m >= width ? V{} : z_bar[k * z_stride + m];
        };
        for (i64 k = 0; k <= height; ++k) {
            V* to = s_bar.get() + k * stride;
            for (i64 m = 0; m <= width; ++m)
                to[m] = ((bar(k, m) - bar(k - 1, m)) - (bar(k, m - 1) - bar(k - 1, m - 1))) * base::scale;
            kappa_adjoint<R>(base::kappa, s.get() + k * stride, to, width + 1, parameters_bar);
        }
        if (distance) to_sides<true>(i, height + 1, j, width + 1, s_bar.get(), stride);
        else to_sides<false>(i, height + 1, j, width + 1, s_bar.get(), stride);
    }

    void add_given(const pair_lanes<R>& lanes_of, i64 i, i64 height, i64 j, i64 width, const V* z_bar, i64 z_stride) {
        if (!increments_bar) return;
        const i64 rows = base::pairs.steps_x, columns = base::pairs.steps_y;
        for (int l = 0; l < lane_count<R>; ++l) {
            const i64 b = lanes_of.y[l].path;
            for (i64 k = 0; b >= 0 && k < height; ++k) {
                R* to = increments_bar + (b * rows + i + k) * columns + j;
                for (i64 m = 0; m < width; ++m) to[m] += z_bar[k * z_stride + m][l] * base::scale;
            }
        }
    }
};

PYSIG_NAMESPACE_END
