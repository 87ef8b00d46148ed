// The signature of the latest points of a path: points are pushed at one end and dropped at the other.
#pragma once

#include "detail/sliding_rows.hpp"
#include "logsignature.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

PYSIG_NAMESPACE_BEGIN

// Nothing is divided out: the products of segments in detail/sliding_rows.hpp never contain a dropped point. Points may
// have times, which do not decrease: double or std::int64_t for all points of a window.
//
// Calls allocate nothing as long as the window has at most `capacity` points; beyond it, the capacity doubles. In steps
// of one segment (about two multiply-adds per coefficient), a push and a drop together cost at most 3 steps on average,
// but a single drop can rebuild the window. With `worst_case` they cost 2 steps and a Chen product on average, and at
// most twice as much, at one row of the size of a signature for each point of the capacity.
//
// The result does not depend on how points are grouped into calls; `signature` of the points of the window adds up the
// same terms in another order. An object is for one thread at a time.
template <class R>
class sliding_signature {
    static_assert(detail::is_real<R>, "pysig: paths are of float or double");

 public:
    sliding_signature(i64 channels, int depth, bool worst_case = false, i64 capacity = 0)
        : segments_(channels, depth), stacks_(segments_), daba_(segments_), times_(1), worst_case_(worst_case) {
        reserve(capacity);
    }

    i64 channels() const { return segments_.channels; }
    int depth() const { return segments_.depth; }
    i64 size() const { return segments_.size; }   // of the signature, without scalar
    i64 points() const { return end_ - first_; }  // in the window
    bool worst_case() const { return worst_case_; }
    i64 capacity() const { return capacity_; }

    // Rows of the size of a signature that are kept for a window of `capacity` points.
    static i64 row_count(i64 channels, int depth, bool worst_case, i64 capacity) {
        const i64 size = detail::checked_size(channels, depth);
        return worst_case ? detail::daba_lite<R>::row_count(size, capacity)
                          : detail::two_stacks<R>::row_count(size, capacity);
    }

    // The capacity after a push that makes the window `points` long.
    i64 capacity_for(i64 points) const { return points <= capacity_ ? capacity_ : std::max(2 * capacity_, points); }

    // Allocates for a window of `capacity` points.
    void reserve(i64 capacity) {
        detail::expect(capacity >= 0, "capacity", "at least 0", capacity);
        if (capacity <= capacity_) return;
        detail::checked_product("capacity", detail::checked_product("capacity", capacity, size()), sizeof(R));
        segments_.points.grow(capacity, first_, end_);
        times_.grow(capacity, first_, kind_ == time_kind::none ? first_ : end_);
        if (worst_case_) daba_.grow(segments_, capacity, first_, last());
        else stacks_.grow(segments_, capacity, first_, last());
        capacity_ = capacity;
    }

    // Appends one or several points, row-major (count, channels), with a time for each or none.
    void push(span<const R> points) {
        if (detail::rows_of(points, "points", channels()) == 0) return;
        expect_kind(time_kind::none);
        append(points, [](i64) { return i64(0); });
    }
    void push(span<const R> points, detail::given<span<const double>> times) { push_timed(points, times); }
    void push(span<const R> points, detail::given<span<const std::int64_t>> times) { push_timed(points, times); }

    // Drops the oldest points.
    void pop(i64 count = 1) {
        detail::expect(count >= 0, "count", "at least 0", count);
        if (count > points())
            detail::throw_invalid_argument("count", "at most the " + std::to_string(points()) + " points of the window",
                                           std::to_string(count));
        drop(count);
    }

