// The forward pass of a tile of words over a block of time, on lanes.
//
// A tile is a prefix p of `m` letters, a range of next letters, and all words that continue them: a subtree of the tree
// of words. For each block of time the subtree is visited depth first. At each word u the kernel computes the chain of
// u (horner.hpp) for all steps of the block from the chain of its parent, one multiply-add per entry, and updates S[u]
// in a register. The last two letters are a register tile (tile.hpp). The chain of u costs depth - |u| multiply-adds
// per step and is shared by all words below, so all chains together cost about 1/d of the top level. Arrays of size
// d^depth are not read at every step.
#pragma once

#include "../../algebra/tile.hpp"
#include "../../algebra/words.hpp"
#include "../lanes/lanes.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr int max_depth = 64;      // 2^64 words do not fit anywhere; one channel is computed in closed form
constexpr int max_whole_rows = 5;  // channels up to which a register tile holds all letters j
constexpr int sibling_chains = 3;
constexpr int wide_letters = vector_registers >= 32 ? 4 : 3;
constexpr int wide_columns = vector_registers >= 32 ? 6 : 4;

// The prefix has the word index `prefix` within level m; the letters after it lie in [first, last).
struct word_tile {
    int m;
    i64 prefix, first, last;
};

// The number of words of `level` that the tile owns, and the index of the first one within the level. Of a level up to
// m the tile owns one word, the prefix of p.
inline i64 tile_begin(const word_tile& tile, i64 d, int level) {
    return level <= tile.m ? tile.prefix / power(d, tile.m - level)
                           : (tile.prefix * d + tile.first) * power(d, level - tile.m - 1);
}
inline i64 tile_words(const word_tile& tile, i64 d, int level) {
    return level <= tile.m ? 1 : (tile.last - tile.first) * power(d, level - tile.m - 1);
}
// The tile that contains the first word below a prefix writes the coefficient of the prefix.
inline bool tile_writes(const word_tile& tile, i64 d, int level) {
    return level > tile.m || (tile.first == 0 && tile.prefix % power(d, tile.m - level) == 0);
}

// Rows i of a register tile with J columns j, such that its accumulators, the running values and chains of its rows,
// and one increment fit the registers.
template <int J>
constexpr int tile_rows(int letters) {
    int max_rows = (vector_registers - 1) / (J + 2);
    if (max_rows < 1) max_rows = 1;
    const i64 blocks = ceil_div(letters, max_rows);
    return int(ceil_div(letters, blocks));
}

template <class R>
class tile_forward {
 public:
    using V = lanes<R>;

    // Sizes of the scratch: chains of `block` steps at every level; the states of the tile's words.
    static i64 chain_size(int depth, i64 block) {
        return depth + block * (sibling_chains * (i64(depth) * (depth - 1) / 2) + wide_letters);
    }
    static i64 state_size(const word_tile& tile, i64 d, int depth) {
        i64 size = 0;
        for (int k = 1; k <= depth; ++k) size += tile_words(tile, d, k);
        return size;
    }

    tile_forward(i64 channels, int depth, i64 block, V* chains, V* states)
        : d(channels), depth(depth), block(block), states(states) {
        for (int r = 0; r < depth; ++r) {
            chains[r] = broadcast(chain_of_empty_word<R>(r));
            inverse[r] = r ? R(1) / R(r) : R(0);
        }
        chain[0] = chains;
        chains += depth;
        for (int k = 1; k < depth; ++k) {
            chain[k] = chains;
            chains += sibling_chains * block * (depth - k);
        }
        h = chains;
    }

    // Selects the tile. The caller then sets its states, state(level).
    void open(const word_tile& t) {
        tile = t;
        V* s = states;
        for (int k = 1; k <= depth; ++k) {
            level[k] = s;
            s += tile_words(tile, d, k);
        }
    }
    V* state(int k) const { return level[k]; }

    // Declares that increments move channels [channels, 2 channels) in even steps and [0, channels) in odd ones, as
    // lead-lag does. From 6 channels on, the kernel skips the other products.
    void alternate(i64 channels) { half = channels; }

