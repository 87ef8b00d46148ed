// The forward and the reverse pass of a tree of words over a block of time, on lanes: tile_forward.hpp and
// tile_backward.hpp for any set of words that contains its prefixes.
//
// Words are visited depth first. With h(u) = length of the longest word below u, less that of u, the chain of u
// (horner.hpp) has h(u) entries. The pass computes it for all steps of the block and updates S[u] in a register. A
// leaf, h(u) = 0, has no chain and takes one multiply-add per step. A step of the tree costs the sum of 1 + h(u) over
// its words; each prefix is computed once.
//
// T is lanes<R>, or a dual number of them for directional derivatives.
#pragma once

#include "../../algebra/dual.hpp"
#include "../../algebra/horner.hpp"
#include "../jobs/projection.hpp"
#include "../lanes/lanes.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr int max_letters = 64;  // the largest length of a word

template <class R, class T>
class tree_walk {
 public:
    // Size of the scratch in T; the reverse pass needs `adjoints` of the chains too.
    static i64 chain_size(const word_tree& tree, i64 block, bool adjoints) {
        const i64 n = tree.depth, entries = n + block * (n * (n - 1) / 2);
        return entries + (adjoints ? block * (n * (n + 1) / 2) : 0);
    }

    tree_walk(const word_tree& tree, i64 channels, i64 block, T* scratch, bool adjoints) : tree(tree), d(channels) {
        for (int r = 0; r < tree.depth; ++r) scratch[r] = constant(chain_of_empty_word<R>(r));
        chain[0] = scratch;
        scratch += tree.depth;
        for (int k = 1; k < tree.depth; ++k) {
            chain[k] = scratch;
            scratch += block * (tree.depth - k);
        }
        for (int k = 0; adjoints && k < tree.depth; ++k) {
            chain_bar[k] = scratch;
            scratch += block * (tree.depth - k);
        }
    }

    static T constant(R value) {
        T number{};
        if constexpr (sizeof(T) == sizeof(lanes<R>)) number = broadcast(value);
        else number.value = broadcast(value);
        return number;
    }

    // Advances the nodes [begin, end), whole subtrees of the root, by `count` increments, laid out (count, d). Updates
    // S of leaves only if `leaves`.
    void advance_block(const T* increments, i64 count, T* states, i64 begin, i64 end, bool leaves) {
        x = increments;
        steps = count;
        s = states;
        for (i64 n = begin > 0 ? begin : 1; n < end;) {
            if (tree.height[n] == 0) {
                const i64 run = leaf_run(n, end);
                if (leaves) advance_leaves(n, run);
                n += run;
            } else {
                const i64 run = leaves && tree.height[n] == 1 ? leaf_run(n + 1, end) : 0;
                if (run > 0 && run <= max_leaves) {
                    advance_family<max_leaves>(n, run);
                    n += 1 + run;
                } else {
                    advance_word(n++);
                }
            }
        }
    }

    // Moves states and adjoints of the same nodes from after the increments to before them. Adds the adjoints of the
    // increments to x_bar.
    void retreat_block(const T* increments, T* increments_bar, i64 count, T* states, T* adjoints, i64 begin, i64 end) {
        x = increments;
        x_bar = increments_bar;
        steps = count;
        s = states;
        s_bar = adjoints;
        for (i64 t = 0; t < steps * tree.height[0]; ++t) chain_bar[0][t] = T{};
        for (i64 n = begin > 0 ? begin : 1; n < end;) n = retreat_subtree(n, end);
    }

 private:
    static constexpr int max_leaves =
        sizeof(T) == sizeof(lanes<R>) ? 8 : 4;  // sibling leaves that share the loads of one chain
    const word_tree& tree;
    const i64 d;
    T* chain[max_letters];
    T* chain_bar[max_letters];
    const T* x = nullptr;
    T* x_bar = nullptr;
    i64 steps = 0;
    T* s = nullptr;
    T* s_bar = nullptr;

    // Chain entries per step: h(n); 0 for the empty word, whose chain does not change.
    i64 stride(i64 n) const { return n == 0 ? 0 : tree.height[n]; }
    const T* chain_above(i64 n) const { return chain[tree.level[n] - 1]; }

    i64 leaf_run(i64 n, i64 end) const {
        i64 last = n;
        while (last < end && tree.height[last] == 0 && tree.parent[last] == tree.parent[n]) ++last;
        return last - n;
    }

