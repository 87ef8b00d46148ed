// Loops over work items, run by the threads of an executor.
#pragma once

#include "../jobs/signature.hpp"

PYSIG_NAMESPACE_BEGIN

// Calls body(item, worker) once for each item in [0, items), with worker in [0, exec.workers).
template <class F>
inline void parallel_for(const executor& exec, i64 items, const F& body) {
    exec.run(
        exec, items, [](void* context, i64 item, int worker) { (*static_cast<const F*>(context))(item, worker); },
        const_cast<F*>(&body));
}

// The same for long items: no item begins after a cancellation.
template <class F>
inline void parallel_for_cancellable(const executor& exec, i64 items, const F& body) {
    parallel_for(exec, items, [&](i64 item, int worker) {
        if (!exec.cancelled(exec)) body(item, worker);
    });
}

// The same threads, of which at most `workers` are used.
inline executor limited_executor(const executor& exec, int workers) {
    executor limited = exec;
    limited.workers = workers;
    return limited;
}

PYSIG_NAMESPACE_END
