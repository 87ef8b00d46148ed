// Chen's identity: the product of two signatures, and the group inverse, coefficient by coefficient.
#pragma once

#include "words.hpp"

PYSIG_NAMESPACE_BEGIN

// (a (x) b)[w] for a word of `level` letters: the sum over all cuts w = u v of a[u] b[v], where the empty word has
// coefficient 1. `word` is the index of w within its level.
template <class R>
PYSIG_HD R chen_coefficient(const R* a, const R* b, i64 channels, int level, i64 word) {
    i64 offset = level_offset(channels, level);
    R sum = a[offset + word] + b[offset + word];
    i64 suffixes = channels;
    for (int k = level - 1; k >= 1; --k, suffixes *= channels)
        sum += a[level_offset(channels, k) + word / suffixes] * b[level_offset(channels, level - k) + word % suffixes];
    return sum;
}

// S <- S (x) b, for one word w of `depth` letters and its prefixes, s[k - 1] = S[w1...wk]: a prefix needs shorter
// prefixes only, so one thread can multiply w by any number of factors without the other words. From the longest prefix
// down, so that every s on the right is the value before.
template <class R, int depth>
PYSIG_HD void chen_extend(R* s, const R* b, i64 channels, i64 word) {
    PYSIG_UNROLL
    for (int level = depth; level >= 1; --level) {
        i64 suffixes = channels;
        R sum = s[level - 1] + b[level_offset(channels, level) + word];
        PYSIG_UNROLL
        for (int k = level - 1; k >= 1; --k, suffixes *= channels)
            sum += s[k - 1] * b[level_offset(channels, level - k) + word % suffixes];
        s[level - 1] = sum;
        word /= channels;
    }
}

// S <- a (x) S, for one word w of `depth` letters and its suffixes, s[k - 1] = S[last k letters of w]: the mirror
// image.
template <class R, int depth>
PYSIG_HD void chen_extend_front(R* s, const R* a, i64 channels, i64 word) {
    i64 words = power(channels, depth);
    PYSIG_UNROLL
    for (int level = depth; level >= 1; --level) {
        i64 prefix = word;
        R sum = a[level_offset(channels, level) + word] + s[level - 1];
        PYSIG_UNROLL
        for (int k = 1; k < level; ++k) {
            prefix /= channels;
            sum += a[level_offset(channels, level - k) + prefix] * s[k - 1];
        }
        s[level - 1] = sum;
        words /= channels;
        word %= words;
    }
}

// The antipode: for a signature S, inverse(S)[w] = (-1)^level S[reversed w].
template <class R>
PYSIG_HD R antipode_coefficient(const R* a, i64 channels, int level, i64 word) {
    R value = a[level_offset(channels, level) + reversed_word(word, channels, level)];
    return level % 2 ? -value : value;
}

PYSIG_NAMESPACE_END