    // ---- forwards ----

    void advance_word(i64 n) {
        switch (tree.height[n]) {
            case 1: return advance_word_of<1>(n);
            case 2: return advance_word_of<2>(n);
            case 3: return advance_word_of<3>(n);
            case 4: return advance_word_of<4>(n);
            case 5: return advance_word_of<5>(n);
            default: return advance_word_of<0>(n);
        }
    }

    template <int fixed>
    void advance_word_of(i64 n) {
        const i64 up = stride(tree.parent[n]), height = fixed ? fixed : tree.height[n];
        const T* parent = chain_above(n);
        const T* xt = x + tree.letter[n];
        T* PYSIG_RESTRICT own = chain[tree.level[n]];
        T value = s[n];
        for (i64 t = 0; t < steps; ++t, parent += up, own += height, xt += d) {
            for (i64 r = 1; r <= height; ++r) own[r - 1] = chain_entry<R>(parent[r], *xt, value, int(r));
            value = advance(value, parent[0], *xt);
        }
        s[n] = value;
    }

    void advance_leaves(i64 n, i64 count) {
        const i64 up = stride(tree.parent[n]);
        for (; count > 0; n += max_leaves, count -= max_leaves) advance_leaves_of<max_leaves>(n, count, up);
    }

    template <int G>
    void advance_leaves_of(i64 n, i64 count, i64 up) {
        if constexpr (G > 0) {
            if (count < G) return advance_leaves_of<G - 1>(n, count, up);
            const T* parent = chain_above(n);
            const T* xt[G];
            T sum[G];
            for (int g = 0; g < G; ++g) {
                sum[g] = s[n + g];
                xt[g] = x + tree.letter[n + g];
            }
            for (i64 t = 0, at = 0; t < steps; ++t, at += d, parent += up) {
                const T h = parent[0];
                for (int g = 0; g < G; ++g) sum[g] = advance(sum[g], h, xt[g][at]);
            }
            for (int g = 0; g < G; ++g) s[n + g] = sum[g];
        }
    }

    // A word of height 1 with all its leaves: the only entry of its chain stays in a register.
    template <int G>
    void advance_family(i64 n, i64 count) {
        if constexpr (G > 0) {
            if (count < G) return advance_family<G - 1>(n, count);
            const i64 up = stride(tree.parent[n]);
            const T* parent = chain_above(n);
            const T* own = x + tree.letter[n];
            const T* xt[G];
            T sum[G], value = s[n];
            for (int g = 0; g < G; ++g) {
                sum[g] = s[n + 1 + g];
                xt[g] = x + tree.letter[n + 1 + g];
            }
            for (i64 t = 0, at = 0; t < steps; ++t, at += d, parent += up) {
                T h;
                extend<R, 2>(parent, own[at], value, &h);
                for (int g = 0; g < G; ++g) sum[g] = advance(sum[g], h, xt[g][at]);
            }
            s[n] = value;
            for (int g = 0; g < G; ++g) s[n + 1 + g] = sum[g];
        }
    }

    // ---- backwards ----

    // Returns the node after the subtree of n, or, if n is a leaf, after n and its sibling leaves.
    i64 retreat_subtree(i64 n, i64 end) {
        if (tree.height[n] == 0) {
            const i64 run = leaf_run(n, end);
            retreat_leaves(n, run);
            return n + run;
        }
        const i64 run = tree.height[n] == 1 ? leaf_run(n + 1, end) : 0;
        if (run > 0 && run <= max_leaves) {
            retreat_family<max_leaves>(n, run);
            return n + 1 + run;
        }
        const int k = int(tree.level[n]);
        descend(n);
        for (i64 t = 0; t < steps * tree.height[n]; ++t) chain_bar[k][t] = T{};
        i64 child = n + 1;
        while (child < end && tree.level[child] > k) child = retreat_subtree(child, end);
        ascend(n);
        return child;
    }

    void retreat_leaves(i64 n, i64 count) {
        for (; count > 0; n += max_leaves, count -= max_leaves) retreat_leaves_of<max_leaves>(n, count);
    }

