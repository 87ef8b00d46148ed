// One step of signatures whose lanes are different paths or intervals, at the end or at the front, from one row to
// another, and its adjoint.
//
// A row holds the scalar first, which is 1, then level after level (words.hpp), as in kernels/algebra.hpp. Level by
// level, the chains of all words of a level (horner.hpp) come from those of the level above. To prepend a step is to
// append it to words that are read backwards: the word i u takes the place of u i.
//
// R is the real type; T is a SIMD vector of R, or a dual number of one.
#pragma once

#include "../../algebra/horner.hpp"
#include "../../algebra/words.hpp"
#include "../lanes/lanes.hpp"
#include "../lanes/numbers.hpp"
#include "tile_forward.hpp"

PYSIG_NAMESPACE_BEGIN

enum class side { end, front };

template <class R, class T>
class lane_step {
 public:
    // Numbers of scratch: chains of two levels for a step; with their adjoints, of all levels, for the adjoint.
    static i64 scratch_size(i64 d, int depth) { return 2 * chains_of_level(d, depth); }
    static i64 adjoint_scratch_size(i64 d, int depth) { return 2 * chains_of_all_levels(d, depth); }

    lane_step(i64 channels, int depth, T* scratch) : d(channels), depth(depth), scratch(scratch) {}

    // `after` may be `before`.
    template <side at>
    void advance_row(const T* x, const T* before, T* after) const {
        T *parent = scratch, *child = scratch + chains_of_level(d, depth);
        begin(parent);
        after[0] = before[0];
        i64 words = 1, offset = 1;
        for (int k = 0; k < depth; ++k) {
            step_level<at>(depth - k, words, parent, x, before + offset, after + offset, child);
            words *= d;
            offset += words;
            T* swap = parent;
            parent = child;
            child = swap;
        }
    }

    // Moves the adjoint `bar` of a row from after the step to before it; `before` is the row before the step. Adds to
    // the adjoint of x.
    template <side at>
    void adjoint(const T* x, const T* before, T* bar, T* x_bar) const {
        // Down: the chains of all levels but the last one; then their adjoints, from the last level up.
        T* chain = scratch;
        T* chain_bar = scratch + chains_of_all_levels(d, depth);
        begin(chain);
        i64 words = 1, offset = 1, used = 0;
        for (int k = 0; k + 1 < depth; ++k) {
            const i64 next = used + words * (depth - k);
            for (i64 u = 0; u < words; ++u)
                for (i64 i = 0; i < d; ++i) {
                    const i64 w = place<at>(u, i, words);
                    for (int r = 1; r < depth - k; ++r)
                        chain[next + w * (depth - k - 1) + r - 1] =
                            chain_entry<R>(chain[used + u * (depth - k) + r], x[i], before[offset + w], r);
                }
            words *= d;
            offset += words;
            used = next;
        }
        const i64 all = used + words * 1;
        for (i64 m = 0; m < all; ++m) chain_bar[m] = T{};
        for (int k = depth - 1; k >= 0; --k) {
            const int reach = depth - k;
            adjoint_level<at>(reach, words, chain + used, x, chain_bar + used + words * reach, bar + offset,
                              chain_bar + used, x_bar);
            if (k == 0) break;
            offset -= words;
            words /= d;
            used -= words * (reach + 1);
        }
    }

 private:
    const i64 d;
    const int depth;
    T* const scratch;

    static i64 chains_of_level(i64 d, int depth) {
        i64 most = depth;
        for (int k = 1; k < depth; ++k) most = power(d, k) * (depth - k) > most ? power(d, k) * (depth - k) : most;
        return most;
    }
    static i64 chains_of_all_levels(i64 d, int depth) {
        i64 sum = 0;
        for (int k = 0; k < depth; ++k) sum += power(d, k) * (depth - k);
        return sum;
    }

    // The index, among the words of its level, of u with the letter i at its end or at its front.
    template <side at>
    i64 place(i64 u, i64 i, i64 words) const {
        return at == side::end ? u * d + i : i * words + u;
    }

