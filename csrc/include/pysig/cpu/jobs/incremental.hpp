// What a stream of points asks for: plain data, as job.hpp.
#pragma once

#include "../../config.hpp"

namespace pysig {

// The signature of a path goes on by `count` steps, one after the other, in place.
template <class R>
struct stream_job {
    R* signature;   // without scalar
    const R* rows;  // (count, channels): points, or increments
    R* last;        // (channels): the point before the first step; it moves along. Null: the rows are increments
    i64 count, channels;
    int depth;
    R* scratch;  // stream_scratch(channels, depth) elements
};

}  // namespace pysig
