// Cost model of the host: how paths and chunks of time fill the lanes, how words are cut into tiles, how many workers
// are worth starting. Every constant that decides between plans is defined here. No result depends on the number of
// workers: plans that fix an order of summation depend on the shape alone.
//
// Symbols: B paths, n steps, d channels, N depth, C chunks of a path, W lanes of a vector. The unit of lane_cost() is
// one step of one full lane group; other costs are counted in multiply-adds.
#pragma once

#include "../kernels/tile_forward.hpp"

PYSIG_NAMESPACE_BEGIN

namespace cost {
// Sizes in bytes. States of a tile fit the second-level cache; increments and chains of a block of time fit the first.
constexpr i64 tile_bytes = 192 * 1024;
constexpr i64 block_bytes = 24 * 1024;
constexpr int hot_chains = 3;  // levels of chains that are counted in a block
// From this many channels on, the increments of a block come from the second-level cache. Processors with vectors of 64
// bytes have larger first-level caches.
constexpr i64 wide_channels = vector_bytes >= 64 ? 3 : 4;
constexpr i64 wide_block_bytes = (vector_bytes >= 64 ? 48 : 32) * 1024;
constexpr i64 max_block = 128, min_block = 4;  // steps
constexpr i64 many_blocks = 8;  // from here on one short last block costs less than overlapping vectors in all blocks

// Chunks of time. A Chen product of two chunks costs join_steps * (N - 1) steps of a lane.
constexpr double join_steps = 0.5;
constexpr i64 join_bytes = 24 << 20;  // chunk signatures stored until they are joined
constexpr i64 target_groups = 16;     // lane groups of a long path: work for many cores
constexpr i64 long_chunk = 25;        // steps per lane and level: joins then cost less than 2 %

// Letters in the lanes (signature_wide.hpp): cost of a step relative to a lane's share of a step with paths in the
// lanes is wide_share + wide_overhead / d.
constexpr double wide_share = 0.9;
constexpr double wide_overhead = 6;
constexpr i64 letters_block_bytes = 24 * 1024;  // increments of a block of time, plain and padded

// All prefixes with the words of a row in the lanes (signature_stream.hpp): cost of a row relative to a lane's share
// of a group with paths in the lanes is stream_row_cost + stream_level_cost N^2 / (coefficients of a row).
constexpr double stream_row_cost = 0.5;
constexpr double stream_level_cost = 10;
constexpr i64 stream_block_bytes = 4 * 1024;
constexpr i64 stream_prefetch_bytes = 12000;  // prefetch distance ahead of the write position

// Threads. Work in multiply-adds that justifies one more: a new thread (about 0.1 ms), or waking a waiting one (a few
// microseconds).
constexpr double worker_multiply_adds = 2.5e6;
constexpr double region_multiply_adds = 1e5;
constexpr i64 cumsum_bytes = 512 * 1024;     // rows and chains of one block of time
constexpr i64 cumsum_max_block = 1024;       // steps
constexpr i64 logarithm_bytes = 256 * 1024;  // signatures of a slice, kept in the second-level cache for the logarithm

// Intervals. Steps of a group, a guess that only counts workers; increment adjoints of the lane groups of a round.
constexpr double group_steps = 64;
constexpr i64 round_bytes = 16 << 20;

// Gradients. The number of work items depends on the shape alone, because it fixes the order of summation.
constexpr i64 segment_steps = 512;   // the reconstruction of states accumulates about sqrt(segment_steps) roundings
constexpr i64 gradient_chunk = 512;  // steps of a chunk that are worth joining its stored levels
constexpr i64 backward_block_bytes = (vector_bytes >= 64 ? 32 : 24) * 1024;  // as block_bytes, with adjoints
constexpr i64 min_items = 8, max_items = 64;                                 // parts of the words, or slices
constexpr double item_multiply_adds = 2e8;  // multiply-adds that are worth one more item
constexpr i64 slice_bytes = 1 << 20;        // data of a slice: about a second-level cache
constexpr i64 unsliced_bytes = 4 << 20;     // data of a batch below which it is not cut into slices
constexpr i64 finish_elements = 1 << 15;    // elements of a path that one item converts to point adjoints
constexpr i64 projection_parts = 8;         // items of a lane group of projections, if there are few groups

// Signature kernels. A strip of columns, its increments and z of a few rows fit the first-level cache.
constexpr i64 kernel_strip_bytes = 28 * 1024;
constexpr i64 min_kernel_strip = 8;  // columns
constexpr i64 kernel_rows = 8;       // rows of z that are made at a time
// Few pairs, with rows of one pair on the lanes: cost of a step relative to one of lanes of pairs, steps that a block
// of rows costs more, and steps whose z are made at a time.
constexpr double kernel_row_share = 1.5, kernel_row_overhead = 60;
constexpr i64 kernel_steps = 256;
constexpr i64 kernel_x_paths = 16;  // paths of an item that share a lane group
constexpr i64 kernel_items_of_worker = 24;
// Their gradients: refined cells of the side of a tile; bytes of its record, of the edges that are kept, and of the
// sums of one part of the x-paths; work items of a round, which fix the order of summation.
constexpr i64 min_kernel_tile = 8, max_kernel_tile = 32;
constexpr i64 kernel_record_bytes = 64 * 1024;
constexpr i64 kernel_edge_bytes = 16 << 20;
constexpr i64 kernel_slot_bytes = 16 << 20;
constexpr i64 kernel_items = 16;
}  // namespace cost

