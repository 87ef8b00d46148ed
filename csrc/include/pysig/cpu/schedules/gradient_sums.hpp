// Sums of increment adjoints over lane groups and parts of the words, in a fixed order, and their conversion to point
// adjoints.
//
// Notation: x_bar_t adjoint of increment x_t; P_bar_p adjoint of point p; c = 0, ..., C - 1 chunks of a path; c(t) the
// chunk of step t; A_bar, rest_t as in signature_vjp.hpp; lambda_t[j] adjoint of the letter j (level 1) after step t.
//
// Parts. If a lane group has several parts, each part sums its own x_bar on lanes; add_parts() adds them up in order.
//
// Constants. x_bar_t contains rest_t and lambda_t. A chunk c is run backwards before its neighbours are known, so the
// kernel starts with rest = 0 and with the cotangent in place of lambda at the end of every chunk. With the gains
//     R_c[j] = rest[j] at the end of chunk c - rest[j] at its beginning      (R_0 also contains rest_0, the rest at the
//                                                                             beginning of the path)
//     L_c[j] = lambda[j] at the beginning of chunk c - lambda[j] at its end
// and the suffix sums R'_c = R_c + ... + R_(C-1), L'_c = L_c + ... + L_(C-1), the missing term of x_bar_t[j] is
//     kappa_c[j] = (R'_0 - R'_(c+1)) + L'_(c+1),     c = c(t),
// which is the same for all steps of a chunk. P_bar_p = x_bar_(p-1) - x_bar_p, so kappa cancels between two steps of
// one chunk. It is added where it does not cancel, to keep all digits:
//     at the ends of the path      -kappa_0 and kappa_(C-1) = R'_0,
//     where chunk c >= 1 begins    kappa_(c-1) - kappa_c = L_c - R_c.
// In a transformed path increments belong to points in other ways. There kappa_c - R'_0 is added to every x_bar_t of
// chunk c, and R'_0 at the ends (increments_adjoint).
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

    // `constants`: whether x_bar lacks the constants kappa.
    gradient_sums(const path_view<R>& path, const lane_plan& plan, i64 parts, bool has_constants)
        : ranges(ceil_div(path.length * own_channels(path), cost::finish_elements)),
          path(path),
          plan(plan),
          d(path.channels),
          steps(step_count(path)),
          parts(parts),
          rows(path.batch * steps * d),
          part_buffer(bytes_of_parts() / i64(sizeof(T))),
          terms(has_constants ? plan.groups * parts * 2 * d : 0),
          suffix_sums(has_constants && plan.chunks > 1 ? path.batch * plan.chunks * 2 * d : 0),
          has_constants(has_constants) {}

    i64 bytes_of_parts() const { return parts > 1 ? plan.groups * parts * plan.chunk_steps * d * i64(sizeof(T)) : 0; }

    // ---- of a lane group ----

    T* part_sums(i64 group, i64 part) const {
        return part_buffer.get() + (group * parts + part) * plan.chunk_steps * d;
    }
    // R_c[j] and L_c[j] of every lane, j < d; the first tile of a part sets them, the others add to them.
    V* rest_terms(i64 group, i64 part) const { return terms.get() + (group * parts + part) * 2 * d; }
    V* letter_terms(i64 group, i64 part) const { return rest_terms(group, part) + d; }

    // Writes (`first`) or adds x_bar of steps [t, t + count) of all lanes to the rows of their paths. `scratch`:
    // lane_count rows of `row_size` elements.
    void scatter(const lane_group<R>& group, bool first, i64 t, i64 count, const T* x_bar, R* scratch,
                 i64 row_size) const {
        R* rows_of[lane_count<R>];
        for (int l = 0; l < lane_count<R>; ++l) rows_of[l] = scratch + l * row_size;
        V block_of[lane_count<R>];
        for (i64 m = 0; m < count * d; m += lane_count<R>) {
            for (int l = 0; l < lane_count<R>; ++l) block_of[l] = m + l < count * d ? result_of(x_bar[m + l]) : V{};
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

    // Sums over the parts of a group, `block` steps at a time. `sums`: scratch for one block.
    void add_parts(const lane_group<R>& group, i64 longest, i64 block, T* sums, R* scratch, i64 row_size) const {
        for (i64 t = 0; t < longest; t += block) {
            const i64 count = longest - t < block ? longest - t : block;
            for (i64 m = 0; m < count * d; ++m) sums[m] = part_sums(group.index, 0)[t * d + m];
            for (i64 part = 1; part < parts; ++part) {
                const T* terms = part_sums(group.index, part) + t * d;
                for (i64 m = 0; m < count * d; ++m) sums[m] = sums[m] + terms[m];
            }
            scatter(group, true, t, count, sums, scratch, row_size);
        }
        for (i64 part = 1; has_constants && part < parts; ++part)
            for (i64 m = 0; m < 2 * d; ++m) rest_terms(group.index, 0)[m] += rest_terms(group.index, part)[m];
    }

    // ---- of a path ----

    // If there are several chunks: R'_c and L'_c, from the last chunk on.
    void join_chunks(i64 place) const {
        for (i64 chunk = plan.chunks - 1; chunk >= 0; --chunk)
            for (i64 m = 0; m < 2 * d; ++m)
                suffix(place, chunk)[m] = chunk_terms(place, chunk)[m * lane_count<R>] +
                                          (chunk + 1 < plan.chunks ? suffix(place, chunk + 1)[m] : R(0));
        for (i64 chunk = 0; path.transform.stages && chunk + 1 < plan.chunks; ++chunk) {
            const chunk_range range = chunk_of(plan, chunk, step_count(path, path_at(path, place)));
            for (i64 t = range.begin; t < range.end; ++t)
                for (i64 j = 0; j < d; ++j) row_of(place)[t * d + j] += kappa_minus_rest(place, chunk, j);
        }
    }
    // L'_1: the gain of the letter adjoints over all chunks but the first.
    const R* suffix_letter_terms(i64 place) const { return suffix(place, 1) + d; }

    // The point adjoints of one of `ranges` ranges of the points, once the chunks are joined.
    const i64 ranges;
    void finish(i64 place, i64 range, R* path_bar, R* basepoint_bar) const {
        const i64 b = path_at(path, place);
        const i64 all = point_count(path, b) + (path.basepoint ? 1 : 0);
        const i64 each = ceil_div(path.length + (path.basepoint ? 1 : 0), ranges);
        const i64 begin = each * range, end = begin + each < all ? begin + each : all;
        if (begin >= all) return;
        R* points = path_bar + place_of_points(path, b) * own_channels(path);
        R* basepoint = basepoint_bar ? basepoint_bar + b * own_channels(path) : nullptr;
        const R* at_ends = !has_constants ? nullptr : plan.chunks > 1 ? suffix(place, 0) : chunk_terms(place);
        increments_adjoint(path, b, row_of(place), at_ends, plan.chunks > 1 ? 1 : lane_count<R>, points, basepoint,
                           begin, end);
        if (plan.chunks > 1 && has_constants && !path.transform.stages)
            add_chunk_boundaries(place, points, basepoint, begin, end);
    }

 private:
    const path_view<R>& path;
    const lane_plan plan;
    const i64 d, steps, parts;
    buffer<R> rows;
    buffer<T> part_buffer;
    buffer<V> terms;
    buffer<R> suffix_sums;
    const bool has_constants;

    R* row_of(i64 place) const { return rows.get() + place * steps * d; }
    // R_c[0], ..., R_c[d-1], L_c[0], ..., L_c[d-1], at a stride of lane_count.
    const R* chunk_terms(i64 place, i64 chunk = 0) const {
        const i64 slot = place * plan.chunks + chunk;
        return reinterpret_cast<const R*>(rest_terms(slot / lane_count<R>, 0)) + slot % lane_count<R>;
    }
    // R'_c, then L'_c.
    R* suffix(i64 place, i64 chunk) const { return suffix_sums.get() + (place * plan.chunks + chunk) * 2 * d; }
    // kappa_c[j] - R'_0[j] = L'_(c+1)[j] - R'_(c+1)[j].
    R kappa_minus_rest(i64 place, i64 chunk, i64 j) const {
        return chunk + 1 < plan.chunks ? suffix(place, chunk + 1)[d + j] - suffix(place, chunk + 1)[j] : R(0);
    }

    void add_chunk_boundaries(i64 place, R* points, R* basepoint, i64 begin, i64 end) const {
        const i64 own_steps = step_count(path, path_at(path, place)), first = path.basepoint ? 1 : 0;
        R* start = first ? basepoint : points;
        for (i64 j = 0; begin == 0 && start && own_steps > 0 && j < d; ++j) start[j] -= kappa_minus_rest(place, 0, j);
        for (i64 chunk = 1; chunk < plan.chunks; ++chunk) {
            const chunk_range range = chunk_of(plan, chunk, own_steps);
            if (range.begin >= range.end || range.begin < begin || range.begin >= end) continue;
            R* point = points + (range.begin - first) * d;
            for (i64 j = 0; j < d; ++j)
                point[j] +=
                    chunk_terms(place, chunk)[(d + j) * lane_count<R>] - chunk_terms(place, chunk)[j * lane_count<R>];
        }
    }
};

PYSIG_NAMESPACE_END
