#include "p2pdist/wire/port_plan.hpp"

#include <string>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace {

struct port_use_row {
    std::string_view name;
    std::uint16_t default_port;
    role binder;
};

/// In the order of port_use.
constexpr std::array<port_use_row, port_use_count> rows{{
    {"connector_reply", 34320, role::connector},
    {"server_small_out", 34322, role::server},
    {"server_small_in", 34323, role::server},
    {"client_small_out", 34324, role::client},
    {"client_small_in", 34325, role::client},
    {"broadcast", 34329, role::client},
    {"server_large_fg_out", 34331, role::server},
    {"server_large_fg_in", 34333, role::server},
    {"client_large_fg_out", 34335, role::client},
    {"client_large_fg_in", 34337, role::client},
    {"server_large_bg_out", 34339, role::server},
    {"server_large_bg_in", 34341, role::server},
    {"client_large_bg_out", 34343, role::client},
    {"client_large_bg_in", 34345, role::client},
    {"server_control", 34545, role::server},
    {"client_control", 34546, role::client},
    {"content_bg", 34750, role::client},
    {"content_fg", 34760, role::client},
}};

constexpr const port_use_row& row_of(port_use use) noexcept { return rows[static_cast<std::size_t>(use)]; }

}  // namespace

port_plan::port_plan() noexcept {
    for (std::size_t i = 0; i < port_use_count; ++i) ports_[i] = rows[i].default_port;
}

result<port_plan> port_plan::with_offset(int offset) {
    constexpr std::int64_t port_min = 1024;
    constexpr std::int64_t port_max = 65535;
    constexpr std::int64_t offset_min = port_min - rows.front().default_port;
    constexpr std::int64_t offset_max = port_max - rows.back().default_port;
    if (offset < offset_min || offset > offset_max)
        return {errc::invalid_argument, "port offset " + std::to_string(offset) + ": choose one from " + std::to_string(offset_min) +
                                            " to " + std::to_string(offset_max) + ", so that every port lies in 1024 to 65535"};
    port_plan plan;
    for (auto& port : plan.ports_) port = static_cast<std::uint16_t>(port + offset);
    return plan;
}

result<void> port_plan::set(port_use use, std::uint16_t port) {
    const auto name = std::string(p2pdist::to_string(use));
    if (port == 0) return {errc::invalid_argument, "port " + name + ": 0 is not a port; choose one from 1 to 65535"};
    if (const auto other = use_of(port); other && *other != use)
        return {errc::invalid_argument, "port " + name + ": " + std::to_string(port) + " is taken by " +
                                            std::string(p2pdist::to_string(*other)) + "; choose another"};
    ports_[static_cast<std::size_t>(use)] = port;
    return {};
}

std::optional<port_use> port_plan::use_of(std::uint16_t port) const noexcept {
    for (std::size_t i = 0; i < port_use_count; ++i) {
        if (ports_[i] == port) return static_cast<port_use>(i);
    }
    return std::nullopt;
}

std::string_view to_string(port_use use) noexcept { return row_of(use).name; }

std::optional<port_use> parse_port_use(std::string_view name) noexcept {
    for (std::size_t i = 0; i < port_use_count; ++i) {
        if (rows[i].name == name) return static_cast<port_use>(i);
    }
    return std::nullopt;
}

role binder_of(port_use use) noexcept { return row_of(use).binder; }

port_pair small_pair(role sender, role receiver) noexcept {
    if (sender == role::connector || receiver == role::connector) {
        P2PDIST_ASSERT(sender == role::server || receiver == role::server);
        const auto toward_server = receiver == role::server;
        return toward_server ? port_pair{port_use::connector_reply, port_use::server_small_in}
                             : port_pair{port_use::server_small_in, port_use::connector_reply};
    }
    P2PDIST_ASSERT(sender == role::client || receiver == role::client);
    return {sender == role::server ? port_use::server_small_out : port_use::client_small_out,
            receiver == role::server ? port_use::server_small_in : port_use::client_small_in};
}

port_pair large_pair(role sender, role receiver, transfer_protocol protocol) noexcept {
    // Bulk of the connector stays inside its encrypted channel (CON-1).
    if (sender == role::connector || receiver == role::connector) return small_pair(sender, receiver);
    P2PDIST_ASSERT(sender == role::client || receiver == role::client);
    const bool fg = protocol == transfer_protocol::foreground;
    const auto client_out = fg ? port_use::client_large_fg_out : port_use::client_large_bg_out;
    const auto client_in = fg ? port_use::client_large_fg_in : port_use::client_large_bg_in;
    const auto server_out = fg ? port_use::server_large_fg_out : port_use::server_large_bg_out;
    const auto server_in = fg ? port_use::server_large_fg_in : port_use::server_large_bg_in;
    return {sender == role::server ? server_out : client_out, receiver == role::server ? server_in : client_in};
}

port_pair content_pair(role content_sender, transfer_protocol protocol) noexcept {
    P2PDIST_ASSERT(content_sender != role::connector);
    return {protocol == transfer_protocol::foreground ? port_use::content_fg : port_use::content_bg,
            content_sender == role::server ? port_use::server_control : port_use::client_control};
}

}  // namespace p2pdist
