// The job of the tensor algebra on a batch of rows of coefficients: plain data, the same type for every instruction
// set.
#pragma once

#include "executor.hpp"

namespace pysig {

// A word of n letters is split in 2^n ways, and every worker stores the splits of all prefixes of one word:
// 2^(n + 1) entries of 40 bytes, 1.3 GB at this depth.
constexpr int max_shuffle_depth = 24;

enum class algebra_op : int { product = 0, shuffle = 1, half_shuffle = 2, series = 3, linear = 4 };
enum class series : int { exp = 0, log = 1, inverse = 2 };
enum class derivative : int { none = 0, jvp = 1, vjp = 2, hvp = 3 };

// A sparse matrix by rows (compressed sparse rows).
template <class R>
struct sparse_map {
    const i64* indptr;
    const i64* indices;
    const R* data;
    i64 rows, columns;
};

// Sparse matrices, applied one after the other.
template <class R>
struct map_list {
    const sparse_map<R>* maps;
    int count;
};

// Rows of coefficients. A stride of 0 gives the same row to the whole batch. Null: absent.
template <class R>
struct rows_in {
    const R* data;
    i64 stride;
};

// With c the cotangent, and f the series between the maps `before` and `after`:
//
//     op                                value                      vjp
//     product, shuffle, half_shuffle    out = a * b                out, out_b = gradients of <c, a * b> at a and b
//     series                            out = after(f(before(a)))  out = after(gradient of <between(c), f(before(a))>)
//     linear                            out = after(a)
//
// jvp: out = the derivative of the value along da, db.
// hvp: the derivative of the vjp along da, db; c is constant.
template <class R>
struct algebra_job {
    algebra_op op;
    pysig::derivative derivative;
    pysig::series series;
    i64 channels;
    int depth;
    i64 batch;
    bool scalar_term;  // rows that are tensors begin with the coefficient of the empty word
    R scalar;          // that coefficient of a and b, if it is not stored
    rows_in<R> a, b, da, db, cotangent;
    i64 a_width, cotangent_width, out_width;  // stored coefficients of a row
    map_list<R> before, between, after;
    R *out, *out_b;  // contiguous
};

}  // namespace pysig
