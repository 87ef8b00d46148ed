// The reverse pass of a tile of words over a block of time, on lanes: the adjoint of tile_forward.hpp.
//
// Notation: S_t[u] state of the word u before step t, x_t increment, g_t(u) chain of u (horner.hpp); A_bar, a_bar,
// x_bar, g_bar adjoints of the top level, of lower states, of increments and of chains.
//
// The subtree of the tile is visited depth first.
//     down:  S_t[u] = S_(t+1)[u] - g_t(parent)[0] x_t[i] for all steps of the block, last step first, and g_t(u) from
//            g_t(parent) and S_t[u] (retreat). Nothing is stored along the path.
//     up:    g_bar_t(u), summed over the children of u, adds to g_bar_t(parent), S_bar[u] and x_bar_t (extend_adjoint).
// The last two letters are a register tile (tile.hpp). For few channels they share one loop over time with the letter
// before them; the chain of that word and its adjoint then stay in registers.
//
// T is lanes<R>, or a dual number of them for second derivatives.
#pragma once

#include "../../algebra/dual.hpp"
#include "tile_forward.hpp"

PYSIG_NAMESPACE_BEGIN

// Rows i of a register tile that share the loads of x[j] and x_bar[j]. Each row takes two registers, x (or H) and
// H_bar; two running values and a temporary take three more.
constexpr i64 adjoint_rows = 6;
static_assert(2 * adjoint_rows + 3 <= vector_registers, "the rows of the reverse tile must fit the registers");
// Channels up to which a step of the last three letters is unrolled.
constexpr i64 unrolled_letters = 12;
// Channels up to which the adjoints of the last two letters stay in the first-level cache during a block of time.
constexpr i64 fused_letters = 20;

template <class R, class T = lanes<R>>
class tile_backward {
 public:
    // Sizes of the scratch: chains of `block` steps with their adjoints, and columns of the register tile; states of
    // the levels below the last, and adjoints of all levels.
    static i64 chain_size(i64 d, int depth, i64 block) { return block * (i64(depth) * (depth + 1) + d); }
    static i64 state_size(const word_tile& tile, i64 d, int depth) {
        return tile_forward<R>::state_size(tile, d, depth) + tile_forward<R>::state_size(tile, d, depth - 1) + d;
    }

    // `constant`: A_bar is the same at all steps of the path.
    tile_backward(i64 channels, int depth, i64 block, bool constant, T* chains, T* states)
        : d(channels), depth(depth), block(block), constant(constant), states(states) {
        for (int k = 0; k + 1 < depth; ++k) {
            const i64 size = chain_stride(k) > 0 ? block * (depth - k) : depth;
            chain[k] = chains;
            chain_bar[k] = chains + size;
            chains += 2 * size;
        }
        columns = chains;
        for (i64 t = 0; t < (depth == 2 ? block : depth > 2 ? 1 : 0); ++t)
            for (int r = 0; r < depth; ++r) chain[0][t * depth + r] = number_of(chain_of_empty_word<R>(r));
    }

    // Selects the tile. The caller then sets its states and adjoints.
    void open(const word_tile& t) {
        tile = t;
        T* s = states;
        for (int k = 1; k <= depth; ++k) {
            bar[k] = s;
            s += tile_words(tile, d, k);
        }
        for (int k = 1; k < depth; ++k) {
            level[k] = s;
            s += tile_words(tile, d, k);
        }
    }
    T* state(int k) const { return level[k]; }  // k < depth, and if the top level is constant k < depth - 1
    // With a constant top level: `rest` of tile.hpp for every word of depth - 2 letters. The caller sets it.
    T* rest() const { return level[depth - 1]; }
    i64 rest_words() const { return tile_words(tile, d, depth - 2); }
    T* adjoint(int k) const { return bar[k]; }

