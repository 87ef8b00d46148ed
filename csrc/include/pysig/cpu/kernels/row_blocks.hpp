// Signatures as rows with neighbouring words in the lanes, in blocks: a step at the end or at the front, and Chen's
// product.
//
// A block holds the words p v with a common prefix p, where v has `letters` letters, as whole vectors; the lanes behind
// its last word are not used. `letters` is the least number whose words fill a vector. So all vectors of a row are
// aligned, and none holds words of two blocks. A level of fewer letters is one vector.
//
//     A cut in front of v multiplies a vector of words by one number.
//     A cut inside v, in front of its last l letters, multiplies a[p v'] for words v' that are repeated d^l times by
//     level l, which is repeated as well. Each is one permutation of one vector.
//
// To prepend a step multiplies contiguous words by the increment of one letter, so most of it needs no permutation.
#pragma once

#include "../../algebra/horner.hpp"
#include "../../algebra/words.hpp"
#include "../lanes/buffer.hpp"
#include "../lanes/lanes.hpp"

PYSIG_NAMESPACE_BEGIN

// Letters of a block: the least number whose words fill a vector.
constexpr int letters_of_block(i64 d, i64 width) {
    int letters = 1;
    for (i64 words = d; words < width; words *= d) ++letters;
    return letters;
}

// Vector number `part` of the vectors that repeat the first `period` lanes of v.
template <int period, int part, class V, int... l>
inline V periodic_lanes(V v, index_list<l...>) {
    return __builtin_shufflevector(v, v, ((part * int(sizeof...(l)) + l) % period)...);
}

// D channels if there are fewer than lanes, else 0.
template <class R, i64 D>
class row_blocks {
 public:
    using V = lanes<R>;
    static constexpr i64 width = lane_count<R>;
    static constexpr int letters = D ? letters_of_block(D, width) : 1;
    static constexpr i64 known = D ? ceil_div(power(D, letters), width) : 0;  // vectors of a block
    static constexpr int max_levels = 64;

    row_blocks(i64 channels, int depth)
        : d(channels),
          depth(depth),
          vectors_(D ? known : ceil_div(d, width)),
          words_(power(d, letters)),
          table(table_size(d, depth)) {
        i64 begin = 0;
        for (int n = 1; n <= depth; ++n) {
            level[n] = begin;
            blocks[n] = n < letters ? 1 : power(d, n - letters);
            count[n] = n < letters ? 1 : blocks[n] * vectors();
            begin += count[n];
            reciprocal[n] = R(1) / R(n);
            if ((depth - n) * count[n] > chains) chains = (depth - n) * count[n];
        }
        if (chains < depth) chains = depth;
        row = begin + 1;  // whole vectors are read from any word on
        fill_table(table.get());
    }

    // Vectors of a row, and of the scratch of a step.
    i64 row_vectors() const { return row; }
    i64 scratch_vectors() const { return 2 * (chains + 1); }

    void set_trivial(V* s) const {
        for (i64 m = 0; m < row; ++m) s[m] = V{};
    }
    // From a row without blocks.
    void read(const R* from, V* s) const {
        set_trivial(s);
        R* to = reinterpret_cast<R*>(s);
        for (int n = 1; n <= depth; ++n)
            for (i64 w = 0; w < power(d, n); ++w) to[word(n, w)] = *from++;
    }
    // To a row without blocks; writes less than a vector behind its end.
    void write(const V* s, R* out) const {
        for (int n = 1; n <= depth; ++n) {
            const V* from = s + level[n];
            const i64 of_block = n < letters ? power(d, n) : words();
            for (i64 p = 0; p < blocks[n]; ++p, out += of_block)
                for (i64 v = 0; v * width < of_block; ++v) store_lanes(out + v * width, *from++);
        }
    }

    // after = before (x) exp(x). `after` may be `before`. Less than a vector behind x is read.
    void append(const R* x, const V* before, V* after, V* scratch) const {
        V letter[D ? known : 1];
        if constexpr (D > 0) repeat_letters(load_lanes(x), letter, typename count_up<known>::type{});
        V *parent = scratch, *child = scratch + chains + 1;
        begin_chains(parent);
        for (int n = 1; n <= depth; ++n) {
            const step_level here{
                n, depth - n, letter, x, n == 1 ? 1 : count[n - 1], before + level[n], after + level[n]};
            append_level(here, parent, child);
            V* const swap = parent;
            parent = child;
            child = swap;
        }
    }

