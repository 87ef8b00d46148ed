// The tensor product of one pair of rows, (a (x) b)[w] = sum over w = u v of a[u] b[v], with neighbouring words in the
// lanes. Rows keep their layout; nothing is transposed. (algebra.hpp multiplies many rows, one per lane.)
//
// Level n is divided into blocks: the words p v with a common prefix p, where v has enough letters to fill some
// vectors.
//     Cuts inside p multiply contiguous coefficients of b by one coefficient of a. A block is summed over them in
//     registers and written once.
//     Cuts inside v are computed beforehand, for some hundred words at once: short rows, each a coefficient of a times
//     level 1 or 2 of b. They are written as whole vectors in sequence, so the next row overwrites the elements beyond
//     the end of the previous one.
#pragma once

#include "../../algebra/words.hpp"
#include "../lanes/lanes.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class row_product {
 public:
    using V = lanes<R>;
    static constexpr i64 width = lane_count<R>;

    // Of two channels or more.
    row_product(i64 d, int depth) : d(d) {
        i64 words = 1, offset = 0;
        for (int k = 0; k <= depth && k < max_levels; ++k, words *= d) {
            words_of[k] = words;
            begin[k] = offset;
            offset += k ? words : 0;
        }
        while (letters < depth && words_of[letters] < least) ++letters;
        while (some < depth && words_of[some + 1] <= inner_words) ++some;
        if (some < letters) some = letters;
    }

    // The levels 1 to `depth` of factor * a (x) b, from the top level down, so that `out` may be a: level n reads level
    // n of a only at the word that it writes. The scalars a0 and b0 are not in the rows.
    void operator()(R a0, const R* a, R b0, const R* b, R factor, R* out, int depth) const {
        multiply<true>(a0, a, b0, b, factor, out, depth);
    }
    // The same with a0 = 0: level `depth` of b is not read, but up to a vector behind the level before; `out` may be b.
    void operator()(const R* a, R b0, const R* b, R factor, R* out, int depth) const {
        multiply<false>(R(0), a, b0, b, factor, out, depth);
    }

 private:
    static constexpr int max_levels = 64;
    static constexpr i64 inner_words = width < 16 ? 1024 : 4096;  // of short rows that are made at once
    static constexpr i64 least = 4 * width;                       // words of a block
    static_assert(inner_words >= (least - 1) * (least - 1), "a block of more than one letter fits");

    const i64 d;
    i64 begin[max_levels], words_of[max_levels];
    int letters = 1;  // of v
    int some = 1;     // of the words whose short rows are made at once

    // A cut inside the common prefix: x multiplies `from`, as far as the words have the same letters before the cut:
    // `rest` words.
    struct cut {
        const R* x;
        const R* from;
        i64 rest, left;
    };
    // The operands of a block of words.
    struct block_sum {
        const R *a, *rows, *b_own;  // level n of a; the cuts inside v; the cut before v: own * b_own
        R own, b0, factor;
        int cuts;
        R x[max_levels];
        const R* from[max_levels];
    };

    template <bool all>  // with the cut before the first letter
    void multiply(R a0, const R* a, R b0, const R* b, R factor, R* out, int depth) const {
        for (int n = depth; n >= 1; --n) {
            if (n <= letters) short_level<all>(a0, a, b0, b, factor, out, n);
            else long_level<all>(a0, a, b0, b, factor, out, n);
        }
    }

    template <bool all>
    void short_level(R a0, const R* a, R b0, const R* b, R factor, R* out, int n) const {
        const i64 words = words_of[n];
        out += begin[n];
        for (i64 w = 0; w < words; ++w) out[w] = (a[begin[n] + w] * b0 + (all ? a0 * b[begin[n] + w] : R(0))) * factor;
        for (int k = 1; k < n; ++k) {
            const R* bk = b + begin[n - k];
            R* row = out;
            for (i64 u = 0; u < words_of[k]; ++u, row += words_of[n - k]) {
                const R x = a[begin[k] + u] * factor;
                for (i64 v = 0; v < words_of[n - k]; ++v) row[v] += x * bk[v];
            }
        }
    }

    template <bool all>
    void long_level(R a0, const R* a, R b0, const R* b, R factor, R* out, int n) const {
        const int common = n - letters - 1;  // letters that d blocks have in common
        const i64 words = words_of[letters];
        const int made = some < n ? some : n;
        const i64 rows_last = words_of[made - letters];  // blocks
        R inner[2][inner_words + width];

        cut cuts[max_levels];
        block_sum sum;
        sum.cuts = 0;
        for (int k = common; k >= (all ? 0 : 1); --k)
            cuts[sum.cuts++] = {k ? a + begin[k] : &a0, b + begin[n - k], words_of[n - k], words_of[n - k]};
        sum.a = a + begin[n];
        sum.rows = nullptr;
        sum.b_own = b + begin[letters];
        sum.b0 = b0;
        sum.factor = factor;
        const R* own = a + begin[n - letters];
        out += begin[n];
        for (i64 group = 0, block = 0; group < words_of[common]; ++group) {
            for (int k = 0; k < sum.cuts; ++k) {
                sum.x[k] = *cuts[k].x;
                sum.from[k] = cuts[k].from;
                cuts[k].from += d * words;
                cuts[k].left -= d * words;
                if (cuts[k].left) continue;
                ++cuts[k].x;
                cuts[k].from -= cuts[k].rest;
                cuts[k].left = cuts[k].rest;
            }
            for (i64 i = 0; i < d; ++i, ++block) {
                if (letters > 1 && block % rows_last == 0)
                    sum.rows = short_rows(a, b, n, words_of[made], block / rows_last, inner);
                sum.own = own[block];
                if (letters > 1) add_up<true>(sum, words, out);
                else add_up<false>(sum, words, out);
                for (int k = 0; k < sum.cuts; ++k) sum.from[k] += words;
                sum.a += words;
                sum.rows += letters > 1 ? words : 0;
                out += words;
            }
        }
    }

    // The sums over the cuts before the last 1, 2, ..., letters - 1 letters, for `count` words from word number q *
    // count on.
    const R* short_rows(const R* a, const R* b, int n, i64 count, i64 q, R (&inner)[2][inner_words + width]) const {
        const R* sums = nullptr;
        for (int j = 1; j < letters; ++j) {
            const i64 row = words_of[j], rows = count / row;
            const R* aj = a + begin[n - j] + q * rows;
            const R* bj = b + begin[j];
            R* to = inner[j % 2];
            if (row > max_unrolled || rows < width) long_rows(aj, bj, row, rows, sums, to);
            else if (sums) known_rows<true>(aj, bj, row, rows, sums, to);
            else known_rows<false>(aj, bj, row, rows, sums, to);
            sums = to;
        }
        return sums;
    }

    static void long_rows(const R* a, const R* b, i64 row, i64 rows, const R* sums, R* to) {
        for (i64 u = 0; u < rows; ++u) {
            const V x = broadcast(a[u]);
            for (i64 v = 0; v < row; v += width) {
                V value = x * load_lanes(b + v);
                if (sums) value += load_lanes(sums + u * row + v);
                store_lanes(to + u * row + v, value);
            }
        }
    }

    // Rows of a length that the compiler knows: a vector of numbers a makes as many vectors as a row has words.
    static constexpr int max_unrolled = 9;  // two letters of 3
    template <bool more, int known = max_unrolled>
    static void known_rows(const R* a, const R* b, i64 row, i64 rows, const R* sums, R* to) {
        if constexpr (known > 2)
            if (row != known) return known_rows<more, known - 1>(a, b, row, rows, sums, to);
        R repeated[(width + 1) * known + width];
        for (int m = 0; m < width; ++m)
            for (int v = 0; v < known; v += width) store_lanes(repeated + m * known + v, load_lanes(b + v));
        V pattern[known];
        for (int k = 0; k < known; ++k) pattern[k] = load_lanes(repeated + k * width);
        const auto some = [&](i64 u) {
            rows_of<more, known>(a + u, pattern, more ? sums + u * known : nullptr, to + u * known);
        };
        for (i64 u = 0; u + width < rows; u += width) some(u);
        some(rows - width);  // overlaps the ones before
    }
    template <bool more, int known, int k = 0>
    static void rows_of(const R* a, const V* pattern, const R* sums, R* to) {
        if constexpr (k < known) {
            V value = repeated_lanes<known, k>(load_lanes(a), typename count_up<width>::type{}) * pattern[k];
            if (more) value += load_lanes(sums + k * width);
            store_lanes(to + k * width, value);
            rows_of<more, known, k + 1>(a, pattern, sums, to);
        }
    }

    // In registers, some vectors at a time. The last vector ends with the block and overlaps the one before, which is
    // read together with it.
    template <bool rows>
    static void add_up(const block_sum& sum, i64 words, R* out) {
        i64 v = 0;
        for (; words - v > 8 * width; v += 6 * width) add_up_of<6, rows>(sum, v, v + 5 * width, out);
        add_up_last<8, rows>(sum, v, words, out);
    }
    template <int count, bool rows>
    static void add_up_last(const block_sum& sum, i64 v, i64 words, R* out) {
        if constexpr (count > 2)
            if (words - v <= (count - 1) * width) return add_up_last<count - 1, rows>(sum, v, words, out);
        add_up_of<count, rows>(sum, v, words - width, out);
    }
    template <int count, bool rows>
    static void add_up_of(const block_sum& sum, i64 v, i64 last, R* out) {
        V s[count];
        const auto at = [=](int i) { return i + 1 < count ? v + i * width : last; };
        for (int i = 0; i < count; ++i) {
            s[i] = load_lanes(sum.a + at(i)) * sum.b0;
            if (rows) s[i] += load_lanes(sum.rows + at(i));
            s[i] += sum.own * load_lanes(sum.b_own + at(i));
        }
        for (int k = 0; k < sum.cuts; ++k)
            for (int i = 0; i < count; ++i) s[i] += sum.x[k] * load_lanes(sum.from[k] + at(i));
        for (int i = 0; i < count; ++i) store_lanes(out + at(i), s[i] * sum.factor);
    }
};

PYSIG_NAMESPACE_END
