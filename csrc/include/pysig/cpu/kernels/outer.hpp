// Sums of outer products over a block of time, A[i][j] += sum over t of h[t][i] x[t][j], in register tiles.
#pragma once

#include "tile_forward.hpp"

PYSIG_NAMESPACE_BEGIN

template <int I, int J, class V>
inline void add_outer_tile(V* A, i64 row, const V* h, const V* x, i64 stride, i64 steps) {
    V sum[I][J];
    for (int p = 0; p < I; ++p)
        for (int q = 0; q < J; ++q) sum[p][q] = A[p * row + q];
    for (i64 t = 0; t < steps; ++t, h += I, x += stride) {
        V ht[I];
        for (int p = 0; p < I; ++p) ht[p] = h[p];
        tile_outer<I, J>(sum, ht, x);
    }
    for (int p = 0; p < I; ++p)
        for (int q = 0; q < J; ++q) A[p * row + q] = sum[p][q];
}

template <int I, int max_columns, class V>
inline void add_outer_columns(V* A, i64 row, const V* h, const V* x, i64 stride, i64 steps, i64 columns) {
    if constexpr (max_columns > 0) {
        if (columns < max_columns) return add_outer_columns<I, max_columns - 1>(A, row, h, x, stride, steps, columns);
        add_outer_tile<I, max_columns>(A, row, h, x, stride, steps);
    }
}

// Rows of A are `row` apart, those of x `stride`; h is (steps, I).
template <int I, class V>
inline void add_outer(V* A, i64 row, const V* h, const V* x, i64 stride, i64 steps, i64 columns) {
    constexpr int J = wide_letters * wide_columns / I;
    i64 blocks = ceil_div(columns, J);  // of even width
    for (i64 j = 0; j < columns; --blocks) {
        const i64 width = ceil_div(columns - j, blocks);
        add_outer_columns<I, J>(A + j, row, h, x + j, stride, steps, width);
        j += width;
    }
}

PYSIG_NAMESPACE_END
