#pragma once
// The connectors' encrypted channels: messages of any size in them (CON-1).

#include <deque>
#include <optional>
#include <variant>

#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/message/secure_channel_link.hpp"
#include "p2pdist/server/server_core.hpp"

namespace p2pdist {

class channel_desk {
public:
    channel_desk(const crypto_suite& crypto, entropy& random_bytes, const server_config& config);

    void open(channel_id channel, const secret_key& exporter);
    void close(channel_id channel);
    /// Gives up all of them.
    void close_all();
    void on_record(time_point now, channel_id channel, byte_span record);
    void on_timer(time_point now) { messages_.on_timer(now); }
    void reply(time_point now, message_handle request, message_body body) {
        messages_.reply(now, request, std::move(body), transfer_protocol::foreground);
    }

    using output = std::variant<channel_send, channel_close, message_received>;
    [[nodiscard]] std::optional<output> poll(time_point now);
    [[nodiscard]] time_point deadline() const { return messages_.deadline(); }

private:
    std::uint16_t connector_port_;
    secure_channel_link link_;
    message_layer messages_;
    std::deque<channel_id> open_;  // oldest first
    std::deque<channel_id> closing_;
    std::map<channel_id, client_id> peers_;  // who spoke in it
};

}  // namespace p2pdist
