#pragma once
// Clients, a real server core, and the network between: offices with LANs, links with a rate, a delay and loss, a CDN and a file store.
// Deterministic; every byte that crosses a link is counted.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/server/server_core.hpp"
#include "support/link.hpp"
#include "support/seeded_crypto.hpp"

namespace p2pdist::test {

using namespace std::chrono_literals;

[[nodiscard]] ip_address address(const std::string& text);
[[nodiscard]] content_id id_of_text(const std::string& text);
/// Bytes that are different for every seed.
[[nodiscard]] bytes some_bytes(std::size_t size, std::uint64_t seed);
[[nodiscard]] secret_key key_of(std::uint64_t number);
/// What a program that knew no print of the enrolment key would have kept in the place of these saved credentials.
[[nodiscard]] bytes in_format_2(bytes saved);

class client_world;

/// A device with a client on it. It can be switched off and on; its disk and its saved credentials stay.
class device {
public:
    device(client_world& world, std::string where, std::uint64_t number, device_profile profile);

    void start();
    void stop();   ///< as by a power cut
    [[nodiscard]] bool running() const { return core_ != nullptr; }
    [[nodiscard]] client_core& core() { return *core_; }
    /// Runs `what` with the core and hands on what comes out.
    template <class Call>
    auto with(Call what) {
        auto out = what(*core_);
        pump();
        return out;
    }
    command_handle fetch(const std::string& id, std::string output = {});
    command_handle import(const std::string& path, std::optional<std::string> id = std::nullopt);
    void pause(bool paused);
    /// Carries out what its core gave out.
    void perform(client_output&& output);

    [[nodiscard]] const command_done* done(command_handle handle) const;
    [[nodiscard]] bool complete(command_handle handle) const { return done(handle) && !done(handle)->failure; }
    [[nodiscard]] std::uint64_t share(command_handle handle, source_kind from) const { return done(handle)->split[static_cast<std::size_t>(from)]; }
    [[nodiscard]] const client_id& id() const { return id_; }

    client_config config;
    memory_store store;
    ip_address where;
    std::vector<command_done> finished;
    std::vector<client_piece> pieces;                        ///< of all read()
    int stops = 0;                                           ///< client_stopped
    std::vector<std::string> notices;
    std::map<std::string, transfer_progress> progress;       ///< newest of each content
    std::set<std::string> reasons;                           ///< all that were ever shown
    std::optional<client_registered> registered;
    std::set<std::uint16_t> source_ports;                    ///< that its datagrams left from

private:
    friend class client_world;
    void pump();
    void arm();
    void read_fallback(const fallback_request& request);
    void feed(std::uint64_t request, std::uint64_t offset, std::shared_ptr<const bytes> data, std::size_t at, std::size_t end, int generation);

    client_world* world_;
    client_id id_;
    std::uint64_t number_;
    std::unique_ptr<seeded_entropy> random_;
    std::unique_ptr<client_core> core_;
    int generation_ = 0;
    time_point armed_ = never;
    std::set<std::uint64_t> cancelled_;
};

inline constexpr std::size_t mib = 1 << 20;

struct world_options {
    std::string topology;              ///< spreadsheet; rows of 10.x.0.0/16 offices
    bool activated = true;
    bool server_has_file_store = true;
    duration lan_delay = 200us;
    double lan_loss = 0;
    double wan_bits_per_second = 40e6;
    duration wan_delay = 15ms;
    double wan_loss = 0;
    duration heartbeat = 10s;
};

class client_world {
public:
    explicit client_world(world_options options);
    ~client_world();

    /// A client at `where`; further bytes of free storage rank it higher.
    device& add(const std::string& where, std::uint64_t free_gib = 10);
    /// Publishes bytes. `on_server`: the server's file store has them too.
    content_info publish(const std::string& id, const bytes& data, bool on_server = true, hash_kind kind = hash_kind::sha256_tree);
    void start_server();
    void stop_server();
    void set_activated(bool activated);   ///< the server comes back with it
    void set_key_epoch(std::uint16_t epoch);   ///< the same
    /// The server comes back with another revocation list: of these clients, and of the epochs in force.
    void set_revoked(const std::vector<client_id>& ids, std::uint16_t epoch = 1, std::uint16_t oldest = 1);
    void set_setting(const std::string& key, const std::string& value);   ///< the same

    void run_for(duration span);
    bool run_until(const std::function<bool()>& holds, duration limit = 120s);
    bool run_until_registered(duration limit = 30s);
    [[nodiscard]] time_point now() const { return clock.now(); }

    /// Payload bytes of data frames that entered the office over its link to the parent.
    [[nodiscard]] std::uint64_t content_in(const std::string& office) const;
    [[nodiscard]] std::string office_of(const ip_address& where) const;
    void cut(const std::string& office, bool down);
    /// A datagram of anybody that is just arriving.
    void inject(const endpoint& from, const endpoint& to, bytes data);
    [[nodiscard]] const server_core& server() const { return *server_; }
    [[nodiscard]] const ip_address& server_address() const { return server_address_; }

    std::int64_t wall_offset_s = 0;               ///< added to the devices' wall clocks, not to the server's
    virtual_clock clock;
    world_options options;
    catalogue_snapshot durable;
    secret_key enrolment = key_of(1000);
    std::uint64_t server_keys = 2000;             ///< number of its identity; the next one signs
    std::map<std::string, bytes> cdn;             ///< by URL
    std::map<std::string, bytes> files;           ///< of the file store, by content id; trees under id + ".tree"
    std::map<std::string, std::uint64_t> cdn_read, files_read;   ///< bytes given, by content id
    std::function<bool(const ip_address& from, const send_datagram&)> loses;
    std::function<bool(const catalogue_request&)> commit_fails;
    std::map<ip_address, std::function<void(const received_datagram&)>> members;   ///< with another program, by where they are
    std::uint64_t datagrams = 0;
    std::deque<std::unique_ptr<device>> devices;

private:
    friend class device;
    struct office_link {
        std::unique_ptr<link> up, down;
        std::uint64_t content_in = 0;
    };
    void carry(const ip_address& from, send_datagram datagram);
    void deliver(const ip_address& from, const std::shared_ptr<send_datagram>& datagram, const ip_address& to);
    void hop(std::vector<link*> way, std::size_t at, std::size_t size, std::function<void()> arrive);
    void pump_server();
    [[nodiscard]] std::vector<std::string> path_of(const ip_address& where) const;

    std::optional<topology> offices_;
    std::map<std::string, office_link> links_;
    std::map<ip_address, std::unique_ptr<link>> access_;
    ip_address server_address_;
    std::unique_ptr<seeded_entropy> server_random_;
    std::unique_ptr<server_core> server_;
    memory_store server_store_;
    int server_generation_ = 0;
    time_point server_armed_ = never;
    std::uint64_t next_number_ = 1;
};

}  // namespace p2pdist::test
