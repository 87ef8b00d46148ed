// Which instruction set runs: the best that the machine has, or the one that PYSIG_ISA names.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "table.hpp"

namespace pysig {
namespace {

struct candidate {
    const kernel_table* table;
    bool (*runs)();
};

[[maybe_unused]] bool always() { return true; }

#if defined(__x86_64__) || defined(_M_X64)
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
[[maybe_unused]] bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif

// Best first.
const candidate candidates[] = {
#ifdef PYSIG_HAVE_avx512
    {&kernels_avx512, has_avx512},
#endif
#ifdef PYSIG_HAVE_avx2
    {&kernels_avx2, has_avx2},
#endif
#ifdef PYSIG_HAVE_neon
    {&kernels_neon, always},
#endif
#ifdef PYSIG_HAVE_baseline
    {&kernels_baseline, always},
#endif
};

const std::string& available() {
    static const std::string names = [] {
        std::string list;
        for (const candidate& c : candidates)
            if (c.runs()) list += (list.empty() ? "" : " ") + std::string(c.table->name);
        return list;
    }();
    return names;
}

const kernel_table& choose() {
    const char* forced = std::getenv("PYSIG_ISA");
    for (const candidate& c : candidates)
        if (c.runs() && (!forced || !*forced || std::string(forced) == c.table->name)) return *c.table;
    throw std::runtime_error(
        "the environment variable PYSIG_ISA must name an instruction set that this machine has: one of " + available() +
        "; received '" + std::string(forced) + "'. Unset it to use the best one.");
}

}  // namespace

const char* available_kernels() { return available().c_str(); }

const kernel_table& active_kernels() {
    static const kernel_table& chosen = choose();  // a failed choice throws again at the next call
    return chosen;
}

}  // namespace pysig
