// The plan of a signature by word tiles: everything about it that follows from its sizes and the number of workers.
#pragma once

#include "../jobs/signature.hpp"
#include "../kernels/tile_forward.hpp"
#include "../lanes/increments.hpp"
#include "cost_model.hpp"

PYSIG_NAMESPACE_BEGIN

struct signature_plan {
    i64 size, steps;
    i64 alternating;  // channels of the lag, if even steps move the lead and odd steps the lag; else 0
    lane_plan lanes;
    tile_plan tiles;
    i64 block;                             // steps of a block of time
    i64 row_size;                          // elements of a row of increments of one lane
    i64 increments, rows, chains, states;  // scratch of a worker, in vectors
    int workers;

    i64 scratch() const { return increments + rows + chains + states; }
};

template <class R>
inline signature_plan plan_signature(const signature_job<R>& job, const executor& exec) {
    const path_view<R>& path = job.path;
    const i64 d = path.channels;
    signature_plan plan;
    plan.size = signature_size(d, job.depth);
    plan.steps = step_count(path);
    plan.alternating = job.stream ? 0 : alternating_channels(path);
    plan.lanes = job.stream
                     ? plan_chunks<R>(path.batch, plan.steps, 1)
                     : plan_lanes<R>(path.batch, plan.steps, job.depth, plan.size, default_chunk_target<R>(job.depth));
    // Blocks and chunks begin with an even step where lead and lag alternate.
    plan.lanes.multiple = plan.alternating ? 2 : 1;
    plan.tiles = plan_tiles<R>(d, job.depth, plan.lanes.groups, items_for(exec.workers));
    plan.block =
        ceil_div(plan_block<R>(d, job.depth, plan.lanes.chunk_steps), plan.lanes.multiple) * plan.lanes.multiple;
    plan.row_size = increment_row_size<R>(plan.block, d);
    plan.increments = plan.rows = plan.row_size;
    plan.chains = tile_forward<R>::chain_size(job.depth, plan.block);
    plan.states = tile_forward<R>::state_size(plan.tiles.tile(0, d), d, job.depth);
    plan.workers = plan_workers(exec.workers, plan.lanes.groups * plan.tiles.count,
                                double(path.batch) * double(plan.steps) * double(plan.size));
    return plan;
}

PYSIG_NAMESPACE_END
