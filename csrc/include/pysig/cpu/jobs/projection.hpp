// The jobs of the schedules of projections: plain data, the same types for every instruction set.
#pragma once

#include "executor.hpp"
#include "path.hpp"

namespace pysig {

// A set of words that holds every prefix of its words: a tree. Node 0 is the empty word.
//
// The order of nodes: depth first, every word after its prefixes. Among the children of a word, the leaves come first.
// All arrays have `nodes` entries.
struct word_tree {
    i64 nodes;
    int depth;          // length of the longest word, at least 1
    const i64* parent;  // the word without its last letter
    const i64* suffix;  // the word without its first letter. Null if the set lacks one of them; then time cannot be cut
                        // into chunks
    const i64* letter;  // the last letter
    const i64* level;   // length of the word
    const i64* height;  // length of the longest descendant, less that of the word
};

// Linear functionals as compressed sparse rows. With b = begin, n = node, w = weight,
//     output_k = sum of w[e] S(n[e]) over b[k] <= e < b[k + 1].
template <class R>
struct readout {
    i64 outputs;
    const i64* begin;
    const i64* node;
    const R* weight;
};

template <class R>
struct projection_job {
    path_view<R> path;
    word_tree tree;
    readout<R> read;
    bool stream;       // the projections of all prefixes of a path
    const R* initial;  // (batch, nodes) row-major, or null
    R* out;            // (batch, [rows,] outputs) row-major
};

template <class R>
struct projection_jvp_job {
    projection_job<R> value;  // its `out` receives the derivative
    direction<R> tangent;
};

// The gradient of <cotangent, projection(...)>; with `along`, the derivative of that gradient in a direction.
template <class R>
struct projection_vjp_job {
    projection_job<R> value;    // its `out` is not used
    const R* cotangent;         // laid out as its `out`
    const direction<R>* along;  // null: the gradient itself
    path_cotangents<R> into;
};

}  // namespace pysig
