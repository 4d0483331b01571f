#pragma once
// An enrolled device that lies in every message it may send (SEC-3): true frames under true keys, and nothing true in them. Its seed decides
// its manner: one lie told again and again, or another one each time; and whether it keeps to what its part would say, or says whatever
// there is to say, to everybody, and answers past the question.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "liar_flows.hpp"
#include "liar_words.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/envelope/broadcast.hpp"
#include "p2pdist/envelope/enrolment.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"

namespace p2pdist::sim {

struct liar_config {
    secret_key enrolment{};
    ip_address server;
    ip_address address;
    std::uint8_t prefix_bits = 24;
    std::string office;
    std::uint64_t seed = 1;
};

/// A core like the true client's; see the contract in docs/architecture.md. It knows a content before it is told where it is.
class liar_core {
public:
    liar_core(const crypto_suite& crypto, entropy& random_bytes, liar_config config, time_point now, wall_time wall);

    void learn(const generated_content& content);
    void on_datagram(time_point now, const received_datagram& datagram);
    void on_timer(time_point now);
    void on_wall_clock(wall_time wall) { wall_ = wall; }
    [[nodiscard]] std::optional<std::variant<send_datagram>> poll(time_point now);
    [[nodiscard]] time_point deadline() const;

    [[nodiscard]] const client_id& id() const noexcept { return self_.id; }
    [[nodiscard]] const liar_flows& flows() const noexcept { return flows_; }
    [[nodiscard]] std::string manner() const;

private:
    static constexpr std::uint64_t verdict_manners = 9;

    void ask_in(time_point now);
    void on_granted(time_point now);
    void on_message(time_point now, message_output&& output);
    void on_broadcast(time_point now, const received_datagram& datagram);
    void mischief(time_point now);
    [[nodiscard]] message_body lie_to_server();
    [[nodiscard]] want_reply lie_about(const want_request& question, const client_id& asker);
    void note(const locate_reply& reply);
    void ask_server(time_point now, message_body what);
    [[nodiscard]] message_peer server() const { return {id_of(*crypto_, server_key_), role::server, config_.server}; }
    [[nodiscard]] device_profile profile();
    [[nodiscard]] std::optional<peer_info> somebody();
    // liar_talk.cpp
    void talk(time_point now);
    void talk_past(time_point now, const message_received& question);
    void send_alone(time_point now, const message_peer& to, const message_body& body);
    void shout(time_point now);

    const crypto_suite* crypto_;
    entropy* entropy_;
    liar_config config_;
    std::unique_ptr<random_source> random_;   // others refer to it, and to the envelope, wherever this object is moved
    node_identity self_;
    wall_time wall_;
    port_plan ports_;
    std::unique_ptr<envelope> seal_;
    message_layer messages_;
    broadcast_exchange broadcasts_;
    liar_flows flows_;
    liar_words words_;
    std::optional<enrolment_client> enrolment_;
    std::optional<credentials> held_;
    public_key server_key_{};
    std::vector<peer_info> peers_;
    std::deque<send_datagram> out_;
    std::uint64_t verdict_manner_;
    bool best_in_rank_;
    bool talks_;
    std::uint64_t last_said_ = 0;   // number of the last message that went out alone
    time_point next_talk_;
    time_point next_mischief_;
    time_point next_locate_;
};

}  // namespace p2pdist::sim
