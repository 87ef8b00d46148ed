// The truncated tensor algebra on rows of lanes: the product, power series of an element, the shuffle product, and
// their adjoints.
//
// A row holds the scalar first, then level after level (words.hpp): level k begins at row_level(k). R is the real type;
// T is a SIMD vector of R, whose lanes are different rows, or a dual number of one, which makes every function here its
// own derivative.
#pragma once

#include "../../algebra/dual.hpp"
#include "../../algebra/words.hpp"
#include "../jobs/algebra.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr int max_levels = 64;      // of two channels or more: 2^64 words do not fit anywhere
constexpr i64 words_of_block = 16;  // makes the search for the cuts before a block, once per block, negligible

inline i64 row_level(i64 d, int level) { return level ? 1 + level_offset(d, level) : 0; }
inline i64 row_size(i64 d, int depth) { return 1 + signature_size(d, depth); }

// row_level of all levels, computed once for many words.
class row_levels {
 public:
    row_levels(i64 d, int depth) : one_channel_(d == 1) {
        for (int k = 0; k <= depth && k <= max_levels; ++k) begin_[k] = row_level(d, k);
    }
    i64 operator[](int level) const { return one_channel_ ? level : begin_[level]; }

 private:
    bool one_channel_;
    i64 begin_[max_levels + 1];
};

// A level in blocks of the words that share all but their last `letters` letters.
struct word_block {
    int letters;
    i64 words, prefixes;
};
inline word_block block_of_words(i64 d, int level) {
    word_block cut{1, d, 0};
    while (cut.letters < level && cut.words < words_of_block) cut.words *= d, ++cut.letters;
    cut.prefixes = power(d, level - cut.letters);
    return cut;
}

// out[j] = factor * (out[j] + x[0] b[0][j] + ... + x[cuts-1] b[cuts-1][j]), J neighbouring words at a time in
// registers.
template <int J, class R, class T>
inline void add_cuts_of(const T* x, const T* const* b, int cuts, R factor, i64 j, T* out) {
    T sum[J];
    for (int i = 0; i < J; ++i) sum[i] = out[j + i];
    for (int k = 0; k < cuts; ++k)
        for (int i = 0; i < J; ++i) sum[i] = sum[i] + x[k] * b[k][j + i];
    for (int i = 0; i < J; ++i) out[j + i] = sum[i] * factor;
}

template <class R, class T>
inline void add_cuts(const T* x, const T* const* b, int cuts, R factor, i64 words, T* out) {
    i64 j = 0;
    for (; j + 4 <= words; j += 4) add_cuts_of<4>(x, b, cuts, factor, j, out);
    for (; j < words; ++j) add_cuts_of<1>(x, b, cuts, factor, j, out);
}

// The words of one level that continue a prefix p by v, v of `inner` letters, d^inner = block of them:
// out[v] = factor * sum of a[u] b[rest] over all cuts u | rest of the word p v, without the cut before p if a's scalar
// is 0.
template <bool scalar_of_a, class R, class T>
inline void product_block(const T* a, const T* b, R factor, T* out, const row_levels& begin, i64 d, int level,
                          int inner, i64 block, i64 p) {
    const T* an = a + begin[level] + p * block;
    const T* before_last = a + begin[level - 1] + p * (block / d);
    // The cut at the end; with it the one before the last letter, if that is inside v.
    if (inner == 1)
        for (i64 v = 0; v < block; ++v) out[v] = an[v] * b[0];
    else
        for (i64 u = 0; u < block / d; ++u)
            for (i64 v = 0; v < d; ++v) out[u * d + v] = an[u * d + v] * b[0] + before_last[u] * b[1 + v];
    // The other cuts inside v: the prefix is p u.
    i64 rest = block;
    for (int k = level - inner + 1; k < level - 1; ++k) {
        rest /= d;
        const T* ak = a + begin[k] + p * (block / rest);
        const T* bk = b + begin[level - k];
        for (i64 u = 0; u < block / rest; ++u)
            for (i64 v = 0; v < rest; ++v) out[u * rest + v] = out[u * rest + v] + ak[u] * bk[v];
    }
    // Cuts before v: what follows is contiguous.
    T x[max_levels + 1];
    const T* from[max_levels + 1];
    int cuts = 0;
    i64 prefix = p, tail = 0, scale = 1;
    for (int k = level - inner; k >= (scalar_of_a ? 0 : 1); --k) {
        x[cuts] = a[begin[k] + prefix];
        from[cuts++] = b + begin[level - k] + tail * block;
        const i64 shorter = prefix / d;
        tail += (prefix - shorter * d) * scale;
        scale *= d;
        prefix = shorter;
    }
    add_cuts(x, from, cuts, factor, block, out);
}

