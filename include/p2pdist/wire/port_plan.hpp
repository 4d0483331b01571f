#pragma once
// The port plan (MSG-4): which port pair carries what between which roles. Every datagram goes to a listed port and to no other.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// What a node is to others.
enum class role : std::uint8_t { client, server, connector };

/// The fixed purposes of ports; the number in the name is the default port.
enum class port_use : std::uint8_t {
    connector_reply,             ///< 34320 on the connector
    server_small_out,            ///< 34322 on the server: its small messages leave here, acks come back
    server_small_in,             ///< 34323 on the server: small messages from clients; the connector's DTLS
    client_small_out,            ///< 34324 on a client: its small messages leave here, acks and replies come back
    client_small_in,             ///< 34325 on a client: small messages from the server and from clients
    broadcast,                   ///< 34329 on a client
    server_large_fg_out,         ///< 34331 on the server: its large Foreground messages
    server_large_fg_in,          ///< 34333
    client_large_fg_out,         ///< 34335
    client_large_fg_in,          ///< 34337
    server_large_bg_out,         ///< 34339
    server_large_bg_in,          ///< 34341
    client_large_bg_out,         ///< 34343
    client_large_bg_in,          ///< 34345
    server_control,              ///< 34545 on the server: requests and feedback for content that it sends
    client_control,              ///< 34546 on a client: requests and feedback for content that it sends
    content_bg,                  ///< 34750 on a client: content from another office
    content_fg,                  ///< 34760 on a client: content from its own office or the server
};
inline constexpr std::size_t port_use_count = 18;

/// The organisation's port numbers, distinct within each role. The default is the plan of MSG-4; MSG-5 changes it as a block or one by one.
/// A value: distinct objects may be used from any thread.
class P2PDIST_API port_plan {
public:
    port_plan() noexcept;  ///< the defaults
    /// Every default moved by `offset`; errc::invalid_argument where a port would leave 1024 to 65535.
    [[nodiscard]] static result<port_plan> with_offset(int offset);

    /// The port of that use.
    [[nodiscard]] std::uint16_t operator[](port_use use) const noexcept { return ports_[static_cast<std::size_t>(use)]; }
    /// Sets one port; errc::invalid_argument where 0 or taken by another use of the plan.
    [[nodiscard]] result<void> set(port_use use, std::uint16_t port);
    /// The use of `port`, if it is listed.
    [[nodiscard]] std::optional<port_use> use_of(std::uint16_t port) const noexcept;

    friend bool operator==(const port_plan&, const port_plan&) = default;

private:
    std::array<std::uint16_t, port_use_count> ports_;
};

/// The configuration name of a use ("client_small_in") and back.
[[nodiscard]] P2PDIST_API std::string_view to_string(port_use use) noexcept;
/// Nothing for any other text.
[[nodiscard]] P2PDIST_API std::optional<port_use> parse_port_use(std::string_view name) noexcept;

/// The role whose node binds the port.
[[nodiscard]] P2PDIST_API role binder_of(port_use use) noexcept;

/// Where an exchange starts and where it goes; its answers travel the same pair backwards.
struct port_pair {
    port_use from;
    port_use to;
    friend bool operator==(const port_pair&, const port_pair&) = default;
};

/// Foreground (XFER-1) takes its share at once; Background (XFER-2) stands aside for other traffic.
enum class transfer_protocol : std::uint8_t { foreground, background };

/// The pair for small messages of `sender` to `receiver`.
[[nodiscard]] P2PDIST_API port_pair small_pair(role sender, role receiver) noexcept;
/// The pair for large messages of `sender` to `receiver`; large replies use the pair of the request's direction.
[[nodiscard]] P2PDIST_API port_pair large_pair(role sender, role receiver, transfer_protocol protocol) noexcept;
/// The pair for content: from the receiver (who asks and steers) to the sender.
[[nodiscard]] P2PDIST_API port_pair content_pair(role content_sender, transfer_protocol protocol) noexcept;

}  // namespace p2pdist
