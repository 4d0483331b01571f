#pragma once
// CoDel (RFC 8289).

#include <deque>

#include "queue_discipline.hpp"

namespace p2pdist::sim {

/// One queue and its state machine, without a limit of its own. The names are those of the RFC's section 5.
class codel_queue {
public:
    void push(const queued_datagram& what);
    /// Drops what CoDel drops of it; what is ECT is marked instead (section 5.4 leaves the choice; this is what Linux does).
    [[nodiscard]] std::optional<queued_datagram> pop(time_point now, const queue_settings& settings, std::vector<link_departure>& gone);
    /// Of the oldest, for whoever overflows; a bug where it is empty.
    queued_datagram pop_front();

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

private:
    struct head {
        std::optional<queued_datagram> datagram;
        bool ok_to_drop = false;
    };
    head take(time_point now, const queue_settings& settings);
    head pop_while_dropping(head next, time_point now, const queue_settings& settings, std::vector<link_departure>& gone);
    head begin_to_drop(head next, time_point now, const queue_settings& settings, std::vector<link_departure>& gone);
    [[nodiscard]] static time_point control_law(time_point from, duration interval, std::uint32_t count);

    std::deque<queued_datagram> waiting_;
    std::uint64_t bytes_ = 0;
    std::uint64_t max_packet_ = 0;
    time_point first_above_time_{};   // the clock's zero: none
    time_point drop_next_{};
    std::uint32_t count_ = 0;
    std::uint32_t last_count_ = 0;
    bool dropping_ = false;
};

/// One for the whole line; a full one drops its tail.
class codel_discipline final : public queue_discipline {
public:
    explicit codel_discipline(const link_settings& settings) { codel_discipline::configure(settings); }

    void push(const queued_datagram& what, std::vector<link_departure>& gone) override;
    [[nodiscard]] std::optional<queued_datagram> pop(time_point now, std::vector<link_departure>& gone) override;
    [[nodiscard]] std::vector<queued_datagram> drain() override;
    [[nodiscard]] std::uint64_t bytes() const noexcept override { return queue_.bytes(); }
    [[nodiscard]] std::size_t size() const noexcept override { return queue_.size(); }
    void configure(const link_settings& settings) override;

private:
    codel_queue queue_;
    queue_settings settings_;
    std::uint64_t limit_bytes_ = 0;
};

}  // namespace p2pdist::sim