    // after = exp(x) (x) before. `after` may be `before`.
    void prepend(const R* x, const V* before, V* after, V* scratch) const {
        V *parent = scratch, *child = scratch + chains + 1;
        begin_chains(parent);
        prepend_short<1>(x, before, after, parent, child);
        for (int n = letters + 1; n <= depth; ++n)
            prepend_level(n, x, before + level[n], after + level[n], parent, child);
    }

    // out = a (x) b, a row without blocks; writes less than a vector behind its end. Calls `between` after each block.
    template <class F>
    void multiply(const V* a, const V* b, R* out, const F& between) const {
        out = multiply_short<1>(a, b, out);
        for (int n = letters; n <= depth; ++n) out = multiply_level(n, a, b, out, between);
    }

 private:
    const i64 d;
    const int depth;
    const i64 vectors_, words_;  // of a block
    // A cut: the place of the number or the words in front of it in a, and of the block behind it in b.
    struct cut {
        i64 x, from;
    };
    const buffer<cut> table;
    i64 cuts_of[max_levels];
    i64 level[max_levels], blocks[max_levels], count[max_levels];  // of a level: its place, blocks, vectors
    R reciprocal[max_levels];
    i64 chains = 0, row = 0;

    i64 vectors() const { return D ? known : vectors_; }
    i64 words() const { return D ? power(D, letters) : words_; }
    // The place of a word of level n.
    i64 word(int n, i64 w) const {
        return level[n] * width + (n < letters ? w : w / words() * vectors() * width + w % words());
    }
    void begin_chains(V* chain) const {
        for (int r = 0; r < depth; ++r) chain[r] = broadcast(reciprocal[r + 1]);  // chain_of_empty_word
    }

    template <int... v>
    static void repeat_letters(V x, V* letter, index_list<v...>) {
        ((letter[v] = periodic_lanes<D, v>(x, typename count_up<width>::type{})), ...);
    }
    template <i64 times, int v>
    static V repeated(V from) {
        return repeated_lanes<times, v>(from, typename count_up<width>::type{});
    }
    template <i64 period, int v>
    static V periodic(V from) {
        return periodic_lanes<period, v>(from, typename count_up<width>::type{});
    }

    // ---- a step at the end ----

    struct step_level {
        int n, reach;
        const V* letter;
        const R* x;
        i64 stride;  // of the chains of the level above
        const V* before;
        V* after;
    };

    void append_level(const step_level& at, const V* parent, V* child) const {
        if (at.n < letters) append_words<1, false>(at, parent, child);
        else if (at.reach == 0) append_words<known, true>(at, parent, child);
        else append_words<known, false>(at, parent, child);
    }

    // `last`: no chains are needed.
    template <i64 size, bool last>
    void append_words(const step_level& at, const V* parent, V* child) const {
        constexpr i64 per_letter = D ? power(D, letters - 1) : 1;
        const i64 groups = at.n <= letters ? 1 : blocks[at.n - 1], siblings = at.n <= letters ? 1 : d;
        i64 m = 0;
        for (i64 g = 0; g < groups; ++g)
            for (i64 j = 0; j < siblings; ++j) {
                const R* chain = reinterpret_cast<const R*>(parent + g * vectors()) + j * per_letter;
                if constexpr (D > 0) {
                    append_block<last>(at, m, 0, chain, child, typename count_up<size>::type{});
                    m += size;
                } else {
                    for (i64 v = 0; v < vectors(); ++v, ++m)
                        append_block<last>(at, m, v, chain, child, typename count_up<1>::type{});
                }
            }
    }