    // Call it when all adjoints are set. Splits constant adjoints of the top level as tile.hpp needs them.
    void ready() {
        if (!(plain && constant && tile.m + 3 <= depth && d <= unrolled_letters)) return;
        for (i64 u = 0; u < tile_words(tile, d, depth - 2); ++u) tile_split<R>(bar[depth] + u * d * d, d);
    }

    // Moves states and adjoints from after `count` increments, laid out (steps, d), to before them. Adds the adjoints
    // of the increments to x_bar.
    void retreat_block(const T* increments, T* increments_bar, i64 count) {
        x = increments;
        x_bar = increments_bar;
        steps = count;
        if (depth == 1) return sum_adjoint();
        for (int k = 0; k < tile.m; ++k) descend(k, prefix_letter(k), level[k + 1][0]);
        children(tile.m, 0, tile.first, tile.last);
        for (int k = tile.m - 1; k >= 0; --k) ascend(k, prefix_letter(k), bar[k + 1][0], true);
    }

    // The adjoint of a -> a (x) S for one signature S per lane, a row of depth - 2 levels, or null for the trivial one:
    //     a_bar[u] += sum over v of a_bar[u v] S[v],    u v a word of the tile.
    // Levels ascend, so that every a_bar on the right is the value before. Level 1 is left out: it would need one more
    // level of S, and no other adjoint depends on it.
    template <class Q>
    void retreat_product(const Q* const* rows) {
        constexpr i64 some = 8 * lane_count<R>;
        T piece[some];
        for (int k = 2; k < depth; ++k)
            for (int n = k + 1; n <= depth; ++n) {
                const i64 words = tile_words(tile, d, k), each = tile_words(tile, d, n) / words,
                          first = tile_begin(tile, d, n) % power(d, n - k);
                for (i64 v = 0; v < each; v += some) {
                    const i64 count = each - v < some ? each - v : some;
                    gather_lanes(piece, rows, level_offset(d, n - k) + first + v, count);
                    i64 word = 0;
                    for (; word + 4 <= words; word += 4)
                        add_products(bar[k] + word, bar[n] + word * each + v, each, piece, count);
                    for (; word < words; ++word)
                        bar[k][word] += sum_of_products(bar[n] + word * each + v, piece, count);
                }
            }
    }

 private:
    static constexpr bool plain = sizeof(T) == sizeof(lanes<R>);

    i64 d;
    int depth;
    i64 block;
    bool constant;
    T* states;
    T* columns;
    T* chain[max_depth + 1];
    T* chain_bar[max_depth + 1];
    T* level[max_depth + 1];
    T* bar[max_depth + 1];
    word_tile tile{};
    const T* x = nullptr;
    T* x_bar = nullptr;
    i64 steps = 0;

    static T number_of(R value) {
        T number{};
        if constexpr (plain) number = broadcast(value);
        else number.value = broadcast(value);
        return number;
    }

    // sums[k] += <row k of a, b> for four rows, `each` apart.
    static void add_products(T* sums, const T* a, i64 each, const T* b, i64 count) {
        T s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
        for (i64 v = 0; v < count; ++v) {
            T factor = b[v];
            keep_in_register(factor);
            s0 = s0 + a[v] * factor;
            s1 = s1 + a[each + v] * factor;
            s2 = s2 + a[2 * each + v] * factor;
            s3 = s3 + a[3 * each + v] * factor;
        }
        sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    }

    // <a, b> in four running sums, which hide the latency of the addition.
    static T sum_of_products(const T* a, const T* b, i64 count) {
        T sums[4] = {};
        i64 v = 0;
        for (; v + 4 <= count; v += 4)
            for (int s = 0; s < 4; ++s) sums[s] += a[v + s] * b[v + s];
        for (; v < count; ++v) sums[0] += a[v] * b[v];
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }

    // The chain of the empty word is the same at all times and takes one row, unless the last two letters follow. Its
    // adjoint is not needed; every step overwrites it.
    i64 chain_stride(int k) const { return k == 0 && depth > 2 ? 0 : depth - k; }

