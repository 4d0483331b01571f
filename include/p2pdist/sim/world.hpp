#pragma once
// A deterministic world: offices, lines, a server, a connector and many clients, running the very cores of the programs in virtual time.
// No socket, no sleep, no thread; the same options and the same calls give the same trace byte for byte (docs/simulator.md).
//
//     sim::world w{options};
//     const auto ann = w.add_client({.office = "Boston"});
//     w.set_up();                                                  // start, activate, import the topology, wait for all to register
//     const auto app = w.make_content("app-1", 4 << 20);
//     w.publish(app);
//     w.fetch(ann, app);
//     w.run_until([&] { return w.all_fetched(); }, 10min);
//
// What a program asks of the world and cannot get is std::runtime_error. Distinct objects: safe. Shared: unsafe.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/server/server_core.hpp"
#include "p2pdist/sim/disk.hpp"
#include "p2pdist/sim/generated_content.hpp"
#include "p2pdist/sim/network.hpp"
#include "p2pdist/sim/simulated_catalogue.hpp"
#include "p2pdist/sim/trace.hpp"

/// The simulated world: lines, disks, programs and people under one seed.
namespace p2pdist::sim {

/// What can befall a device beside its death. Everything happens now, and lasts until it is taken back.
class device_controls {
public:
    /// Suspended: it hears nothing, its monotonic clock stands still and its wall clock goes on.
    virtual void sleep() = 0;
    /// Its process is stopped: the clocks go on, datagrams wait as long as a socket's buffer has room, and timers fire late, all at once.
    virtual void stall() = 0;
    /// Ends sleep() and stall().
    virtual void wake() = 0;
    /// Whether it sleeps or stalls.
    [[nodiscard]] virtual bool paused() const noexcept = 0;
    /// Its monotonic clock is so many millionths fast; negative: slow.
    virtual void drift(std::int64_t ppm) = 0;
    /// Its monotonic clock leaps ahead.
    virtual void jump(duration ahead) = 0;
    /// The monotonic clock stands still while the process runs; start_clock() lets it go on from there.
    virtual void stop_clock() = 0;
    /// Ends stop_clock().
    virtual void start_clock() = 0;
    /// The wall clock shows so much more than it is.
    virtual void set_wall(std::chrono::seconds ahead) = 0;
    /// What is wrong with its disk; a device without one has nullptr.
    [[nodiscard]] virtual disk_trouble* disk_troubles() noexcept { return nullptr; }

protected:
    device_controls() = default;
    ~device_controls() = default;
    device_controls(const device_controls&) = default;
    device_controls& operator=(const device_controls&) = default;
};

/// What the world is built of.
struct world_options {
    /// With these offices, and all else as it is by default.
    explicit world_options(topology physical) : offices(std::move(physical)) {}

