// What the tensor algebra is asked to do with a batch of rows: plain data, no code, the same type for every
// instruction set.
#pragma once

#include "signature.hpp"

namespace pysig {

// A word of n letters is split in 2^n ways, and every worker stores the splits of all prefixes of one word:
// 2^(n + 1) entries of 40 bytes, 1.3 GB at this depth.
constexpr int max_shuffle_depth = 24;

enum class tensor_op : int { product = 0, shuffle = 1, half_shuffle = 2, series = 3, linear = 4 };
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

// Maps that are applied one after the other.
template <class R>
struct map_list {
    const sparse_map<R>* maps;
    int count;
};

// Rows of coefficients; a stride of 0 gives the same row to the whole batch. Null: absent.
template <class R>
struct rows_in {
    const R* data;
    i64 stride;
};

//     product, shuffle, half_shuffle    out = a * b;                          vjp: out, out_b = gradients at a and b of
//     <g, a * b> series                            out = after(f(before(a)));            vjp: out = after(gradient of
//     <between(g), f(before(a))>) linear                            out = after(a)
// jvp: out = the derivative along da, db. hvp: what vjp gives, differentiated along da, db; g does not move.
template <class R>
struct tensor_job {
    tensor_op op;
    derivative of;
    series f;
    i64 channels;
    int depth;
    i64 batch;
    bool scalar_term;  // of the rows that are tensors
    R scalar;          // what it is where it is not stored: of a and b
    rows_in<R> a, b, da, db, g;
    i64 a_width, g_width, out_width;  // as stored
    map_list<R> before, between, after;
    R *out, *out_b;  // contiguous
};

}  // namespace pysig