// out <- factor * a (x) b up to `depth`. From the top down, so that `out` may be `a`, and `b` where a's scalar is 0:
// level n of the product reads level n of a factor only at the word that is being written. Of the top level only the
// blocks are made that `needed_blocks` marks, if it is given.
template <bool scalar_of_a, class R, class T>
inline void tensor_product(const T* a, const T* b, R factor, T* out, i64 d, int depth,
                           const unsigned char* needed_blocks = nullptr) {
    const row_levels begin(d, depth);
    for (int n = depth; n >= 1; --n) {
        const word_block cut = block_of_words(d, n);
        T* level = out + begin[n];
        for (i64 p = 0; p < cut.prefixes; ++p)
            if (n < depth || !needed_blocks || needed_blocks[p])
                product_block<scalar_of_a>(a, b, factor, level + p * cut.words, begin, d, n, cut.letters, cut.words, p);
    }
    if (scalar_of_a) out[0] = a[0] * b[0] * factor;
}

// The adjoint of factor * a (x) b: ga[u] += factor * sum of g[u v] b[v], gb[v] += factor * sum of g[u v] a[u].
template <bool scalar_of_a, class R, class T>
inline void tensor_product_adjoint(const T* a, const T* b, R factor, const T* g, T* ga, T* gb, i64 d, int depth) {
    for (int n = 0; n <= depth; ++n)
        for (int k = scalar_of_a ? 0 : 1; k <= n; ++k) {
            const i64 prefixes = power(d, k), rests = power(d, n - k);
            const T* gn = g + row_level(d, n);
            const T* ak = a + row_level(d, k);
            const T* bk = b + row_level(d, n - k);
            for (i64 u = 0; u < prefixes; ++u, gn += rests) {
                const T x = ak[u] * factor;
                T* to = gb + row_level(d, n - k);
                T sum = gn[0] * bk[0];
                to[0] = to[0] + gn[0] * x;
                for (i64 v = 1; v < rests; ++v) {
                    sum = sum + gn[v] * bk[v];
                    to[v] = to[v] + gn[v] * x;
                }
                T* of_u = ga + row_level(d, k) + u;
                *of_u = *of_u + sum * factor;
            }
        }
}

// ---- power series of an element x without scalar, in Horner form ----
//
//     w_N = c_N,     w_m = c_m + s_m x (x) w_(m+1)     for m = N-1 .. 0,     result w_0,
//
// where w_m matters up to level N-m only, so that all products together cost little more than the last one.

//     exp x = 1 + x (1 + x/2 (1 + x/3 (...)))    log(1+x) = x (1 - x (1/2 - x (1/3 - ...)))    1/(1+x) = 1 - x (1 - x
//     (...))
template <class R>
inline R series_constant(series f, int m) {
    return f == series::log ? (m ? R(1) / R(m) : R(0)) : R(1);
}
template <class R>
inline R series_factor(series f, int m) {
    return f == series::exp ? R(1) / R(m + 1) : f == series::log && m == 0 ? R(1) : R(-1);
}

template <class V, class R>
inline V shifted(V zero, R value) {
    return zero + value;
}
template <class V, class R>
inline dual<V> shifted(dual<V> zero, R value) {
    zero.value = zero.value + value;
    return zero;
}
template <class T, class R>
inline T constant_of(R value) {
    return shifted(T{}, value);
}

// `kept` receives w_1, w_2, ..., w_N one after the other, as the adjoint needs them; without `keep` it is one row of
// depth N-1.
inline i64 series_kept_size(i64 d, int depth) {
    i64 size = 0;
    for (int m = 1; m <= depth; ++m) size += row_size(d, depth - m);
    return size;
}

// Returns w_1.
template <bool keep, class R, class T>
inline T* power_series_inner(series f, const T* x, T* kept, i64 d, int depth) {
    T* last = keep ? kept + series_kept_size(d, depth) - 1 : kept;
    last[0] = constant_of<T>(series_constant<R>(f, depth));
    for (int m = depth - 1; m >= 1; --m) {
        T* next = keep ? last - row_size(d, depth - m) : last;
        tensor_product<false>(x, last, series_factor<R>(f, m), next, d, depth - m);
        next[0] = constant_of<T>(series_constant<R>(f, m));
        last = next;
    }
    return last;
}