    // Advances the tile along `steps` increments x, laid out (steps, d); the first step is even.
    void advance_block(const V* increments, i64 count) {
        x = increments;
        steps = count;
        if (depth == 1) return sum();
        for (int k = 0; k < tile.m; ++k)
            step_letters<1>(k, chain[k], chain[k + 1], tile_begin(tile, d, k + 1) % d, level[k + 1]);
        children(tile.m, chain[tile.m], 0, tile.first, tile.last);
    }

 private:
    i64 d;
    int depth;
    i64 block;
    i64 half = 0;
    V* states;
    R inverse[max_depth + 1];  // 1 / r
    V* chain[max_depth + 1];
    V* level[max_depth + 1];
    V* h;
    word_tile tile{};
    const V* x = nullptr;
    i64 steps = 0;

    void sum() {
        for (i64 i = tile.first; i < tile.last; ++i) {
            V s = level[1][i - tile.first];
            for (i64 t = 0; t < steps; ++t) s = s + x[t * d + i];
            level[1][i - tile.first] = s;
        }
    }

    // The chain of the empty word is the same at all times: one row.
    i64 chain_stride(int k) const { return k == 0 ? 0 : depth - k; }

    // `base`: index, within the tile's words of level k + 1, of the child by the letter `first`.
    void children(int k, const V* parent, i64 base, i64 first, i64 last) {
        if (k == depth - 2) return last_letters(parent, base, first, last);
        if (d == 2 && k == depth - 3) return last_three(parent, base, first, last);
        V* child = chain[k + 1];
        const i64 size = block * (depth - k - 1);
        for (i64 i = first; i < last;) {
            const i64 word = base + i - first, rest = last - i;
            const int siblings = rest == 4 || rest == 2 ? 2 : rest >= 3 ? 3 : 1;
            if (siblings == 3) step_letters<3>(k, parent, child, i, level[k + 1] + word);
            else if (siblings == 2) step_letters<2>(k, parent, child, i, level[k + 1] + word);
            else step_letters<1>(k, parent, child, i, level[k + 1] + word);
            for (int g = 0; g < siblings; ++g) children(k + 1, child + g * size, (word + g) * d, 0, d);
            i += siblings;
        }
    }

    // Siblings u i, u (i+1), ... are processed together: their running values are independent, which hides the latency
    // of the addition.
    template <int G>
    void step_letters(int k, const V* parent, V* child, i64 i, V* state) {
        switch (depth - k) {
            case 3: return step_letters_of<3, G>(k, parent, child, i, state);
            case 4: return step_letters_of<4, G>(k, parent, child, i, state);
            case 5: return step_letters_of<5, G>(k, parent, child, i, state);
            case 6: return step_letters_of<6, G>(k, parent, child, i, state);
            case 7: return step_letters_of<7, G>(k, parent, child, i, state);
            default: return step_letters_deep<G>(k, parent, child, i, state);
        }
    }

    template <int reach, int G, int g = 0>
    static void extend_siblings(const V* parent, const V* xi, V (&s)[G], V* child, i64 size) {
        if constexpr (g < G) {
            extend<R, reach>(parent, xi[g], s[g], child + g * size);
            extend_siblings<reach, G, g + 1>(parent, xi, s, child, size);
        }
    }

    template <int reach, int G>
    void step_letters_of(int k, const V* parent, V* PYSIG_RESTRICT child, i64 i, V* state) {
        const i64 stride = chain_stride(k), size = block * (reach - 1);
        const V* xt = x + i;
        const V* end = xt + steps * d;
        V s[G];
        for (int g = 0; g < G; ++g) s[g] = state[g];
        for (; xt != end; parent += stride, child += reach - 1, xt += d)
            extend_siblings<reach, G>(parent, xt, s, child, size);
        for (int g = 0; g < G; ++g) state[g] = s[g];
    }

    template <int G>
    void step_letters_deep(int k, const V* parent, V* child, i64 i, V* state) {
        const int reach = depth - k;
        const i64 stride = chain_stride(k), size = block * (reach - 1);
        for (int g = 0; g < G; ++g) {
            const V* from = parent;
            V* to = child + g * size;
            V s = state[g];
            for (i64 t = 0; t < steps; ++t, from += stride, to += reach - 1) {
                const V xi = x[t * d + i + g];
                for (int r = 1; r < reach; ++r) to[r - 1] = chain_entry<R>(from[r], xi, s, r, inverse[r]);
                s = advance(s, from[0], xi);
            }
            state[g] = s;
        }
    }

