// The plan of a gradient: everything about it that follows from its sizes and the number of workers.
#pragma once

#include "../kernels/tile_backward.hpp"
#include "segments.hpp"

PYSIG_NAMESPACE_BEGIN

struct vjp_plan {
    i64 size, steps, rows;  // coefficients of a signature; steps of a path; signatures of a path (stream: steps)
    segment_plan segments;
    bool top_adjoint_is_constant;  // A_bar is the same at all steps
    int stored_levels;
    i64 stored_size;  // coefficients of the stored levels
    tile_plan tiles;
    i64 parts;           // items of a lane group; each takes tiles.count / parts tiles
    i64 block;           // steps of a block of time
    i64 chains, states;  // scratch of a worker, in T
    int workers;
};

template <class Q, class R>
inline vjp_plan plan_signature_vjp(const signature_vjp_job<R>& job, const executor& exec, bool undivided) {
    using kernel = tile_backward<R, typename number<Q>::vector>;
    const path_view<R>& path = job.value.path;
    const i64 d = path.channels;
    const int depth = job.value.depth;
    const bool stream = job.value.stream;
    vjp_plan plan;
    plan.size = signature_size(d, depth);
    plan.steps = step_count(path);
    plan.rows = stream ? plan.steps : 1;
    plan.segments = plan_segments<R>(path.batch, plan.steps, depth, plan.size, stream,
                                     {undivided ? 1 : cost::min_items, cost::gradient_chunk});
    plan.top_adjoint_is_constant = depth > 1 && !stream;
    plan.stored_levels = plan.top_adjoint_is_constant ? depth - 2 : depth - 1;
    plan.stored_size = signature_size(d, plan.stored_levels);

    const i64 groups = plan.segments.lanes.groups;
    const double multiply_adds = 2 * double(path.batch) * double(plan.steps) * double(plan.size);
    const i64 items = undivided ? 1 : plan_items(multiply_adds);
    plan.tiles = plan_tiles<R>(d, depth, groups, items);
    const i64 target = ceil_div(items, groups);
    plan.parts = plan.tiles.count < target ? plan.tiles.count : target;
    plan.block = stream ? 1 : plan_backward_block<R>(d, depth, plan.segments.steps);
    plan.chains = kernel::chain_size(d, depth, plan.block);
    plan.states = kernel::state_size(plan.tiles.tile(0, d), d, depth);
    plan.workers = plan_workers(exec.workers, groups * plan.parts, multiply_adds);
    return plan;
}

PYSIG_NAMESPACE_END