    template <bool last, int... v>
    void append_block(const step_level& at, i64 m, i64 part, const R* chain, V* PYSIG_RESTRICT child,
                      index_list<v...>) const {
        const V s[] = {at.before[m + v]...};
        const V x[] = {(D ? at.letter[v] : load_lanes(at.x + (part + v) * width))...};
        const i64 own = count[at.n];
        for (int r = 1; !last && r <= at.reach; ++r) {
            const V c = of_parent(chain + r * at.stride * width);
            V* to = child + (r - 1) * own + m;
            ((to[v] = chain_entry<R>(spread<v>(c), x[v], s[v], r, reciprocal[r])), ...);
        }
        const V c = of_parent(chain);
        ((at.after[m + v] = advance(s[v], spread<v>(c), x[v])), ...);
    }
    static V of_parent(const R* chain) {
        if constexpr (D > 0) return load_lanes(chain);
        else return broadcast(*chain);
    }
    template <int v>
    static V spread(V chain) {
        if constexpr (D > 0) return repeated<D, v>(chain);
        else return chain;
    }

    // ---- a step at the front ----

    // Levels of one block.
    template <int n>
    void prepend_short(const R* x, const V* before, V* after, V*& parent, V*& child) const {
        if (n > depth) return;
        const V* s = before + level[n];
        V* to = after + level[n];
        const i64 stride = n == 1 ? 1 : count[n - 1];
        if constexpr (D > 0) prepend_words<n>(x, s, to, parent, stride, child, counted<n>());
        else
            for (i64 v = 0; v < vectors(); ++v) {
                const V xv = load_lanes(x + v * width), sv = s[v];
                for (int r = 1; r <= depth - n; ++r)
                    child[(r - 1) * vectors() + v] = chain_entry<R>(parent[r], xv, sv, r, reciprocal[r]);
                to[v] = advance(sv, parent[0], xv);
            }
        V* const swap = parent;
        parent = child;
        child = swap;
        if constexpr (n < letters) prepend_short<n + 1>(x, before, after, parent, child);
    }
    template <int n>
    static constexpr auto counted() {
        return typename count_up<int(n < letters ? 1 : known)>::type{};
    }

    template <int n, int... v>
    void prepend_words(const R* x, const V* before, V* after, const V* parent, i64 stride, V* PYSIG_RESTRICT child,
                       index_list<v...>) const {
        constexpr i64 period = power(D, n - 1);
        const V xs = load_lanes(x);
        const V letter[] = {repeated<period, v>(xs)...};
        const V s[] = {before[v]...};
        for (int r = 1; r <= depth - n; ++r) {
            V* to = child + (r - 1) * count[n];
            ((to[v] = chain_entry<R>(periodic<period, v>(parent[r * stride]), letter[v], s[v], r, reciprocal[r])), ...);
        }
        ((after[v] = advance(s[v], periodic<period, v>(parent[0]), letter[v])), ...);
    }

    void prepend_level(int n, const R* x, const V* s, V* to, V*& parent, V*& child) const {
        const i64 above = count[n - 1], own = count[n];
        for (i64 i = 0; i < d; ++i, s += above, to += above) {
            const V xi = broadcast(x[i]);
            for (int r = 1; r <= depth - n; ++r) {
                const V* PYSIG_RESTRICT c = parent + r * above;
                V* PYSIG_RESTRICT chain = child + (r - 1) * own + i * above;
                for (i64 m = 0; m < above; ++m) chain[m] = chain_entry<R>(c[m], xi, s[m], r, reciprocal[r]);
            }
            for (i64 m = 0; m < above; ++m) to[m] = advance(s[m], parent[m], xi);
        }
        V* const swap = parent;
        parent = child;
        child = swap;
    }

    // ---- the product ----

    // Levels of less than a block.
    template <int n>
    R* multiply_short(const V* a, const V* b, R* PYSIG_RESTRICT out) const {
        if constexpr (n < letters) {
            if (n > depth) return out;
            V sum[1] = {a[level[n]] + b[level[n]]}, behind[letters];
            repeat_behind<n, 1>(b, behind, counted<n>());
            cut places[letters];
            for (int l = 1; l < n; ++l) places[l - 1] = {level[n - l] * width, 0};
            inner_cuts<n, 1>(a, places, behind, sum, counted<n>());
            store_lanes(out, sum[0]);
            return multiply_short<n + 1>(a, b, out + power(D, n));
        } else {
            return out;
        }
    }

