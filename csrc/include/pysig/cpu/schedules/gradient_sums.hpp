// What lane groups and parts of the words have found about the adjoints of increments, put together in a fixed
// order, and made into those of points.
//
// Where a group has several parts, each has a place of its own for the adjoints of increments, on lanes, until all are
// there: add_parts().
//
// To those of all increments of a chunk belongs a *constant*, which is known last, and of which every chunk finds its
// own terms (below: own).
//   rest    what `rest` (tile.hpp) gains along the chunk. The walk counts it from the end of the chunk on, where it
//   takes it for zero; it is the
//           rest at the beginning of the path and what it gains from there on: the sum over all chunks, less that over
//           the later ones.
//   letter  what the adjoints of single letters gain on the way back over the chunk. They take part in the adjoints of
//   increments as they
//           are, and were not taken back over later chunks: the sum over those.
// Between points the constant cancels, so that it is added at the ends of the path and, as far as it differs, where two
// chunks meet: no digits are lost. Only to the increments of a transformed path, which belong to points in other ways,
// it is added one by one.
#pragma once

#include "segments.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
inline void add_to(R* PYSIG_RESTRICT sum, const R* PYSIG_RESTRICT terms, i64 count) {
    for (i64 m = 0; m < count; ++m) sum[m] += terms[m];
}

template <class Q>
class gradient_sums {
 public:
    using R = typename number<Q>::real;
    using T = typename number<Q>::vector;
    using V = lanes<R>;

    // `constant`: whether there are constants.
    gradient_sums(const path_view<R>& path, const lane_plan& plan, i64 parts, bool constant)
        : pieces((path.length * own_channels(path) + cost::finish_numbers - 1) / cost::finish_numbers),
          path(path),
          plan(plan),
          d(path.channels),
          steps(step_count(path)),
          parts(parts),
          rows(path.batch * steps * d),
          of_parts(bytes_of_parts() / i64(sizeof(T))),
          constants(constant ? plan.groups * parts * 2 * d : 0),
          joined(constant && plan.chunks > 1 ? path.batch * plan.chunks * 2 * d : 0),
          constant(constant) {}

    i64 bytes_of_parts() const { return parts > 1 ? plan.groups * parts * plan.chunk_steps * d * i64(sizeof(T)) : 0; }

    // ---- of a lane group ----

    T* of_part(i64 group, i64 part) const { return of_parts.get() + (group * parts + part) * plan.chunk_steps * d; }
    // d sums each; to be set or added to by every tile of words.
    V* rest_of(i64 group, i64 part) const { return constants.get() + (group * parts + part) * 2 * d; }
    V* letter_of(i64 group, i64 part) const { return rest_of(group, part) + d; }

