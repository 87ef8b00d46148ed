// A view of contiguous elements, like std::span of C++20. std::vector, std::array, std::span and plain arrays convert
// to it implicitly.
#pragma once

#include "config.hpp"

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

PYSIG_NAMESPACE_BEGIN

template <class T>
class span {
    template <class C>
    using data_of = decltype(std::data(std::declval<C&>()));

 public:
    span() = default;
    span(T* data, i64 size) : data_(data), size_(size) {}
    template <class C, class = std::enable_if_t<
                           !std::is_same_v<std::decay_t<C>, span> && std::is_convertible_v<data_of<C>, T*> &&
                           std::is_same_v<std::remove_cv_t<std::remove_pointer_t<data_of<C>>>, std::remove_cv_t<T>>>>
    span(C&& elements) : data_(std::data(elements)), size_(i64(std::size(elements))) {}

    T* data() const { return data_; }
    i64 size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](i64 i) const { return data_[i]; }

 private:
    T* data_ = nullptr;
    i64 size_ = 0;
};

namespace detail {
template <class T>
struct as_it_is {
    using type = T;
};
// A parameter from which nothing is deduced.
template <class T>
using given = typename as_it_is<T>::type;

// The elements of a container of floats or doubles.
template <class C>
using real_of = std::remove_cv_t<std::remove_pointer_t<decltype(std::data(std::declval<C&>()))>>;

template <class R>
constexpr bool is_real = std::is_same_v<R, float> || std::is_same_v<R, double>;
}  // namespace detail

PYSIG_NAMESPACE_END
