// C2. The walk of a tile of words along a block of time, on lanes.
//
// A tile is a prefix p of `m` letters, a range of next letters, and all words that continue them: a subtree of the tree of
// words. Over a block of time steps the subtree is visited depth first; at each word u the chain of u (horner.hpp) is made for all
// steps of the block from the chain of its parent, one multiply-add per entry, while S[u] runs along in a register. The last
// two letters are a register tile (tile.hpp). A chain costs depth - |u| multiply-adds per step and is shared by all
// words below, so all chains together cost about 1/d of the top level; nothing of size d^depth is ever read per step.
#pragma once

#include "../algebra/tile.hpp"
#include "../algebra/words.hpp"
#include "lanes.hpp"

PYSIG_NAMESPACE_BEGIN

constexpr int max_depth = 64;  // 2^64 words do not fit anywhere; one channel is computed in closed form
constexpr int max_tile_letters = 12;

// The prefix has the word index `prefix` within level m; the letters after it lie in [first, last).
struct word_tile {
    int m;
    i64 prefix, first, last;
};

// How many words of `level` the tile owns, and where they begin within the level. Of the levels up to m it owns its own prefixes.
inline i64 tile_begin(const word_tile& tile, i64 d, int level) {
    return level <= tile.m ? tile.prefix / power(d, tile.m - level)
                           : (tile.prefix * d + tile.first) * power(d, level - tile.m - 1);
}
inline i64 tile_words(const word_tile& tile, i64 d, int level) {
    return level <= tile.m ? 1 : (tile.last - tile.first) * power(d, level - tile.m - 1);
}
// The tile that holds the first word below a prefix is the one that writes the prefix.
inline bool tile_writes(const word_tile& tile, i64 d, int level) {
    return level > tile.m || (tile.first == 0 && tile.prefix % power(d, tile.m - level) == 0);
}

// Letters i of a register tile with J letters j: accumulators, two running values and two temporaries fit the registers.
template <int J>
constexpr int tile_rows(int letters) {
    int most = (vector_registers - 2) / (J + 1);
    if (most < 1) most = 1;
    int blocks = (letters + most - 1) / most;
    return (letters + blocks - 1) / blocks;
}

template <class R>
class walk {
  public:
    using V = lanes<R>;

    // Scratch of one walk: chains of `block` steps at every level, the states of the tile's words.
    static i64 chain_size(int depth, i64 block) { return block * (i64(depth) * (depth + 1) / 2 + 1); }
    static i64 state_size(const word_tile& tile, i64 d, int depth) {
        i64 size = 0;
        for (int k = 1; k <= depth; ++k) size += tile_words(tile, d, k);
        return size;
    }

    walk(i64 channels, int depth, i64 block, V* chains, V* states)
        : d(channels), depth(depth), block(block), states(states) {
        for (int k = 0; k < depth; ++k) {
            chain[k] = chains;
            chains += block * (depth - k);
        }
        h = chains;
        for (i64 t = 0; t < block; ++t)
            for (int r = 0; r < depth; ++r) chain[0][t * depth + r] = broadcast(chain_of_empty_word<R>(r));
    }

    // Chooses the tile; its states are then at state(level), to be set by the caller.
    void open(const word_tile& t) {
        tile = t;
        V* s = states;
        for (int k = 1; k <= depth; ++k) {
            level[k] = s;
            s += tile_words(tile, d, k);
        }
    }
    V* state(int k) const { return level[k]; }

    // Advances the tile along `steps` increments x, laid out (steps, d).
    void advance_block(const V* increments, i64 count) {
        x = increments;
        steps = count;
        if (depth == 1) return sum();
        for (int k = 0; k < tile.m; ++k) {
            i64 letter = tile_begin(tile, d, k + 1) % d;
            step_letter(k, letter, level[k + 1][0]);
        }
        children(tile.m, 0, tile.first, tile.last);
    }

  private:
    i64 d;
    int depth;
    i64 block;
    V* states;
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

    // `base`: index, within the tile's words of level k + 1, of the child by the letter `first`.
    void children(int k, i64 base, i64 first, i64 last) {
        if (k == depth - 2) return last_letters(base, first, last);
        for (i64 i = first; i < last; ++i) {
            i64 word = base + i - first;
            step_letter(k, i, level[k + 1][word]);
            children(k + 1, word * d, 0, d);
        }
    }

    void step_letter(int k, i64 i, V& s) {
        switch (depth - k) {
            case 3: return step_letter_of<3>(k, i, s);
            case 4: return step_letter_of<4>(k, i, s);
            case 5: return step_letter_of<5>(k, i, s);
            case 6: return step_letter_of<6>(k, i, s);
            default: return step_letter_deep(k, i, s);
        }
    }

