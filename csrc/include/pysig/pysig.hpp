// C2. The embedder's door: signatures of plain arrays from C++17, header-only, no dependency. Checks its arguments and throws
// std::invalid_argument, which names the argument, what was expected and what was received.
//
//     #include <pysig/pysig.hpp>
//     std::vector<double> s = pysig::signature(points.data(), length, channels, depth);
//
// Compile with the flags of the target machine (-O3 -march=native): the width of the lanes follows them.
#pragma once

#include "cpu/parallel.hpp"
#include "cpu/signature.hpp"

#include <stdexcept>
#include <string>
#include <vector>

PYSIG_NAMESPACE_BEGIN

struct signature_options {
    bool stream = false;       // all prefixes: (batch, length - 1, size)
    bool inverse = false;      // the group inverse
    bool scalar_term = false;  // keep the constant 1 in front
    method how = method::automatic;
    int workers = 1;
};

namespace door {
inline void expect(bool condition, const char* argument, const std::string& expected, i64 received) {
    if (!condition)
        throw std::invalid_argument("pysig: " + std::string(argument) + ": expected " + expected + ", received " +
                                    std::to_string(received) + ".");
}

// Checked d + d^2 + ... + d^depth.
inline i64 checked_size(i64 channels, i64 depth) {
    expect(channels >= 1, "channels", "at least 1", channels);
    expect(depth >= 1, "depth", "at least 1", depth);
    i64 size = 0;
    for (i64 k = 0; k < depth; ++k) {
        if (size + 1 > (i64(1) << 56) / channels)
            throw std::invalid_argument("pysig: depth: expected a signature of at most 2^56 coefficients, received depth " +
                                        std::to_string(depth) + " with " + std::to_string(channels) + " channels.");
        size = (size + 1) * channels;
    }
    return size;
}
}  // namespace door

// Signatures of `batch` paths, row-major (batch, length, channels), into `out`, row-major (batch, [length - 1,] size [+ 1]).
template <class R>
void signature(const R* path, i64 batch, i64 length, i64 channels, int depth, R* out, const signature_options& options = {}) {
    door::expect(path != nullptr || batch == 0, "path", "a pointer that is not null", 0);
    door::expect(out != nullptr || batch == 0, "out", "a pointer that is not null", 0);
    door::expect(batch >= 0, "batch", "at least 0", batch);
    door::expect(length >= 1, "length", "at least 1", length);
    door::checked_size(channels, depth);
    signature_job<R> job{{path, batch, length, channels, length * channels, channels, 1, nullptr, nullptr, nullptr},
                         depth, options.how, options.stream, options.inverse, options.scalar_term, nullptr, out};
    team threads(options.workers);
    compute_signature(job, threads.get());
}

// The signature of one path, row-major (length, channels).
template <class R>
std::vector<R> signature(const R* path, i64 length, i64 channels, int depth, const signature_options& options = {}) {
    const i64 width = door::checked_size(channels, depth) + options.scalar_term;
    door::expect(length >= 1, "length", "at least 1", length);
    std::vector<R> out(std::size_t(width) * std::size_t(options.stream ? length - 1 : 1));
    signature(path, 1, length, channels, depth, out.data(), options);
    return out;
}

PYSIG_NAMESPACE_END
