// Scratch memory: aligned, uninitialised, of this instruction set (no std container, see config.hpp). A buffer without
// elements allocates nothing, which keeps small calls fast.
#pragma once

#include "../../config.hpp"

#include <cstddef>
#include <new>

PYSIG_NAMESPACE_BEGIN

template <class T>
class buffer {
 public:
    explicit buffer(i64 count)
        : data_(count > 0 ? static_cast<T*>(::operator new(std::size_t(count) * sizeof(T), std::align_val_t{64}))
                          : nullptr) {}
    ~buffer() {
        if (data_) ::operator delete(data_, std::align_val_t{64});
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;

    T* get() const { return data_; }
    T& operator[](i64 i) const { return data_[i]; }

 private:
    T* data_;
};

// Allocators give large blocks back to the system once they are freed, and every page of the next call's blocks is
// faulted in anew, which may cost as much as a fifth of the call. glibc learns what to keep from the largest block that
// it has seen freed: this shows it one as large as all that the call takes. From more than 32 MiB it does not learn.
// Other allocators do not mind.
inline void keep_freed_memory(i64 bytes) {
    if (bytes <= 0 || bytes > 32 << 20) return;
    const buffer<char> all(bytes);
    *const_cast<volatile char*>(all.get()) = 0;
}

PYSIG_NAMESPACE_END
