// The tensor algebra coefficient by coefficient, for devices with one thread per coefficient.
//
// A row of coefficients may hold its scalar in front or not; `row` hides which. Words are indices within their level.
#pragma once

#include "words.hpp"

PYSIG_NAMESPACE_BEGIN

// One row: `stored` is 1 if the row begins with its scalar; otherwise the scalar is `constant`.
template <class R>
struct row {
    const R* data;
    i64 stored;
    R constant;

    PYSIG_HD R scalar() const { return stored ? data[0] : constant; }
    // Where a level begins; `offset` is level_offset(d, level).
    PYSIG_HD const R* level(i64 offset) const { return data + stored + offset; }
};

// A place in a row as (level, word, offset of the level); the scalar is level 0.
struct place {
    int level;
    i64 word, offset;
};
PYSIG_HD place place_of(i64 index, i64 stored, i64 d) {
    if (index < stored) return {0, 0, 0};
    i64 word = index - stored, offset = 0, words = d;
    int level = 1;
    for (; word >= words; word -= words, offset += words, words *= d) ++level;
    return {level, word, offset};
}

// (a (x) b)[w] = sum of a[u] b[v] over all cuts w = u v. The cut before w is left out where a's scalar is a constant 0:
// then b need not have that level.
template <class R>
PYSIG_HD R product_coefficient(row<R> a, row<R> b, i64 d, place w) {
    if (w.level == 0) return a.scalar() * b.scalar();
    i64 prefix = w.word, suffix_offset = 0, suffix_words = 1;
    R sum = a.level(w.offset)[prefix] * b.scalar();
    for (int k = w.level - 1; k >= 1; --k) {
        // The suffix has level - k letters and index w.word mod d^(level-k).
        suffix_words *= d;
        prefix /= d;
        sum += a.level(level_offset(d, k))[prefix] * b.level(suffix_offset)[w.word % suffix_words];
        suffix_offset += suffix_words;
    }
    if (a.stored || a.constant != R(0)) sum += a.scalar() * b.level(w.offset)[w.word];
    return sum;
}

// The adjoint at a: sum over v of g[u v] b[v], words u v of up to `depth` letters. Threads that share a sum take every
// `share`-th v of each level, from `first` on, and one of them, first = 0, the empty one.
template <class R>
PYSIG_HD R product_adjoint_left(row<R> g, row<R> b, i64 d, int depth, place u, i64 first = 0, i64 share = 1) {
    R sum = first ? R(0) : (u.level ? g.level(u.offset)[u.word] : g.scalar()) * b.scalar();
    i64 words = d, offset = level_offset(d, u.level + 1), suffix_offset = 0;
    i64 level_words = power(d, u.level + 1);
    for (int n = u.level + 1; n <= depth; ++n) {
        const R* from = g.level(offset) + u.word * words;
        const R* with = b.level(suffix_offset);
        for (i64 v = first; v < words; v += share) sum += from[v] * with[v];
        offset += level_words;
        level_words *= d;
        suffix_offset += words;
        words *= d;
    }
    return sum;
}

// The adjoint at b: sum over u of g[u v] a[u].
template <class R>
PYSIG_HD R product_adjoint_right(row<R> g, row<R> a, i64 d, int depth, place v) {
    R sum = a.stored || a.constant != R(0) ? (v.level ? g.level(v.offset)[v.word] : g.scalar()) * a.scalar() : R(0);
    const i64 stride = power(d, v.level);
    i64 words = d, offset = level_offset(d, v.level + 1), prefix_offset = 0;
    i64 level_words = power(d, v.level + 1);
    for (int n = v.level + 1; n <= depth; ++n) {
        const R* from = g.level(offset) + v.word;
        const R* with = a.level(prefix_offset);
        for (i64 u = 0; u < words; ++u) sum += from[u * stride] * with[u];
        offset += level_words;
        level_words *= d;
        prefix_offset += words;
        words *= d;
    }
    return sum;
}

// ---- shuffles: bit i of `split` says whether place i of the word, counted from the last one, belongs to v ----

template <class R>
PYSIG_HD R coefficient(row<R> a, i64 d, int level, i64 word) {
    return level ? a.level(level_offset(d, level))[word] : a.scalar();
}

// The sum of a[u] b[v] over all ways to split the places of w; with `half` the last place belongs to v.
template <class R>
PYSIG_HD R shuffle_coefficient(row<R> a, row<R> b, i64 d, bool half, place w) {
    if (w.level == 0) return half ? R(0) : a.scalar() * b.scalar();
    R sum = R(0);
    for (i64 split = half; split < i64(1) << w.level; split += half ? 2 : 1) {
        i64 rest = w.word, u = 0, v = 0, u_words = 1, v_words = 1;
        int letters = 0;
        for (int i = 0; i < w.level; ++i, rest /= d) {
            if (split >> i & 1) {
                v += rest % d * v_words;
                v_words *= d;
            } else {
                u += rest % d * u_words;
                u_words *= d;
                ++letters;
            }
        }
        sum += coefficient(a, d, letters, u) * coefficient(b, d, w.level - letters, v);
    }
    return sum;
}

// The adjoint at one factor: the sum of g[w] other[t] over all words t and all shuffles w of s and t. `last` says whose
// letter must stand at the last place: 0 anyone's, 1 that of s, 2 that of t.
template <class R>
PYSIG_HD R shuffle_adjoint(row<R> g, row<R> other, i64 d, int depth, int last, place s) {
    R sum = last == 0 || (last == 1 && s.level) ? coefficient(g, d, s.level, s.word) * other.scalar() : R(0);
    i64 words = 1;
    for (int n = s.level + 1; n <= depth; ++n) {
        words *= d;
        const R* with = other.level(level_offset(d, n - s.level));
        const R* from = g.level(level_offset(d, n));
        for (i64 split = 0; split < i64(1) << n; ++split) {
            int of_other = 0;
            for (int i = 0; i < n; ++i) of_other += int(split >> i & 1);
            if (of_other != n - s.level || (last && (split & 1) != (last == 2))) continue;
            for (i64 t = 0; t < words; ++t) {
                i64 w = 0, scale = 1, s_rest = s.word, t_rest = t;
                for (int i = 0; i < n; ++i, scale *= d) {
                    i64& rest = split >> i & 1 ? t_rest : s_rest;
                    w += rest % d * scale;
                    rest /= d;
                }
                sum += from[w] * with[t];
            }
        }
    }
    return sum;
}

PYSIG_NAMESPACE_END