    i64 prefix_letter(int k) const { return tile_begin(tile, d, k + 1) % d; }

    void sum_adjoint() {
        for (i64 t = 0; t < steps; ++t)
            for (i64 i = tile.first; i < tile.last; ++i) x_bar[t * d + i] += bar[1][i - tile.first];
    }

    // `base`: index of the child with the letter `first` among the tile's words of level k + 1.
    void children(int k, i64 base, i64 first, i64 last) {
        if (k == depth - 2) return last_letters(base, first, last);
        for (i64 i = first; i < last; ++i) {
            const i64 word = base + i - first;
            if (k == depth - 3 && d <= fused_letters) {
                last_three(i, word, i == first);
                continue;
            }
            descend(k, i, level[k + 1][word]);
            children(k + 1, word * d, 0, d);
            ascend(k, i, bar[k + 1][word], i == first);
        }
    }

    // ---- one letter of the words above the last two ----

    void descend(int k, i64 i, T& state) {
        switch (depth - k) {
            case 3: return descend_of<3>(k, i, state);
            case 4: return descend_of<4>(k, i, state);
            case 5: return descend_of<5>(k, i, state);
            case 6: return descend_of<6>(k, i, state);
            case 7: return descend_of<7>(k, i, state);
            case 8: return descend_of<8>(k, i, state);
            default: return descend_of<0>(k, i, state);
        }
    }

    // The first child of a word sets the adjoint of its chain; the others add to it.
    void ascend(int k, i64 i, T& adjoint, bool first) {
        switch (depth - k) {
            case 3: return ascend_of<3>(k, i, adjoint, first);
            case 4: return ascend_of<4>(k, i, adjoint, first);
            case 5: return ascend_of<5>(k, i, adjoint, first);
            case 6: return ascend_of<6>(k, i, adjoint, first);
            case 7: return ascend_of<7>(k, i, adjoint, first);
            case 8: return ascend_of<8>(k, i, adjoint, first);
            default: return ascend_of<0>(k, i, adjoint, first);
        }
    }

    template <int fixed>
    void descend_of(int k, i64 i, T& state) {
        const int reach = fixed ? fixed : depth - k;
        const i64 stride = chain_stride(k);
        T s = state;
        for (i64 t = steps - 1; t >= 0; --t)
            retreat<R>(reach, chain[k] + t * stride, x[t * d + i], s, chain[k + 1] + t * (reach - 1));
        state = s;
    }

    template <int fixed>
    void ascend_of(int k, i64 i, T& adjoint, bool first) {
        const int reach = fixed ? fixed : depth - k;
        const i64 stride = chain_stride(k);
        T s_bar = adjoint;
        for (i64 t = steps - 1; t >= 0; --t) {
            T* parent_bar = chain_bar[k] + t * stride;
            T sums[fixed ? fixed : max_depth];
            for (int r = 0; r < reach; ++r) sums[r] = first || stride == 0 ? T{} : parent_bar[r];
            extend_adjoint<R>(reach, chain[k] + t * stride, x[t * d + i], chain_bar[k + 1] + t * (reach - 1), s_bar,
                              sums, x_bar[t * d + i]);
            for (int r = 0; r < reach; ++r) parent_bar[r] = sums[r];
        }
        adjoint = s_bar;
    }

    // ---- the last letters ----

    // Rows of a block when `count` letters are divided evenly.
    static i64 even_rows(i64 count) {
        const i64 blocks = ceil_div(count, adjoint_rows);
        return ceil_div(count, blocks);
    }

