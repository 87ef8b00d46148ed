// Log-signatures in a basis, whose tables are built beforehand.
#pragma once

#include "algebra.hpp"
#include "detail/lyndon.hpp"
#include "signature_vjp.hpp"

PYSIG_NAMESPACE_BEGIN

namespace detail {

// One sparse map as the list that a job takes.
template <class R>
class one_map {
 public:
    explicit one_map(const integer_map* map) : present(map != nullptr) {
        if (map) view = map->view(R());
    }
    map_list<R> get() const { return {&view, present ? 1 : 0}; }

 private:
    bool present;
    sparse_map<R> view{};
};

template <class R>
algebra_job<R> logarithm_job(const logsignature_basis& basis, i64 batch) {
    const i64 tensor = signature_size(basis.channels(), basis.depth());
    algebra_job<R> job = make_algebra_job<R>(algebra_op::series, basis.channels(), basis.depth(), batch, tensor, false);
    job.series = series::log;
    job.out_width = basis.size();
    return job;
}

// A checked call without scalar, shared by the log-signature and its derivatives.
template <class R>
class logsignature_call : public path_call<R> {
 public:
    logsignature_call(span<const R> path, const logsignature_basis& basis, const signature_options<R>& options)
        : path_call<R>(path, basis.channels(), basis.depth(), options),
          coordinates(this->batch * this->rows * basis.size()) {
        if (options.scalar_term) throw_invalid_argument("scalar_term", "false: the scalar of a logarithm is 0", "true");
    }
    const i64 coordinates;
};

template <class R>
void logsignature(span<const R> path, const logsignature_basis& basis, const signature_options<R>& options,
                  span<R> out) {
    const logsignature_call<R> call(path, basis, options);
    expect_size(out, "out", call.coordinates);
    if (call.nothing()) return;
    const one_map<R> map(basis.from_tensor());
    logsignature_job<R> job{};
    job.signature = call.job;
    job.logarithm = logarithm_job<R>(basis, 0);
    job.logarithm.after = map.get();
    job.logarithm.out = out.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

template <class R>
void signature_to_logsignature(span<const R> rows, const logsignature_basis& basis, int workers, span<R> out) {
    checked_workers(workers);
    const i64 width = signature_size(basis.channels(), basis.depth()), batch = rows_of(rows, "signature", width);
    expect_size(out, "out", batch * basis.size());
    if (batch == 0) return;
    const one_map<R> map(basis.from_tensor());
    algebra_job<R> job = logarithm_job<R>(basis, batch);
    job.a = {rows.data(), width};
    job.after = map.get();
    job.out = out.data();
    team threads(checked_workers(workers));
    run(job, threads.get());
}

// Through the logarithm on dual numbers.
template <class R>
void logsignature_jvp(span<const R> path, const logsignature_basis& basis, const signature_tangents<R>& tangents,
                      const signature_options<R>& options, span<R> out) {
    const logsignature_call<R> call(path, basis, options);
    expect_size(out, "out", call.coordinates);
    std::vector<R> values(std::size_t(call.elements())), changes(values.size());
    signature_jvp<R>(path, basis.channels(), basis.depth(), tangents, options, changes);
    if (call.nothing()) return;
    signature<R>(path, basis.channels(), basis.depth(), options, values);
    const one_map<R> map(basis.from_tensor());
    algebra_job<R> job = logarithm_job<R>(basis, call.batch * call.rows);
    job.derivative = derivative::jvp;
    job.a = {values.data(), call.size};
    job.da = {changes.data(), call.size};
    job.after = map.get();
    job.out = out.data();
    team threads(checked_workers(options.workers));
    run(job, threads.get());
}

// Backwards through the basis and the logarithm, then through the signature.
template <class R>
void logsignature_vjp(span<const R> path, const logsignature_basis& basis, span<const R> cotangent,
                      const signature_options<R>& options, span<R> path_bar, span<R> basepoint_bar,
                      span<R> initial_bar) {
    const logsignature_call<R> call(path, basis, options);
    expect_size(cotangent, "cotangent", call.coordinates);
    std::vector<R> values(std::size_t(call.elements())), gradient(values.size());
    if (!call.nothing()) {
        signature<R>(path, basis.channels(), basis.depth(), options, values);
        const one_map<R> map(basis.to_tensor());
        algebra_job<R> job = logarithm_job<R>(basis, call.batch * call.rows);
        job.derivative = derivative::vjp;
        job.a = {values.data(), call.size};
        job.cotangent = {cotangent.data(), basis.size()};
        job.cotangent_width = basis.size();
        job.out_width = call.size;
        job.between = map.get();
        job.out = gradient.data();
        team threads(checked_workers(options.workers));
        run(job, threads.get());
    }
    signature_vjp<R>(path, basis.channels(), basis.depth(), gradient, options, path_bar, basepoint_bar, initial_bar);
}

}  // namespace detail

// The log-signatures of a batch of paths: (batch, [steps,] basis.size()).
template <class P, class R = detail::real_of<P>>
std::vector<R> logsignature(const P& path, const logsignature_basis& basis, const signature_options<R>& options = {}) {
    std::vector<R> out(std::size_t(detail::logsignature_call<R>(path, basis, options).coordinates));
    detail::logsignature<R>(path, basis, options, out);
    return out;
}

// The same with tables built for this call only.
template <class P, class R = detail::real_of<P>>
std::vector<R> logsignature(const P& path, i64 channels, int depth, basis kind = basis::words,
                            const signature_options<R>& options = {}) {
    return logsignature(path, logsignature_basis(channels, depth, kind), options);
}

template <class P, class R = detail::real_of<P>>
std::vector<R> logsignature_jvp(const P& path, const logsignature_basis& basis,
                                const detail::given<signature_tangents<R>>& tangents,
                                const signature_options<R>& options = {}) {
    std::vector<R> out(std::size_t(detail::logsignature_call<R>(path, basis, options).coordinates));
    detail::logsignature_jvp<R>(path, basis, tangents, options, out);
    return out;
}

template <class P, class R = detail::real_of<P>>
signature_cotangents<R> logsignature_vjp(const P& path, const logsignature_basis& basis,
                                         const detail::given<span<const R>>& cotangent,
                                         const signature_options<R>& options = {}) {
    signature_cotangents<R> bars;
    bars.path.resize(std::size(path));
    bars.basepoint.resize(std::size_t(options.basepoint.size()));
    bars.initial.resize(std::size_t(options.initial.size()));
    detail::logsignature_vjp<R>(path, basis, cotangent, options, bars.path, bars.basepoint, bars.initial);
    return bars;
}

// From rows of signatures without scalar.
template <class S, class R = detail::real_of<S>>
std::vector<R> signature_to_logsignature(const S& signature, const logsignature_basis& basis, int workers = 1) {
    const i64 rows =
        detail::rows_of(span<const R>(signature), "signature", signature_size(basis.channels(), basis.depth()));
    std::vector<R> out(std::size_t(rows * basis.size()));
    detail::signature_to_logsignature<R>(signature, basis, workers, out);
    return out;
}

PYSIG_NAMESPACE_END
