// Words: levels count from 1; level k holds channels^k coefficients; a signature stores level after level,
// words in lexicographic order, without the empty word. The coefficient of w1...wk stands at
// level_offset(k) + (w1 * d^(k-1) + ... + wk).
#pragma once

#include "../config.hpp"

PYSIG_NAMESPACE_BEGIN

PYSIG_HD constexpr i64 power(i64 base, int exponent) {
    i64 result = 1;
    for (int k = 0; k < exponent; ++k) result *= base;
    return result;
}

// d + d^2 + ... + d^depth.
PYSIG_HD constexpr i64 signature_size(i64 channels, int depth) {
    i64 size = 0;
    for (int k = 0; k < depth; ++k) size = (size + 1) * channels;
    return size;
}

// The offset of level `level`: the number of coefficients of all lower levels.
PYSIG_HD constexpr i64 level_offset(i64 channels, int level) { return signature_size(channels, level - 1); }

// The index, within its level, of the reversed word.
PYSIG_HD i64 reversed_word(i64 word, i64 channels, int level) {
    i64 reversed = 0;
    for (int k = 0; k < level; ++k) {
        reversed = reversed * channels + word % channels;
        word /= channels;
    }
    return reversed;
}

PYSIG_NAMESPACE_END
