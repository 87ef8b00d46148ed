// C1. Chen's identity: the product of two signatures, and the group inverse, coefficient by coefficient.
#pragma once

#include "words.hpp"

PYSIG_NAMESPACE_BEGIN

// (a (x) b)[w] for a word of `level` letters: the sum over all cuts w = u v of a[u] b[v], where the empty word has coefficient 1.
// `word` is the index of w within its level.
template <class R>
PYSIG_HD R chen_coefficient(const R* a, const R* b, i64 channels, int level, i64 word) {
    i64 offset = level_offset(channels, level);
    R sum = a[offset + word] + b[offset + word];
    i64 suffixes = channels;
    for (int k = level - 1; k >= 1; --k, suffixes *= channels)
        sum += a[level_offset(channels, k) + word / suffixes] * b[level_offset(channels, level - k) + word % suffixes];
    return sum;
}

// The antipode: for a signature S, inverse(S)[w] = (-1)^level S[reversed w].
template <class R>
PYSIG_HD R antipode_coefficient(const R* a, i64 channels, int level, i64 word) {
    R value = a[level_offset(channels, level) + reversed_word(word, channels, level)];
    return level % 2 ? -value : value;
}

PYSIG_NAMESPACE_END
