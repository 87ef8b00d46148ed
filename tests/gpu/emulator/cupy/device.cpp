// The machine behind device.hpp: a block is run as one fiber per thread, on one core; barriers switch fibers.
#include "device.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdarg>
#include <cstdio>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

extern "C" {
extern char __start_emulator_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_emulator_shared[] __attribute__((weak, visibility("hidden")));
}

// A clock that leaps: what waits for it need not wait.
long long clock64() {
    static long long ticks = 0;
    return ticks += 1'000'000;
}

namespace emulator {
namespace {

constexpr std::size_t stack_bytes = 256 * 1024;
constexpr int many = -2, nobody = -1;

struct range {
    std::uintptr_t begin, end;
};

// When a thread touched a byte: accesses of two threads are ordered by a block barrier, or within a warp by a warp
// barrier, between them.
struct access {
    std::int32_t thread = nobody, block_epoch = -1, warp_epoch = -1;
};

struct shadow_byte {
    access write, read;
};

enum class state { ready, at_block_barrier, at_warp_barrier, finished };

struct fiber {
    ucontext_t context;
    char* stack = nullptr;
    state now = state::ready;
    int line = 0, vote = 0;
    unsigned mask = 0;
    uint3 index;
    // An exchange: what this lane gives and receives, and from which lane.
    unsigned char given[8], received[8];
    int source = 0;
    // Warp barriers so far, and those of the other lanes of the warp that happened before now.
    int epoch = 0, seen[32] = {};
};

struct machine {
    std::vector<fiber> fibers;
    std::vector<char> dynamic;
    std::vector<shadow_byte> shadow_dynamic, shadow_static;
    std::vector<range> allowed;
    ucontext_t scheduler, exit;
    int current = nobody, block_epoch = 0, votes = 0;
    bool faulted = false;
    char message[512];
    void (*body)(const void*) = nullptr;
    const void* body_data = nullptr;
};

machine the;

bool ordered(const access& earlier, int thread) {
    if (earlier.thread == nobody || earlier.thread == thread || earlier.block_epoch != the.block_epoch) return true;
    return earlier.thread >= 0 && earlier.thread / 32 == thread / 32 &&
           the.fibers[thread].seen[earlier.thread % 32] > earlier.warp_epoch;
}

access stamp(int thread) { return {thread, the.block_epoch, the.fibers[thread].epoch}; }

void check_shared(shadow_byte* shadow, std::size_t offset, std::size_t bytes, bool writing) {
    int thread = the.current;
    for (shadow_byte* byte = shadow + offset; byte != shadow + offset + bytes; ++byte) {
        if (!writing && byte->write.thread == nobody)
            fault("thread %d reads uninitialised shared memory at byte %zu", thread, std::size_t(byte - shadow));
        if (!ordered(byte->write, thread))
            fault("race in shared memory at byte %zu: thread %d %s what thread %d wrote with no barrier between",
                  std::size_t(byte - shadow), thread, writing ? "overwrites" : "reads", byte->write.thread);
        if (writing) {
            if (!ordered(byte->read, thread))
                fault(
                    "race in shared memory at byte %zu: thread %d overwrites what another thread read with no barrier "
                    "between",
                    std::size_t(byte - shadow), thread);
            byte->write = stamp(thread);
        } else {
            access before = byte->read;
            byte->read = stamp(thread);
            if (before.block_epoch == the.block_epoch && before.thread != nobody && before.thread != thread)
                byte->read.thread = many;
        }
    }
}

void check(const void* address, std::size_t bytes, bool writing) {
    if (the.current == nobody) return;
    auto at = reinterpret_cast<std::uintptr_t>(address);
    auto inside = [&](std::uintptr_t begin, std::uintptr_t end) { return at >= begin && at + bytes <= end; };
    const fiber& self = the.fibers[the.current];
    auto stack = reinterpret_cast<std::uintptr_t>(self.stack);
    if (stack && inside(stack, stack + stack_bytes)) return;
    for (const range& r : the.allowed)
        if (inside(r.begin, r.end)) return;
    auto dynamic = reinterpret_cast<std::uintptr_t>(the.dynamic.data());
    if (inside(dynamic, dynamic + the.dynamic.size()))
        return check_shared(the.shadow_dynamic.data(), at - dynamic, bytes, writing);
    auto fixed = reinterpret_cast<std::uintptr_t>(__start_emulator_shared);
    if (fixed && inside(fixed, reinterpret_cast<std::uintptr_t>(__stop_emulator_shared)))
        return check_shared(the.shadow_static.data(), at - fixed, bytes, writing);
    Dl_info constants;  // tables of the module itself
    if (dladdr(address, &constants)) return;
    fault("thread %d of block %u %s %zu bytes outside every array of the launch", the.current, blockIdx.x,
          writing ? "writes" : "reads", bytes);
}

void fiber_main() {
    the.body(the.body_data);
    the.fibers[the.current].now = state::finished;
    // Returning continues the scheduler (uc_link).
}

void resume(int thread) {
    fiber& f = the.fibers[thread];
    the.current = thread;
    threadIdx = f.index;
    swapcontext(&the.scheduler, &f.context);
    the.current = nobody;
}

void wait(state reason, int line) {
    fiber& f = the.fibers[the.current];
    f.now = reason;
    f.line = line;
    swapcontext(&f.context, &the.scheduler);
}

void start(int thread) {
    fiber& f = the.fibers[thread];
    if (!f.stack) {
        void* memory =
            mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) fault("no memory for the stack of thread %d", thread);
        f.stack = static_cast<char*>(memory);
    }
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack;
    f.context.uc_stack.ss_size = stack_bytes;
    f.context.uc_link = &the.scheduler;
    makecontext(&f.context, fiber_main, 0);
    f.now = state::ready;
    unsigned t = unsigned(thread);
    f.index = {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
}

// The lanes of a warp that wait: those of `mask` have all come to one line. Several groups of a warp may wait at a
// time.
bool all_wait(int first, unsigned mask) {
    const fiber* one = nullptr;
    for (int lane = 0; lane < 32; ++lane) {
        if (!(mask >> lane & 1)) continue;
        const fiber& f = the.fibers[first + lane];
        if (f.now != state::at_warp_barrier) return false;
        if (!one) one = &f;
        if (f.line != one->line || f.mask != one->mask)
            fault("lanes of one warp wait at lines %d and %d, or with different masks", f.line, one->line);
    }
    return true;
}

// Hands over what the lanes of `mask` give. All that they did is before all that they do from now on.
void release(int first, unsigned mask) {
    int seen[32] = {};
    for (int lane = 0; lane < 32; ++lane) {
        if (!(mask >> lane & 1)) continue;
        fiber& f = the.fibers[first + lane];
        f.seen[lane] = ++f.epoch;
        for (int k = 0; k < 32; ++k) seen[k] = f.seen[k] > seen[k] ? f.seen[k] : seen[k];
        std::memcpy(f.received, the.fibers[first + f.source].given, sizeof f.received);
        f.now = state::ready;
    }
    for (int lane = 0; lane < 32; ++lane)
        if (mask >> lane & 1) std::memcpy(the.fibers[first + lane].seen, seen, sizeof seen);
}

bool release_warps() {
    bool any = false;
    int threads = int(the.fibers.size());
    for (int thread = 0; thread < threads; ++thread) {
        const fiber& f = the.fibers[thread];
        int first = thread / 32 * 32, lanes = threads - first < 32 ? threads - first : 32;
        unsigned mask = f.mask & (lanes == 32 ? ~0u : (1u << lanes) - 1);
        if (f.now != state::at_warp_barrier || !all_wait(first, mask)) continue;
        release(first, mask);
        any = true;
    }
    return any;
}

void run_block() {
    int threads = int(the.fibers.size());
    for (int t = 0; t < threads; ++t) start(t);
    for (auto& f : the.fibers) {
        f.epoch = 0;
        std::memset(f.seen, 0, sizeof f.seen);
    }
    the.block_epoch = 0;
    std::fill(the.shadow_dynamic.begin(), the.shadow_dynamic.end(), shadow_byte{});
    std::fill(the.shadow_static.begin(), the.shadow_static.end(), shadow_byte{});
    // Even passes run the threads upwards, odd ones downwards: no order of threads may be relied upon.
    for (int pass = 0;; ++pass) {
        for (int k = 0; k < threads; ++k) {
            int t = pass % 2 ? threads - 1 - k : k;
            if (the.fibers[t].now == state::ready) resume(t);
        }
        if (release_warps()) continue;
        int waiting = 0, finished = 0, line = 0;
        for (const fiber& f : the.fibers) {
            finished += f.now == state::finished;
            if (f.now == state::at_warp_barrier)
                fault("line %d: a warp barrier or shuffle waits for lanes that never come", f.line);
            if (f.now != state::at_block_barrier) continue;
            if (waiting && f.line != line)
                fault("__syncthreads() at line %d and at line %d by threads of one block", line, f.line);
            line = f.line;
            ++waiting;
        }
        if (finished == threads) return;
        if (waiting != threads)
            fault("line %d: __syncthreads() reached by %d of %d threads; the others have returned", line, waiting,
                  threads);
        the.votes = 0;
        for (fiber& f : the.fibers) {
            f.now = state::ready;
            the.votes += f.vote;
        }
        ++the.block_epoch;
    }
}

}  // namespace

void fault(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(the.message, sizeof the.message, format, arguments);
    va_end(arguments);
    the.faulted = true;
    the.current = nobody;
    setcontext(&the.exit);  // the fibers of the block are given up
    __builtin_unreachable();
}

void* dynamic_shared() { return the.dynamic.data(); }

int block_barrier(int line, int vote) {
    the.fibers[the.current].vote = vote;
    wait(state::at_block_barrier, line);
    return the.votes;
}

int lane() { return the.current % 32; }

void warp_exchange(unsigned mask, const void* value, void* result, int source, unsigned bytes, int line) {
    int self = the.current, first = self / 32 * 32;
    if (!(mask >> (self - first) & 1)) fault("line %d: lane %d is not in the mask that it passes", line, self - first);
    if (!(mask >> source & 1))
        fault("line %d: lane %d reads from lane %d, which is not in the mask", line, self - first, source);
    if (first + source >= int(the.fibers.size()))
        fault("line %d: lane %d reads from lane %d, which the block does not have", line, self - first, source);
    fiber& f = the.fibers[self];
    std::memcpy(f.given, value, bytes);
    f.mask = mask;
    f.source = source;
    wait(state::at_warp_barrier, line);
    std::memcpy(result, f.received, bytes);
}

namespace {
void guarded(void (*body)()) {
    the.faulted = false;
    getcontext(&the.exit);
    if (!the.faulted) body();
}

int report(char* message, int bytes) {
    if (the.faulted) std::snprintf(message, std::size_t(bytes), "%s", the.message);
    the.current = nobody;
    return the.faulted;
}

void run_grid() {
    // The last block first: no order of blocks may be relied upon.
    std::int64_t blocks = std::int64_t(gridDim.x) * gridDim.y * gridDim.z;
    for (std::int64_t b = blocks - 1; b >= 0 && !the.faulted; --b) {
        blockIdx = {unsigned(b % gridDim.x), unsigned(b / gridDim.x % gridDim.y),
                    unsigned(b / (std::int64_t(gridDim.x) * gridDim.y))};
        run_block();
    }
}

void run_flat() {
    the.current = 0;
    the.body(the.body_data);
    the.current = nobody;
}
}  // namespace

// A raw kernel: `body(data)` is one thread.
int launch_grid(void (*body)(const void*), const void* data, const unsigned* dims, std::int64_t shared_bytes,
                const std::uintptr_t* ranges, int range_count, char* message, int message_bytes) {
    gridDim = {dims[0], dims[1], dims[2]};
    blockDim = {dims[3], dims[4], dims[5]};
    std::size_t threads = std::size_t(blockDim.x) * blockDim.y * blockDim.z;
    the.fibers.resize(threads);
    the.dynamic.assign(std::size_t(shared_bytes), char(0xff));
    the.shadow_dynamic.resize(std::size_t(shared_bytes));
    the.shadow_static.resize(__start_emulator_shared ? std::size_t(__stop_emulator_shared - __start_emulator_shared)
                                                     : 0);
    the.allowed.clear();
    for (int k = 0; k < range_count; ++k) the.allowed.push_back({ranges[2 * k], ranges[2 * k + 1]});
    the.body = body;
    the.body_data = data;
    guarded(run_grid);
    return report(message, message_bytes);
}

// An elementwise or reduction kernel: `body(data)` is the whole loop.
int launch_flat(void (*body)(const void*), const void* data, const std::uintptr_t* ranges, int range_count,
                char* message, int message_bytes) {
    the.fibers.resize(1);
    the.allowed = {{0, 0}};
    the.allowed.clear();
    // The loop runs on the caller's own stack: its frame is everything near the address of a local variable.
    auto here = reinterpret_cast<std::uintptr_t>(&range_count);
    the.allowed.push_back({here - 512 * 1024, here + 512 * 1024});
    for (int k = 0; k < range_count; ++k) the.allowed.push_back({ranges[2 * k], ranges[2 * k + 1]});
    the.body = body;
    the.body_data = data;
    guarded(run_flat);
    return report(message, message_bytes);
}

}  // namespace emulator

// The hooks that -fsanitize=thread calls.
#define EMULATOR_HOOK(bytes)                                                           \
    void __tsan_read##bytes(void* at) { emulator::check(at, bytes, false); }           \
    void __tsan_write##bytes(void* at) { emulator::check(at, bytes, true); }           \
    void __tsan_unaligned_read##bytes(void* at) { emulator::check(at, bytes, false); } \
    void __tsan_unaligned_write##bytes(void* at) { emulator::check(at, bytes, true); }
extern "C" {
EMULATOR_HOOK(1)
EMULATOR_HOOK(2)
EMULATOR_HOOK(4)
EMULATOR_HOOK(8)
EMULATOR_HOOK(16)
void __tsan_read_range(void* at, unsigned long bytes) { emulator::check(at, bytes, false); }
void __tsan_write_range(void* at, unsigned long bytes) { emulator::check(at, bytes, true); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
