// Job of the incremental signature: plain data, as the other jobs.
#pragma once

#include "executor.hpp"

namespace pysig {

// Extends the signature of a path by `count` steps, in place.
template <class R>
struct incremental_job {
    R* signature;   // without scalar
    const R* rows;  // (count, channels): points, or increments
    R* last;        // (channels): the point before the first step; it moves along. Null: the rows are increments
    i64 count, channels;
    int depth;
    R* scratch;  // incremental_scratch(channels, depth) elements
};

}  // namespace pysig