    // Levels l < of, repeated, a block each.
    template <int of, int l, int... v>
    void repeat_behind(const V* b, V* to, index_list<v...> all) const {
        if constexpr (l < of) {
            ((*to++ = periodic<power(D, l), v>(b[level[l]])), ...);
            repeat_behind<of, l + 1>(b, to, all);
        }
    }

    // The cuts in front of the last l letters, l < `of`: words at place[l] of a.
    template <int of, int l, int... v>
    static void inner_cuts(const V* a, const cut* place, const V* behind, V* sum, index_list<v...> all) {
        if constexpr (l < of) {
            const V u = load_lanes(reinterpret_cast<const R*>(a) + place->x);
            ((sum[v] = sum[v] + repeated<power(D, l), v>(u) * behind[v]), ...);
            inner_cuts<of, l + 1>(a, place + 1, behind + sizeof...(v), sum, all);
        }
    }

    // Level n of at least a block, with `outer` cuts in front of the block; -1: as many as there are.
    template <int outer = 3, class F>
    R* multiply_level(int n, const V* a, const V* b, R* PYSIG_RESTRICT out, const F& between) const {
        if constexpr (outer >= 0)
            if (n - letters != outer) return multiply_level<outer - 1>(n, a, b, out, between);
        const V *an = a + level[n], *bn = b + level[n];
        const cut* cuts = table.get() + cuts_of[n];
        const int before = outer < 0 ? n - letters : outer;
        if constexpr (D > 0) {
            V behind[known * letters];
            repeat_behind<letters, 1>(b, behind, counted<letters>());
            for (i64 p = blocks[n]; p > 0; --p, an += known, bn += known, out += words()) {
                multiply_block(a, b, an, bn, cuts, before, behind, out, counted<letters>());
                cuts += before + letters - 1;
                between();
            }
        } else {
            for (i64 p = blocks[n]; p > 0; --p, an += vectors(), bn += vectors(), out += words()) {
                for (i64 v = 0; v < vectors(); ++v) {
                    V sum = an[v] + bn[v];
                    for (int k = 0; k < before; ++k)
                        sum = sum + load_lanes(reinterpret_cast<const R*>(b + v) + cuts[k].from) *
                                        broadcast(reinterpret_cast<const R*>(a)[cuts[k].x]);
                    store_lanes(out + v * width, sum);
                }
                cuts += before;
                between();
            }
        }
        return out;
    }

    template <int... v>
    static void multiply_block(const V* a, const V* b, const V* an, const V* bn, const cut* cuts, int before,
                               const V* behind, R* PYSIG_RESTRICT out, index_list<v...> all) {
        V sum[] = {(an[v] + bn[v])...};
        for (int k = 0; k < before; ++k) {
            const V x = broadcast(reinterpret_cast<const R*>(a)[cuts[k].x]);
            const R* from = reinterpret_cast<const R*>(b) + cuts[k].from;
            ((sum[v] = sum[v] + x * load_lanes(from + v * width)), ...);
        }
        inner_cuts<letters, 1>(a, cuts + before, behind, sum, all);
        (store_lanes(out + v * width, sum[v]), ...);
    }

    // Of every block of every level, the cuts in front of it, in the order of the levels, and those within it.
    void fill_table(cut* to) {
        cut* const first = to;
        for (int n = letters; n <= depth; ++n) {
            cuts_of[n] = to - first;
            for (i64 p = 0; p < blocks[n]; ++p) {
                for (int k = 1; k <= n - letters; ++k) {
                    const i64 behind = power(d, n - letters - k);
                    *to++ = {word(k, p / behind), (level[n - k] + p % behind * vectors()) * width};
                }
                for (int l = 1; l < letters; ++l) *to++ = {word(n - l, p * power(d, letters - l)), 0};
            }
        }
    }
    static i64 table_size(i64 d, int depth) {
        i64 size = 0;
        for (int n = letters; n <= depth; ++n) size += power(d, n - letters) * (n - 1);
        return size;
    }
};

PYSIG_NAMESPACE_END