    // The words u i and u i j for i in [first, last); the chain of u is in memory.
    void last_letters(i64 base, i64 first, i64 last) {
        const i64 even = even_rows(last - first);
        T *g = chain[depth - 2], *g_bar = chain_bar[depth - 2], *sums = level[depth - 1] + base;
        for (i64 t = 0; t < steps * 2; ++t) g_bar[t] = T{};
        for (i64 i = first; i < last; i += even, base += even)
            for (i64 t = steps - 1; t >= 0; --t)
                letters(i + even <= last ? even : last - i, base, g + t * 2, g_bar + t * 2, i, x + t * d, x_bar + t * d,
                        columns + t * d, i == first);
        for (i64 t = steps - 1; constant && t >= 0; --t) add_rest(sums, g + t * 2, columns + t * d, x_bar + t * d);
    }

    // The rest of the step at a word of depth - 2 letters: see tile.hpp.
    void add_rest(T* PYSIG_RESTRICT sums, const T* g, const T* c, T* PYSIG_RESTRICT xt_bar) const {
        for (i64 j = 0; j < d; ++j) {
            rest_retreat(sums[j], c[j], g[0]);
            xt_bar[j] = xt_bar[j] + (sums[j] + g[1] * c[j]);
        }
    }

    void letters(i64 rows, i64 base, const T* g, T* g_bar, i64 i, const T* xt, T* xt_bar, T* c, bool first) {
        switch (rows) {
            case 1: return letters_of<1>(base, g, g_bar, i, xt, xt_bar, c, first);
            case 2: return letters_of<2>(base, g, g_bar, i, xt, xt_bar, c, first);
            case 3: return letters_of<3>(base, g, g_bar, i, xt, xt_bar, c, first);
            case 4: return letters_of<4>(base, g, g_bar, i, xt, xt_bar, c, first);
            case 5: return letters_of<5>(base, g, g_bar, i, xt, xt_bar, c, first);
            default: return letters_of<6>(base, g, g_bar, i, xt, xt_bar, c, first);
        }
    }

    template <int I>
    void letters_of(i64 base, const T* g, T* g_bar, i64 i, const T* xt, T* xt_bar, T* c, bool first) {
        T *a_bar = bar[depth - 1] + base, *A_bar = bar[depth] + base * d;
        if (!constant)
            return tile_step_adjoint<R, I>(level[depth - 1] + base, a_bar, A_bar, d, g, g_bar, xt + i, xt_bar + i, xt,
                                           xt_bar);
        T h_bar[I];
        tile_columns<I>(A_bar, d, xt + i, h_bar, xt, c, first);
        for (int r = 0; r < I; ++r) extend_adjoint<R>(2, g, xt[i + r], h_bar + r, a_bar[r], g_bar, xt_bar[i + r]);
    }

    // The word u of depth - 2 letters that ends in `letter`, and the words u i and u i j.
    void last_three(i64 letter, i64 word, bool first) {
        if constexpr (plain) {  // dual numbers would not fit the registers
            switch (constant ? d : 0) {
                case 2: return last_three_of<2>(letter, word, first);
                case 3: return last_three_of<3>(letter, word, first);
                case 4: return last_three_of<4>(letter, word, first);
                case 5: return last_three_of<5>(letter, word, first);
                case 6: return last_three_of<6>(letter, word, first);
                case 7: return last_three_of<7>(letter, word, first);
                case 8: return last_three_of<8>(letter, word, first);
                case 9: return last_three_of<9>(letter, word, first);
                case 10: return last_three_of<10>(letter, word, first);
                case 11: return last_three_of<11>(letter, word, first);
                case 12: return last_three_of<12>(letter, word, first);
                default: return last_three_wide(letter, word, first);
            }
        }
        last_three_wide(letter, word, first);
    }

