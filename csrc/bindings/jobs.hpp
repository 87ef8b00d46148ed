// Arrays to jobs, for the bindings that share one.
#pragma once

#include <vector>

#include "arrays.hpp"
#include "pysig/cpu/jobs/algebra.hpp"

namespace pysig {

using optional_array = std::optional<py::array>;

// (stages, times, end), as pysig/_plans/transform.py has them; None for the path as it is.
using optional_transform = std::optional<std::tuple<unsigned, optional_array, double>>;

// Once the basepoint is known.
template <class R>
void set_transform(path_view<R>& view, const optional_transform& transform) {
    if (!transform) return;
    const auto& [stages, times, end] = *transform;
    const i64 points = steps_of_time(stages, view.length - 1 + (view.basepoint ? 1 : 0)) + 1;
    view.transform = {stages, view.channels, data_or_null<R>(times, view.batch * points), points, R(end), false};
    view.channels = transformed_channels(stages, view.channels);
}

// Steps of the transformed path.
template <class R>
i64 steps_of(const path_view<R>& view) {
    return transformed_steps(view.transform.stages, view.length - 1 + (view.basepoint ? 1 : 0));
}

// Everything but `out`. `size`: coefficients without the scalar.
template <class R>
signature_job<R> signature_job_of(const py::array& path, int depth, i64 size, bool stream,
                                  const optional_array& basepoint, const optional_array& initial, bool inverse,
                                  bool scalar_term, const optional_array& lengths, const optional_array& order,
                                  const optional_transform& transform, int how) {
    signature_job<R> job{
        view_of_path<R>(path), depth, static_cast<method>(how), stream, inverse, scalar_term, nullptr, nullptr};
    path_view<R>& view = job.path;
    view.basepoint = data_or_null<R>(basepoint, view.batch * view.channels);
    set_transform(view, transform);
    view.lengths = data_or_null<i64>(lengths, view.batch);
    view.order = data_or_null<i64>(order, view.batch);
    job.initial = data_or_null<R>(initial, view.batch * size);
    return job;
}

// Rows (batch, width), or (1, width) for the whole batch.
template <class R>
rows_in<R> rows_of(const optional_array& array, i64 batch, i64 width) {
    if (!array) return {nullptr, 0};
    expect(array->ndim() == 2 && i64(array->shape(1)) == width, "rows must be (batch, width)");
    const i64 rows = array->shape(0);
    expect(rows == batch || rows == 1, "rows must be one or as many as the batch");
    return {data_or_null<R>(array, rows * width), rows == 1 ? 0 : width};
}

// Maps that arrive as a list of (indptr, indices, data, columns), which must outlive this.
template <class R>
class maps_of {
 public:
    explicit maps_of(const py::list& list) {
        for (const py::handle& item : list) {
            const auto [indptr, indices, data, columns] = item.cast<std::tuple<py::array, py::array, py::array, i64>>();
            const i64 rows = i64(indptr.size()) - 1, entries = i64(data.size());
            maps_.push_back({data_or_null<i64>(indptr, rows + 1), data_or_null<i64>(indices, entries),
                             data_or_null<R>(data, entries), rows, columns});
        }
    }
    map_list<R> get() const { return {maps_.data(), int(maps_.size())}; }

 private:
    std::vector<sparse_map<R>> maps_;
};

}  // namespace pysig
