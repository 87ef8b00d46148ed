// What a sliding signature keeps: the points of the window, and products of its segments. Two schemes drop the oldest
// segment without an inverse: two stacks (amortised), and DABA Lite (each call in constant time). Both are described in
// Tangwongsan, Hirzel and Schneider, "In-order sliding-window aggregation in worst-case constant time", VLDB Journal
// 2021, arXiv 2009.13768.
//
// Points and segments are numbered from the first point that was ever pushed; segment i leads from point i to point
// i + 1. The window has the segments [F, E), and P[i, j) is the product exp(x_i) (x) ... (x) exp(x_(j-1)).
#pragma once

#include "checks.hpp"
#include "kernels.hpp"

#include <cmath>
#include <cstring>
#include <vector>

PYSIG_NAMESPACE_BEGIN
namespace detail {

// Rows of `width` elements whose numbers grow without bound, of which `capacity` neighbouring ones are kept.
template <class T>
class ring {
 public:
    explicit ring(i64 width) : width_(width) {}

    T* operator[](i64 i) { return data_.data() + i % capacity_ * width_; }
    const T* operator[](i64 i) const { return data_.data() + i % capacity_ * width_; }

    // Keeps the rows [first, end).
    void grow(i64 capacity, i64 first, i64 end) {
        std::vector<T> data(std::size_t(capacity) * std::size_t(width_));
        for (i64 i = first; i < end; ++i)
            std::memcpy(data.data() + i % capacity * width_, (*this)[i], std::size_t(width_) * sizeof(T));
        data_.swap(data);
        capacity_ = capacity;
    }

 private:
    i64 width_, capacity_ = 0;
    std::vector<T> data_;
};

// The points of a window, and the products that the schemes are made of. Rows are signatures without scalar.
template <class R>
class segments {
 public:
    segments(i64 channels, int depth)
        : points(channels),
          channels(channels),
          depth(depth),
          size(checked_size(channels, depth)),
          append_(find_kernel<incremental_job<R>>()),
          product_(find_kernel<sliding_job<R>>()),
          increment_(std::size_t(channels)),
          scratch_(std::size_t(incremental_scratch(channels, depth))) {}

    // row <- row (x) exp(x_i)
    void append(i64 i, R* row) {
        append_({row, increment(i), nullptr, 1, channels, depth, scratch_.data()}, executor{});
    }
    // out <- exp(x_i) (x) row; null is 1
    void prepend(i64 i, const R* row, R* out) {
        product_({sliding_op::prepend, increment(i), row, out, channels, depth, scratch_.data()}, executor{});
    }
    // out <- a (x) b
    void multiply(const R* a, const R* b, R* out) const {
        product_({sliding_op::multiply, a, b, out, channels, depth, nullptr}, executor{});
    }
    void clear(std::vector<R>& row) const { std::fill(row.begin(), row.end(), R(0)); }

    ring<R> points;
    i64 channels;
    int depth;
    i64 size;

 private:
    const R* increment(i64 i) {
        const R *from = points[i], *to = points[i + 1];
        for (i64 c = 0; c < channels; ++c) increment_[std::size_t(c)] = to[c] - from[c];
        return increment_.data();
    }

    kernel<incremental_job<R>> append_;
    kernel<sliding_job<R>> product_;
    std::vector<R> increment_, scratch_;
};

// Two stacks. The window is [F, B) and [B, E): the back is one product P[B, E), extended by each push. The front is a
// stack of P[i, B). When it is used up, B moves to E and the stack is built again from B to F.
//
// Only the rows of one block of the front are kept, the one that contains F, and one row for each later block, P[B -
// j c, B) for blocks of c segments. A block is computed from the row behind it when F enters it: 2 steps a segment
// instead of 1, but c + n / c rows instead of n.
template <class R>
class two_stacks {
 public:
    explicit two_stacks(const segments<R>& s) : back_(std::size_t(s.size)) {}

    static i64 rows_of_block(i64 size, i64 capacity) {
        constexpr i64 small = i64(1) << 16;  // bytes of rows that need no division into blocks
        const i64 root = i64(std::sqrt(double(capacity))), rows = small / (size * i64(sizeof(R)));
        return 1 + (root > rows ? root : rows);
    }
    static i64 row_count(i64 size, i64 capacity) {
        const i64 block = rows_of_block(size, capacity);
        return block + ceil_div(capacity, block);
    }

    void grow(segments<R>& s, i64 capacity, i64 first, i64) {
        std::vector<R> rows(std::size_t(row_count(s.size, capacity)) * std::size_t(s.size));
        rows_.swap(rows);
        block_ = rows_of_block(s.size, capacity);
        if (first < middle_) fill(s, first);
    }

    void push(segments<R>& s, i64, i64 end) { s.append(end - 1, back_.data()); }

    void drop(segments<R>& s, i64 first, i64 end) {
        if (first > middle_) {
            middle_ = end;
            s.clear(back_);
            fill(s, first);
        } else if (first < middle_ && first >= block_end_) {
            fill_block(s, (middle_ - 1 - first) / block_, first);
        }
    }

    void clear(segments<R>& s, i64 end) {
        middle_ = end;
        s.clear(back_);
    }

    // P[F, B) and P[B, E); null if empty.
    const R* front(const segments<R>& s, i64 first) const { return first < middle_ ? row(s, first) : nullptr; }
    const R* back(i64 end) const { return middle_ < end ? back_.data() : nullptr; }

