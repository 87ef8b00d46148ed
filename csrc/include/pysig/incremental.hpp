// The signature of a path whose points arrive one after the other; it can be read at any time.
#pragma once

#include "logsignature.hpp"

#include <cstdint>
#include <cstring>

PYSIG_NAMESPACE_BEGIN

// A push costs about two multiply-adds per coefficient and allocates nothing. The result does not depend on how
// points are grouped into pushes; `signature` of all points adds up the same terms in another order.
template <class R>
class incremental_signature {
    static_assert(detail::is_real<R>, "pysig: paths are of float or double");

 public:
    incremental_signature(i64 channels, int depth)
        : channels_(channels),
          depth_(depth),
          kernel_(detail::find_kernel<incremental_job<R>>()),
          signature_(std::size_t(detail::checked_size(channels, depth))),
          last_(std::size_t(channels)),
          scratch_(std::size_t(pysig::incremental_scratch(channels, depth))) {}

    i64 channels() const { return channels_; }
    int depth() const { return depth_; }
    i64 size() const { return i64(signature_.size()); }  // of the signature, without scalar
    i64 points() const { return points_; }  // pushed so far, and the origin if the path began with an increment

    // Appends one or several points, row-major (count, channels).
    void push(span<const R> points) {
        i64 count = detail::rows_of(points, "points", channels_);
        if (count == 0) return;
        points_ += count;
        const R* rows = points.data();
        if (!started_) {
            started_ = true;
            std::memcpy(last_.data(), rows, last_.size() * sizeof(R));
            rows += channels_;
            --count;
        }
        advance(rows, last_.data(), count);
    }

    // Appends increments instead of points.
    void push_increments(span<const R> increments) {
        const i64 count = detail::rows_of(increments, "increments", channels_);
        if (count == 0) return;
        points_ += started_ ? count : count + 1;
        started_ = true;
        advance(increments.data(), nullptr, count);
        for (i64 m = 0; m < increments.size(); ++m) last_[std::size_t(m % channels_)] += increments[m];
    }

    // A view of the signature so far, without scalar; the next push changes it.
    span<const R> signature() const { return {signature_.data(), size()}; }

    void logsignature_into(const logsignature_basis& basis, span<R> out) const {
        if (basis.channels() != channels_)
            detail::throw_invalid_argument("basis", std::to_string(channels_) + " channels",
                                           std::to_string(basis.channels()));
        if (basis.depth() != depth_)
            detail::throw_invalid_argument("basis", "depth " + std::to_string(depth_), std::to_string(basis.depth()));
        detail::signature_to_logsignature<R>(signature(), basis, 1, out);
    }
    std::vector<R> logsignature(const logsignature_basis& basis) const {
        std::vector<R> out(std::size_t(basis.size()));
        logsignature_into(basis, out);
        return out;
    }

    // Forgets all points.
    void reset() {
        std::fill(signature_.begin(), signature_.end(), R(0));
        std::fill(last_.begin(), last_.end(), R(0));
        points_ = 0;
        started_ = false;
    }

    // ---- as bytes, for machines of the same byte order ----

    i64 serialised_size() const { return i64(sizeof(header) + (last_.size() + signature_.size()) * sizeof(R)); }

    void serialise_into(span<unsigned char> bytes) const {
        detail::expect_size(bytes, "bytes", serialised_size());
        const header head{magic, 1, std::int32_t(sizeof(R)), depth_, started_, channels_, points_};
        unsigned char* to = bytes.data();
        std::memcpy(to, &head, sizeof head);
        std::memcpy(to + sizeof head, last_.data(), last_.size() * sizeof(R));
        std::memcpy(to + sizeof head + last_.size() * sizeof(R), signature_.data(), signature_.size() * sizeof(R));
    }
    std::vector<unsigned char> serialise() const {
        std::vector<unsigned char> bytes(static_cast<std::size_t>(serialised_size()));
        serialise_into(bytes);
        return bytes;
    }

    static incremental_signature deserialise(span<const unsigned char> bytes) {
        header head{};
        if (bytes.data() == nullptr || bytes.size() < i64(sizeof head))
            detail::throw_invalid_argument("bytes", "a serialised incremental signature", "too few bytes");
        std::memcpy(&head, bytes.data(), sizeof head);
        if (head.magic != magic || head.version != 1 || (head.started != 0 && head.started != 1) ||
            head.points < head.started)
            detail::throw_invalid_argument("bytes", "an incremental signature serialised in this byte order",
                                           "something else");
        if (head.real_size != std::int32_t(sizeof(R)))
            detail::throw_invalid_argument("bytes", "reals of " + std::to_string(sizeof(R)) + " bytes",
                                           std::to_string(head.real_size) + " bytes");
        const i64 size = detail::checked_size(head.channels, head.depth);
        if (bytes.size() != i64(sizeof head) + (head.channels + size) * i64(sizeof(R)))
            detail::throw_invalid_argument("bytes", "the size for these channels and depth",
                                           std::to_string(bytes.size()) + " bytes");
        incremental_signature result(head.channels, head.depth);
        const unsigned char* from = bytes.data() + sizeof head;
        std::memcpy(result.last_.data(), from, result.last_.size() * sizeof(R));
        std::memcpy(result.signature_.data(), from + result.last_.size() * sizeof(R),
                    result.signature_.size() * sizeof(R));
        result.started_ = head.started != 0;
        result.points_ = head.points;
        return result;
    }

 private:
    static constexpr std::uint64_t magic = 0x7079736967535452;  // also tells the byte order
    struct header {
        std::uint64_t magic;
        std::int32_t version, real_size, depth, started;
        std::int64_t channels, points;
    };

    void advance(const R* rows, R* last, i64 count) {
        kernel_({signature_.data(), rows, last, count, channels_, depth_, scratch_.data()}, executor{});
    }

    i64 channels_;
    int depth_;
    kernel<incremental_job<R>> kernel_;
    std::vector<R> signature_, last_, scratch_;
    i64 points_ = 0;
    bool started_ = false;
};

PYSIG_NAMESPACE_END