    topology offices;                     ///< as it is built; the system knows of it after import_topology()
    network_options network;
    std::uint64_t seed = 1;
    std::optional<ip_address> server;     ///< default: the first free address of the central office
    bool server_file_store = true;        ///< SRV-5
    duration heartbeat = std::chrono::seconds(60);
    disk_settings disk;                   ///< of every node
    simulated_catalogue_options catalogue;
    double cdn_bytes_per_second = 12.5e6;         ///< to each reader
    double file_store_bytes_per_second = 60e6;
    std::optional<std::string> cdn;       ///< base URL: clients have a CDN
    /// Key agreement, signatures and authentication are imitated, for worlds of thousands of clients; hashes are real. Nothing about forgeries
    /// can be learnt in such a world. What happens in it is the same otherwise: sizes and times do not depend on it.
    bool fast_crypto = false;
    /// More in one simulated second counts as a livelock, and running ends.
    std::uint64_t events_per_second_max = 50'000'000;
    log_sink log;                         ///< of all cores
    std::uint8_t protocol_oldest = 0, protocol_newest = 0;   ///< versions that the server speaks; 0: this software's
    trace::line_sink trace_lines;         ///< takes the trace as text; see trace.hpp
};

/// A device. `profile` unset: a desktop whose free storage follows from the world's seed.
struct device {
    std::string office;                      ///< the address is the next free one of its first area
    std::optional<ip_address> address{};     ///< instead
    std::optional<device_profile> profile{};
    bool preferred = false;
    std::uint64_t store_limit_bytes = UINT64_MAX;
    bool file_store = false;                 ///< SRC-2: it can read the file store
    std::uint8_t protocol_oldest = 0, protocol_newest = 0;   ///< versions that it speaks; 0: this software's
    /// Asked once, with what its client is about to be made with: to try an order, a congestion controller, or another setting of one's own.
    /// What that computes must depend on nothing but its arguments and the world's time, or the trace will not be the same twice.
    std::function<void(client_config&)> adjust{};
};

/// A device that lies, and what came of it.
struct liar_view {
    client_id id;
    std::string manner;                      ///< in words
    std::uint64_t wrong_bytes_sent = 0;      ///< in authenticated frames
    bool always_wrong = false;               ///< it gives nothing but bytes that don't fit to whoever fetches from it
};

/// A client of one world, from 0 in the order of add_client().
struct client_index {
    std::size_t value = 0;
    friend auto operator<=>(const client_index&, const client_index&) = default;
};

/// How a client's fetch goes or went.
struct fetch_record {
    client_index client;
    content_info content;
    std::string output;
    time_point asked{};
    std::optional<time_point> ended{};
    std::optional<error> failure{};
    source_split split{};         ///< of its last attempt
    int attempts = 1;             ///< one more for each restart of the client
    [[nodiscard]] bool complete() const noexcept { return ended && !failure; }
    [[nodiscard]] duration took() const noexcept { return ended ? *ended - asked : duration::zero(); }
};

/// Where a content can be read that no client holds yet.
struct placement_choice {
    bool server_file_store = true;
    bool cdn = false;
    bool file_store = false;
    bool tree_file = true;     ///< lies beside it on CDN and file store (SRC-3)
};

/// IP bytes over an office's line to its parent.
struct wan_traffic {
    std::string office;
    link_counters down, up;
    [[nodiscard]] std::uint64_t bytes() const noexcept { return down.carried_bytes + up.carried_bytes; }
    /// Both directions together, as a multiple of a content's size.
    [[nodiscard]] double copies(std::uint64_t content_bytes) const noexcept {
        return content_bytes == 0 ? 0.0 : static_cast<double>(bytes()) / static_cast<double>(content_bytes);
    }
};

/// The world, its clock, and all that lives in it. Single-threaded: distinct objects may be used from different threads, one object by one
/// thread.
class P2PDIST_API world {
public:
    /// Built, with nobody in it but server and connector; nothing runs before run_for() and its kin.
    explicit world(world_options options);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    // Building.
    /// Puts a device into its office; it is off until set_up() or start.
    client_index add_client(const device& what);
    /// An enrolled device that lies in every message it may send (SEC-3), in a manner that `seed` decides. It knows each content from its
    /// publication on. Only its office, address and seed count.
    void add_liar(const device& what, std::uint64_t seed);
    /// A content of that size out of the world's seed and its id.
    [[nodiscard]] generated_content make_content(std::string_view id, std::uint64_t size_bytes, hash_kind kind = hash_kind::sha256_tree);

    // Starting. Each runs the world until it is done.
    void start();                    ///< server, connector, and the clients within two seconds
    void activate();                 ///< ACT-1
    void import_topology();          ///< OFF-5
    void set_up();                   ///< all of them, then until every client that is up has registered (at most 5 simulated minutes)
    /// Puts the bytes where `where` says.
    void place(const generated_content& content, const placement_choice& where = {});
    /// place(), and publishes the metadata.
    void publish(const generated_content& content, const placement_choice& where = {});
    /// A request of the connector and its answer; the world runs meanwhile.
    [[nodiscard]] result<message_body> ask(message_body request, duration limit = std::chrono::minutes(2));