// How lanes are filled: every path is cut into `chunks` of at most `chunk_steps` steps, in `groups` of lanes
// (lane_groups.hpp). Chunks begin at multiples of `multiple` steps.
struct lane_plan {
    i64 chunks, chunk_steps, groups, multiple = 1;
};

template <class R>
inline lane_plan plan_chunks(i64 batch, i64 steps, i64 chunks) {
    return {chunks, ceil_div(steps, chunks), ceil_div(batch * chunks, lane_count<R>), 1};
}

// Cost in steps of one full lane group: groups * chunk_steps + join_steps (N - 1) B (C - 1).
inline double lane_cost(const lane_plan& plan, i64 batch, int depth) {
    return double(plan.groups) * double(plan.chunk_steps) +
           cost::join_steps * (depth - 1) * double(batch) * double(plan.chunks - 1);
}

// Maximal number of stored chunk signatures of `size` coefficients: one lane group, or as many as join_bytes hold.
template <class R>
inline i64 max_joined_chunks(i64 size) {
    const double fit = double(cost::join_bytes) / (double(size) * sizeof(R));
    return fit > lane_count<R> ? i64(fit) : lane_count<R>;
}

// Chunks of long paths: cut until there are `groups` lane groups, but not into chunks shorter than `steps`.
struct chunk_target {
    i64 groups, steps;
};
template <class R>
inline chunk_target default_chunk_target(int depth) {
    return {cost::target_groups, cost::long_chunk * lane_count<R> * depth};
}

template <class R>
inline lane_plan plan_lanes(i64 batch, i64 steps, int depth, i64 size, chunk_target target) {
    lane_plan best = plan_chunks<R>(batch, steps, 1);
    double least = lane_cost(best, batch, depth);
    const i64 max_chunks = max_joined_chunks<R>(size);
    for (i64 chunks = 2; chunks <= lane_count<R> && chunks <= steps && batch * chunks <= max_chunks; chunks *= 2) {
        lane_plan plan = plan_chunks<R>(batch, steps, chunks);
        const double total = lane_cost(plan, batch, depth);
        if (total < least) {
            best = plan;
            least = total;
        }
    }
    while (best.groups < target.groups && 2 * best.chunks * batch <= max_chunks && best.chunk_steps / 2 >= target.steps)
        best = plan_chunks<R>(batch, steps, 2 * best.chunks);
    return best;
}

// How derivatives cut time (segments.hpp).
struct segment_plan {
    lane_plan lanes;
    i64 steps, segments;  // maximal steps of a segment; segments of a chunk

    static i64 count(i64 chunk_steps) { return chunk_steps > 0 ? ceil_div(chunk_steps, cost::segment_steps) : 1; }
};

