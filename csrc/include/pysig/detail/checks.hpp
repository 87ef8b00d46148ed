// Argument checks. An error names the argument, the expectation and the value received. The layers below assert.
#pragma once

#include "../algebra/words.hpp"
#include "../span.hpp"

#include <stdexcept>
#include <string>

PYSIG_NAMESPACE_BEGIN

namespace detail {

constexpr i64 max_elements = i64(1) << 56;  // of one array: products of two checked sizes do not overflow unnoticed

[[noreturn]] inline void throw_invalid_argument(const std::string& argument, const std::string& expected,
                                                const std::string& received) {
    throw std::invalid_argument("pysig: " + argument + ": expected " + expected + ", received " + received + ".");
}

inline void expect(bool condition, const char* argument, const char* expected, i64 received) {
    if (!condition) throw_invalid_argument(argument, expected, std::to_string(received));
}

// Checked d + d^2 + ... + d^depth.
inline i64 checked_size(i64 channels, i64 depth) {
    expect(channels >= 1, "channels", "at least 1", channels);
    expect(depth >= 1, "depth", "at least 1", depth);
    if (channels == 1) return depth;
    i64 size = 0;
    for (i64 k = 0; k < depth; ++k) {
        if (size + 1 > max_elements / channels)
            throw_invalid_argument(
                "depth", "a signature of at most 2^56 coefficients",
                "depth " + std::to_string(depth) + " with " + std::to_string(channels) + " channels");
        size = (size + 1) * channels;
    }
    return size;
}

inline i64 checked_product(const char* argument, i64 a, i64 b) {
    if (b > 0 && a > max_elements / b)
        throw_invalid_argument(argument, "arrays of at most 2^56 elements",
                               std::to_string(a) + " times " + std::to_string(b));
    return a * b;
}

// An upper bound of the number of threads.
inline int checked_workers(int workers) {
    expect(workers >= 1, "workers", "at least 1", workers);
    return workers < 1024 ? workers : 1024;
}

// An array of exactly `size` elements.
template <class T>
inline void expect_size(span<T> array, const char* argument, i64 size) {
    if (array.size() != size)
        throw_invalid_argument(argument, std::to_string(size) + " elements", std::to_string(array.size()));
    if (size > 0 && array.data() == nullptr) throw_invalid_argument(argument, "a pointer that is not null", "null");
}

// The number of rows of `width` elements.
template <class T>
inline i64 rows_of(span<T> array, const char* argument, i64 width) {
    if (array.size() < 0 || array.size() % width)
        throw_invalid_argument(argument, "whole rows of " + std::to_string(width) + " elements",
                               std::to_string(array.size()) + " elements");
    expect_size(array, argument, array.size());
    return array.size() / width;
}

}  // namespace detail

PYSIG_NAMESPACE_END
