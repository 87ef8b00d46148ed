// Signatures of paths: contiguous points, (batch, length, channels) row-major.
#pragma once

#include "detail/checks.hpp"
#include "detail/kernels.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

PYSIG_NAMESPACE_BEGIN

// An empty span means that the option is not given. The length follows from `batch` and the size of the path.
template <class R>
struct signature_options {
    i64 batch = 1;             // paths, one after the other
    bool stream = false;       // all prefixes: one row for each step
    bool inverse = false;      // the group inverse
    bool scalar_term = false;  // keep the constant 1 in front of each row
    span<const R> basepoint;   // (batch, channels): a point before the first
    span<const R> initial;     // (batch, size): signatures to continue from, without scalar
    span<const i64> lengths;   // (batch): number of points of each path
    pysig::method method = pysig::method::automatic;
    int workers = 1;  // threads; results do not depend on them
};

namespace detail {

// Checks the numbers of points, and sorts the paths by them, so that lanes hold paths of similar length and little
// padding is computed.
inline const i64* order_of_lengths(span<const i64> lengths, i64 length, const char* argument, std::vector<i64>& order) {
    for (i64 b = 0; b < lengths.size(); ++b)
        if (lengths[b] < 1 || lengths[b] > length)
            throw_invalid_argument(argument, "between 1 and " + std::to_string(length), std::to_string(lengths[b]));
    order.resize(std::size_t(lengths.size()));
    std::iota(order.begin(), order.end(), i64(0));
    std::stable_sort(order.begin(), order.end(), [&](i64 a, i64 b) { return lengths[a] < lengths[b]; });
    return order.data();
}

// A checked call: sizes, and the job without its output.
template <class R>
struct path_call {
    i64 batch, length, channels, steps, rows, size, width;
    std::vector<i64> order;
    signature_job<R> job{};

    path_call(span<const R> path, i64 channels_, int depth, const signature_options<R>& options)
        : batch(options.batch), channels(channels_) {
        static_assert(is_real<R>, "pysig: paths are of float or double");
        size = checked_size(channels, depth);
        width = size + options.scalar_term;
        expect(batch >= 0, "batch", "at least 0", batch);
        checked_workers(options.workers);
        expect(int(options.method) >= 0 && int(options.method) <= 2, "method", "0, 1 or 2", int(options.method));
        length = length_of(path);
        steps = length - 1 + (options.basepoint.empty() ? 0 : 1);
        rows = options.stream ? steps : 1;
        signature_job<R>& j = job;
        j.path.data = path.data();
        j.path.batch = batch;
        j.path.length = length;
        j.path.channels = channels;
        j.path.batch_stride = length * channels;
        j.path.time_stride = channels;
        j.path.channel_stride = 1;
        j.path.basepoint = optional(options.basepoint, "basepoint", checked_product("batch", batch, channels));
        j.depth = depth;
        j.method = options.method;
        j.stream = options.stream;
        j.inverse = options.inverse;
        j.scalar_term = options.scalar_term;
        j.initial = optional(options.initial, "initial", checked_product("depth", size, batch));
        j.path.lengths = optional(options.lengths, "lengths", batch);
        sort_lengths();
        checked_product("depth", checked_product("depth", width, std::max<i64>(rows, 1)), std::max<i64>(batch, 1));
    }
    path_call(const path_call&) = delete;
    path_call& operator=(const path_call&) = delete;

    i64 elements() const { return batch * rows * width; }
    bool nothing() const { return batch == 0 || rows == 0; }

 private:
    i64 length_of(span<const R> path) const {
        const i64 row = checked_product("batch", batch, channels);
        if (batch == 0) {
            expect_size(path, "path", 0);
            return 1;
        }
        if (path.size() < row || path.size() % row)
            throw_invalid_argument(
                "path", "batch * length * channels elements, that is a positive multiple of " + std::to_string(row),
                std::to_string(path.size()));
        expect_size(path, "path", path.size());
        return path.size() / row;
    }
    template <class T>
    static const T* optional(span<const T> array, const char* argument, i64 elements) {
        if (array.empty()) return nullptr;
        expect_size(array, argument, elements);
        return array.data();
    }
    void sort_lengths() {
        if (job.path.lengths) job.path.order = order_of_lengths({job.path.lengths, batch}, length, "lengths", order);
    }
};

template <class R>
void signature(span<const R> path, i64 channels, int depth, const signature_options<R>& options, span<R> out) {
    path_call<R> call(path, channels, depth, options);
    expect_size(out, "out", call.elements());
    if (call.nothing()) return;
    call.job.out = out.data();
    team threads(checked_workers(options.workers));
    run(call.job, threads.get());
}

}  // namespace detail

// Coefficients of a signature without scalar: d + d^2 + ... + d^depth (algebra/words.hpp), in 64 bits.
inline i64 checked_signature_size(i64 channels, int depth) { return detail::checked_size(channels, depth); }

// The signatures of a batch of paths: (batch, [steps,] size [+ 1]), into memory of the caller.
template <class P, class R = detail::real_of<P>>
void signature_into(const P& path, i64 channels, int depth, detail::given<span<R>> out,
                    const signature_options<R>& options = {}) {
    detail::signature<R>(path, channels, depth, options, out);
}

// The same, returned.
template <class P, class R = detail::real_of<P>>
std::vector<R> signature(const P& path, i64 channels, int depth, const signature_options<R>& options = {}) {
    std::vector<R> out(std::size_t(detail::path_call<R>(path, channels, depth, options).elements()));
    detail::signature<R>(path, channels, depth, options, out);
    return out;
}

PYSIG_NAMESPACE_END
