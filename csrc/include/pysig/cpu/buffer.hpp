// C2. Scratch memory: aligned, uninitialised, of this instruction set (no std container, see config.hpp).
#pragma once

#include "../config.hpp"

#include <cstddef>
#include <new>

PYSIG_NAMESPACE_BEGIN

template <class T>
class buffer {
  public:
    explicit buffer(i64 count)
        : data_(static_cast<T*>(::operator new(std::size_t(count > 0 ? count : 1) * sizeof(T), std::align_val_t{64}))) {}
    ~buffer() { ::operator delete(data_, std::align_val_t{64}); }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;

    T* get() const { return data_; }
    T& operator[](i64 i) const { return data_[i]; }

  private:
    T* data_;
};

PYSIG_NAMESPACE_END