template <class R>
inline segment_plan plan_segments(i64 batch, i64 steps, int depth, i64 size, bool stream, chunk_target target) {
    const lane_plan lanes = stream ? plan_chunks<R>(batch, steps, 1) : plan_lanes<R>(batch, steps, depth, size, target);
    const i64 segments = segment_plan::count(lanes.chunk_steps), even = ceil_div(lanes.chunk_steps, segments);
    return {lanes, even > 0 ? even : 1, segments};
}

// Whether letters in the lanes are cheaper than paths and chunks of time, as for few paths of many channels.
template <class R>
inline bool wide_pays(const lane_plan& plan, i64 batch, i64 steps, i64 d, int depth) {
    if (depth < 2 || 2 * d < lane_count<R>) return false;
    const double step = (cost::wide_share + cost::wide_overhead / double(d)) * double(pad_to_lanes<R>(d)) / double(d);
    return step * double(batch) * double(steps) / lane_count<R> < lane_cost(plan, batch, depth);
}

// Whether all prefixes cost less with the words of a row in the lanes than with paths.
template <class R>
inline bool stream_pays(i64 batch, i64 d, int depth) {
    const double row =
        cost::stream_row_cost + cost::stream_level_cost * depth * depth / double(signature_size(d, depth));
    return row * double(batch) < double(pad_to_lanes<R>(batch));
}

// Steps of a block of increments for rows of prefixes.
inline i64 plan_stream_block(i64 d, i64 steps, i64 bytes_of_number) {
    i64 block = cost::stream_block_bytes / (d * bytes_of_number);
    block = block > cost::max_block ? cost::max_block : block < 1 ? 1 : block;
    return block < steps ? block : steps > 0 ? steps : 1;
}

template <class R>
inline i64 plan_wide_block(i64 padded, i64 steps) {
    i64 block = cost::letters_block_bytes / (2 * padded * i64(sizeof(R)));
    block = block > cost::max_block ? cost::max_block : block < cost::min_block ? cost::min_block : block;
    return block < steps ? block : steps > 0 ? steps : 1;
}

// Tiles of one prefix length: tile number k has the prefix k / per_prefix and `letters` next letters.
struct tile_plan {
    int m;
    i64 letters, per_prefix, count;

    word_tile tile(i64 k, i64 d) const {
        const i64 first = (k % per_prefix) * letters;
        return {m, k / per_prefix, first, first + letters < d ? first + letters : d};
    }
};

inline tile_plan plan_tiles_of(i64 d, int m, i64 letters) {
    const i64 per = ceil_div(d, letters);
    return {m, letters, per, power(d, m) * per};
}

// Number of (lane group, tile) items that keep this many workers busy.
inline i64 items_for(int workers) { return workers > 1 ? 3 * i64(workers) : 1; }

// Letters of an item of signature_wide.hpp: enough items for the workers, in whole vectors.
template <class R>
inline i64 plan_wide_letters(i64 padded, i64 batch, int workers) {
    if (workers <= 1) return padded;
    const i64 tiles_of_path = ceil_div(items_for(workers), batch);
    return ceil_div(padded / lane_count<R>, tiles_of_path) * lane_count<R>;
}

template <class R>
inline tile_plan plan_tiles(i64 d, int depth, i64 groups, i64 items) {
    constexpr i64 max_words = cost::tile_bytes / i64(sizeof(lanes<R>));
    const i64 target = items > groups ? ceil_div(items, groups) : 1;
    const int deepest = depth > 2 ? depth - 2 : 0;
    for (int m = 0;; ++m) {
        const i64 per_letter = 1 + signature_size(d, depth - m - 1);
        i64 letters = max_words / per_letter;
        if (letters > d) letters = d;
        if (letters < 1 && m < deepest) continue;
        if (letters < 1) letters = 1;
        // More tiles for more items, as long as a tile has far more words than the increments that it reads.
        while (letters > 1 && plan_tiles_of(d, m, letters).count < target && (letters / 2) * per_letter >= 4 * d)
            letters /= 2;
        tile_plan plan = plan_tiles_of(d, m, letters);
        if (plan.count < target && letters == 1 && m < deepest && signature_size(d, depth - m - 2) >= 4) continue;
        return plan;
    }
}

