// The adjoint of gram_tile.hpp: from the adjoints of z, or of kappa, to those of increments or points. Sums over the
// columns of a row and over the rows of a column are added to x_bar[i * d + c] and y_bar[j * d + c], on lanes.
#pragma once

#include "gram_tile.hpp"

PYSIG_NAMESPACE_BEGIN

// Channels whose sums are registers. Products have a kernel for every smaller number of channels, too; distances take
// the rest one by one.
template <bool distance>
constexpr int adjoint_channels = distance ? 4 : 8;

// C channels from those that the pointers begin with. Of products s = <x_i, y_j>:
//     x_bar_i += sum over j of s_bar_ij y_j,          y_bar_j += sum over i of s_bar_ij x_i,
// of distances s = |x_i - y_j|^2 with h = 2 s_bar:
//     x_bar_i += sum over j of h_ij (x_i - y_j),      y_bar_j += sum over i of h_ij (y_j - x_i).
template <int C, bool distance, class V, class X>
inline void add_gram_adjoint(const X* x, const V* y, i64 d, const V* s_bar, i64 stride, i64 height, i64 width, V* x_bar,
                             V* y_bar) {
    for (i64 i = 0; i < height; ++i) {
        const V* bar = s_bar + i * stride;
        V sum[C], own[C];
        for (int c = 0; c < C; ++c) sum[c] = x_bar[i * d + c], own[c] = on_lanes(x[i * d + c]);
        for (i64 j = 0; j < width; ++j) {
            const V h = distance ? bar[j] + bar[j] : bar[j];
            for (int c = 0; c < C; ++c) {
                const V other = y[j * d + c];
                if constexpr (distance) {
                    const V term = h * (own[c] - other);
                    sum[c] += term;
                    y_bar[j * d + c] -= term;
                } else {
                    sum[c] += h * other;
                    y_bar[j * d + c] += h * own[c];
                }
            }
        }
        for (int c = 0; c < C; ++c) x_bar[i * d + c] = sum[c];
    }
}

template <int C, bool distance, class V, class X>
inline void add_last_channels(i64 count, const X* x, const V* y, i64 d, const V* s_bar, i64 stride, i64 height,
                              i64 width, V* x_bar, V* y_bar) {
    if constexpr (C > 0) {
        if (count == C) add_gram_adjoint<C, distance>(x, y, d, s_bar, stride, height, width, x_bar, y_bar);
        else add_last_channels<C - 1, distance>(count, x, y, d, s_bar, stride, height, width, x_bar, y_bar);
    }
}

template <bool distance, class V, class X>
inline void gram_adjoint(const X* x, const V* y, i64 d, const V* s_bar, i64 stride, i64 height, i64 width, V* x_bar,
                         V* y_bar) {
    constexpr int most = adjoint_channels<distance>, rest = distance ? 1 : most - 1;
    i64 c = 0;
    for (; c + most <= d; c += most)
        add_gram_adjoint<most, distance>(x + c, y + c, d, s_bar, stride, height, width, x_bar + c, y_bar + c);
    for (; c < d; c += d - c < rest ? d - c : rest)
        add_last_channels<rest, distance>(d - c < rest ? d - c : rest, x + c, y + c, d, s_bar, stride, height, width,
                                          x_bar + c, y_bar + c);
}

// From the adjoints of kappa, in place, to those of s; adds to the adjoints of the parameters.
template <class R>
inline void kappa_adjoint(const static_kernel& kernel, const lanes<R>* s, lanes<R>* bar, i64 count,
                          lanes<R>* parameters_bar) {
    for (i64 j = 0; j < count; ++j) {
        const auto k = evaluate_kappa<R, lane_math<R>>(kernel, s[j]);
        for (int p = 0; p < max_parameters; ++p) parameters_bar[p] += bar[j] * k.by_parameter[p];
        bar[j] = bar[j] * k.slope;
    }
}

PYSIG_NAMESPACE_END
