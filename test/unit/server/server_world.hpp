#pragma once
// A server core with a catalogue in memory, clients made of real envelopes and message layers, connectors, and the network between.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/envelope/enrolment.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/server/server_core.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "support/seeded_crypto.hpp"

namespace p2pdist::test {

using namespace std::chrono_literals;

[[nodiscard]] secret_key key_of_byte(std::uint8_t byte);
[[nodiscard]] ip_address address(const char* text);
[[nodiscard]] content_info content(const std::string& id, std::uint8_t hash_byte = 1, std::uint64_t size = 1000);

/// A node that speaks as a client does.
struct test_client {
    test_client(ip_address where, const node_identity& who, const enrolment_grant& papers, std::uint64_t seed, const port_plan& ports);

    ip_address where;
    node_identity identity;
    seeded_entropy random;
    envelope seal;
    message_layer messages;
    std::vector<state_versions> pushed;  ///< what state_changed said
    std::optional<bytes> list;           ///< the revocation list that it gives; empty: its own
    bool silent = false;                 ///< it acknowledges when it is asked for one, and never answers
    std::size_t lists_asked = 0;         ///< times that it was asked for one
    std::map<message_handle, result<message_body>> answers;
    std::unique_ptr<transfer_engine> engine;  ///< where content is fetched
    std::unique_ptr<memory_store> store;
    std::vector<transfer_finished> finished;
    std::vector<source_lost> lost;
    std::uint64_t large_datagrams = 0;  ///< data frames that came from the server's large ports
};

/// A connector and its channel.
struct test_connector {
    std::unique_ptr<connector_core> core;
    seeded_entropy random{77};
    ip_address where;
    std::optional<channel_id> channel;
    std::map<connector_handle, result<message_body>> answers;
};

class server_world {
public:
    explicit server_world(server_config config = default_config());
    ~server_world();

    [[nodiscard]] static server_config default_config();

    // The catalogue.
    catalogue_snapshot durable;  ///< what would be there after a crash
    bool hold_commits = false;   ///< completions wait
    std::function<duration()> commit_delay = [] { return 1ms; };
    std::function<std::optional<error>(const catalogue_request&)> commit_fault;
    std::size_t commits = 0;
    void release_commits();

    /// The server process dies and comes back with what is durable.
    void restart_server();
    [[nodiscard]] server_core& server() { return *server_; }
    [[nodiscard]] memory_store& file_store() { return server_store_; }
    void set_wall(std::int64_t seconds);
    /// The wall clock alone is set, or read again: the core's own is where this world's is.
    void step_wall(std::int64_t seconds);

    // Clients.
    /// Enrols; the error where the server refuses. Does not register.
    [[nodiscard]] result<test_client*> enrol(const char* where, std::uint8_t key_byte, const secret_key& enrolment_key = key_of_byte(0x0e));
    /// Enrols and registers.
    test_client& join(const char* where, std::uint8_t key_byte, device_profile profile = {});
    [[nodiscard]] message_handle send(test_client& from, message_body body);
    /// Sends, and waits for the answer.
    [[nodiscard]] result<message_body> ask(test_client& from, message_body body);
    void give_engine(test_client& to);

    // Connectors.
    /// It has another address now; nobody was told.
    void move(test_client& who, const char* to);
    test_connector& connect(const char* where = "10.0.0.9");
    void reopen(test_connector& one);
    void cut(test_connector& one);
    [[nodiscard]] message_body ask(test_connector& from, message_body body);
    [[nodiscard]] message_body admin(message_body body);  ///< over a connector made when first needed

    template <class Reply>
    [[nodiscard]] Reply asked(test_client& from, message_body body) {
        return std::get<Reply>(ask(from, std::move(body)).value());
    }
    template <class Reply>
    [[nodiscard]] Reply administer(message_body body) {
        return std::get<Reply>(admin(std::move(body)));
    }

    // Time.
    void run_for(duration span);
    /// Until the condition holds; false where it does not within `limit`.
    bool run_until(const std::function<bool()>& holds, duration limit = 60s);
    [[nodiscard]] time_point now() const { return now_; }
    [[nodiscard]] wall_time wall() const { return wall_; }

    std::vector<server_event> events;
    std::vector<channel_id> closed_by_server;
    std::function<bool(const send_datagram&)> loses;  ///< datagrams of the server and of clients that get lost
    std::set<std::uint16_t> server_ports_used;        ///< source ports of the server's datagrams

private:
    void at(time_point when, std::function<void()> what) { queue_.emplace(when, std::move(what)); }
    void pump();
    void pump_server();
    void pump_client(test_client& one);
    void pump_connector(test_connector& one);
    void carry(const ip_address& from, send_datagram datagram);
    void deliver(const ip_address& from, const send_datagram& datagram);
    void carry_out(catalogue_request request);
    [[nodiscard]] time_point next_time() const;
    void step_to(time_point when);

    server_config config_;
    seeded_entropy server_random_{4711};
    time_point now_ = time_point(1000s);
    wall_time wall_{1'800'000'000};
    std::unique_ptr<server_core> server_;
    int generation_ = 0;  // of the server process: completions and records of an old one are lost
    memory_store server_store_;
    std::deque<std::function<void()>> held_;
    time_point last_commit_at_{};
    std::multimap<time_point, std::function<void()>> queue_;
    std::map<ip_address, std::unique_ptr<test_client>> clients_;
    std::vector<std::unique_ptr<test_connector>> connectors_;
    std::uint64_t next_channel_ = 1;
    std::uint64_t enrolments_ = 0;
    struct enrolling;
    std::unique_ptr<enrolling> enrolling_;
};

}  // namespace p2pdist::test
