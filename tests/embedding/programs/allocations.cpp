// Pushing to incremental and sliding signatures, dropping and reading allocate nothing: every allocation is counted.
#include <pysig/pysig.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace {
long allocations = 0;

void* counted(void* memory) {
    ++allocations;
    if (!memory) throw std::bad_alloc();
    return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    const std::size_t unit = std::size_t(alignment);
    return counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

// The allocations of 500 points after the first 50.
template <class F>
long counted_for(const std::vector<double>& path, pysig::i64 channels, const F& push) {
    long before = 0;
    for (pysig::i64 t = 0; t < pysig::i64(path.size()) / channels; ++t) {
        if (t == 50) before = allocations;
        push({path.data() + t * channels, channels}, double(t));
    }
    return allocations - before;
}

int failures = 0;
void check(long found, bool expected, const char* what, pysig::i64 channels) {
    if ((found > 0) == expected) return;
    std::printf("FAILED: %s, %lld channels: %ld allocations\n", what, channels, found);
    ++failures;
}

void run(pysig::i64 channels, int depth) {
    using rows = pysig::span<const double>;
    std::vector<double> path(550 * std::size_t(channels)), out(std::size_t(pysig::signature_size(channels, depth)));
    for (std::size_t i = 0; i < path.size(); ++i) path[i] = double(i * i % 61) / 64;
    pysig::incremental_signature<double> incremental(channels, depth);
    check(counted_for(path, channels, [&](rows point, double) { incremental.push(point); }), false, "incremental",
          channels);
    for (const bool worst_case : {false, true}) {
        pysig::sliding_signature<double> window(channels, depth, worst_case);
        const auto slide = [&](rows point, double time) {
            window.push(point, rows(&time, 1));
            window.evict(time - 30);
            if (int(time) % 7 == 6) window.pop(5);
            window.signature_into(out);
        };
        check(counted_for(path, channels, slide), false, worst_case ? "worst case" : "amortised", channels);
        // The counter counts: a window that grows allocates.
        pysig::sliding_signature<double> growing(channels, depth, worst_case);
        check(counted_for(path, channels, [&](rows point, double) { growing.push(point); }), true, "growing", channels);
        pysig::sliding_signature<double> reserved(channels, depth, worst_case, 550);
        check(counted_for(path, channels, [&](rows point, double) { reserved.push(point); }), false, "reserved",
              channels);
    }
}

}  // namespace

int main() {
    run(1, 6);
    run(2, 5);
    run(5, 4);
    run(9, 2);
    if (failures == 0) std::printf("ok\n");
    return failures ? 1 : 0;
}
