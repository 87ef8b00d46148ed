// Writes rows to memory line by line.
//
// Rows that follow each other are collected in a small buffer, at the place within a line that they have in the output.
// Whole lines are then written. If the output is larger than the caches, they are written past them, which saves
// reading every line first. Memory takes such lines at a constant rate, so they are best written one at a time, while
// the next row is computed.
#pragma once

#include "../lanes/lanes.hpp"

#include <cstdint>

PYSIG_NAMESPACE_BEGIN

// Writes a vector past the caches to an aligned place: the line is not read first. Until finish_stream() other threads
// may not see it.
template <class R>
inline void stream_lanes(R* target, lanes<R> v) {
#if defined(__clang__)
    __builtin_nontemporal_store(v, reinterpret_cast<lanes<R>*>(target));
#elif defined(__AVX512F__)
    if constexpr (sizeof(R) == 4) __builtin_ia32_movntps512(target, v);
    else __builtin_ia32_movntpd512(target, v);
#elif defined(__AVX__)
    if constexpr (sizeof(R) == 4) __builtin_ia32_movntps256(target, v);
    else __builtin_ia32_movntpd256(target, v);
#elif defined(__SSE2__)
    if constexpr (sizeof(R) == 4) __builtin_ia32_movntps(target, v);
    else __builtin_ia32_movntpd(target, v);
#else
    store_lanes(target, v);
#endif
}
inline void finish_stream() {
#if defined(__SSE2__)
    __builtin_ia32_sfence();
#endif
}

template <class R>
class row_writer {
 public:
    static constexpr i64 width = lane_count<R>;

    // Vectors of the buffer for rows of `row` numbers.
    static i64 size(i64 row) { return ceil_div(capacity(row), width) + 2; }

    row_writer(lanes<R>* buffer, i64 row, bool past_caches)
        : buffer(reinterpret_cast<R*>(buffer)), row(row), past_caches(past_caches) {}

    // Where to write the row of `target`. Less than a vector behind the row may be overwritten.
    R* row_for(R* target) {
        ready = end;
        if (target != origin + end) begin(target);
        else if (end + row > capacity(row)) to_front();
        R* const place = buffer + end;
        end += row;
        return place;
    }

    // Writes a line of the rows before the one of the last row_for(), if there is one.
    bool write_line() {
        const i64 stop = (head / width + 1) * width;
        if (stop > ready) return false;
        if (head % width) std::memcpy(origin + head, buffer + head, std::size_t(stop - head) * sizeof(R));
        else if (past_caches) stream_lanes(origin + head, load_lanes(buffer + head));
        else store_lanes(origin + head, load_lanes(buffer + head));
        head = stop;
        return true;
    }

    void finish() {
        ready = end;
        flush();
        if (past_caches) finish_stream();
    }

 private:
    R* const buffer;
    const i64 row;
    const bool past_caches;
    R* origin = nullptr;               // buffer[m] belongs to origin[m]
    i64 head = 0, ready = 0, end = 0;  // not yet written, the row of the last row_for(), behind it

    static i64 capacity(i64 row) { return 3 * row > min_capacity ? 3 * row : min_capacity; }
    static constexpr i64 min_capacity = 4096 / i64(sizeof(R));

    void begin(R* target) {
        flush();
        head = ready = end = i64(reinterpret_cast<std::uintptr_t>(target) / sizeof(R) % std::uintptr_t(width));
        origin = target - head;
    }
    // Makes room; less than a line remains.
    void to_front() {
        while (write_line()) {
        }
        const i64 written = head / width * width;
        store_lanes(buffer, load_lanes(buffer + written));
        origin += written;
        head -= written;
        end -= written;
        ready = end;
    }
    void flush() {
        while (write_line()) {
        }
        if (end > head) std::memcpy(origin + head, buffer + head, std::size_t(end - head) * sizeof(R));
    }
};

PYSIG_NAMESPACE_END
