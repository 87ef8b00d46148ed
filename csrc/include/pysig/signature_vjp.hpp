// Derivatives of signatures.
#pragma once

#include "signature.hpp"

PYSIG_NAMESPACE_BEGIN

// Tangents of the arguments. `path` is required; an empty span means that the argument is constant.
template <class R>
struct signature_tangents {
    span<const R> path, basepoint, initial;
};

// Gradients, each in the shape of its argument; empty if the argument was not given.
template <class R>
struct signature_cotangents {
    std::vector<R> path, basepoint, initial;
};

namespace detail {

// The walk over words uses an array with one entry for each level. With two or more channels, the limit of the size
// (max_elements) keeps the depth below 64.
inline void expect_walkable(i64 channels, int depth) {
    if (channels == 1) expect(depth <= 64, "depth", "at most 64 for derivatives with one channel", depth);
}

template <class R>
void signature_jvp(span<const R> path, i64 channels, int depth, const signature_tangents<R>& tangents,
                   const signature_options<R>& options, span<R> out) {
    const path_call<R> call(path, channels, depth, options);
    expect_walkable(channels, depth);
    expect_size(tangents.path, "tangent", path.size());
    expect(tangents.basepoint.empty() || call.job.path.basepoint, "basepoint_tangent",
           "none where there is no basepoint", tangents.basepoint.size());
    expect(tangents.initial.empty() || call.job.initial, "initial_tangent", "none where there is no initial",
           tangents.initial.size());
    if (!tangents.basepoint.empty()) expect_size(tangents.basepoint, "basepoint_tangent", options.basepoint.size());
    if (!tangents.initial.empty()) expect_size(tangents.initial, "initial_tangent", options.initial.size());
    expect_size(out, "out", call.elements());
    if (call.nothing()) return;
    signature_jvp_job<R> job{};
    job.value = call.job;
    job.value.out = out.data();
    job.tangent.path = call.job.path;
    job.tangent.path.data = tangents.path.data();
    std::vector<R> still;
    if (call.job.path.basepoint) {
        if (tangents.basepoint.empty()) still.assign(std::size_t(options.basepoint.size()), R(0));
        job.tangent.path.basepoint = still.empty() ? tangents.basepoint.data() : still.data();
    }
    job.tangent.initial = tangents.initial.empty() ? nullptr : tangents.initial.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

// `basepoint_bar` and `initial_bar` may be empty: these gradients are then not computed.
template <class R>
void signature_vjp(span<const R> path, i64 channels, int depth, span<const R> cotangent,
                   const signature_options<R>& options, span<R> path_bar, span<R> basepoint_bar, span<R> initial_bar) {
    const path_call<R> call(path, channels, depth, options);
    expect_walkable(channels, depth);
    expect_size(cotangent, "cotangent", call.elements());
    expect_size(path_bar, "path_bar", path.size());
    expect(basepoint_bar.empty() || call.job.path.basepoint, "basepoint_bar", "none where there is no basepoint",
           basepoint_bar.size());
    expect(initial_bar.empty() || call.job.initial, "initial_bar", "none where there is no initial",
           initial_bar.size());
    if (!basepoint_bar.empty()) expect_size(basepoint_bar, "basepoint_bar", options.basepoint.size());
    if (!initial_bar.empty()) expect_size(initial_bar, "initial_bar", options.initial.size());
    if (call.nothing()) {
        for (const span<R>& bar : {path_bar, basepoint_bar, initial_bar})
            std::fill(bar.data(), bar.data() + bar.size(), R(0));
        return;
    }
    signature_vjp_job<R> job{};
    job.value = call.job;
    job.cotangent = cotangent.data();
    job.into.path = path_bar.data();
    job.into.basepoint = basepoint_bar.empty() ? nullptr : basepoint_bar.data();
    job.into.initial = initial_bar.empty() ? nullptr : initial_bar.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

}  // namespace detail

// The derivative of `signature` along a direction.
template <class P, class R = detail::real_of<P>>
std::vector<R> signature_jvp(const P& path, i64 channels, int depth,
                             const detail::given<signature_tangents<R>>& tangents,
                             const signature_options<R>& options = {}) {
    std::vector<R> out(std::size_t(detail::path_call<R>(path, channels, depth, options).elements()));
    detail::signature_jvp<R>(path, channels, depth, tangents, options, out);
    return out;
}

// The gradient of <cotangent, signature(path)>; the cotangent has the shape of the signatures.
template <class P, class R = detail::real_of<P>>
signature_cotangents<R> signature_vjp(const P& path, i64 channels, int depth,
                                      const detail::given<span<const R>>& cotangent,
                                      const signature_options<R>& options = {}) {
    signature_cotangents<R> bars;
    bars.path.resize(std::size(path));
    bars.basepoint.resize(std::size_t(options.basepoint.size()));
    bars.initial.resize(std::size_t(options.initial.size()));
    detail::signature_vjp<R>(path, channels, depth, cotangent, options, bars.path, bars.basepoint, bars.initial);
    return bars;
}

PYSIG_NAMESPACE_END