    // ---- the last two letters, in registers ----

    void last_letters(const V* g, i64 base, i64 first, i64 last) {
        V* a = level[depth - 1] + base;
        V* A = level[depth] + base * d;
        switch (d) {
            case 1: return rows_of<1>(g, a, A, first, last);
            case 2: return rows_of<2>(g, a, A, first, last);
            case 3: return rows_of<3>(g, a, A, first, last);
            case 4: return rows_of<4>(g, a, A, first, last);
            case 5: return rows_of<5>(g, a, A, first, last);
            default: return wide_rows(g, a, A, first, last);
        }
    }

    // Two channels: the last two letters together with the letter before them, or, if the registers suffice, with both
    // values of that letter. Its chain stays in registers.
    void last_three(const V* parent, i64 base, i64 first, i64 last) {
        constexpr int together = vector_registers >= 32 ? 2 : 1;
        if (last - first == together) return last_three_of<together>(parent, base, first);
        for (i64 i = first; i < last; ++i) last_three_of<1>(parent, base + i - first, i);
    }

    template <int G>
    void last_three_of(const V* parent, i64 word, i64 i) {
        V* PYSIG_RESTRICT own = level[depth - 2] + word;
        V* PYSIG_RESTRICT a = level[depth - 1] + 2 * word;
        V* PYSIG_RESTRICT A = level[depth] + 4 * word;
        V s[G], ra[G][2], rA[G][2][2];
        move_three<G, false>(s, ra, rA, own, a, A);
        const i64 stride = chain_stride(depth - 3);
        const V *g = parent, *xt = x, *end = x + steps * 2;
        for (; xt != end; g += stride, xt += 2) step_three<G>(s, ra, rA, g, xt + i, xt);
        move_three<G, true>(s, ra, rA, own, a, A);
    }

    template <int G, int k = 0>
    static void step_three(V (&s)[G], V (&ra)[G][2], V (&rA)[G][2][2], const V* g, const V* xi, const V* xt) {
        if constexpr (k < G) {
            V chain[2];
            extend<R, 3>(g, xi[k], s[k], chain);
            tile_step<R, 2, 2>(ra[k], rA[k], chain, xt, xt);
            step_three<G, k + 1>(s, ra, rA, g, xi, xt);
        }
    }
    template <int G, bool back, int k = 0>
    static void move_three(V (&s)[G], V (&ra)[G][2], V (&rA)[G][2][2], V* own, V* a, V* A) {
        if constexpr (k < G) {
            move<back>(s[k], own[k]);
            move<back>(ra[k][0], a[2 * k]), move<back>(ra[k][1], a[2 * k + 1]);
            move<back>(rA[k][0][0], A[4 * k]), move<back>(rA[k][0][1], A[4 * k + 1]);
            move<back>(rA[k][1][0], A[4 * k + 2]), move<back>(rA[k][1][1], A[4 * k + 3]);
            move_three<G, back, k + 1>(s, ra, rA, own, a, A);
        }
    }
    template <bool back>
    static void move(V& in_register, V& state) {
        if constexpr (back) state = in_register;
        else in_register = state;
    }

    // All J = d letters j at once, I letters i at a time.
    template <int J>
    void rows_of(const V* g, V* a, V* A, i64 first, i64 last) {
        constexpr int I = tile_rows<J>(J);
        i64 i = first;
        for (; i + I <= last; i += I, a += I, A += I * J) rows<I, J>(g, a, A, i);
        if constexpr (I > 2)
            for (; i + 2 <= last; i += 2, a += 2, A += 2 * J) rows<2, J>(g, a, A, i);
        for (; i < last; ++i, ++a, A += J) rows<1, J>(g, a, A, i);
    }

    template <int I, int J>
    void rows(const V* g, V* PYSIG_RESTRICT a, V* PYSIG_RESTRICT A, i64 i) {
        V ra[I], rA[I][J];
        for (int p = 0; p < I; ++p) ra[p] = a[p];
        copy_columns<I, J>(rA, A);
        const i64 stride = chain_stride(depth - 2);
        const V* xt = x;
        const V* end = x + steps * d;
        for (; xt != end; g += stride, xt += d) tile_step<R, I, J>(ra, rA, g, xt + i, xt);
        for (int p = 0; p < I; ++p) a[p] = ra[p];
        copy_columns_back<I, J>(rA, A);
    }