template <class R>
inline i64 plan_block(i64 d, int depth, i64 steps) {
    // The chains near the last letters are the hot ones: those above are read once for every d or more below.
    const int hot = depth - 1 < cost::hot_chains ? depth - 1 : cost::hot_chains;
    const i64 siblings = d < sibling_chains ? d : sibling_chains;
    const i64 per_step = (d + siblings * (i64(hot) * (hot + 1) / 2) + 1) * i64(sizeof(lanes<R>));
    i64 block = (d < cost::wide_channels ? cost::block_bytes : cost::wide_block_bytes) / per_step;
    if (block > cost::max_block) block = cost::max_block;
    if (block < cost::min_block) block = cost::min_block;
    if (block >= steps) return steps > 0 ? steps : 1;
    // Few blocks are of equal size; many are read in whole vectors.
    const i64 blocks = ceil_div(steps, block), even = ceil_div(steps, blocks);
    i64 whole = lane_count<R>;
    for (i64 factors = d; factors % 2 == 0 && whole > 1; factors /= 2) whole /= 2;
    return blocks < cost::many_blocks ? even : ceil_div(even, whole) * whole;
}

// Steps of a block for a value and its tangent: twice the numbers of a forward walk.
template <class R>
inline i64 plan_tangent_block(i64 d, int depth, i64 steps) {
    const i64 forward = plan_block<R>(d, depth, steps);
    return forward > 2 * cost::min_block ? (forward + 1) / 2 : forward;
}

template <class R>
inline i64 plan_backward_block(i64 d, int depth, i64 steps) {
    // The adjoints of the last two letters and the chains near them share the first-level cache with the increments.
    const int hot = depth - 2 < 2 ? depth - 2 : 2;
    const i64 per_step = (2 * d + (hot > 0 ? hot * (7 - hot) : 0)) * i64(sizeof(lanes<R>));
    i64 block = cost::backward_block_bytes / per_step;
    if (block > cost::max_block) block = cost::max_block;
    if (block < cost::min_block) block = cost::min_block;
    if (block > steps) block = steps > 0 ? steps : 1;
    const i64 blocks = ceil_div(steps, block);
    return blocks > 1 ? ceil_div(steps, blocks) : block;
}

// Work items of a gradient. Every part of the words sums its own increment adjoints, so the number of items fixes the
// order of summation: it depends on the shape alone. Every part costs memory and time; short calls get few.
inline i64 plan_items(double multiply_adds) {
    const double items = multiply_adds / cost::item_multiply_adds;
    return items < double(cost::min_items)   ? cost::min_items
           : items > double(cost::max_items) ? cost::max_items
                                             : i64(items);
}

// Paths of a slice of a gradient (slices.hpp): whole lane groups. The whole batch if its data are small, or if it can
// be divided into more `items` than it has groups.
template <class R>
inline i64 plan_slice(i64 batch, double bytes, i64 items) {
    const i64 groups = batch / lane_count<R>;
    if (groups < cost::min_items || groups < items || bytes < double(cost::unsliced_bytes)) return batch;
    const double target = bytes / double(cost::slice_bytes);
    const i64 slices = target < double(cost::min_items) ? cost::min_items
                       : target < double(groups)        ? i64(target)
                                                        : groups;
    return groups / slices * lane_count<R>;
}

// Paths of a slice of log-signatures: at least one group of lanes. It does not depend on the number of workers, hence
// neither does any result.
template <class R>
inline i64 plan_logarithm_slice(i64 rows, i64 size) {
    constexpr i64 width = lane_count<R>;
    const i64 group_bytes = width * rows * size * i64(sizeof(R));
    const i64 groups = group_bytes > 0 ? cost::logarithm_bytes / group_bytes : 1;
    return (groups < 1 ? 1 : groups) * width;
}

inline int plan_workers(int workers, i64 items, double multiply_adds, double worth = cost::worker_multiply_adds) {
    const double useful = 1 + multiply_adds / worth;
    if (useful < workers) workers = int(useful);
    if (items < workers) workers = int(items);
    return workers < 1 ? 1 : workers;
}

PYSIG_NAMESPACE_END