// out <- the series of x; `out` may be x; `kept` holds one row of depth N-1. Of the top level only the blocks of words
// that are needed.
template <class R, class T>
inline void power_series(series f, const T* x, T* kept, T* out, i64 d, int depth,
                         const unsigned char* needed_blocks = nullptr) {
    const T* inner = power_series_inner<false, R>(f, x, kept, d, depth);
    tensor_product<false>(x, inner, series_factor<R>(f, 0), out, d, depth, needed_blocks);
    out[0] = constant_of<T>(series_constant<R>(f, 0));
}

// gx += the gradient at x of <g, series(x)>, from the kept rows; `work` holds two rows of depth N-1.
template <class R, class T>
inline void power_series_adjoint(series f, const T* x, const T* kept, const T* g, T* gx, T* work, i64 d, int depth) {
    T* spare = work + row_size(d, depth - 1);
    for (int m = 0; m < depth; ++m) {
        const i64 size = row_size(d, depth - m - 1);
        for (i64 w = 0; w < size; ++w) spare[w] = T{};
        tensor_product_adjoint<false>(x, kept, series_factor<R>(f, m), g, gx, spare, d, depth - m);
        kept += size;
        g = spare;
        spare = spare == work ? work + row_size(d, depth - 1) : work;
    }
}

// to <- map applied to `from`, of another place.
template <class R, class T>
inline void apply_map(const sparse_map<R>& map, const T* from, T* to) {
    for (i64 row = 0; row < map.rows; ++row) {
        T sum{};
        for (i64 k = map.indptr[row]; k < map.indptr[row + 1]; ++k) sum = sum + from[map.indices[k]] * map.data[k];
        to[row] = sum;
    }
}

// ---- shuffle products: every way to split the places of a word between two words ----

template <class T>
class shuffle_words {
 public:
    // half: the last place belongs to b. `scratch` holds the splits of all prefixes of a word, 1 + 2 + ... + 2^depth of
    // them.
    shuffle_words(i64 channels, int depth, bool half, void* scratch) : d(channels), depth(depth), half(half) {
        for (int k = 0; k <= depth; ++k) begin[k] = row_level(d, k);
        splits[0] = static_cast<split*>(scratch);
        splits[0][0] = {0, 0, 0, 0, 0, 0};
        for (int k = 1; k <= depth; ++k) splits[k] = splits[k - 1] + (i64(1) << (k - 1));
    }
    static i64 scratch_bytes(int depth) { return (i64(2) << depth) * i64(sizeof(split)); }

    void product(const T* a, const T* b, T* out) {
        out[0] = half ? T{} : a[0] * b[0];
        walk(0, 0, [&](i64 w, const split* s, i64 count) {
            T sum = a[s[0].u] * b[s[0].v];
            for (i64 i = 1; i < count; ++i) sum = sum + a[s[i].u] * b[s[i].v];
            out[w] = sum;
        });
    }

    void adjoint(const T* a, const T* b, const T* g, T* ga, T* gb) {
        if (!half) {
            ga[0] = ga[0] + g[0] * b[0];
            gb[0] = gb[0] + g[0] * a[0];
        }
        walk(0, 0, [&](i64 w, const split* s, i64 count) {
            for (i64 i = 0; i < count; ++i) {
                ga[s[i].u] = ga[s[i].u] + g[w] * b[s[i].v];
                gb[s[i].v] = gb[s[i].v] + g[w] * a[s[i].u];
            }
        });
    }

 private:
    // Places of u and v in their rows; their words and lengths, to continue them.
    struct split {
        i64 u, v, u_word, v_word;
        int u_level, v_level;
    };
    i64 d;
    int depth;
    bool half;
    i64 begin[max_levels + 1];
    split* splits[max_levels + 1];

    // Visits the words below `word` (of k letters), depth first. The splits where the new letter goes to v come first:
    // `half` takes those.
    template <class F>
    void walk(int k, i64 word, F&& visit) {
        if (k == depth) return;
        const i64 count = i64(1) << k;
        split* next = splits[k + 1];
        for (i64 letter = 0; letter < d; ++letter) {
            for (i64 i = 0; i < count; ++i) {
                split s = splits[k][i];
                s.v_word = s.v_word * d + letter;
                s.v = begin[++s.v_level] + s.v_word;
                next[i] = s;
                s = splits[k][i];
                s.u_word = s.u_word * d + letter;
                s.u = begin[++s.u_level] + s.u_word;
                next[count + i] = s;
            }
            visit(begin[k + 1] + word * d + letter, next, half ? count : 2 * count);
            walk(k + 1, word * d + letter, visit);
        }
    }
};

PYSIG_NAMESPACE_END
