// Unpacks rows of coefficients and sparse matrices.
#pragma once

#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "pysig/cpu/jobs/algebra.hpp"

namespace pysig {

// Stored coefficients of a row; 0 if there are no rows.
inline i64 width_of(const optional_array& array) { return array ? i64(array->shape(array->ndim() - 1)) : 0; }

// Rows (batch, width), or (1, width) for the whole batch.
template <class R>
rows_in<R> rows_of(const optional_array& array, i64 batch, i64 width) {
    if (!array) return {nullptr, 0};
    expect(array->ndim() == 2 && i64(array->shape(1)) == width, "rows must be (batch, width)");
    const i64 rows = array->shape(0);
    expect(rows == batch || rows == 1, "rows must be one or as many as the batch");
    return {data_or_null<R>(array, rows * width), rows == 1 ? 0 : width};
}

// Maps that arrive as a list of (indptr, indices, data, columns), which must outlive this object.
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
