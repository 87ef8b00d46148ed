// Threads that wait for work. Starting a thread costs some fifty microseconds and ending it some twenty more;
// waking one that sleeps costs a few. So a thread that has done its part of a call stays for a while.
//
// A call has its threads for itself until it is over (parallel.hpp): calls at the same time, from any threads, share
// nothing but the list of those that are free. Before a fork the free ones end, as a process that forks should have one
// thread; a forked child begins a list of its own. The lists are never destroyed, so that nothing depends on the order
// in which a process ends.
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

// A thread that does one task after the other.
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

    // Whether the task had not begun, and will not: what sleeps may take longer to wake than others to do all there is.
    bool cancel_task() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (state_.load(std::memory_order_relaxed) != given) return false;
        state_.store(free, std::memory_order_relaxed);
        return true;
    }

    // Whether the task is done; waits for it some milliseconds at most.
    bool done_within(std::chrono::milliseconds some) {
        for (int spin = 0; spin < spins && state_.load(std::memory_order_acquire) != free; ++spin) pause();
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, some, [this] { return state_.load(std::memory_order_relaxed) == free; });
    }

    void start() {
        thread_ = std::thread([this] { loop(); });
    }
    // The end of a thread that is free: it does not wait out its patience.
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
        1000;  // looks before going to sleep: some ten microseconds, as the next task mostly follows at once
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

    // How many forks lie between the first process and this one, as far as they were seen: it changes when threads are
    // gone.
    static long forks() { return count_of_forks().load(); }

    // Appends so many threads to `taken`, fewer if no more are to be had.
    void take(int count, std::vector<member*>& taken) {
        taken.reserve(taken.size() + std::size_t(count));
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            for (; count > 0 && !free_.empty(); --count, free_.pop_back()) taken.push_back(free_.back());
        }
        for (; count > 0; --count)
            if (member* hired = hire()) taken.push_back(hired);
    }

    // Room in the list was made when they were hired.
    void give_back(const std::vector<member*>& taken) {
        const std::lock_guard<std::mutex> lock(mutex_);
        free_.insert(free_.end(), taken.begin(), taken.end());
    }

    // Whether a thread was free, and is no longer in the list.
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

// Whether there is a task, which is then running. To be called under the lock.
inline bool member::accept_task() {
    if (state_.load(std::memory_order_relaxed) != given) return false;
    state_.store(running, std::memory_order_relaxed);
    return true;
}

// Waits for that; else the thread ends: it was told to, or nobody has needed it for a while. One that was woken too
// late looks out for the next task.
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
