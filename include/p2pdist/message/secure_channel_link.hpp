#pragma once
// The connector's encrypted channel as a sealed_link (CON-1, CON-2): messages of any size run in it as they do between nodes. The
// channel itself (DTLS) is the driver's; here are plaintext records, each the content of one datagram. A record may get lost.
//
//   message, flow_control   0 frame type · 1 the sender's client_id (16) · 17 payload
//   data, data_strict       the data frame as it is
//
// A channel belongs to the first sender that it names; records that name another are dropped. A peer that opens a new channel is
// the same peer, so its requests keep their ids and take effect once.
//
// Distinct objects: safe. Shared: unsafe. The crypto suite must outlive it.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>

#include "p2pdist/envelope/sealed_link.hpp"

namespace p2pdist {

inline constexpr std::size_t secure_channel_record_bytes_max = 1100;  ///< of plaintext: with DTLS's own bytes it fits our datagrams
inline constexpr std::size_t secure_channel_header_bytes = 17;

/// The identifier of the server inside channels, where certificates play no part: all zero.
inline constexpr client_id secure_channel_server{};

/// Plaintext for the other end of this channel.
struct secure_channel_record {
    std::uint64_t channel = 0;
    bytes record;
};

class secure_channel_link final : public sealed_link {
public:
    /// `self` is secure_channel_server, or a random identifier that a connector keeps as long as it runs. `own_port` is the local port
    /// that paths show: server_small_in or connector_reply.
    secure_channel_link(const crypto_suite& crypto, const client_id& self, role own_role, std::uint16_t own_port);

    /// A channel is up. `exporter` is its own key material. The connector knows that its peer is the server; the server learns the
    /// peer from the channel's first record. Tell message_layer::on_peer_restarted afterwards.
    void open(std::uint64_t channel, const endpoint& remote, const secret_key& exporter);
    void close(std::uint64_t channel);
    [[nodiscard]] bool is_open(std::uint64_t channel) const noexcept { return channels_.contains(channel); }

    /// What a record holds: a frame for message_layer::on_frame, or a data frame for on_data. Both borrow from `record`.
    using incoming = std::variant<opened, received_datagram>;
    /// Nothing for records that are too short, of another type, or of another sender than the channel's.
    [[nodiscard]] std::optional<incoming> on_record(time_point now, std::uint64_t channel, byte_span record);
    /// Takes what message_layer::poll() gives, a piece of a large message, and puts it into the channel with that remote endpoint.
    void carry(const send_datagram& datagram);
    [[nodiscard]] std::optional<secure_channel_record> poll();
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }  ///< records refused, or without a channel to go

    // sealed_link. Without an open channel to the peer a payload is dropped like a lost datagram.
    [[nodiscard]] const client_id& self_id() const noexcept override { return self_; }
    send_status send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload) override;
    [[nodiscard]] std::optional<session_number> current_session(const client_id& peer) const noexcept override;
    [[nodiscard]] std::optional<short_key> flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                                    const client_id& flow_receiver) const override;
    [[nodiscard]] std::size_t frame_payload_max() const noexcept override { return secure_channel_record_bytes_max - secure_channel_header_bytes; }
    [[nodiscard]] std::size_t data_frame_max() const noexcept override { return secure_channel_record_bytes_max; }

private:
    struct open_channel {
        endpoint remote;
        secret_key exporter{};
        session_number session = 0;
        std::optional<client_id> peer;
    };
    using channel_map = std::map<std::uint64_t, open_channel>;

    [[nodiscard]] channel_map::const_iterator newest_to(const client_id& peer) const noexcept;
    void put(std::uint64_t channel, bytes record);

    const crypto_suite* crypto_;
    client_id self_;
    role own_role_;
    std::uint16_t own_port_;
    channel_map channels_;
    std::deque<secure_channel_record> output_;
    std::uint64_t dropped_ = 0;
};

}  // namespace p2pdist