    template <int G>
    void retreat_leaves_of(i64 n, i64 count) {
        if constexpr (G > 0) {
            if (count < G) return retreat_leaves_of<G - 1>(n, count);
            const i64 up = stride(tree.parent[n]), up_bar = tree.height[tree.parent[n]];
            const T* parent = chain_above(n);
            T* parent_bar = chain_bar[tree.level[n] - 1];
            i64 letter[G];
            T weight[G];
            for (int g = 0; g < G; ++g) {
                weight[g] = s_bar[n + g];
                letter[g] = tree.letter[n + g];
            }
            for (i64 t = 0, at = 0; t < steps; ++t, at += d, parent += up, parent_bar += up_bar) {
                const T h = parent[0];
                T h_bar = parent_bar[0];
                for (int g = 0; g < G; ++g) {
                    h_bar = h_bar + weight[g] * x[at + letter[g]];
                    x_bar[at + letter[g]] = x_bar[at + letter[g]] + weight[g] * h;
                }
                parent_bar[0] = h_bar;
            }
        }
    }

    // A word of height 1 with all its leaves: the only entry of its chain and its adjoint stay in registers.
    template <int G>
    void retreat_family(i64 n, i64 count) {
        if constexpr (G > 0) {
            if (count < G) return retreat_family<G - 1>(n, count);
            const i64 up = stride(tree.parent[n]), up_bar = tree.height[tree.parent[n]], own = tree.letter[n];
            const T* parents = chain_above(n);
            T* parents_bar = chain_bar[tree.level[n] - 1];
            i64 letter[G];
            T weight[G], value = s[n], bar = s_bar[n];
            for (int g = 0; g < G; ++g) {
                weight[g] = s_bar[n + 1 + g];
                letter[g] = tree.letter[n + 1 + g];
            }
            for (i64 t = steps - 1; t >= 0; --t) {
                const T *parent = parents + t * up, *xt = x + t * d;
                T *parent_bar = parents_bar + t * up_bar, *xt_bar = x_bar + t * d;
                T h, h_bar{};
                retreat<R>(2, parent, xt[own], value, &h);
                for (int g = 0; g < G; ++g) {
                    h_bar = h_bar + weight[g] * xt[letter[g]];
                    xt_bar[letter[g]] = xt_bar[letter[g]] + weight[g] * h;
                }
                extend_adjoint<R>(2, parent, xt[own], &h_bar, bar, parent_bar, xt_bar[own]);
            }
            s[n] = value;
            s_bar[n] = bar;
        }
    }

    void descend(i64 n) {
        switch (tree.height[n]) {
            case 1: return descend_of<1>(n);
            case 2: return descend_of<2>(n);
            case 3: return descend_of<3>(n);
            case 4: return descend_of<4>(n);
            default: return descend_of<0>(n);
        }
    }
    void ascend(i64 n) {
        switch (tree.height[n]) {
            case 1: return ascend_of<1>(n);
            case 2: return ascend_of<2>(n);
            case 3: return ascend_of<3>(n);
            case 4: return ascend_of<4>(n);
            default: return ascend_of<0>(n);
        }
    }

    template <int fixed>
    void descend_of(i64 n) {
        const i64 up = stride(tree.parent[n]);
        const int height = fixed ? fixed : int(tree.height[n]);
        const T* xt = x + tree.letter[n];
        T value = s[n];
        for (i64 t = steps - 1; t >= 0; --t)
            retreat<R>(height + 1, chain_above(n) + t * up, xt[t * d], value, chain[tree.level[n]] + t * height);
        s[n] = value;
    }

    template <int fixed>
    void ascend_of(i64 n) {
        const i64 up = stride(tree.parent[n]), up_bar = tree.height[tree.parent[n]], c = tree.letter[n];
        const int height = fixed ? fixed : int(tree.height[n]), k = int(tree.level[n]);
        T bar = s_bar[n];
        for (i64 t = steps - 1; t >= 0; --t) {
            T* parent_bar = chain_bar[k - 1] + t * up_bar;
            T sums[fixed ? fixed + 1 : max_letters];
            for (int r = 0; r <= height; ++r) sums[r] = parent_bar[r];
            extend_adjoint<R>(height + 1, chain[k - 1] + t * up, x[t * d + c], chain_bar[k] + t * height, bar, sums,
                              x_bar[t * d + c]);
            for (int r = 0; r <= height; ++r) parent_bar[r] = sums[r];
        }
        s_bar[n] = bar;
    }
};

PYSIG_NAMESPACE_END
