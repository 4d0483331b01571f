#pragma once
// The queue before a line, where it is more than tail drop.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "p2pdist/sim/link_model.hpp"

namespace p2pdist::sim {

inline constexpr std::uint8_t not_ect = 0, ect0 = 2, congestion_experienced = 3;   // RFC 3168

struct queued_datagram {
    offered_datagram what;
    time_point since{};
    bool marked = false;   // here
};

/// Single-threaded. `gone` gets what is dropped, with the reason.
class queue_discipline {
public:
    virtual ~queue_discipline() = default;

    virtual void push(const queued_datagram& what, std::vector<link_departure>& gone) = 0;
    /// The next one for the line.
    [[nodiscard]] virtual std::optional<queued_datagram> pop(time_point now, std::vector<link_departure>& gone) = 0;
    /// Everything, in no certain order.
    [[nodiscard]] virtual std::vector<queued_datagram> drain() = 0;
    [[nodiscard]] virtual std::uint64_t bytes() const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
    virtual void configure(const link_settings& settings) = 0;
};

/// Nothing for tail drop, which needs none.
[[nodiscard]] std::unique_ptr<queue_discipline> make_queue(const link_settings& settings);

}  // namespace p2pdist::sim
