// Job of the sliding signature: plain data, as the other jobs.
#pragma once

#include "executor.hpp"

namespace pysig {

enum class sliding_op : int {
    prepend = 0,  // out = exp(a) (x) b, where a is an increment (channels); out may be b. Null b: 1
    multiply = 1  // out = a (x) b; out may be a
};

// One product of a window. Rows are signatures without scalar.
template <class R>
struct sliding_job {
    sliding_op op;
    const R *a, *b;
    R* out;
    i64 channels;
    int depth;
    R* scratch;  // prepend: incremental_scratch(channels, depth) elements
};

}  // namespace pysig
