// What the schedules of projections are asked to do: plain data, as job.hpp.
#pragma once

#include "signature_vjp.hpp"

namespace pysig {

// A set of words that holds every prefix of its words: a tree. Node 0 is the empty word; a word stands after its
// prefixes and before the words that it is no prefix of, and of the words ui of a word u those come first that nothing
// continues. Arrays of `nodes` entries.
struct word_tree {
    i64 nodes;
    int depth;          // the most letters, at least 1
    const i64* parent;  // the word without its last letter
    const i64* suffix;  // the word without its first letter; null if the set lacks some, and then time cannot be cut
                        // into chunks
    const i64* letter;  // the last letter
    const i64* level;   // letters
    const i64* height;  // letters of the longest word that continues it, beyond its own
};

// Linear functionals as compressed sparse rows: output k is the sum of weight[e] S(node[e]) over entries begin[k] <= e
// < begin[k + 1].
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
    bool stream;
    const R* initial;  // (batch, nodes) row-major, or null
    R* out;            // (batch, [rows,] outputs) row-major
};

template <class R>
struct projection_jvp_job {
    projection_job<R> value;  // its `out` receives the derivative
    direction<R> tangent;     // `initial` is (batch, nodes)
};

template <class R>
struct projection_vjp_job {
    projection_job<R> value;    // its `out` is not used
    const R* cotangent;         // laid out as its `out`
    const direction<R>* along;  // null: the gradient itself
    R* path_bar;                // (batch, length, channels) row-major
    R* basepoint_bar;           // (batch, channels) row-major, or null
    R* initial_bar;             // (batch, nodes) row-major, or null
};

}  // namespace pysig
