// The threads of one call: the implementation of `executor`. The first parallel loop with work for several threads
// takes them from the pool; they belong to the call until it ends.
#pragma once

#include "../jobs/executor.hpp"
#include "pool.hpp"

#include <exception>
#include <stdexcept>

PYSIG_NAMESPACE_BEGIN

class team {
 public:
    // `interrupted` is polled about every 20 ms, by the calling thread only; null: never.
    explicit team(int workers, bool (*interrupted)() = nullptr)
        : interrupted_(interrupted), owner_(std::this_thread::get_id()), last_(std::chrono::steady_clock::now()) {
        exec_ = {std::max(workers, 1), &team::run, &team::ask, this};
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;

    const executor& get() const { return exec_; }
    bool stopped() const { return stop_.load(std::memory_order_relaxed); }

    ~team() {
        if (!members_.empty()) members_[0]->owner.give_back(members_);
    }

 private:
    executor exec_{};
    bool (*interrupted_)();
    std::thread::id owner_;
    std::atomic<bool> stop_{false};
    std::chrono::steady_clock::time_point last_;

    struct region {
        team* self;
        i64 items, grain;
        void (*body)(void*, i64, int);
        void* context;
        std::atomic<i64> next;
    };
    const long forks_ = pool::forks();
    std::vector<member*> members_;
    std::mutex mutex_;
    std::exception_ptr failure_;

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
        const int workers = self.gather(int(std::min<i64>(exec.workers, items)));
        if (workers <= 1) {
            for (i64 item = 0; item < items && !self.stopped(); ++item) body(context, item, 0);
            return;
        }
        self.share(workers, items, body, context);
    }

    // Takes up to `workers` threads. Returns the number available, including the calling thread.
    int gather(int workers) {
        const int missing = workers - 1 - int(members_.size());
        if (missing > 0) pool::of_this_process().take(missing, members_);
        return std::min(workers, int(members_.size()) + 1);
    }

    // An exception of one item (out of memory) stops all workers.
    static void take_items(void* context, int worker) {
        region& here = *static_cast<region*>(context);
        try {
            for (i64 begin = here.next.fetch_add(here.grain); begin < here.items;
                 begin = here.next.fetch_add(here.grain)) {
                const i64 end = std::min(begin + here.grain, here.items);
                for (i64 item = begin; item < end && !here.self->stopped(); ++item)
                    here.body(here.context, item, worker);
            }
        } catch (...) {
            here.self->fail(std::current_exception());
        }
    }

    void fail(std::exception_ptr failure) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) failure_ = failure;
        stop_.store(true, std::memory_order_relaxed);
    }

    // A signal handler may fork during a call, and the child may return from it.
    void refuse_fork() {
        if (forks_ == pool::forks()) return;
        members_.clear();
        throw std::runtime_error(
            "pysig: the process was forked during this call; its worker threads do not exist in the child");
    }

    void share(int workers, i64 items, void (*body)(void*, i64, int), void* context) {
        region here{this, items, std::max<i64>(1, items / (i64(workers) * 16)), body, context, {0}};
        for (int worker = 1; worker < workers; ++worker)
            members_[std::size_t(worker - 1)]->begin(take_items, &here, worker);
        take_items(&here, 0);
        for (int worker = 1; worker < workers; ++worker) {
            refuse_fork();
            if (members_[std::size_t(worker - 1)]->cancel_task()) continue;
            while (!members_[std::size_t(worker - 1)]->done_within(std::chrono::milliseconds(20))) {
                if (interrupted_) poll();
                refuse_fork();
            }
        }
        if (failure_) std::rethrow_exception(failure_);
    }
};

PYSIG_NAMESPACE_END
