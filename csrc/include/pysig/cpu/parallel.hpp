// C2. The one threading seam: a team of threads that lives for one call. Nothing outlives the call, so a forked child, many calling
// threads at once and free-threaded Python need no care; a team costs some ten microseconds, which schedule.hpp knows.
#pragma once

#include "job.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

PYSIG_NAMESPACE_BEGIN

class team {
  public:
    // `interrupted` is asked about every 20 ms, by the calling thread only, while a call runs; null: never.
    explicit team(int workers, bool (*interrupted)() = nullptr)
        : interrupted_(interrupted), owner_(std::this_thread::get_id()), last_(std::chrono::steady_clock::now()) {
        exec_ = {std::max(workers, 1), &team::run, &team::ask, this};
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;

    const executor& get() const { return exec_; }
    bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  private:
    executor exec_{};
    bool (*interrupted_)();
    std::thread::id owner_;
    std::atomic<bool> stop_{false};
    std::chrono::steady_clock::time_point last_;

    static bool ask(const executor& exec) {
        team& self = *static_cast<team*>(exec.state);
        if (self.interrupted_ && std::this_thread::get_id() == self.owner_) self.poll();
        return self.stopped();
    }

    void poll() {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::milliseconds(20)) return;
        last_ = now;
        if (interrupted_()) stop_.store(true, std::memory_order_relaxed);
    }

    static void run(const executor& exec, i64 items, void (*body)(void*, i64, int), void* context) {
        team& self = *static_cast<team*>(exec.state);
        const int workers = int(std::min<i64>(exec.workers, items));
        if (workers <= 1) {
            for (i64 item = 0; item < items && !self.stopped(); ++item) body(context, item, 0);
            return;
        }
        self.share(workers, items, body, context);
    }

    void share(int workers, i64 items, void (*body)(void*, i64, int), void* context) {
        const i64 grain = std::max<i64>(1, items / (i64(workers) * 16));
        std::atomic<i64> next{0};
        std::mutex mutex;
        std::condition_variable done;
        int active = 0;
        const auto work = [&](int worker) {
            for (;;) {
                const i64 begin = next.fetch_add(grain);
                const i64 end = std::min(begin + grain, items);
                for (i64 item = begin; item < end; ++item) {
                    if (stopped()) return;
                    body(context, item, worker);
                }
                if (end >= items) return;
            }
        };
        std::vector<std::thread> threads;
        threads.reserve(std::size_t(workers - 1));
        for (int worker = 1; worker < workers; ++worker) {
            try {
                {
                    const std::lock_guard<std::mutex> lock(mutex);
                    ++active;
                }
                threads.emplace_back([&, worker] {
                    work(worker);
                    const std::lock_guard<std::mutex> lock(mutex);
                    if (--active == 0) done.notify_one();
                });
            } catch (const std::system_error&) {  // no more threads to be had: the others do the work
                const std::lock_guard<std::mutex> lock(mutex);
                --active;
                break;
            }
        }
        work(0);
        {
            std::unique_lock<std::mutex> lock(mutex);
            while (!done.wait_for(lock, std::chrono::milliseconds(20), [&] { return active == 0; })) {
                lock.unlock();
                if (interrupted_) poll();
                lock.lock();
            }
        }
        for (std::thread& thread : threads) thread.join();
    }
};

PYSIG_NAMESPACE_END
