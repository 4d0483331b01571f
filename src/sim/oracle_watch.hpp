#pragma once
// The oracles at work: at every datagram, every simulated second, and at the end.

#include <functional>
#include <string>
#include <vector>

#include "oracles.hpp"

namespace p2pdist::sim {

class oracle_watch {
public:
    using finding = std::function<void(std::string_view oracle, std::string why)>;
    /// `told` hears of everything that does not hold. The world outlives it, and it everything that happens in the world.
    oracle_watch(world& watched, finding told);

    /// A disk may have altered what it had: chunks may be fetched again.
    void distrust_disks() noexcept { disks_keep_ = false; }
    void add(const generated_content& content) { contents_.push_back(&content); }

    /// What goes over the network in a time in which nothing should, and what is left at those whom `counts` names.
    void rest(duration settle, duration time, duration heartbeat, const std::function<bool(client_index)>& counts);
    /// Where nothing happens any more but heartbeats.
    void finish();
    /// Bytes of data frames that reached their receivers, headers included.
    [[nodiscard]] std::uint64_t data_delivered() const noexcept { return data_delivered_; }

private:
    static constexpr duration period = std::chrono::seconds(1);

    void on_datagram(const watched_datagram& seen);
    void every_second();
    void look_at_fetches();
    void look_at_lines();
    void look_at_stores();
    void look_at_tables();
    void check(std::string_view oracle, std::string why) {
        if (!why.empty()) told_(oracle, std::move(why));
    }
    [[nodiscard]] const generated_content* find(const content_info& info) const;

    world& world_;
    finding told_;
    std::vector<const generated_content*> contents_;
    std::vector<bool> judged_;   // fetches
    bool disks_keep_ = true;
    std::uint64_t datagrams_ = 0, data_frames_ = 0, data_delivered_ = 0;
};

}  // namespace p2pdist::sim
