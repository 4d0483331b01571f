#pragma once
// What a plan says of the lines that an office's bytes cross.

#include <functional>
#include <string>
#include <vector>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::sim {

[[nodiscard]] line_pair wan_of(const roll_out_plan& plan, const std::string& office);
[[nodiscard]] link_settings lan_of(const roll_out_plan& plan, const std::string& office);
/// Nothing: its hosts have lines.
[[nodiscard]] std::optional<wifi_settings> air_of(const roll_out_plan& plan, const std::string& office);
[[nodiscard]] int clients_of(const roll_out_plan& plan, const std::string& office);
/// Changes the office's line, as it is in the beginning and as it becomes in mid-run.
void change_wan(roll_out_plan& plan, const std::string& office, const std::function<void(line_pair&)>& how);

/// Whether one of the office's clients holds the content beforehand, and shares it.
[[nodiscard]] bool holds_before(const roll_out_plan& plan, const std::string& office);
/// The offices whose lines to their parents its bytes cross, the nearest first: up to the first that has the content before.
[[nodiscard]] std::vector<std::string> way_of(const roll_out_plan& plan, const std::string& office);
/// The offices whose LAN or air its bytes cross: its own, and where they come from if that is in an office.
[[nodiscard]] std::vector<std::string> insides_of(const roll_out_plan& plan, const std::string& office);
/// office_prediction::ideal.
[[nodiscard]] duration ideal_of(const roll_out_plan& plan, const std::string& office);

/// How long a source in no office takes to give one reader all of it; zero: it comes from an office.
[[nodiscard]] duration read_time_of(const roll_out_plan& plan, const std::string& office);

/// The share of datagrams that the line loses by chance, bursts included.
[[nodiscard]] double mean_loss(const link_settings& of) noexcept;
/// "B1, B2 and B3"; of many the first and how many more.
[[nodiscard]] std::string list_of(const std::vector<std::string>& names);
/// "20.0 Mbit/s", "0.128 Mbit/s".
[[nodiscard]] std::string rate_words(std::uint64_t bytes_per_second);
/// "96 %".
[[nodiscard]] std::string percent(double share);

}  // namespace p2pdist::sim
