// Unpacks the objects of pysig/_plans/paths.py. Each is a tuple, with its fields in the same order as there. pysig/_api
// has checked them; this file asserts.
#pragma once

#include <tuple>

#include "arrays.hpp"
#include "pysig/cpu/jobs/signature_vjp.hpp"

namespace pysig {

// Transform: stages, times, end, starts.
using transform_arrays = std::tuple<unsigned, optional_array, double, optional_array>;
// Rows: the addresses of arrays, and these arrays.
using row_arrays = std::tuple<py::array, py::object>;
// Paths: points, basepoint, initial, lengths, order, transform, starts, rows.
using path_arrays = std::tuple<py::array, optional_array, optional_array, optional_array, optional_array,
                               std::optional<transform_arrays>, optional_array, std::optional<row_arrays>>;
// Tangents and Cotangents: path, basepoint, initial.
using derivative_arrays = std::tuple<py::array, optional_array, optional_array>;
// From the plan and the options: depth, coefficients without the scalar, stream, inverse, scalar_term, method.
using signature_layout = std::tuple<int, i64, bool, bool, bool, int>;

inline const py::array& points_of(const path_arrays& paths) { return std::get<0>(paths); }

template <class R>
path_view<R> view_of_points(const py::array& points) {
    expect(points.ndim() == 3 && points.shape(1) >= 1 && points.shape(2) >= 1,
           "points must be (batch, length, channels)");
    const auto stride = [&](int axis) {
        expect(points.strides(axis) % i64(sizeof(R)) == 0, "points must be aligned");
        return i64(points.strides(axis)) / i64(sizeof(R));
    };
    const R* data = static_cast<const R*>(points.data());
    return {data, points.shape(0), points.shape(1), points.shape(2), stride(0), stride(1), stride(2)};
}

template <class R>
i64 longest_of(const path_view<R>& view) {
    i64 longest = 1;
    for (i64 b = 0; b < view.batch; ++b) longest = view.lengths[b] > longest ? view.lengths[b] : longest;
    return longest;
}

// Paths without padding: `points` are (all points, channels), and path b has lengths[b] of them, from starts[b] on.
template <class R>
path_view<R> view_of_ragged_points(const py::array& points, const py::array& starts, const optional_array& lengths) {
    expect(points.ndim() == 2 && lengths, "points without padding must be (points, channels), with lengths");
    const i64 batch = i64(starts.size());
    path_view<R> view = view_of_points<R>(py::array(points[py::none()]));
    view.batch = batch;
    view.starts = data_or_null<i64>(starts, batch);
    view.lengths = data_or_null<i64>(lengths, batch);
    view.batch_stride = 0;
    for (i64 b = 0; b < batch; ++b)
        expect(view.starts[b] >= 0 && view.lengths[b] >= 1 && view.starts[b] + view.lengths[b] <= view.length,
               "paths must be inside of the points");
    view.length = longest_of(view);
    return view;
}

// Paths in separate arrays (lengths[b], channels) at these addresses; `first` is the first of them.
template <class R>
path_view<R> view_of_rows(const py::array& first, const py::array& addresses, const optional_array& lengths) {
    static_assert(sizeof(const R*) == sizeof(i64), "an address is an i64");
    expect(first.ndim() == 2 && lengths, "separate paths must be (length, channels), with lengths");
    path_view<R> view{};
    view.batch = i64(addresses.size());
    view.channels = view.time_stride = i64(first.shape(1));
    view.channel_stride = 1;
    view.rows = reinterpret_cast<const R* const*>(data_or_null<i64>(addresses, view.batch));
    view.lengths = data_or_null<i64>(lengths, view.batch);
    view.length = longest_of(view);
    return view;
}

template <class R>
path_view<R> view_of(const path_arrays& paths) {
    const auto& [points, basepoint, initial, lengths, order, transform, starts, rows] = paths;
    path_view<R> view = rows     ? view_of_rows<R>(points, std::get<0>(*rows), lengths)
                        : starts ? view_of_ragged_points<R>(points, *starts, lengths)
                                 : view_of_points<R>(points);
    view.basepoint = data_or_null<R>(basepoint, view.batch * view.channels);
    view.lengths = data_or_null<i64>(lengths, view.batch);
    view.order = data_or_null<i64>(order, view.batch);
    if (transform) {
        const auto& [stages, times, end, first_times] = *transform;
        const i64 timed = steps_of_time(stages, view.length - 1 + (basepoint ? 1 : 0)) + 1;
        const i64 all_times = first_times ? i64(times->size()) : view.batch * timed;
        view.transform = {stages, view.channels, data_or_null<R>(times, all_times), timed};
        view.transform.starts = data_or_null<i64>(first_times, view.batch);
        view.transform.end = R(end);
        view.channels = transformed_channels(stages, view.channels);
    }
    return view;
}

// The signatures to continue from, rows of `width` numbers.
template <class R>
const R* initial_of(const path_arrays& paths, const path_view<R>& view, i64 width) {
    return data_or_null<R>(std::get<2>(paths), view.batch * width);
}

// Channels of the points, before the transform.
template <class R>
i64 point_channels(const path_view<R>& view) {
    return view.transform.stages ? view.transform.channels : view.channels;
}

// Rows of a result for each path: one, or one for each step of the transformed path.
template <class R>
i64 result_rows(const path_view<R>& view, bool stream) {
    return stream ? transformed_steps(view.transform.stages, view.length - 1 + (view.basepoint ? 1 : 0)) : 1;
}

// A tangent of `view`, and of rows of `width` numbers to continue from.
template <class R>
direction<R> direction_of(const derivative_arrays& tangents, const path_view<R>& view, i64 width) {
    const auto& [path, basepoint, initial] = tangents;
    const i64 channels = point_channels(view);
    expect(holds<R>(path), "the tangent must have the dtype of the path");
    direction<R> along{};
    along.path = view_of_points<R>(view.starts ? py::array(path[py::none()]) : path);
    along.initial = data_or_null<R>(initial, view.batch * width);
    expect(along.path.channels == channels &&
               (view.starts || (along.path.batch == view.batch && along.path.length == view.length)),
           "the tangent must have the shape of the path");
    along.path.batch = view.batch;
    along.path.length = view.length;
    along.path.starts = view.starts;
    expect(bool(basepoint) == bool(view.basepoint), "a basepoint and its tangent go together");
    along.path.basepoint = data_or_null<R>(basepoint, view.batch * channels);
    along.path.channels = view.channels;
    along.path.lengths = view.lengths;
    along.path.order = view.order;
    along.path.transform = view.transform;
    along.path.transform.moves = true;
    return along;
}

// Where to write gradients of `view`, and of rows of `width` numbers to continue from.
template <class R>
path_cotangents<R> outputs_of(derivative_arrays& into, const path_view<R>& view, i64 width) {
    auto& [path, basepoint, initial] = into;
    const i64 channels = point_channels(view);
    return {output<R>(path, view.starts ? i64(path.size()) : view.batch * view.length * channels),
            output_or_null<R>(basepoint, view.batch * channels), output_or_null<R>(initial, view.batch * width)};
}

// The job without `out`.
template <class R>
signature_job<R> signature_job_of(const path_arrays& paths, const signature_layout& layout) {
    const auto& [depth, size, stream, inverse, scalar_term, chosen] = layout;
    const path_view<R> view = view_of<R>(paths);
    const R* initial = initial_of(paths, view, size);
    return {view, depth, static_cast<method>(chosen), stream, inverse, scalar_term, initial, nullptr};
}

// Numbers in the result of a job of signatures.
template <class R>
i64 result_size(const signature_job<R>& job, const signature_layout& layout) {
    const i64 row = std::get<1>(layout) + job.scalar_term;
    return job.path.batch * result_rows(job.path, job.stream) * row;
}

}  // namespace pysig
