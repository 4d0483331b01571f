#pragma once
// The connector's encrypted channel as a sealed_link (CON-1, CON-2): messages of any size run in it as they do between nodes. The
// channel itself (DTLS) is the driver's; here are plaintext records, each the content of one datagram. A record may get lost.
//
//   every record            0 protocol version, then
//   message, flow_control   1 frame type · 2 the sender's client_id (16) · 18 payload
//   data, data_strict       1 the data frame as it is
//   version_refused         1 frame type · 2 oldest version spoken · 3 newest version spoken
//
// A record of a version that the server does not speak is answered by version_refused, which every version reads whatever stands in
// byte 0. Where the ranges meet the channel goes on with the highest common version; where they don't the connector is told (MSG-6).
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
#include "p2pdist/envelope/version.hpp"

namespace p2pdist {

inline constexpr std::size_t secure_channel_record_bytes_max = 1100;  ///< of plaintext: with DTLS's own bytes it fits our datagrams
inline constexpr std::size_t secure_channel_header_bytes = 18;

/// The identifier of the server inside channels, where certificates play no part: all zero.
inline constexpr client_id secure_channel_server{};

/// Plaintext for the other end of this channel.
struct secure_channel_record {
    std::uint64_t channel = 0;
    bytes record;
};

/// The other end of a channel speaks no version that we speak.
struct secure_channel_mismatch {
    version_range theirs;
};

class secure_channel_link final : public sealed_link {
public:
    /// `self` is secure_channel_server, or a random identifier that a connector keeps as long as it runs. `own_port` is the local port
    /// that paths show: server_small_in or connector_reply.
    secure_channel_link(const crypto_suite& crypto, const client_id& self, role own_role, std::uint16_t own_port,
                        const version_range& versions = {});

    /// A channel is up. `exporter` is its own key material. The connector knows that its peer is the server; the server learns the
    /// peer from the channel's first record. Tell message_layer::on_peer_restarted afterwards.
    void open(std::uint64_t channel, const endpoint& remote, const secret_key& exporter);
    void close(std::uint64_t channel);
    [[nodiscard]] bool is_open(std::uint64_t channel) const noexcept { return channels_.contains(channel); }

    /// What a record holds: a frame for message_layer::on_frame, or a data frame for on_data, which both borrow from `record`; for a
    /// connector also that nothing it says is understood.
    using incoming = std::variant<opened, received_datagram, secure_channel_mismatch>;
    /// Nothing for records that are too short, of another type or version, or of another sender than the channel's.
    [[nodiscard]] std::optional<incoming> on_record(time_point now, std::uint64_t channel, byte_span record);
    /// Takes what message_layer::poll() gives, a piece of a large message, and puts it into the channel with that remote endpoint.
    void carry(const send_datagram& datagram);
    [[nodiscard]] std::optional<secure_channel_record> poll();
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }  ///< records refused, or without a channel to go

    // sealed_link. Without an open channel to the peer a payload is dropped like a lost datagram.
    [[nodiscard]] const client_id& self_id() const noexcept override { return self_; }
    send_status send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload) override;
    [[nodiscard]] std::optional<session_number> current_session(const client_id& peer) const noexcept override;
    [[nodiscard]] bool receives_at(const client_id& peer, const ip_address& address) const noexcept override;
    [[nodiscard]] std::optional<short_key> flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                                    const client_id& flow_receiver) const override;
    [[nodiscard]] std::size_t frame_payload_max() const noexcept override { return secure_channel_record_bytes_max - secure_channel_header_bytes; }
    [[nodiscard]] std::size_t data_frame_max() const noexcept override { return secure_channel_record_bytes_max - 1; }

private:
    struct open_channel {
        endpoint remote;
        secret_key exporter{};
        session_number session = 0;
        std::optional<client_id> peer;
        std::uint8_t version = protocol_version;  ///< of the records that we send: our newest until the peer shows another
    };
    using channel_map = std::map<std::uint64_t, open_channel>;

    [[nodiscard]] channel_map::const_iterator newest_to(const client_id& peer) const noexcept;
    void put(std::uint64_t channel, bytes record);
    [[nodiscard]] std::optional<incoming> on_refusal(open_channel& entry, const version_range& theirs);
    [[nodiscard]] std::optional<incoming> on_other_version(std::uint64_t channel, std::uint8_t theirs);

    const crypto_suite* crypto_;
    client_id self_;
    role own_role_;
    std::uint16_t own_port_;
    version_range versions_;
    channel_map channels_;
    std::deque<secure_channel_record> output_;
    std::uint64_t dropped_ = 0;
};

}  // namespace p2pdist