    // Acting, now. To act later: at().
    /// `output`: the name of the file that it writes on its disk; empty: none.
    void fetch(client_index who, const generated_content& content, std::string output = {});
    void import(client_index who, const generated_content& content);   ///< `import` of a file on that device
    void kill(client_index who);              ///< its process dies; its disk stays
    void restart(client_index who);           ///< and asks again for what it had not got
    void kill_server();
    void restart_server();                    ///< with what its database committed
    void restore_server(catalogue_snapshot backup);   ///< with a database of former times, whatever was committed since
    /// It gets the next free address of the office (the one that it is in, too), and is told so; its old address is free.
    void move(client_index who, const std::string& office);
    /// What may befall the client's device.
    [[nodiscard]] device_controls& controls(client_index who);
    /// What may befall the server's.
    [[nodiscard]] device_controls& server_controls();
    /// Calls it at that time.
    void at(time_point when, std::function<void()> what);

    // Running.
    /// Whether `done` came true; it is asked after each event of a node and at least each simulated millisecond. False at the limit, and
    /// where the world stands still or is livelocked.
    bool run_until(const std::function<bool()>& done, duration limit);
    /// Lets so much simulated time pass.
    void run_for(duration time);
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] bool livelocked() const noexcept;
    [[nodiscard]] std::uint64_t events() const noexcept;
    /// Events that are under way.
    [[nodiscard]] std::size_t pending_events() const noexcept;

    // Results.
    [[nodiscard]] std::size_t clients() const noexcept;
    [[nodiscard]] const std::vector<fetch_record>& fetches() const noexcept;
    /// The client's last fetch of it; nothing where it never asked.
    [[nodiscard]] const fetch_record* fetch_of(client_index who, const content_info& content) const;
    /// Every fetch of a client that is up has ended with success.
    [[nodiscard]] bool all_fetched() const;
    /// What the client's store has is what was published, and so is its output file where it was to write one.
    [[nodiscard]] bool has_right_bytes(client_index who, const generated_content& content) const;
    /// The office that it is in.
    [[nodiscard]] const std::string& office_of(client_index who) const;
    /// Its address now.
    [[nodiscard]] ip_address address_of(client_index who) const;
    /// Whether its program runs, be it asleep.
    [[nodiscard]] bool is_up(client_index who) const;
    /// The same of the server.
    [[nodiscard]] bool is_server_up() const;
    /// Of a server that is up.
    [[nodiscard]] p2pdist::server_statistics server_statistics() const;
    /// Whether they have a protocol version in common (MSG-6).
    [[nodiscard]] bool speaks_with_server(client_index who) const;
    /// A bug while the client is down.
    [[nodiscard]] client_core& core(client_index who);
    /// What is on its disk.
    [[nodiscard]] memory_store& store(client_index who);
    /// Chunks that the client's store was given to write, twice ones counted twice: none is fetched again (CLI-4).
    [[nodiscard]] std::uint64_t chunks_written(client_index who, const content_key& content) const;
    // What was promised, in this life of the client or a former one: it must be there after any crash.
    /// Whether the server ever acknowledged it.
    [[nodiscard]] bool was_registered(client_index who) const;
    /// Whether it was given the content by import, and said so.
    [[nodiscard]] bool imported(client_index who, const content_key& content) const;
    /// The store has said that the chunk is written.
    [[nodiscard]] bool acknowledged(client_index who, const content_key& content, chunk_index chunk) const;
    /// Chunks that were given to the store though it had acknowledged them: must stay 0 where no disk alters anything (CLI-4).
    [[nodiscard]] std::uint64_t chunks_fetched_again(client_index who) const;
    /// The client of that address.
    [[nodiscard]] std::optional<client_index> client_at(const ip_address& address) const;
    [[nodiscard]] const catalogue_snapshot& catalogue() const;
    /// What has crossed that office's line to its parent so far.
    [[nodiscard]] wan_traffic wan(const std::string& office);
    /// Of all offices but the central one, in the topology's order.
    [[nodiscard]] std::vector<wan_traffic> wans();
    /// Bytes read from a fallback source by all clients.
    [[nodiscard]] std::uint64_t fallback_bytes(source_kind from) const;
    [[nodiscard]] std::vector<liar_view> liars();
    [[nodiscard]] network& net() noexcept;
    [[nodiscard]] ip_address server_address() const noexcept;
    [[nodiscard]] const topology& offices() const noexcept;
    [[nodiscard]] const crypto_suite& crypto() const noexcept;
    [[nodiscard]] std::uint64_t trace_hash() const noexcept;

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist::sim
