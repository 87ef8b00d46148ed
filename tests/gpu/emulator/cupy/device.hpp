// The device of the emulator, as the text of a kernel sees it: CUDA's keywords, built-in variables, barriers and warp
// shuffles. Kernels are compiled with -fsanitize=thread, which makes the compiler call a hook before every load and
// store; device.cpp answers these hooks itself (the sanitizer's own library is not linked) and so sees what
// compute-sanitizer's memcheck, initcheck, racecheck and synccheck see on a card.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __constant__ static const
#define __align__(n) __attribute__((aligned(n)))
// Static shared arrays gather in one section, so that the runtime knows where they are. `extern __shared__` is
// rewritten before.
#define __shared__ static __attribute__((section("emulator_shared")))
#define __syncthreads() emulator::block_barrier(__LINE__, 0)
#define __syncthreads_or(predicate) (emulator::block_barrier(__LINE__, (predicate) ? 1 : 0) > 0)
#define __syncthreads_count(predicate) emulator::block_barrier(__LINE__, (predicate) ? 1 : 0)

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace emulator {

[[noreturn]] void fault(const char* format, ...) __attribute__((format(printf, 1, 2)));
void* dynamic_shared();
// Returns how many threads of the block brought `vote` 1.
int block_barrier(int line, int vote);
// Hands `bytes` of `value` to the lanes of `mask`, waits for all of them, returns what lane `source` gave.
void warp_exchange(unsigned mask, const void* value, void* result, int source, unsigned bytes, int line);
int lane();

template <class T>
T shuffle(unsigned mask, T value, int source, int line) {
    static_assert(sizeof(T) <= 8, "CUDA shuffles values of at most 8 bytes");
    T result;
    warp_exchange(mask, &value, &result, source, sizeof(T), line);
    return result;
}

inline int source_lane(int wanted, int width) {
    int first = lane() & ~(width - 1);
    return wanted < first || wanted >= first + width ? lane() : wanted;
}

// The arrays of ElementwiseKernel and ReductionKernel: flat index in C order over any strides, checked.
template <class T>
class array {
 public:
    array(T* data, const std::int64_t* shape_strides, int ndim) : data_(data), shape_(shape_strides), ndim_(ndim) {
        for (int axis = 0; axis < ndim; ++axis) size_ *= shape_[axis];
    }
    std::ptrdiff_t size() const { return size_; }
    const std::int64_t* shape() const { return shape_; }
    const std::int64_t* strides() const { return shape_ + ndim_; }
    T& operator[](std::ptrdiff_t index) const {
        if (index < 0 || index >= size_) fault("index %td of an array of %td elements", index, size_);
        std::ptrdiff_t bytes = 0;
        for (int axis = ndim_ - 1; axis >= 0; --axis) {
            bytes += index % shape_[axis] * strides()[axis];
            index /= shape_[axis];
        }
        using byte = std::conditional_t<std::is_const_v<T>, const char, char>;
        return *reinterpret_cast<T*>(reinterpret_cast<byte*>(data_) + bytes);
    }

 private:
    T* data_;
    const std::int64_t* shape_;
    int ndim_;
    std::ptrdiff_t size_ = 1;
};

// One argument of a launch, as Python hands it over: where it is and, for an array, its shape and strides.
struct argument {
    void* value;
    const std::int64_t* shape_strides;
    std::int32_t ndim;
};

// What an argument of a raw kernel must look like: bytes, and 'p'ointer, 'f'loating, 'i'nteger or 's'truct.
struct parameter {
    std::int32_t bytes;
    char kind;
};

template <class T>
constexpr parameter describe() {
    return {int(sizeof(T)), std::is_pointer_v<T>          ? 'p'
                            : std::is_floating_point_v<T> ? 'f'
                            : std::is_integral_v<T>       ? 'i'
                                                          : 's'};
}

template <class... A>
struct entry {
    static constexpr parameter parameters[sizeof...(A) + 1] = {describe<A>()...};
    template <std::size_t... k>
    static void call(void (*kernel)(A...), const argument* arguments, std::index_sequence<k...>) {
        kernel(*static_cast<A*>(arguments[k].value)...);
    }
};

}  // namespace emulator

inline void __syncwarp_at(unsigned mask, int line) {
    char none = 0;
    emulator::warp_exchange(mask, &none, &none, emulator::lane(), 0, line);
}
#define EMULATOR_FIRST(first, ...) first
#define __syncwarp(...) __syncwarp_at(EMULATOR_FIRST(__VA_ARGS__ __VA_OPT__(, ) 0xffffffffu), __LINE__)

template <class T>
T __shfl_sync_at(int line, unsigned mask, T value, int source, int width = 32) {
    return emulator::shuffle(mask, value, (emulator::lane() & ~(width - 1)) | (source & (width - 1)), line);
}
template <class T>
T __shfl_xor_sync_at(int line, unsigned mask, T value, int lanes, int width = 32) {
    return emulator::shuffle(mask, value, emulator::source_lane(emulator::lane() ^ lanes, width), line);
}
template <class T>
T __shfl_up_sync_at(int line, unsigned mask, T value, unsigned delta, int width = 32) {
    return emulator::shuffle(mask, value, emulator::source_lane(emulator::lane() - int(delta), width), line);
}
template <class T>
T __shfl_down_sync_at(int line, unsigned mask, T value, unsigned delta, int width = 32) {
    return emulator::shuffle(mask, value, emulator::source_lane(emulator::lane() + int(delta), width), line);
}
#define __shfl_sync(...) __shfl_sync_at(__LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) __shfl_xor_sync_at(__LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) __shfl_up_sync_at(__LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) __shfl_down_sync_at(__LINE__, __VA_ARGS__)

long long clock64();

template <class T>
T __ldg(const T* pointer) {
    return *pointer;
}
template <class T>
constexpr T min(T a, T b) {
    return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
    return a < b ? b : a;
}
