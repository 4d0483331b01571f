#pragma once
// The laws that make_law() chooses from.

#include <memory>

#include "congestion_law.hpp"

namespace p2pdist::sim {

[[nodiscard]] std::unique_ptr<congestion_law> make_reno();
[[nodiscard]] std::unique_ptr<congestion_law> make_cubic();
[[nodiscard]] std::unique_ptr<congestion_law> make_bbr(std::uint64_t segment_bytes, std::uint64_t seed);
[[nodiscard]] std::unique_ptr<congestion_law> make_bbr3(std::uint64_t segment_bytes, std::uint64_t seed);

}  // namespace p2pdist::sim
