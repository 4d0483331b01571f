#pragma once
// A queue of requests with a thread at its end.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "p2pdist/content/store.hpp"

namespace p2pdist::detail {

class lane {
public:
    /// False after close().
    [[nodiscard]] bool push(store_request&& request) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return false;
            queue_.push_back(std::move(request));
        }
        filled_.notify_one();
        return true;
    }
    /// Waits for a request; nothing where the lane is closed, or at `until`.
    [[nodiscard]] std::optional<store_request> pop(std::optional<std::chrono::steady_clock::time_point> until = std::nullopt) {
        std::unique_lock lock(mutex_);
        const auto ready = [this] { return closed_ || !queue_.empty(); };
        if (until) filled_.wait_until(lock, *until, ready);
        else filled_.wait(lock, ready);
        if (closed_ || queue_.empty()) return std::nullopt;
        auto first = std::move(queue_.front());
        queue_.pop_front();
        return first;
    }
    [[nodiscard]] bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    /// What nobody has taken.
    std::deque<store_request> close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
        return std::exchange(queue_, {});
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<store_request> queue_;
    bool closed_ = false;
};

}  // namespace p2pdist::detail
