// The ceilings of this machine: multiply-adds per second, and bytes per second from and to memory.
//
// Built at bench time for the machine it runs on (see probe.py). Every function returns its work
// (multiply-adds, or bytes); the caller takes the time. SIMD is written in GCC/Clang vector types,
// as wide as the machine's registers.
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

// Independent chains: at least (latency of a multiply-add) x (units), and few enough that all chains and
// the two operands stay in registers: 16 registers before AVX-512, 32 with it and on ARM.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kChains = 24;
#else
constexpr int kChains = 12;
#endif

template <class T>
struct Simd {
    typedef T type __attribute__((vector_size(kBytes)));
};

// The compiler may neither remove nor merge the chains: each passes through an opaque statement at the end.
template <class V>
inline void keep(V& v) {
#if defined(__x86_64__)
    asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(v));
#else
    asm volatile("" : "+m"(v));
#endif
}

template <class T>
__attribute__((always_inline)) inline double chains(std::int64_t rounds) {
    using V = typename Simd<T>::type;
    V acc[kChains], factor = {}, term = {};
    for (int i = 0; i < kChains; ++i) acc[i] = V{} + T(i);
    factor += T(0.5), term += T(1);  // the fixed point is 2: no overflow, no subnormal numbers
    keep(factor);
    keep(term);
    for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 32
        for (int i = 0; i < kChains; ++i) acc[i] = acc[i] * factor + term;
    }
    for (int i = 0; i < kChains; ++i) keep(acc[i]);
    return double(rounds) * kChains * (kBytes / sizeof(T));
}

using Word = Simd<std::int64_t>::type;
constexpr std::size_t kUnroll = 8;
const Word kPattern = Word{} + 0x3ff123456789abcd;  // not zero: some processors store zeros faster

inline void read(const Word* from, std::size_t count) {
    Word sum[kUnroll] = {};
    for (std::size_t i = 0; i + kUnroll <= count; i += kUnroll)
        for (std::size_t j = 0; j < kUnroll; ++j) sum[j] ^= from[i + j];
    for (Word& s : sum) keep(s);
}

// The opaque statement keeps the loop a loop: without it the compiler calls memset or memcpy.
inline void write(Word* to, std::size_t count) {
    Word value = kPattern;
    for (std::size_t i = 0; i < count; ++i) {
        keep(value);
        to[i] = value;
    }
}

inline void copy(Word* to, const Word* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        Word value = from[i];
        keep(value);
        to[i] = value;
    }
}

inline void stream(Word* to, const Word& value) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), (__m512i)value);
#elif defined(__AVX__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), (__m256i)value);
#elif defined(__x86_64__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), (__m128i)value);
#elif defined(__clang__)
    __builtin_nontemporal_store(value, to);
#else
    *to = value;
#endif
}

inline void fence() {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

inline void write_streaming(Word* to, std::size_t count) {
    Word value = kPattern;
    keep(value);
    for (std::size_t i = 0; i < count; ++i) stream(to + i, value);
    fence();
}

inline void copy_streaming(Word* to, const Word* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) stream(to + i, from[i]);
    fence();
}

// body(first, last) on equal shares of `count`, one per thread, the caller's thread among them.
template <class Body>
void share(int threads, std::size_t count, Body body) {
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(body, count * t / threads, count * (t + 1) / threads);
    body(0, count / threads);
    for (std::thread& other : others) other.join();
}

template <class Body>
double memory(int threads, std::size_t bytes, double moved, Body body) {
    share(threads, bytes / sizeof(Word), body);
    return moved * double(bytes);
}

}  // namespace

extern "C" {

// One thread's chains under a plain name, so that the disassembly of the loop can be read and checked.
__attribute__((noinline)) double pysig_bench_chains_float32(std::int64_t rounds) { return chains<float>(rounds); }
__attribute__((noinline)) double pysig_bench_chains_float64(std::int64_t rounds) { return chains<double>(rounds); }

double pysig_bench_madds_float32(int threads, std::int64_t rounds) {
    share(threads, threads, [=](std::size_t, std::size_t) { pysig_bench_chains_float32(rounds); });
    return double(threads) * double(rounds) * kChains * (kBytes / sizeof(float));
}

double pysig_bench_madds_float64(int threads, std::int64_t rounds) {
    share(threads, threads, [=](std::size_t, std::size_t) { pysig_bench_chains_float64(rounds); });
    return double(threads) * double(rounds) * kChains * (kBytes / sizeof(double));
}

// `to` and `from` are aligned to 64 bytes, `bytes` is a multiple of 4096.
double pysig_bench_read(int threads, void*, const void* from, std::size_t bytes) {
    auto f = static_cast<const Word*>(from);
    return memory(threads, bytes, 1, [=](std::size_t a, std::size_t b) { read(f + a, b - a); });
}

double pysig_bench_write(int threads, void* to, const void*, std::size_t bytes) {
    auto t = static_cast<Word*>(to);
    return memory(threads, bytes, 1, [=](std::size_t a, std::size_t b) { write(t + a, b - a); });
}

double pysig_bench_write_streaming(int threads, void* to, const void*, std::size_t bytes) {
    auto t = static_cast<Word*>(to);
    return memory(threads, bytes, 1, [=](std::size_t a, std::size_t b) { write_streaming(t + a, b - a); });
}

double pysig_bench_copy(int threads, void* to, const void* from, std::size_t bytes) {
    auto t = static_cast<Word*>(to);
    auto f = static_cast<const Word*>(from);
    return memory(threads, bytes, 2, [=](std::size_t a, std::size_t b) { copy(t + a, f + a, b - a); });
}

double pysig_bench_copy_streaming(int threads, void* to, const void* from, std::size_t bytes) {
    auto t = static_cast<Word*>(to);
    auto f = static_cast<const Word*>(from);
    return memory(threads, bytes, 2, [=](std::size_t a, std::size_t b) { copy_streaming(t + a, f + a, b - a); });
}

int pysig_bench_register_bytes() { return kBytes; }
int pysig_bench_chain_count() { return kChains; }
}
