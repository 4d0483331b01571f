#pragma once
// One time for each of many keys, and which of them are due.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "p2pdist/base/time.hpp"

namespace p2pdist {

class timer_queue {
public:
    /// Sets or moves the key's time; `never` clears it.
    void set(std::uint64_t key, time_point at) {
        clear(key);
        if (at == never) return;
        times_[key] = at;
        order_.emplace(at, key);
    }
    void clear(std::uint64_t key) {
        const auto found = times_.find(key);
        if (found == times_.end()) return;
        order_.erase({found->second, key});
        times_.erase(found);
    }
    /// A key whose time has come, cleared; the earliest first.
    [[nodiscard]] std::optional<std::uint64_t> pop_due(time_point now) {
        if (order_.empty() || order_.begin()->first > now) return std::nullopt;
        return pop_first();
    }
    [[nodiscard]] std::optional<std::uint64_t> pop_first() {
        if (order_.empty()) return std::nullopt;
        const auto key = order_.begin()->second;
        clear(key);
        return key;
    }
    [[nodiscard]] time_point earliest() const noexcept { return order_.empty() ? never : order_.begin()->first; }

private:
    std::map<std::uint64_t, time_point> times_;
    std::set<std::pair<time_point, std::uint64_t>> order_;
};

}  // namespace p2pdist
