#pragma once
// FlowQueue-CoDel (RFC 8290).

#include <deque>

#include "codel.hpp"

namespace p2pdist::sim {

class fq_codel_discipline final : public queue_discipline {
public:
    explicit fq_codel_discipline(const link_settings& settings) { fq_codel_discipline::configure(settings); }

    void push(const queued_datagram& what, std::vector<link_departure>& gone) override;
    [[nodiscard]] std::optional<queued_datagram> pop(time_point now, std::vector<link_departure>& gone) override;
    [[nodiscard]] std::vector<queued_datagram> drain() override;
    [[nodiscard]] std::uint64_t bytes() const noexcept override { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept override { return size_; }
    /// The number of flows counts for the empty queue only.
    void configure(const link_settings& settings) override;

private:
    struct flow {
        codel_queue queue;
        std::int64_t credit = 0;
        bool listed = false;
    };
    void make_room(std::vector<link_departure>& gone);
    [[nodiscard]] flow* fattest();

    std::vector<std::unique_ptr<flow>> flows_;   // by hash, made when they are met first
    std::deque<flow*> new_, old_;
    queue_settings settings_;
    std::uint64_t limit_bytes_ = 0;
    std::uint64_t bytes_ = 0;
    std::size_t size_ = 0;
};

}  // namespace p2pdist::sim