    // Drops the points whose time is less than `before`, or with `inclusive` not greater. With `include_previous` the
    // newest of these stays, so that the segment across `before` counts. Returns how many points were dropped.
    template <class T>
    i64 evict(T before, bool inclusive = false, bool include_previous = false) {
        static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "pysig: times are double or std::int64_t");
        if constexpr (std::is_integral_v<T>)
            if (kind_ != time_kind::real) return evict_timed(std::int64_t(before), inclusive, include_previous);
        return evict_timed(double(before), inclusive, include_previous);
    }

    // The signature of the points of the window, without scalar: one product.
    void signature_into(span<R> out) const {
        detail::expect_size(out, "out", size());
        if (channels() == 1) return signature_of_one_channel(out.data());
        const R *front = worst_case_ ? daba_.front(segments_, first_) : stacks_.front(segments_, first_),
                *back = worst_case_ ? daba_.back(last()) : stacks_.back(last());
        if (front && back) return segments_.multiply(front, back, out.data());
        if (const R* one = front ? front : back) std::memcpy(out.data(), one, std::size_t(size()) * sizeof(R));
        else std::fill(out.data(), out.data() + size(), R(0));
    }
    std::vector<R> signature() const {
        std::vector<R> out(static_cast<std::size_t>(size()));
        signature_into(out);
        return out;
    }

    void logsignature_into(const logsignature_basis& basis, span<R> out) const {
        if (basis.channels() != channels())
            detail::throw_invalid_argument("basis", std::to_string(channels()) + " channels",
                                           std::to_string(basis.channels()));
        if (basis.depth() != depth())
            detail::throw_invalid_argument("basis", "depth " + std::to_string(depth()), std::to_string(basis.depth()));
        detail::signature_to_logsignature<R>(signature(), basis, 1, out);
    }
    std::vector<R> logsignature(const logsignature_basis& basis) const {
        std::vector<R> out(std::size_t(basis.size()));
        logsignature_into(basis, out);
        return out;
    }

    // Forgets all points; the capacity stays.
    void reset() { drop(points()); }

    // ---- as bytes, for machines of the same byte order; the capacity is not stored ----

    i64 serialised_size() const {
        return i64(sizeof(header)) + (points() * channels() + stored_rows() * size()) * i64(sizeof(R)) +
               stored_times() * i64(sizeof(i64));
    }

    void serialise_into(span<unsigned char> bytes) const {
        detail::expect_size(bytes, "bytes", serialised_size());
        borders at{0, 0, 0, stacks_.middle() > first_ ? stacks_.middle() - first_ : 0};
        if (worst_case_) {
            at = daba_.get();
            at = {at.l - first_, at.r - first_, at.a - first_, at.b - first_};
        }
        const header head{
            magic, 1, std::int32_t(sizeof(R)), depth(), worst_case_, std::int32_t(kind_), 0, channels(), points(), at};
        unsigned char* to = bytes.data();
        const auto put = [&to](const void* from, std::size_t count) {
            std::memcpy(to, from, count);
            to += count;
        };
        put(&head, sizeof head);
        for (i64 i = first_; i < end_; ++i) put(segments_.points[i], std::size_t(channels()) * sizeof(R));
        for (i64 i = first_; i < first_ + stored_times(); ++i) put(times_[i], sizeof(i64));
        for (i64 i = first_; i < first_ + stored_rows(); ++i) put(daba_.row(i), std::size_t(size()) * sizeof(R));
        const std::uint32_t sum = checksum_of({bytes.data(), bytes.size()});
        std::memcpy(bytes.data() + offsetof(header, checksum), &sum, sizeof sum);
    }
    std::vector<unsigned char> serialise() const {
        std::vector<unsigned char> bytes(static_cast<std::size_t>(serialised_size()));
        serialise_into(bytes);
        return bytes;
    }

    static sliding_signature deserialise(span<const unsigned char> bytes) {
        const header head = checked_header(bytes);
        sliding_signature result(head.channels, head.depth, head.worst_case != 0, head.points);
        result.kind_ = time_kind(head.kind);
        result.end_ = head.points;
        const unsigned char* from = bytes.data() + sizeof head;
        const auto get = [&from](void* to, std::size_t count) {
            std::memcpy(to, from, count);
            from += count;
        };
        for (i64 i = 0; i < head.points; ++i) get(result.segments_.points[i], std::size_t(head.channels) * sizeof(R));
        for (i64 i = 0; i < result.stored_times(); ++i) {
            get(result.times_[i], sizeof(i64));
            if (i > 0 && *result.times_[i] < *result.times_[i - 1])
                detail::throw_invalid_argument("bytes", "times that do not decrease", "others");
        }
        if (head.worst_case) {
            for (i64 i = 0; i < head.at.r; ++i) get(result.daba_.row(i), std::size_t(result.size()) * sizeof(R));
            result.daba_.restore(result.segments_, head.at, result.last());
        } else {
            result.stacks_.restore(result.segments_, head.at.b, 0, result.last());
        }
        return result;
    }

 private:
    using borders = typename detail::daba_lite<R>::borders;
    enum class time_kind : int { none = 0, real = 1, integer = 2 };
    static constexpr std::uint64_t magic = 0x7079736967534c44;  // also tells the byte order
    struct header {
        std::uint64_t magic;
        std::int32_t version, real_size, depth, worst_case, kind;
        std::uint32_t checksum;
        std::int64_t channels, points;
        borders at;  // from the first point on; two stacks have b only
    };

    detail::segments<R> segments_;
    detail::two_stacks<R> stacks_;  // one of the two is used and has rows
    detail::daba_lite<R> daba_;
    detail::ring<i64> times_;  // keys, in the order of the times
    bool worst_case_;
    time_kind kind_ = time_kind::none;
    i64 first_ = 0, end_ = 0, capacity_ = 0;  // points [first, end)

    i64 last() const { return end_ > first_ ? end_ - 1 : first_; }  // of the segments, one behind

    // ---- times: doubles and integers as integer keys in the same order ----

    static i64 key_of(double time) {
        time += 0.0;  // -0 is 0
        i64 bits;
        std::memcpy(&bits, &time, sizeof bits);
        return bits < 0 ? bits ^ max_key : bits;
    }
    static i64 key_of(std::int64_t time) { return time; }
    static constexpr i64 max_key = 0x7fffffffffffffff;
    static constexpr time_kind kind_of(double) { return time_kind::real; }
    static constexpr time_kind kind_of(std::int64_t) { return time_kind::integer; }
    static const char* name_of(time_kind kind) {
        return kind == time_kind::none ? "none" : kind == time_kind::real ? "double" : "int64_t";
    }
    static void expect_not_nan(double time, const char* argument) {
        if (time != time) detail::throw_invalid_argument(argument, "numbers", "NaN");
    }
    static void expect_not_nan(std::int64_t, const char*) {}

    void expect_kind(time_kind kind) const {
        if (points() > 0 && kind != kind_)
            detail::throw_invalid_argument(
                "times", std::string("the type of the times in the window: ") + name_of(kind_), name_of(kind));
    }

    template <class T>
    void push_timed(span<const R> points, span<const T> times) {
        const i64 count = detail::rows_of(points, "points", channels());
        detail::expect_size(times, "times", count);
        if (count == 0) return;
        expect_kind(kind_of(T()));
        for (i64 m = 0; m < count; ++m) {
            expect_not_nan(times[m], "times");
            const bool known = m > 0 || this->points() > 0;
            if (known && key_of(times[m]) < (m > 0 ? key_of(times[m - 1]) : *times_[end_ - 1]))
                detail::throw_invalid_argument("times", "times that do not decrease",
                                               "a smaller one at index " + std::to_string(m));
        }
        append(points, [&](i64 m) { return key_of(times[m]); }, kind_of(T()));
    }

    template <class T>
    i64 evict_timed(T before, bool inclusive, bool include_previous) {
        expect_not_nan(before, "before");
        if (points() == 0) return 0;
        if (kind_of(before) != kind_)
            detail::throw_invalid_argument("before",
                                           std::string("the type of the times in the window: ") + name_of(kind_),
                                           name_of(kind_of(before)));
        const i64 key = key_of(before);
        i64 count = 0;
        while (count < points() && (*times_[first_ + count] < key || (inclusive && *times_[first_ + count] == key)))
            ++count;
        if (include_previous && count > 0) --count;
        drop(count);
        return count;
    }

    // ---- points ----

    template <class K>
    void append(span<const R> points, const K& key, time_kind kind = time_kind::none) {
        const i64 count = points.size() / channels();
        if (this->points() == 0) kind_ = kind;
        reserve(capacity_for(this->points() + count));
        for (i64 m = 0; m < count; ++m) {
            std::memcpy(segments_.points[end_], points.data() + m * channels(), std::size_t(channels()) * sizeof(R));
            if (kind != time_kind::none) *times_[end_] = key(m);
            if (++end_ - first_ == 1) continue;
            if (worst_case_) daba_.push(segments_, first_, last());
            else stacks_.push(segments_, first_, last());
        }
    }

    void drop(i64 count) {
        if (count == 0) return;
        if (points() - count <= 1) {
            first_ += count;
            if (worst_case_) daba_.clear(segments_, first_);
            else stacks_.clear(segments_, first_);
        } else if (worst_case_) {
            for (i64 m = 0; m < count; ++m) {
                ++first_;
                daba_.drop(segments_, first_, last());
            }
        } else {
            first_ += count;
            stacks_.drop(segments_, first_, last());
        }
    }

    // exp(x) of the one step x from the first point to the last.
    void signature_of_one_channel(R* out) const {
        const R x = points() > 1 ? *segments_.points[end_ - 1] - *segments_.points[first_] : R(0);
        for (int k = 0; k < depth(); ++k) out[k] = (k ? out[k - 1] * x : x) / R(k + 1);
    }

    // ---- bytes ----

    i64 stored_times() const { return kind_ == time_kind::none ? 0 : points(); }
    i64 stored_rows() const { return worst_case_ ? daba_.get().r - first_ : 0; }

    // FNV-1a with zeros in place of the checksum: one changed byte always changes it.
    static std::uint32_t checksum_of(span<const unsigned char> bytes) {
        constexpr i64 begin = offsetof(header, checksum), end = begin + 4;
        std::uint32_t sum = 2166136261u;
        for (i64 i = 0; i < bytes.size(); ++i) {
            sum ^= i < begin || i >= end ? bytes[i] : 0;
            sum *= 16777619u;
        }
        return sum;
    }

    static header checked_header(span<const unsigned char> bytes) {
        header head{};
        if (bytes.data() == nullptr || bytes.size() < i64(sizeof head))
            detail::throw_invalid_argument("bytes", "a serialised sliding signature", "too few bytes");
        std::memcpy(&head, bytes.data(), sizeof head);
        const i64 end = head.points > 0 ? head.points - 1 : 0;
        const borders& at = head.at;
        const bool known = head.magic == magic && head.version == 1;
        if (known && head.checksum != checksum_of(bytes))
            detail::throw_invalid_argument("bytes", "bytes that have not changed since serialise", "others");
        if (!known || (head.worst_case & ~1) != 0 || head.kind < 0 || head.kind > 2 || head.points < 0)
            detail::throw_invalid_argument("bytes", "a sliding signature serialised in this byte order and version",
                                           "something else");
        if (head.worst_case ? !detail::daba_lite<R>::valid(at, 0, end)
                            : at.l != 0 || at.r != 0 || at.a != 0 || at.b < 0 || at.b > end)
            detail::throw_invalid_argument("bytes", "a window in a valid state", "another one");
        if (head.real_size != std::int32_t(sizeof(R)))
            detail::throw_invalid_argument("bytes", "reals of " + std::to_string(sizeof(R)) + " bytes",
                                           std::to_string(head.real_size) + " bytes");
        // Each element has at least one byte, so none of the products is larger than the sum of the sizes.
        const i64 size = detail::checked_size(head.channels, head.depth), most = bytes.size();
        const i64 rows = head.worst_case ? at.r : 0, width = i64(sizeof(R));
        if (head.points > most || head.channels > most || (rows > 0 && size > most / rows) ||
            (head.points > 0 && head.channels > most / head.points) ||
            most != i64(sizeof head) + head.points * head.channels * width + (head.kind ? head.points * 8 : 0) +
                        rows * size * width)
            detail::throw_invalid_argument("bytes", "the size for these channels, depth and points",
                                           std::to_string(most) + " bytes");
        return head;
    }
};

PYSIG_NAMESPACE_END