    // The adjoints of steps [t, t + count) of all lanes, to their paths; `scratch` is lane_count rows of `row_size`
    // elements.
    void drain(const lane_group<R>& group, bool first, i64 t, i64 count, const T* x_bar, R* scratch,
               i64 row_size) const {
        R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) rows_of[l] = scratch + l * row_size;
        V block_of[lane_count<R>];
        for (i64 m = 0; m < count * d; m += lane_count<R>) {
            for (int l = 0; l < lane_count<R>; ++l)
                block_of[l] = m + l < count * d ? wanted_lanes<R>(x_bar[m + l]) : V{};
            transpose<R>(block_of);
            for (int l = 0; l < lane_count<R>; ++l) store_lanes(rows_of[l] + m, block_of[l]);
        }
        for (int l = 0; l < lane_count<R>; ++l) {
            const lane_steps& s = group.slots[l];
            const i64 valid = s.end - s.begin - t < count ? s.end - s.begin - t : count;
            if (s.path < 0 || valid <= 0) continue;
            R* row = row_of(s.place) + (s.begin + t) * d;
            if (first) std::memcpy(row, rows_of[l], std::size_t(valid * d) * sizeof(R));
            else add_to(row, rows_of[l], valid * d);
        }
    }

    // All parts of a group together, `block` steps at a time, of which `sums` holds the adjoints.
    void add_parts(const lane_group<R>& group, i64 longest, i64 block, T* sums, R* scratch, i64 row_size) const {
        for (i64 t = 0; t < longest; t += block) {
            const i64 count = longest - t < block ? longest - t : block;
            for (i64 m = 0; m < count * d; ++m) sums[m] = of_part(group.index, 0)[t * d + m];
            for (i64 part = 1; part < parts; ++part) {
                const T* terms = of_part(group.index, part) + t * d;
                for (i64 m = 0; m < count * d; ++m) sums[m] = sums[m] + terms[m];
            }
            drain(group, true, t, count, sums, scratch, row_size);
        }
        for (i64 part = 1; constant && part < parts; ++part)
            for (i64 m = 0; m < 2 * d; ++m) rest_of(group.index, 0)[m] += rest_of(group.index, part)[m];
    }

    // ---- of a path ----

    // Where there are several chunks, from their constants to the sums over each and all later ones.
    void join(i64 place) const {
        for (i64 chunk = plan.chunks - 1; chunk >= 0; --chunk)
            for (i64 m = 0; m < 2 * d; ++m)
                since(place, chunk)[m] = own(place, chunk)[m * lane_count<R>] +
                                         (chunk + 1 < plan.chunks ? since(place, chunk + 1)[m] : R(0));
        for (i64 chunk = 0; path.transform.stages && chunk + 1 < plan.chunks; ++chunk) {
            const chunk_range range = chunk_of(plan, chunk, step_count(path, path_at(path, place)));
            for (i64 t = range.begin; t < range.end; ++t)
                for (i64 j = 0; j < d; ++j) row_of(place)[t * d + j] += of_later(place, chunk, j);
        }
    }
    // What the adjoints of the letters gain on the way back over all chunks but the first.
    const R* letters_of_later(i64 place) const { return since(place, 1) + d; }

    // Once the constants are joined: one of `pieces` pieces of the points.
    const i64 pieces;
    void finish(i64 place, i64 piece, R* path_bar, R* basepoint_bar) const {
        const i64 b = path_at(path, place);
        const i64 all = path.length + (path.basepoint ? 1 : 0), each = pieces > 1 ? (all + pieces - 1) / pieces : all;
        const i64 begin = each * piece, end = begin + each < all ? begin + each : all;
        R* points = path_bar + b * path.length * own_channels(path);
        R* basepoint = basepoint_bar ? basepoint_bar + b * own_channels(path) : nullptr;
        const R* at_ends = !constant ? nullptr : plan.chunks > 1 ? since(place, 0) : own(place);
        increments_adjoint(path, b, row_of(place), at_ends, plan.chunks > 1 ? 1 : lane_count<R>, points, basepoint,
                           begin, end);
        if (plan.chunks > 1 && constant && !path.transform.stages)
            add_differences(place, points, basepoint, begin, end);
    }

 private:
    const path_view<R>& path;
    const lane_plan plan;
    const i64 d, steps, parts;
    buffer<R> rows;
    buffer<T> of_parts;
    buffer<V> constants;
    buffer<R> joined;
    const bool constant;

    R* row_of(i64 place) const { return rows.get() + place * steps * d; }
    // Of one chunk alone: d times the rest, d times the letters, each lane_count after the one before.
    const R* own(i64 place, i64 chunk = 0) const {
        const i64 slot = place * plan.chunks + chunk;
        return reinterpret_cast<const R*>(rest_of(slot / lane_count<R>, 0)) + slot % lane_count<R>;
    }
    // Of a chunk and all later ones.
    R* since(i64 place, i64 chunk) const { return joined.get() + (place * plan.chunks + chunk) * 2 * d; }
    // What the constant of a chunk has beside the rest at the beginning of the path.
    R of_later(i64 place, i64 chunk, i64 j) const {
        return chunk + 1 < plan.chunks ? since(place, chunk + 1)[d + j] - since(place, chunk + 1)[j] : R(0);
    }

    void add_differences(i64 place, R* points, R* basepoint, i64 begin, i64 end) const {
        const i64 own_steps = step_count(path, path_at(path, place)), first = path.basepoint ? 1 : 0;
        R* start = first ? basepoint : points;
        for (i64 j = 0; begin == 0 && start && own_steps > 0 && j < d; ++j) start[j] -= of_later(place, 0, j);
        for (i64 chunk = 1; chunk < plan.chunks; ++chunk) {
            const chunk_range range = chunk_of(plan, chunk, own_steps);
            if (range.begin >= range.end || range.begin < begin || range.begin >= end) continue;
            R* point = points + (range.begin - first) * d;
            for (i64 j = 0; j < d; ++j)
                point[j] += own(place, chunk)[(d + j) * lane_count<R>] - own(place, chunk)[j * lane_count<R>];
        }
    }
};

PYSIG_NAMESPACE_END
