#pragma once
// Those who don't belong, and members who run a program of their own.

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "client_world.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/wire/flow_control.hpp"

namespace p2pdist::test {

/// Of the identity `number`, signed by the key `signer`; the server's is 2001.
[[nodiscard]] credentials papers_for(std::uint64_t number, std::uint64_t signer);
[[nodiscard]] public_key key_of_device(const device& of);

/// A node with an envelope of its own that says what it likes.
struct stranger {
    stranger(client_world& around, const std::string& at, std::uint64_t number, std::optional<credentials> papers);

    /// Sends straight to a device's core, and hears its answers.
    void talk(device& to, duration span);
    void give(device& to, const send_datagram& datagram);
    /// Asks to be sent this content, as clients do, but as often as it likes.
    void open_flow(device& to, const content_info& content, transfer_protocol protocol);

    client_world* world;
    ip_address where;
    seeded_entropy random;
    envelope seal;
    message_layer messages;
    std::vector<message_body> answers;
    int failures = 0;
    int asked_for_list = 0;   // and did not answer
    int heard = 0;
    std::uint32_t flows = 0;
};

/// A member at an address of the world: what it is asked about contents it answers as it likes, and nobody is sent any content.
class impostor {
public:
    using answers = std::function<std::optional<want_reply>(const want_request&)>;   ///< nothing: it keeps silent
    /// From then on the address is its own. The identity `number` may be that of a device that was switched off.
    impostor(client_world& around, const std::string& at, std::uint64_t number, answers says);
    impostor(const impostor&) = delete;
    impostor& operator=(const impostor&) = delete;

    [[nodiscard]] peer_info info() const { return {seal_.self().id, seal_.self().key, where_}; }
    /// Those flows that it accepted, to be opened again.
    void close_flows();
    std::size_t asked = 0;   ///< want_requests
    bool accepts_flows = false;              ///< of contents, and gives nothing; else it closes them:
    bool stands_aside = false;               ///< who accepts says also that it has all, and that its line is busy
    std::uint32_t flow_retry_ms = 1000;      ///< "come back after so long", also for an answer that it announced as a large one

private:
    void hear(const received_datagram& datagram);
    struct accepted {
        client_id peer;
        path way;
        std::uint32_t token = 0;
        std::uint32_t statuses = 0;
    };
    [[nodiscard]] flow_control answer_to(std::uint32_t token, const flow_open& opened) const;
    void pump();
    void tick();

    client_world* world_;
    ip_address where_;
    seeded_entropy random_;
    envelope seal_;
    message_layer messages_;
    answers says_;
    std::vector<accepted> flows_;
};

}  // namespace p2pdist::test
