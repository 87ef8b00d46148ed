// Chen's product of rows whose lanes are different signatures, all of scalar 1 (kernels/lane_step.hpp). The words of
// one level that share all but their last two letters are a block: every cut before these letters multiplies contiguous
// words by one number, and each word is read and written once.
#pragma once

#include "../../algebra/words.hpp"
#include "../lanes/lanes.hpp"
#include "algebra.hpp"

PYSIG_NAMESPACE_BEGIN

template <class T>
class lane_product {
 public:
    lane_product(i64 channels, int depth) : d(channels), depth(depth), begin(channels, depth) {}

    // out = a (x) b, a row of scalar 1. `out` is another row than a and b.
    void operator()(const T* PYSIG_RESTRICT a, const T* PYSIG_RESTRICT b, T* PYSIG_RESTRICT out) const {
        out[0] = a[0];
        for (i64 i = 1; i <= d; ++i) out[i] = a[i] + b[i];
        for (int n = 2; n <= depth; ++n)
            each_block(n, [&](i64 p, const cut* cuts) {
                block here{
                    a + begin[n] + p * d * d, b + begin[n] + p * d * d, a + begin[n - 1] + p * d, b + 1, {}, {}, n - 2};
                for (int k = 0; k < here.cuts; ++k) {
                    here.x[k] = a[cuts[k].before];
                    here.from[k] = b + cuts[k].after;
                }
                sums(here, out + begin[n] + p * d * d);
            });
    }

    // The adjoint: sets a_bar to the sum of g[u v] b[v], adds that of g[u v] a[u] to b_bar. The scalars have none.
    void adjoint(const T* PYSIG_RESTRICT a, const T* PYSIG_RESTRICT b, const T* PYSIG_RESTRICT g,
                 T* PYSIG_RESTRICT a_bar, T* PYSIG_RESTRICT b_bar) const {
        const i64 size = begin[depth] + power(d, depth);
        a_bar[0] = T{};
        for (i64 m = 1; m < size; ++m) {
            a_bar[m] = g[m];
            b_bar[m] = b_bar[m] + g[m];
        }
        for (int n = 2; n <= depth; ++n)
            each_block(n, [&](i64 p, const cut* cuts) {
                const T* weights = g + begin[n] + p * d * d;
                last_letter(weights, a + begin[n - 1] + p * d, b + 1, a_bar + begin[n - 1] + p * d, b_bar + 1);
                for (int k = 0; k < n - 2; ++k)
                    inner_cut(weights, a[cuts[k].before], b + cuts[k].after, a_bar[cuts[k].before],
                              b_bar + cuts[k].after);
            });
    }

 private:
    static constexpr i64 max_known = 8;  // letters that are known to the compiler

    const i64 d;
    const int depth;
    const row_levels begin;

    // Places in a row of the word before a cut, and of the first of the words after it.
    struct cut {
        i64 before, after;
    };
    // x[k] multiplies the words from[k]; `last` those of level 1.
    struct block {
        const T *a, *b, *last, *b_1;
        T x[max_levels];
        const T* from[max_levels];
        int cuts;
    };

    // f(p, cuts) for every word p of n - 2 letters, with the cuts before its last k letters.
    template <class F>
    void each_block(int n, const F& f) const {
        const i64 prefixes = power(d, n - 2);
        cut cuts[max_levels];
        for (i64 p = 0; p < prefixes; ++p) {
            i64 prefix = p, rest = 0, scale = 1;
            for (int k = 0; k < n - 2; ++k) {
                cuts[k] = {begin[n - 2 - k] + prefix, begin[k + 2] + rest * d * d};
                rest += prefix % d * scale;
                scale *= d;
                prefix /= d;
            }
            f(p, cuts);
        }
    }

    void last_letter(const T* PYSIG_RESTRICT g, const T* PYSIG_RESTRICT a, const T* PYSIG_RESTRICT b_1,
                     T* PYSIG_RESTRICT a_bar, T* PYSIG_RESTRICT b_1_bar) const {
        for (i64 i = 0; i < d; ++i, g += d) {
            T sum = a_bar[i];
            const T own = a[i];
            for (i64 j = 0; j < d; ++j) {
                sum = sum + g[j] * b_1[j];
                b_1_bar[j] = b_1_bar[j] + g[j] * own;
            }
            a_bar[i] = sum;
        }
    }
    // In four running sums, which hide the latency of the addition.
    void inner_cut(const T* PYSIG_RESTRICT g, T x, const T* PYSIG_RESTRICT from, T& x_bar,
                   T* PYSIG_RESTRICT from_bar) const {
        T s[4] = {};
        const i64 words = d * d;
        i64 m = 0;
        for (; m + 4 <= words; m += 4)
            for (int q = 0; q < 4; ++q) {
                s[q] = s[q] + g[m + q] * from[m + q];
                from_bar[m + q] = from_bar[m + q] + g[m + q] * x;
            }
        for (; m < words; ++m) {
            s[0] = s[0] + g[m] * from[m];
            from_bar[m] = from_bar[m] + g[m] * x;
        }
        x_bar = x_bar + ((s[0] + s[1]) + (s[2] + s[3]));
    }

    // D letters if they are known, else 0.
    template <i64 D = max_known>
    void sums(const block& of, T* out) const {
        if constexpr (D > 1)
            if (d != D) return sums<D - 1>(of, out);
        switch (of.cuts) {
            case 0: return sums_of < D == 1 ? 0 : D, 0 > (of, out);
            case 1: return sums_of < D == 1 ? 0 : D, 1 > (of, out);
            case 2: return sums_of < D == 1 ? 0 : D, 2 > (of, out);
            case 3: return sums_of < D == 1 ? 0 : D, 3 > (of, out);
            default: return sums_of < D == 1 ? 0 : D, -1 > (of, out);
        }
    }

    template <i64 D, int known>
    void sums_of(const block& of, T* PYSIG_RESTRICT out) const {
        const i64 letters = D ? D : d;
        const int cuts = known < 0 ? of.cuts : known;
        for (i64 i = 0, m = 0; i < letters; ++i) {
            const T own = of.last[i];
            for (i64 j = 0; j < letters; ++j, ++m) {
                T sum = of.a[m] + of.b[m] + own * of.b_1[j];
                for (int k = 0; k < cuts; ++k) sum = sum + of.x[k] * of.from[k][m];
                out[m] = sum;
            }
        }
    }
};

PYSIG_NAMESPACE_END
