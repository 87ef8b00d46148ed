// Threads that wait for work. Starting a thread takes about fifty microseconds and ending it twenty more; waking a
// sleeping thread takes a few. A thread that has finished its task therefore stays for `idle_timeout`.
//
// A call owns its threads until it ends (parallel.hpp): concurrent calls share nothing but the list of free threads.
// Before a fork the free threads end, because a process that forks should have one thread; a forked child starts a new
// pool. Pools are never destroyed, so nothing depends on the order in which a process ends.
#pragma once

#include "../../config.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#endif

PYSIG_NAMESPACE_BEGIN

class pool;

// A thread that runs one task after the other.
class member {
 public:
    using task = void (*)(void* context, int worker);

    explicit member(pool& owner) : owner(owner) {}
    member(const member&) = delete;
    member& operator=(const member&) = delete;

    void begin(task what, void* context, int worker) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            task_ = what;
            context_ = context;
            worker_ = worker;
            state_.store(given, std::memory_order_relaxed);
        }
        changed_.notify_one();
    }

    // Withdraws a task that has not begun; false if it has. A sleeping thread may wake after all work has been claimed.
    bool cancel_task() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (state_.load(std::memory_order_relaxed) != given) return false;
        state_.store(free, std::memory_order_relaxed);
        return true;
    }

    // Whether the task is done, after waiting for at most `some` milliseconds.
    bool done_within(std::chrono::milliseconds some) {
        for (int spin = 0; spin < spins && state_.load(std::memory_order_acquire) != free; ++spin) pause();
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, some, [this] { return state_.load(std::memory_order_relaxed) == free; });
    }

    void start() {
        thread_ = std::thread([this] { loop(); });
    }
    // Ends a free thread without waiting for its idle timeout.
    void end() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ends_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    pool& owner;

 private:
    static constexpr int spins =
        1000;  // polls before sleeping, about ten microseconds: the next task usually follows at once
    static constexpr std::chrono::seconds idle_timeout{1};
    enum : int { free, given, running };

    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<int> state_{free};
    bool ends_ = false;
    task task_ = nullptr;
    void* context_ = nullptr;
    int worker_ = 0;

    inline void loop();
    inline bool wait_for_task();
    inline bool accept_task();

    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
};

class pool {
 public:
    static pool& of_this_process() {
#if !defined(_WIN32)
        static const int registered = pthread_atfork(&pool::before_fork, nullptr, &pool::in_child);
        (void)registered;
#endif
        pool* found = current().load();
        if (found) return *found;
        pool* fresh = new pool;
        if (current().compare_exchange_strong(found, fresh)) return *fresh;
        delete fresh;
        return *found;
    }

    // Number of forks seen between the first process and this one. It changes when the threads are lost.
    static long forks() { return count_of_forks().load(); }

    // Appends `count` threads to `taken`, fewer if the system refuses more.
    void take(int count, std::vector<member*>& taken) {
        taken.reserve(taken.size() + std::size_t(count));
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            for (; count > 0 && !free_.empty(); --count, free_.pop_back()) taken.push_back(free_.back());
        }
        for (; count > 0; --count)
            if (member* hired = hire()) taken.push_back(hired);
    }

    // Does not allocate: hire() has reserved the space.
    void give_back(const std::vector<member*>& taken) {
        const std::lock_guard<std::mutex> lock(mutex_);
        free_.insert(free_.end(), taken.begin(), taken.end());
    }

    // Removes a free thread from the list; false if it is not free.
    bool dismiss(member* idle) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = std::find(free_.begin(), free_.end(), idle);
        if (found == free_.end()) return false;
        free_.erase(found);
        --members_;
        return true;
    }

    void join_idle() {
        std::vector<member*> ending;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ending.swap(free_);
            members_ -= ending.size();
            free_.reserve(members_);
        }
        for (member* idle : ending) {
            idle->end();
            delete idle;
        }
    }

 private:
    std::mutex mutex_;
    std::vector<member*> free_;
    std::size_t members_ = 0;  // free or not

    static std::atomic<pool*>& current() {
        static std::atomic<pool*> here{nullptr};
        return here;
    }

    static void before_fork() {
        if (pool* here = current().load()) here->join_idle();
    }
    static void in_child() {
        current().store(nullptr);
        count_of_forks().fetch_add(1);
    }
    static std::atomic<long>& count_of_forks() {
        static std::atomic<long> count{0};
        return count;
    }

    member* hire() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            free_.reserve(members_ + 1);
            ++members_;
        }
        std::unique_ptr<member> hired(new member(*this));
        try {
            hired->start();
        } catch (const std::system_error&) {
            const std::lock_guard<std::mutex> lock(mutex_);
            --members_;
            return nullptr;
        }
        return hired.release();
    }
};

// Marks a given task as running; false if there is none. The caller holds the lock.
inline bool member::accept_task() {
    if (state_.load(std::memory_order_relaxed) != given) return false;
    state_.store(running, std::memory_order_relaxed);
    return true;
}

// Waits for a task. False if the thread was told to end, or was idle for `idle_timeout`. A thread whose task was
// withdrawn before it woke waits for the next one.
inline bool member::wait_for_task() {
    for (;;) {
        for (int spin = 0; spin < spins && state_.load(std::memory_order_acquire) == free; ++spin) pause();
        {
            std::unique_lock<std::mutex> lock(mutex_);
            if (accept_task()) return true;
            if (ends_) return false;
            const bool woken = changed_.wait_for(lock, idle_timeout) == std::cv_status::no_timeout;
            if (accept_task()) return true;
            if (ends_) return false;
            if (woken) continue;
        }
        if (!owner.dismiss(this)) continue;
        thread_.detach();
        delete this;
        return false;
    }
}

inline void member::loop() {
    while (wait_for_task()) {
        task_(context_, worker_);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            state_.store(free, std::memory_order_release);
        }
        changed_.notify_one();
    }
}

PYSIG_NAMESPACE_END