    void last_three_wide(i64 letter, i64 word, bool first) {
        const i64 base = word * d, even = even_rows(d), stride = chain_stride(depth - 3);
        T s = level[depth - 2][word], s_bar = bar[depth - 2][word];
        for (i64 t = steps - 1; t >= 0; --t) {
            const T *parent = chain[depth - 3] + t * stride, *xt = x + t * d;
            T* xt_bar = x_bar + t * d;
            T g[2], g_bar[2] = {};
            retreat<R>(3, parent, xt[letter], s, g);
            for (i64 i = 0; i < d; i += even)
                letters(i + even <= d ? even : d - i, base + i, g, g_bar, i, xt, xt_bar, columns, i == 0);
            if (constant) add_rest(level[depth - 1] + base, g, columns, xt_bar);
            third_letter(parent, xt[letter], g_bar, s_bar, chain_bar[depth - 3] + t * stride, first || stride == 0,
                         xt_bar[letter]);
        }
        level[depth - 2][word] = s;
        bar[depth - 2][word] = s_bar;
    }

    // The same with A_bar in two parts (tile.hpp), all in registers; where they suffice, also what is carried along the
    // block.
    template <int J>
    void last_three_of(i64 letter, i64 word, bool first) {
        constexpr bool carried = 5 * J + 10 <= vector_registers;
        T *sums = level[depth - 1] + word * J, *a_bar = bar[depth - 1] + word * J, *A_bar = bar[depth] + word * J * J;
        T own_sums[J], own_a_bar[J], s = level[depth - 2][word], s_bar = bar[depth - 2][word];
        if constexpr (carried) load_row<J>(sums, own_sums), load_row<J>(a_bar, own_a_bar);
        const i64 stride = chain_stride(depth - 3);
        const T *parent = chain[depth - 3] + steps * stride, *xt = x + steps * J;
        T *parent_bar = chain_bar[depth - 3] + steps * stride, *xt_bar = x_bar + steps * J;
        for (i64 t = 0; t < steps; ++t) {
            parent -= stride, parent_bar -= stride, xt -= J, xt_bar -= J;
            if constexpr (!carried) {
                PYSIG_ONE_BASE(sums);
                PYSIG_ONE_BASE(a_bar);
            }
            PYSIG_ONE_BASE(A_bar);
            T xi[J], symmetric[J], antisymmetric[J], g, partial[4];
            load_row<J>(xt, xi);
            tile_symmetric<J>(A_bar, xi, symmetric);
            tile_antisymmetric<J>(A_bar, xi, antisymmetric);
            retreat<R>(2, parent, xt[letter], s, &g);
            const T twice_chain_1 = chain_entry<R>(parent[2], xt[letter], s, 1);
            tile_rest_adjoint<R, J>(carried ? own_sums : sums, carried ? own_a_bar : a_bar, symmetric, antisymmetric, g,
                                    twice_chain_1, partial, xi, xt_bar);
            const T g_bar[2] = {partial[0] + partial[2], partial[1] + partial[3]};
            third_letter(parent, xt[letter], g_bar, s_bar, parent_bar, first || stride == 0, xt_bar[letter]);
        }
        for (int j = 0; carried && j < J; ++j) sums[j] = own_sums[j], a_bar[j] = own_a_bar[j];
        level[depth - 2][word] = s;
        bar[depth - 2][word] = s_bar;
    }

    template <int J, int j = 0>
    static void load_row(const T* from, T (&row)[J]) {
        if constexpr (j < J) {
            row[j] = from[j];
            keep_in_register(row[j]);
            load_row<J, j + 1>(from, row);
        }
    }

    // The first child of a word sets the adjoint of its chain; the others add to it.
    static void third_letter(const T* parent, T xi, const T* g_bar, T& s_bar, T* parent_bar, bool first, T& xi_bar) {
        T sums[3] = {};
        if (!first) sums[0] = parent_bar[0], sums[1] = parent_bar[1], sums[2] = parent_bar[2];
        extend_adjoint<R>(3, parent, xi, g_bar, s_bar, sums, xi_bar);
        parent_bar[0] = sums[0], parent_bar[1] = sums[1], parent_bar[2] = sums[2];
    }
};

PYSIG_NAMESPACE_END
