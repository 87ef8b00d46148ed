// Projections of signatures.
#include "pysig/cpu/jobs/projection.hpp"
#include "paths.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// The length of the longest word, then one number for each node: parent, suffix or None, letter, level, height.
using tree_arrays = std::tuple<int, py::array, optional_array, py::array, py::array, py::array>;
// begin, node, weight.
using readout_arrays = std::tuple<py::array, py::array, py::array>;

word_tree tree_of(const tree_arrays& arrays) {
    const auto& [depth, parent, suffix, letter, level, height] = arrays;
    const i64 nodes = i64(parent.size());
    expect(nodes >= 1 && depth >= 1 && depth <= 64, "a tree has a root and words of 1 to 64 letters");
    const auto data = [&](const optional_array& array) { return data_or_null<i64>(array, nodes); };
    return {nodes, depth, data(parent), data(suffix), data(letter), data(level), data(height)};
}

template <class R>
projection_job<R> job_of(const path_arrays& paths, const tree_arrays& tree, const readout_arrays& read, bool stream) {
    projection_job<R> job{view_of<R>(paths), tree_of(tree), {}, stream, nullptr, nullptr};
    job.initial = initial_of(paths, job.path, job.tree.nodes);
    const auto& [begin, node, weight] = read;
    const i64 outputs = i64(begin.size()) - 1, entries = i64(node.size());
    job.read = {outputs, data_or_null<i64>(begin, outputs + 1), data_or_null<i64>(node, entries),
                data_or_null<R>(weight, entries)};
    return job;
}

template <class R>
i64 result_size(const projection_job<R>& job) {
    return job.path.batch * result_rows(job.path, job.stream) * job.read.outputs;
}

void projection(const path_arrays& paths, py::array out, const tree_arrays& tree, const readout_arrays& read,
                const std::optional<derivative_arrays>& tangents, bool stream, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        projection_job<R> job = job_of<R>(paths, tree, read, stream);
        job.out = output<R>(out, result_size(job));
        if (!tangents) {
            run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
            return;
        }
        const projection_jvp_job<R> derivative{job, direction_of(*tangents, job.path, job.tree.nodes)};
        run_released(workers, [&](const executor& exec) { detail::run(derivative, exec); });
    });
}

void projection_vjp(const path_arrays& paths, const py::array& cotangent, derivative_arrays into,
                    const tree_arrays& tree, const readout_arrays& read,
                    const std::optional<derivative_arrays>& tangents, bool stream, int workers) {
    with_dtype(points_of(paths), [&](auto zero) {
        using R = decltype(zero);
        projection_vjp_job<R> job{};
        job.value = job_of<R>(paths, tree, read, stream);
        const i64 nodes = job.value.tree.nodes;
        job.cotangent = data_or_null<R>(cotangent, result_size(job.value));
        job.into = outputs_of(into, job.value.path, nodes);
        direction<R> along{};
        if (tangents) {
            along = direction_of(*tangents, job.value.path, nodes);
            job.along = &along;
        }
        run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    });
}

}  // namespace

void register_projection(py::module_& m) {
    m.def("projection", &projection, py::arg("paths"), py::arg("out"), py::arg("tree"), py::arg("read"),
          py::arg("tangents"), py::arg("stream"), py::arg("workers"));
    m.def("projection_vjp", &projection_vjp, py::arg("paths"), py::arg("cotangent"), py::arg("into"), py::arg("tree"),
          py::arg("read"), py::arg("tangents"), py::arg("stream"), py::arg("workers"));
}

}  // namespace pysig