    void begin(T* chain) const {
        for (int r = 0; r < depth; ++r) {
            chain[r] = T{};
            add_value(chain[r], broadcast(chain_of_empty_word<R>(r)));
        }
    }

    template <side at>
    void step_level(int reach, i64 words, const T* parent, const T* x, const T* s, T* to, T* child) const {
        switch (reach) {
            case 1: return step_level_of<at, 1>(1, words, parent, x, s, to, child);
            case 2: return step_level_of<at, 2>(2, words, parent, x, s, to, child);
            case 3: return step_level_of<at, 3>(3, words, parent, x, s, to, child);
            case 4: return step_level_of<at, 4>(4, words, parent, x, s, to, child);
            default: return step_level_of<at, 0>(reach, words, parent, x, s, to, child);
        }
    }

    template <side at>
    void adjoint_level(int reach, i64 words, const T* parent, const T* x, const T* child_bar, T* s_bar, T* parent_bar,
                       T* x_bar) const {
        switch (reach) {
            case 1: return adjoint_level_of<at, 1>(1, words, parent, x, child_bar, s_bar, parent_bar, x_bar);
            case 2: return adjoint_level_of<at, 2>(2, words, parent, x, child_bar, s_bar, parent_bar, x_bar);
            case 3: return adjoint_level_of<at, 3>(3, words, parent, x, child_bar, s_bar, parent_bar, x_bar);
            case 4: return adjoint_level_of<at, 4>(4, words, parent, x, child_bar, s_bar, parent_bar, x_bar);
            default: return adjoint_level_of<at, 0>(reach, words, parent, x, child_bar, s_bar, parent_bar, x_bar);
        }
    }

    // What the inner loop adds to stays in registers: the adjoints of the chain of u, or that of a letter.
    template <side at, int known>
    void adjoint_level_of(int reach, i64 words, const T* PYSIG_RESTRICT parent, const T* PYSIG_RESTRICT x,
                          const T* PYSIG_RESTRICT child_bar, T* PYSIG_RESTRICT s_bar, T* PYSIG_RESTRICT parent_bar,
                          T* PYSIG_RESTRICT x_bar) const {
        if (known) reach = known;
        if (at == side::end) {
            for (i64 u = 0; u < words; ++u, parent += reach, parent_bar += reach) {
                T sums[known ? known : max_depth];
                for (int r = 0; r < reach; ++r) sums[r] = parent_bar[r];
                for (i64 i = 0; i < d; ++i, ++s_bar, child_bar += reach - 1)
                    extend_adjoint<R>(reach, parent, x[i], child_bar, *s_bar, sums, x_bar[i]);
                for (int r = 0; r < reach; ++r) parent_bar[r] = sums[r];
            }
            return;
        }
        for (i64 i = 0; i < d; ++i) {
            T sum = x_bar[i];
            const T xi = x[i];
            for (i64 u = 0; u < words; ++u, ++s_bar, child_bar += reach - 1)
                extend_adjoint<R>(reach, parent + u * reach, xi, child_bar, *s_bar, parent_bar + u * reach, sum);
            x_bar[i] = sum;
        }
    }

    // The words of a letter i, or of a word u, are adjacent; the inner loop runs over them.
    template <side at, int known>
    void step_level_of(int reach, i64 words, const T* PYSIG_RESTRICT parent, const T* PYSIG_RESTRICT x, const T* s,
                       T* to, T* PYSIG_RESTRICT child) const {
        if (known) reach = known;
        const i64 outer = at == side::end ? words : d, inner = at == side::end ? d : words;
        for (i64 o = 0; o < outer; ++o, s += inner, to += inner, child += inner * (reach - 1)) {
            for (i64 n = 0; n < inner; ++n) {
                const T* chain = parent + (at == side::end ? o : n) * reach;
                const T xi = x[at == side::end ? n : o], own = s[n];
                to[n] = advance(own, chain[0], xi);
                for (int r = 1; r < reach; ++r) child[n * (reach - 1) + r - 1] = chain_entry<R>(chain[r], xi, own, r);
            }
        }
    }
};

PYSIG_NAMESPACE_END
