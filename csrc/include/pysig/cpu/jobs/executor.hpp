// How a schedule shares its work among threads: plain data, the same type for every instruction set.
#pragma once

#include "../../config.hpp"

namespace pysig {

// Calls body(context, item, worker) once for each item in [0, items); worker is in [0, workers).
// A schedule calls `cancelled` between blocks of work. Once it returns true, the schedule returns early and its output
// is unspecified.
struct executor {
    int workers;
    void (*run)(const executor& self, i64 items, void (*body)(void* context, i64 item, int worker), void* context);
    bool (*cancelled)(const executor& self);
    void* state;
};

}  // namespace pysig
