// The bases of log-signatures, made in C++ for programs without Python: Lyndon words, their standard
// brackets, and the exact matrices that read coordinates off a logarithm. pysig/_combinatorics has the same tables,
// and the tests compare them.
#pragma once

#include "../cpu/jobs/algebra.hpp"
#include "checks.hpp"

#include <map>
#include <unordered_map>
#include <vector>

PYSIG_NAMESPACE_BEGIN

// expanded: the coefficients of all words. words: those of the Lyndon words. brackets: coordinates in the Lyndon
// brackets.
enum class basis : int { expanded = 0, words = 1, brackets = 2 };

// Coordinates of a log-signature in words or brackets. The Lyndon words of n letters are the aperiodic necklaces: every
// word of n letters is a power of a rotation of one, so that channels^n is the sum of k L_k over the divisors k of n.
inline i64 logsignature_size(i64 channels, int depth) {
    detail::checked_size(channels, depth);
    if (channels == 1) return 1;
    std::vector<i64> count(std::size_t(depth) + 1);
    i64 total = 0;
    for (int n = 1; n <= depth; ++n) {
        i64 rest = power(channels, n);
        for (int k = 1; k < n; ++k)
            if (n % k == 0) rest -= k * count[std::size_t(k)];
        total += count[std::size_t(n)] = rest / n;
    }
    return total;
}

namespace detail {

// A word of `level` letters and its index within the level.
struct lyndon_word {
    int level;
    i64 word;
};

// All Lyndon words up to `depth`, level after level, each level in lexicographic order (Duval 1988: each from the one
// before).
inline std::vector<lyndon_word> lyndon_words(i64 d, int depth) {
    if (d == 1) return {{1, 0}};
    std::vector<std::vector<i64>> levels(std::size_t(depth) + 1);
    std::vector<i64> word{-1};
    while (!word.empty()) {
        ++word.back();
        const std::size_t period = word.size();
        i64 index = 0;
        for (const i64 letter : word) index = index * d + letter;
        levels[period].push_back(index);
        while (word.size() < std::size_t(depth)) word.push_back(word[word.size() - period]);
        while (!word.empty() && word.back() == d - 1) word.pop_back();
    }
    std::vector<lyndon_word> out;
    for (int level = 1; level <= depth; ++level)
        for (const i64 index : levels[std::size_t(level)]) out.push_back({level, index});
    return out;
}

using polynomial = std::map<i64, i64>;  // words of one length: coefficients

// Coordinates in the Lyndon brackets as functionals of words: pysig/_combinatorics/lyndon_dual.py says where the
// formula comes from. For a Lyndon word h = ((a, h1), ..., hm),
//     S_h = a . T_h,     T_h = (S_h1 sh ... sh S_hm) / (i1! i2! ...),
// `.` is concatenation, `sh` the shuffle product, and i1, i2, ... count equal factors.
class lyndon_functionals {
 public:
    lyndon_functionals(i64 channels, int depth)
        : d(channels), words(lyndon_words(channels, depth)), known(std::size_t(depth) + 1) {
        std::vector<polynomial> tails;
        std::vector<std::size_t> right;
        std::vector<i64> equal;
        for (const lyndon_word& h : words) {
            known[std::size_t(h.level)][h.word] = functionals.size();
            if (h.level == 1) {
                functionals.push_back({{h.word, 1}});
                tails.push_back({{0, 1}});
                right.push_back(0);
                equal.push_back(0);
                continue;
            }
            const auto [a, b] = factors(h);
            equal.push_back(words[a].level > 1 && right[a] == b ? equal[a] + 1 : 1);
            right.push_back(b);
            polynomial tail = shuffle(tails[a], words[a].level - 1, functionals[b], words[b].level);
            for (auto& term : tail) term.second /= equal.back();
            polynomial functional;
            const i64 first = h.word / power(d, h.level - 1) * power(d, h.level - 1);
            for (const auto& [word, coefficient] : tail)
                functional.emplace_hint(functional.end(), first + word, coefficient);
            tails.push_back(std::move(tail));
            functionals.push_back(std::move(functional));
        }
    }
    const std::vector<polynomial>& get() const { return functionals; }
    const std::vector<lyndon_word>& elements() const { return words; }

 private:
    i64 d;
    std::vector<lyndon_word> words;
    std::vector<std::unordered_map<i64, std::size_t>> known;  // of each level: which element a word is
    std::vector<polynomial> functionals;
    std::map<std::pair<std::pair<i64, int>, std::pair<i64, int>>, polynomial> shuffles;  // tails of words recur

    // The standard factors: the right one is the longest proper suffix that is a Lyndon word.
    std::pair<std::size_t, std::size_t> factors(const lyndon_word& h) const {
        for (int cut = 1;; ++cut) {
            const i64 scale = power(d, h.level - cut);
            const auto& suffixes = known[std::size_t(h.level - cut)];
            const auto found = suffixes.find(h.word % scale);
            if (found != suffixes.end()) return {known[std::size_t(cut)].at(h.word / scale), found->second};
        }
    }

