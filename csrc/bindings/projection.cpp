// Projections of signatures: unpack, drop the GIL, call the table.
#include "jobs.hpp"
#include "pysig/detail/kernels.hpp"
#include "register.hpp"

namespace pysig {
namespace {

// parent, suffix or None, letter, level, height.
using tree_arrays = std::tuple<py::array, optional_array, py::array, py::array, py::array>;
// begin, node, weight.
using readout_arrays = std::tuple<py::array, py::array, py::array>;

// Arrays of what can be differentiated: the path is always there.
struct source_arrays {
    const py::array& path;
    const optional_array& basepoint;
    const optional_array& initial;
};

word_tree tree_of(const tree_arrays& arrays, int depth) {
    const auto& [parent, suffix, letter, level, height] = arrays;
    const i64 nodes = i64(parent.size());
    expect(nodes >= 1 && depth >= 1 && depth <= 64, "a tree has a root and words of 1 to 64 letters");
    const auto data = [&](const optional_array& array) { return data_or_null<i64>(array, nodes); };
    return {nodes, depth, data(parent), data(suffix), data(letter), data(level), data(height)};
}

template <class R>
projection_job<R> job_of(const source_arrays& from, const tree_arrays& tree, int depth, const readout_arrays& read,
                         bool stream, const optional_array& lengths, const optional_array& order,
                         const optional_transform& transform) {
    projection_job<R> job{view_of_path<R>(from.path), tree_of(tree, depth), {}, stream, nullptr, nullptr};
    path_view<R>& view = job.path;
    view.basepoint = data_or_null<R>(from.basepoint, view.batch * view.channels);
    set_transform(view, transform);
    view.lengths = data_or_null<i64>(lengths, view.batch);
    view.order = data_or_null<i64>(order, view.batch);
    job.initial = data_or_null<R>(from.initial, view.batch * job.tree.nodes);
    const auto& [begin, node, weight] = read;
    const i64 outputs = i64(begin.size()) - 1, entries = i64(node.size());
    job.read = {outputs, data_or_null<i64>(begin, outputs + 1), data_or_null<i64>(node, entries),
                data_or_null<R>(weight, entries)};
    return job;
}

template <class R>
direction<R> direction_of(const projection_job<R>& job, const source_arrays& from) {
    direction<R> along{view_of_path<R>(from.path), data_or_null<R>(from.initial, job.path.batch * job.tree.nodes)};
    const i64 channels = along.path.channels;
    along.path.basepoint = data_or_null<R>(from.basepoint, job.path.batch * channels);
    along.path.transform = job.path.transform;
    along.path.transform.moves = true;
    along.path.channels = job.path.channels;
    along.path.lengths = job.path.lengths;
    along.path.order = job.path.order;
    expect(!along.path.basepoint == !job.path.basepoint, "a tangent of the basepoint goes with a basepoint");
    const i64 own = job.path.transform.stages ? job.path.transform.channels : job.path.channels;
    expect(along.path.batch == job.path.batch && along.path.length == job.path.length && channels == own,
           "tangent must have the shape of path");
    return along;
}

template <class R>
i64 out_size(const projection_job<R>& job) {
    return job.path.batch * (job.stream ? steps_of(job.path) : 1) * job.read.outputs;
}

template <class R>
void value(const source_arrays& from, py::array& out, const optional_array& tangent, const source_arrays& along,
           const tree_arrays& tree, int depth, const readout_arrays& read, bool stream, const optional_array& lengths,
           const optional_array& order, const optional_transform& transform, int workers) {
    projection_job<R> job = job_of<R>(from, tree, depth, read, stream, lengths, order, transform);
    job.out = output<R>(out, out_size(job));
    if (!tangent) return run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
    const projection_jvp_job<R> moving{job, direction_of<R>(job, along)};
    run_released(workers, [&](const executor& exec) { detail::run(moving, exec); });
}

template <class R>
void vjp(const source_arrays& from, const py::array& cotangent, py::array& path_bar, optional_array& basepoint_bar,
         optional_array& initial_bar, const optional_array& tangent, const source_arrays& along_arrays,
         const tree_arrays& tree, int depth, const readout_arrays& read, bool stream, const optional_array& lengths,
         const optional_array& order, const optional_transform& transform, int workers) {
    projection_vjp_job<R> job{};
    job.value = job_of<R>(from, tree, depth, read, stream, lengths, order, transform);
    const path_view<R>& view = job.value.path;
    job.cotangent = data_or_null<R>(cotangent, out_size(job.value));
    const i64 channels = i64(from.path.shape(2));
    job.into.path = output<R>(path_bar, view.batch * view.length * channels);
    job.into.basepoint = basepoint_bar ? output<R>(*basepoint_bar, view.batch * channels) : nullptr;
    job.into.initial = initial_bar ? output<R>(*initial_bar, view.batch * job.value.tree.nodes) : nullptr;
    direction<R> along{};
    if (tangent) {
        along = direction_of<R>(job.value, along_arrays);
        job.along = &along;
    }
    run_released(workers, [&](const executor& exec) { detail::run(job, exec); });
}

bool single(const py::array& path) {
    expect(holds<float>(path) || holds<double>(path), "path must be float32 or float64");
    return holds<float>(path);
}

}  // namespace

void register_projection(py::module_& m) {
    m.def(
        "projection",
        [](const py::array& path, py::array out, const tree_arrays& tree, int depth, const readout_arrays& read,
           bool stream, const optional_array& basepoint, const optional_array& initial, const optional_array& tangent,
           const optional_array& basepoint_tangent, const optional_array& initial_tangent,
           const optional_array& lengths, const optional_array& order, const optional_transform& transform,
           int workers) {
            const source_arrays along{tangent ? *tangent : path, basepoint_tangent, initial_tangent};
            (single(path) ? value<float> : value<double>)({path, basepoint, initial}, out, tangent, along, tree, depth,
                                                          read, stream, lengths, order, transform, workers);
        },
        py::arg("path"), py::arg("out"), py::kw_only(), py::arg("tree"), py::arg("depth"), py::arg("read"),
        py::arg("stream"), py::arg("basepoint"), py::arg("initial"), py::arg("tangent"), py::arg("basepoint_tangent"),
        py::arg("initial_tangent"), py::arg("lengths"), py::arg("order"), py::arg("transform"), py::arg("workers"));
    m.def(
        "projection_vjp",
        [](const py::array& path, const py::array& cotangent, py::array path_bar, optional_array basepoint_bar,
           optional_array initial_bar, const tree_arrays& tree, int depth, const readout_arrays& read, bool stream,
           const optional_array& basepoint, const optional_array& initial, const optional_array& tangent,
           const optional_array& basepoint_tangent, const optional_array& initial_tangent,
           const optional_array& lengths, const optional_array& order, const optional_transform& transform,
           int workers) {
            const source_arrays along{tangent ? *tangent : path, basepoint_tangent, initial_tangent};
            (single(path) ? vjp<float> : vjp<double>)({path, basepoint, initial}, cotangent, path_bar, basepoint_bar,
                                                      initial_bar, tangent, along, tree, depth, read, stream, lengths,
                                                      order, transform, workers);
        },
        py::arg("path"), py::arg("cotangent"), py::arg("path_bar"), py::arg("basepoint_bar"), py::arg("initial_bar"),
        py::kw_only(), py::arg("tree"), py::arg("depth"), py::arg("read"), py::arg("stream"), py::arg("basepoint"),
        py::arg("initial"), py::arg("tangent"), py::arg("basepoint_tangent"), py::arg("initial_tangent"),
        py::arg("lengths"), py::arg("order"), py::arg("transform"), py::arg("workers"));
}

}  // namespace pysig