    template <int I, int J, int k = 0>
    void copy_columns(V (&rA)[I][J], const V* A) const {
        if constexpr (k < I * J) {
            rA[k / J][k % J] = A[(k / J) * d + k % J];
            copy_columns<I, J, k + 1>(rA, A);
        }
    }
    template <int I, int J, int k = 0>
    void copy_columns_back(const V (&rA)[I][J], V* A) const {
        if constexpr (k < I * J) {
            A[(k / J) * d + k % J] = rA[k / J][k % J];
            copy_columns_back<I, J, k + 1>(rA, A);
        }
    }

    // Many channels: first the chains of wide_letters words p i for the whole block of time, then one register tile of
    // letters i and j after the other.
    void wide_rows(const V* g, V* a, V* A, i64 first, i64 last) {
        for (i64 i = first; i < last;) {
            const i64 rest = last - i, letters = rest == wide_letters + 1 ? 2
                                                 : rest < wide_letters    ? rest
                                                                          : wide_letters;
            wide_rows_of<wide_letters>(g, a, A, i, letters);
            i += letters;
            a += letters;
            A += letters * d;
        }
    }

    template <int I>
    void wide_rows_of(const V* g, V* a, V* A, i64 i, i64 letters) {
        if constexpr (I > 0) {
            if (letters < I) return wide_rows_of<I - 1>(g, a, A, i, letters);
            constexpr int J = wide_letters * wide_columns / I;
            keep_chains<I>(g, a, i);
            if (half) {
                outer_range<I, J>(A, 0, half, 1, 2);
                outer_range<I, J>(A, half, 2 * half, 0, 2);
            }
            outer_range<I, J>(A, 2 * half, d, 0, 1);
        }
    }

    // Letters j in [first, last), which the steps `begin`, begin + stride, ... move.
    template <int I, int J>
    void outer_range(V* A, i64 first, i64 last, i64 begin, i64 stride) {
        const i64 count = ceil_div(steps - begin, stride);
        // NaN and infinity in a chain turn every product with a zero increment into NaN. The skipped steps must do the
        // same, so one of them is computed.
        const bool skipped = steps > 0 && (steps - 1 - begin) % stride != 0;
        i64 blocks = ceil_div(last - first, J);  // of even width
        for (i64 j = first; j < last; --blocks) {
            const i64 columns = ceil_div(last - j, blocks);
            outer_columns<I, J>(A, j, columns, begin, stride, count);
            if (skipped) outer_columns<I, J>(A, j, columns, steps - 1, 1, 1);
            j += columns;
        }
    }

    template <int I>
    void keep_chains(const V* g, V* a, i64 i) {
        const i64 stride = chain_stride(depth - 2);
        V ra[I], rh[I];
        for (int p = 0; p < I; ++p) ra[p] = a[p];
        V* kept = h;
        const V* xt = x + i;
        for (i64 t = 0; t < steps; ++t, g += stride, xt += d, kept += I) {
            tile_rows_step<R, I>(ra, rh, g, xt);
            for (int p = 0; p < I; ++p) kept[p] = rh[p];
        }
        for (int p = 0; p < I; ++p) a[p] = ra[p];
    }

    template <int I, int max_columns>
    void outer_columns(V* A, i64 j, i64 columns, i64 begin, i64 stride, i64 count) {
        if constexpr (max_columns > 0) {
            if (columns < max_columns) return outer_columns<I, max_columns - 1>(A, j, columns, begin, stride, count);
            outer_columns_of<I, max_columns>(A + j, x + begin * d + j, h + begin * I, stride, count);
        }
    }

    template <int I, int J>
    void outer_columns_of(V* A, const V* xt, const V* kept, i64 stride, i64 count) {
        V rA[I][J];
        copy_columns<I, J>(rA, A);
        const i64 along = stride * d, kept_along = stride * I;
        for (const V* end = xt + count * along; xt != end; xt += along, kept += kept_along) {
            V rh[I];
            for (int p = 0; p < I; ++p) rh[p] = kept[p];
            tile_outer<I, J>(rA, rh, xt);
        }
        copy_columns_back<I, J>(rA, A);
    }
};

PYSIG_NAMESPACE_END