    i64 middle() const { return middle_; }

    // From the number B alone: every row is computed from the segments in one way.
    void restore(segments<R>& s, i64 middle, i64 first, i64 end) {
        middle_ = middle;
        for (i64 i = middle; i < end; ++i) s.append(i, back_.data());
        if (first < middle) fill(s, first);
    }

 private:
    std::vector<R> back_, rows_;
    i64 middle_ = 0, block_end_ = 0, block_ = 0;  // B, the end of the block whose rows are kept, c

    const R* row(const segments<R>& s, i64 i) const { return rows_.data() + (block_end_ - 1 - i) * s.size; }
    R* row(const segments<R>& s, i64 i) { return rows_.data() + (block_end_ - 1 - i) * s.size; }
    R* row_behind(const segments<R>& s, i64 j) { return rows_.data() + (block_ + j - 1) * s.size; }

    void fill(segments<R>& s, i64 first) {
        const i64 blocks = ceil_div(middle_ - first, block_);
        for (i64 j = 0; j < blocks; ++j) {
            fill_block(s, j, first);
            if (j + 1 < blocks)
                std::memcpy(row_behind(s, j + 1), row(s, block_end_ - block_), std::size_t(s.size) * sizeof(R));
        }
    }
    void fill_block(segments<R>& s, i64 j, i64 first) {
        block_end_ = middle_ - j * block_;
        const i64 begin = first > block_end_ - block_ ? first : block_end_ - block_;
        const R* known = j ? row_behind(s, j) : nullptr;
        for (i64 i = block_end_ - 1; i >= begin; --i) {
            s.prepend(i, known, row(s, i));
            known = row(s, i);
        }
    }
};

// DABA Lite: the two stacks with the front rebuilt step by step, F <= L <= R <= A <= B <= E. Row i of the front is
//     P[i, B) for i in [F, L) and in [A, B),     P[i, R) for i in [L, R),     not there for i in [R, A).
// Beside the rows: P[B, E), and P[R, B) while L < R. After each call the window is empty, or
//     F < L,   R - L = A - R,   (B - L) + 1 = (B - F) - (E - B).
// Each push and each drop is followed by one step of `advance`, at most one product and one prepended segment.
template <class R>
class daba_lite {
 public:
    explicit daba_lite(const segments<R>& s) : back_(std::size_t(s.size)), right_(std::size_t(s.size)), rows_(s.size) {}

    static i64 row_count(i64, i64 capacity) { return capacity; }

    void grow(segments<R>&, i64 capacity, i64 first, i64 end) { rows_.grow(capacity, first, end); }

    void push(segments<R>& s, i64 first, i64 end) {
        s.append(end - 1, back_.data());
        advance(s, first, end);
    }
    // One segment.
    void drop(segments<R>& s, i64 first, i64 end) { advance(s, first, end); }

    void clear(segments<R>& s, i64 end) {
        l_ = r_ = a_ = b_ = end;
        s.clear(back_);
    }

    const R* front(const segments<R>&, i64 first) const { return first < b_ ? rows_[first] : nullptr; }
    const R* back(i64 end) const { return b_ < end ? back_.data() : nullptr; }

    struct borders {
        i64 l, r, a, b;
    };
    borders get() const { return {l_, r_, a_, b_}; }
    static bool valid(borders p, i64 first, i64 end) {
        if (first == end) return p.l == first && p.r == first && p.a == first && p.b == first;
        return first < p.l && p.l <= p.r && p.r <= p.a && p.a <= p.b && p.b <= end && p.r - p.l == p.a - p.r &&
               (p.b - p.l) + 1 == (p.b - first) - (end - p.b);
    }

    const R* row(i64 i) const { return rows_[i]; }
    R* row(i64 i) { return rows_[i]; }

    // From the borders and the rows [F, R).
    void restore(segments<R>& s, borders p, i64 end) {
        l_ = p.l, r_ = p.r, a_ = p.a, b_ = p.b;
        for (i64 i = b_; i < end; ++i) s.append(i, back_.data());
        if (l_ < r_)
            for (i64 i = r_; i < b_; ++i) s.append(i, right_.data());
        for (i64 i = b_ - 1; i >= a_; --i) s.prepend(i, i + 1 < b_ ? rows_[i + 1] : nullptr, rows_[i]);
    }

 private:
    std::vector<R> back_, right_;  // P[B, E), P[R, B)
    ring<R> rows_;
    i64 l_ = 0, r_ = 0, a_ = 0, b_ = 0;

    void advance(segments<R>& s, i64 first, i64 end) {
        if (first == b_) {  // one segment: its product is the row
            std::memcpy(rows_[first], back_.data(), std::size_t(s.size) * sizeof(R));
            return clear(s, end);
        }
        if (l_ == b_) {  // front and back are of the same length: the back becomes part of the front
            l_ = first, r_ = b_, a_ = b_ = end;
            right_.swap(back_);
            s.clear(back_);
        }
        if (l_ == r_) {
            ++l_, ++r_, ++a_;
            return;
        }
        s.multiply(rows_[l_], right_.data(), rows_[l_]);
        ++l_, --a_;
        s.prepend(a_, a_ + 1 < b_ ? rows_[a_ + 1] : nullptr, rows_[a_]);
    }
};

}  // namespace detail
PYSIG_NAMESPACE_END