    template <int reach>
    void step_letter_of(int k, i64 i, V& state) {
        const V* parent = chain[k];
        V* child = chain[k + 1];
        V s = state;
        for (i64 t = 0; t < steps; ++t, parent += reach, child += reach - 1)
            extend<R, reach>(parent, x[t * d + i], s, child);
        state = s;
    }

    void step_letter_deep(int k, i64 i, V& state) {
        const int reach = depth - k;
        const V* parent = chain[k];
        V* child = chain[k + 1];
        V s = state;
        for (i64 t = 0; t < steps; ++t, parent += reach, child += reach - 1) {
            const V xi = x[t * d + i];
            for (int r = 1; r < reach; ++r) child[r - 1] = chain_entry<R>(parent[r], xi, s, r);
            s = advance(s, parent[0], xi);
        }
        state = s;
    }

    // ---- the last two letters, in registers ----

    void last_letters(i64 base, i64 first, i64 last) {
        V* a = level[depth - 1] + base;
        V* A = level[depth] + base * d;
        switch (d) {
            case 1: return rows_of<1>(a, A, first, last);
            case 2: return rows_of<2>(a, A, first, last);
            case 3: return rows_of<3>(a, A, first, last);
            case 4: return rows_of<4>(a, A, first, last);
            case 5: return rows_of<5>(a, A, first, last);
            case 6: return rows_of<6>(a, A, first, last);
            case 7: return rows_of<7>(a, A, first, last);
            case 8: return rows_of<8>(a, A, first, last);
            case 9: return rows_of<9>(a, A, first, last);
            case 10: return rows_of<10>(a, A, first, last);
            case 11: return rows_of<11>(a, A, first, last);
            case 12: return rows_of<12>(a, A, first, last);
            default: return wide_rows(a, A, first, last);
        }
    }

    // All J = d letters j at once, I letters i at a time.
    template <int J>
    void rows_of(V* a, V* A, i64 first, i64 last) {
        constexpr int I = tile_rows<J>(J);
        i64 i = first;
        for (; i + I <= last; i += I, a += I, A += I * J) rows<I, J, false>(a, A, i, 0);
        for (; i < last; ++i, ++a, A += J) rows<1, J, false>(a, A, i, 0);
    }

    template <int I, int J, bool keep>
    void rows(V* a, V* A, i64 i, i64 j) {
        V ra[I], rA[I][J];
        for (int p = 0; p < I; ++p) {
            ra[p] = a[p];
            for (int q = 0; q < J; ++q) rA[p][q] = A[p * d + q];
        }
        const V* g = chain[depth - 2];
        const V* xt = x;
        for (i64 t = 0; t < steps; ++t, g += 2, xt += d) {
            if constexpr (keep) h[t] = chain_entry<R>(g[1], xt[i], ra[0], 1);
            tile_step<R, I, J>(ra, rA, g, xt + i, xt + j);
        }
        for (int p = 0; p < I; ++p) {
            a[p] = ra[p];
            for (int q = 0; q < J; ++q) A[p * d + q] = rA[p][q];
        }
    }

    // Many channels: the first letters j together with the running value of p i, whose chain is kept for the other letters j.
    void wide_rows(V* a, V* A, i64 first, i64 last) {
        const i64 rest = d - 1, blocks = (rest + max_tile_letters - 1) / max_tile_letters, even = (rest + blocks - 1) / blocks;
        for (i64 i = first; i < last; ++i, ++a, A += d) {
            rows<1, 1, true>(a, A, i, 0);
            for (i64 j = 1; j < d; j += even) more(A, j, j + even <= d ? even : d - j);
        }
    }

    void more(V* A, i64 j, i64 count) {
        switch (count) {
            case 1: return more_of<1>(A, j);
            case 2: return more_of<2>(A, j);
            case 3: return more_of<3>(A, j);
            case 4: return more_of<4>(A, j);
            case 5: return more_of<5>(A, j);
            case 6: return more_of<6>(A, j);
            case 7: return more_of<7>(A, j);
            case 8: return more_of<8>(A, j);
            case 9: return more_of<9>(A, j);
            case 10: return more_of<10>(A, j);
            case 11: return more_of<11>(A, j);
            case 12: return more_of<12>(A, j);
            default: return;
        }
    }

    template <int J>
    void more_of(V* A, i64 j) {
        V r[J];
        for (int q = 0; q < J; ++q) r[q] = A[j + q];
        const V* xt = x + j;
        for (i64 t = 0; t < steps; ++t, xt += d)
            for (int q = 0; q < J; ++q) r[q] = advance(r[q], h[t], xt[q]);
        for (int q = 0; q < J; ++q) A[j + q] = r[q];
    }
};

PYSIG_NAMESPACE_END
