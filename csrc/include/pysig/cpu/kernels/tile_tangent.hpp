// The forward pass of a tile of words with directional derivatives: tile_forward.hpp on dual numbers. Of the top level
// only the derivative is kept, two multiply-adds per coefficient and step:
//     A'[i][j] += H'[i] x[j] + H[i] x'[j],
// which is a sum of outer products over twice as many steps, so that x and x' lie side by side, (steps, 2, channels).
#pragma once

#include "../../algebra/dual.hpp"
#include "outer.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R>
class tile_tangent {
 public:
    using V = lanes<R>;
    using T = dual<V>;

    // Sizes of the scratch in V: chains of `block` steps at every level; the states of the levels below the last and
    // the derivatives of the last.
    static i64 chain_size(int depth, i64 block) {
        return 2 * depth + 2 * block * (i64(depth) * (depth - 1) / 2 + wide_letters);
    }
    static i64 state_size(const word_tile& tile, i64 d, int depth) {
        return tile_forward<R>::state_size(tile, d, depth) + tile_forward<R>::state_size(tile, d, depth - 1);
    }

    tile_tangent(i64 channels, int depth, i64 block, V* chains, V* states) : d(channels), depth(depth), states(states) {
        T* c = reinterpret_cast<T*>(chains);
        for (int r = 0; r < depth; ++r) c[r] = {broadcast(chain_of_empty_word<R>(r)), V{}};
        chain[0] = c;
        c += depth;
        for (int k = 1; k < depth; ++k) {
            chain[k] = c;
            c += block * (depth - k);
        }
        h = reinterpret_cast<V*>(c);
    }

    // Selects the tile. The caller then sets its states.
    void open(const word_tile& t) {
        tile = t;
        T* s = reinterpret_cast<T*>(states);
        for (int k = 1; k < depth; ++k) {
            level[k] = s;
            s += tile_words(tile, d, k);
        }
        A = reinterpret_cast<V*>(s);
    }
    T* state(int k) const { return level[k]; }  // k < depth
    V* top_tangent() const { return A; }

    // Advances the tile along `count` increments and their derivatives, laid out (count, 2, d).
    void advance_block(const V* increments, i64 count) {
        x = increments;
        steps = count;
        if (depth == 1) return sum();
        for (int k = 0; k < tile.m; ++k) step_letter(k, tile_begin(tile, d, k + 1) % d, level[k + 1][0]);
        children(tile.m, 0, tile.first, tile.last);
    }

 private:
    i64 d;
    int depth;
    V* states;
    T* chain[max_depth + 1];
    T* level[max_depth + 1];
    V* A = nullptr;
    V* h;
    word_tile tile{};
    const V* x = nullptr;
    i64 steps = 0;

    i64 chain_stride(int k) const { return k == 0 ? 0 : depth - k; }

    void sum() {
        for (i64 i = tile.first; i < tile.last; ++i)
            for (i64 t = 0; t < steps; ++t) A[i - tile.first] += x[(2 * t + 1) * d + i];
    }

    // `base`: index, within the tile's words of level k + 1, of the child by the letter `first`.
    void children(int k, i64 base, i64 first, i64 last) {
        if (k == depth - 2) return last_letters(base, first, last);
        for (i64 i = first; i < last; ++i) {
            const i64 word = base + i - first;
            step_letter(k, i, level[k + 1][word]);
            children(k + 1, word * d, 0, d);
        }
    }

    void step_letter(int k, i64 i, T& state) {
        switch (depth - k) {
            case 3: return step_letter_of<3>(k, i, state);
            case 4: return step_letter_of<4>(k, i, state);
            case 5: return step_letter_of<5>(k, i, state);
            case 6: return step_letter_of<6>(k, i, state);
            case 7: return step_letter_of<7>(k, i, state);
            default: return step_letter_of<0>(k, i, state);
        }
    }

    template <int fixed>
    void step_letter_of(int k, i64 i, T& state) {
        const int reach = fixed ? fixed : depth - k;
        const i64 stride = chain_stride(k);
        const T* parent = chain[k];
        T* child = chain[k + 1];
        T s = state;
        for (i64 t = 0; t < steps; ++t, parent += stride, child += reach - 1) {
            const T xi = {x[2 * t * d + i], x[(2 * t + 1) * d + i]};
            for (int r = 1; r < reach; ++r) child[r - 1] = chain_entry<R>(parent[r], xi, s, r);
            s = advance(s, parent[0], xi);
        }
        state = s;
    }

    // The words u i and u i j: the chains of a few letters i for the block of time, then the outer products.
    void last_letters(i64 base, i64 first, i64 last) {
        for (i64 i = first; i < last;) {
            const i64 rest = last - i, count = rest == wide_letters + 1 ? 2 : rest < wide_letters ? rest : wide_letters;
            letters<wide_letters>(base, i, count);
            base += count;
            i += count;
        }
    }

    template <int I>
    void letters(i64 base, i64 i, i64 count) {
        if constexpr (I > 0) {
            if (count < I) return letters<I - 1>(base, i, count);
            keep_chains<I>(level[depth - 1] + base, i);
            add_outer<I>(A + base * d, d, h, x, d, 2 * steps, d);
        }
    }

    template <int I>
    void keep_chains(T* a, i64 i) {
        const i64 stride = chain_stride(depth - 2);
        const T* g = chain[depth - 2];
        T ra[I], rh[I], xi[I];
        for (int p = 0; p < I; ++p) ra[p] = a[p];
        V* kept = h;
        for (i64 t = 0; t < steps; ++t, g += stride, kept += 2 * I) {
            for (int p = 0; p < I; ++p) xi[p] = {x[2 * t * d + i + p], x[(2 * t + 1) * d + i + p]};
            for (int p = 0; p < I; ++p) extend<R, 2>(g, xi[p], ra[p], &rh[p]);
            for (int p = 0; p < I; ++p) {
                kept[p] = rh[p].tangent;
                kept[I + p] = rh[p].value;
            }
        }
        for (int p = 0; p < I; ++p) a[p] = ra[p];
    }
};

PYSIG_NAMESPACE_END