    static i64 times(i64 a, i64 b) {
        i64 product = 0;
        if (__builtin_mul_overflow(a, b, &product))
            throw_invalid_argument("depth", "coefficients of a basis that fit 64 bits", "larger ones");
        return product;
    }
    static void add(polynomial& to, i64 word, i64 coefficient) {
        i64& sum = to[word];
        if (__builtin_add_overflow(sum, coefficient, &sum))
            throw_invalid_argument("depth", "coefficients of a basis that fit 64 bits", "larger ones");
    }

    // u sh v for words of p and q letters, by their first letters.
    const polynomial& shuffle_words(i64 u, int p, i64 v, int q) {
        const auto key = std::make_pair(std::make_pair(u, p), std::make_pair(v, q));
        const auto found = shuffles.find(key);
        if (found != shuffles.end()) return found->second;
        polynomial result;
        if (p == 0 || q == 0) {
            result[u + v] = 1;
        } else {
            const i64 top = power(d, p + q - 1), of_u = power(d, p - 1), of_v = power(d, q - 1);
            for (const auto& [word, c] : shuffle_words(u % of_u, p - 1, v, q)) add(result, u / of_u * top + word, c);
            for (const auto& [word, c] : shuffle_words(u, p, v % of_v, q - 1)) add(result, v / of_v * top + word, c);
        }
        return shuffles.emplace(key, std::move(result)).first->second;
    }
    polynomial shuffle(const polynomial& f, int p, const polynomial& g, int q) {
        polynomial result;
        for (const auto& [u, a] : f)
            for (const auto& [v, b] : g)
                for (const auto& [word, c] : shuffle_words(u, p, v, q)) add(result, word, times(times(a, b), c));
        return result;
    }
};

// A sparse matrix of integers, ready for both precisions.
struct integer_map {
    std::vector<i64> indptr{0}, indices;
    std::vector<float> f32;
    std::vector<double> f64;
    i64 columns = 0;

    void add(i64 column, i64 value) {
        indices.push_back(column);
        f32.push_back(float(value));
        f64.push_back(double(value));
    }
    void end_row() { indptr.push_back(i64(indices.size())); }
    i64 rows() const { return i64(indptr.size()) - 1; }

    sparse_map<float> view(float) const { return {indptr.data(), indices.data(), f32.data(), rows(), columns}; }
    sparse_map<double> view(double) const { return {indptr.data(), indices.data(), f64.data(), rows(), columns}; }

    integer_map transposed() const {
        integer_map out;
        out.columns = rows();
        out.indptr.assign(std::size_t(columns) + 1, 0);
        for (const i64 column : indices) ++out.indptr[std::size_t(column) + 1];
        for (std::size_t c = 0; c < std::size_t(columns); ++c) out.indptr[c + 1] += out.indptr[c];
        std::vector<i64> next(out.indptr);
        out.indices.resize(indices.size());
        out.f32.resize(indices.size());
        out.f64.resize(indices.size());
        for (i64 row = 0; row < rows(); ++row)
            for (i64 k = indptr[std::size_t(row)]; k < indptr[std::size_t(row) + 1]; ++k) {
                const std::size_t from = std::size_t(k), to = std::size_t(next[std::size_t(indices[from])]++);
                out.indices[to] = row;
                out.f32[to] = f32[from];
                out.f64[to] = f64[from];
            }
        return out;
    }
};

}  // namespace detail

// The tables of a basis: made once, used by any number of calls and threads. "words" costs little; "brackets" some time
// at high depths.
class logsignature_basis {
 public:
    logsignature_basis(i64 channels, int depth, basis kind) : channels_(channels), depth_(depth), kind_(kind) {
        const i64 tensor = detail::checked_size(channels, depth);
        detail::expect(int(kind) >= 0 && int(kind) <= 2, "basis", "expanded (0), words (1) or brackets (2)", int(kind));
        size_ = kind == basis::expanded ? tensor : logsignature_size(channels, depth);
        if (kind == basis::expanded) return;
        from_tensor_.columns = tensor;
        if (kind == basis::words)
            for (const detail::lyndon_word& w : detail::lyndon_words(channels, depth)) {
                from_tensor_.add(level_offset(channels, w.level) + w.word, 1);
                from_tensor_.end_row();
            }
        else add_functionals();
        to_tensor_ = from_tensor_.transposed();
    }

    i64 channels() const { return channels_; }
    int depth() const { return depth_; }
    basis kind() const { return kind_; }
    i64 size() const { return size_; }  // coordinates

    // Coordinates from coefficients, and the adjoint; null for `expanded`, which needs neither.
    const detail::integer_map* from_tensor() const { return kind_ == basis::expanded ? nullptr : &from_tensor_; }
    const detail::integer_map* to_tensor() const { return kind_ == basis::expanded ? nullptr : &to_tensor_; }

 private:
    i64 channels_;
    int depth_;
    basis kind_;
    i64 size_ = 0;
    detail::integer_map from_tensor_, to_tensor_;

    void add_functionals() {
        const detail::lyndon_functionals lyndon(channels_, channels_ == 1 ? 1 : depth_);
        for (std::size_t h = 0; h < lyndon.get().size(); ++h) {
            const i64 offset = level_offset(channels_, lyndon.elements()[h].level);
            for (const auto& [word, coefficient] : lyndon.get()[h]) from_tensor_.add(offset + word, coefficient);
            from_tensor_.end_row();
        }
    }
};

PYSIG_NAMESPACE_END
