// Host/device switch, restrict, index type, the namespace of the instruction set.
// Only this file depends on the compiler and the device.
#pragma once

// PYSIG_UNROLL marks loops that must unroll on a GPU: an array with a variable index does not stay in registers.
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define PYSIG_UNROLL _Pragma("unroll")
#else
#define PYSIG_UNROLL
#endif

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define PYSIG_HD __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define PYSIG_HD inline __attribute__((always_inline))
#else
#define PYSIG_HD inline
#endif

// After the parameters of a lambda that must be inlined.
#if defined(__GNUC__) && !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#define PYSIG_INLINED __attribute__((always_inline))
#else
#define PYSIG_INLINED
#endif

#if defined(__GNUC__)
#define PYSIG_NOT_INLINED __attribute__((noinline))
#else
#define PYSIG_NOT_INLINED
#endif

// Keeps a vector in a register. Otherwise the compiler may reload it at every use, and loads limit a register tile
// first.
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#define PYSIG_IN_REGISTER(v) __asm__("" : "+v"(v))
#elif defined(__GNUC__) && defined(__aarch64__) && !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#define PYSIG_IN_REGISTER(v) __asm__("" : "+w"(v))
#else
#define PYSIG_IN_REGISTER(v) (void)(v)
#endif

// Hides the origin of a pointer from the compiler, so that it addresses elements by constant offsets from one register.
// Otherwise it may keep the address of every element in a separate register.
#if defined(__GNUC__) && !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#define PYSIG_ONE_BASE(pointer) __asm__("" : "+r"(pointer))
#else
#define PYSIG_ONE_BASE(pointer) (void)(pointer)
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define PYSIG_RESTRICT __restrict
#else
#define PYSIG_RESTRICT __restrict__
#endif

// A function whose static variables stay within the library or program that includes it. Otherwise the dynamic linker
// would share them between all of these, and could unload none.
#if defined(__GNUC__) && !defined(_WIN32)
#define PYSIG_HIDDEN __attribute__((visibility("hidden")))
#else
#define PYSIG_HIDDEN
#endif

// Everything under include/ lives in pysig::PYSIG_ISA. Without it the linker would merge inline functions that were
// compiled with different flags, and an old CPU would execute instructions that it lacks.
#ifndef PYSIG_ISA
#ifdef PYSIG_COMPILED
#define PYSIG_ISA library  // no kernels: they are those of the compiled library
#else
#define PYSIG_ISA native
#endif
#endif

#define PYSIG_NAMESPACE_BEGIN \
    namespace pysig {         \
    inline namespace PYSIG_ISA {
#define PYSIG_NAMESPACE_END \
    }                       \
    }

namespace pysig {
using i64 = long long;  // every size and index
}

PYSIG_NAMESPACE_BEGIN

// n / divisor, rounded up; n >= 0.
PYSIG_HD constexpr i64 ceil_div(i64 n, i64 divisor) { return (n + divisor - 1) / divisor; }

PYSIG_NAMESPACE_END
