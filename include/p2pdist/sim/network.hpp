#pragma once
// Lines, switches and routers between hosts, built from a topology: each host has an access link to its office's LAN, each office a
// link to its parent's router. Datagrams follow the hierarchy; broadcasts stay in the LAN and reach the hosts of the sender's subnet.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/office/topology.hpp"
#include "p2pdist/sim/event_queue.hpp"
#include "p2pdist/sim/link_model.hpp"
#include "p2pdist/sim/rival.hpp"
#include "p2pdist/sim/trace.hpp"

namespace p2pdist::sim {

struct rival_transmission;

/// IPv4 and UDP headers: what a datagram is longer on a line than its payload.
inline constexpr std::uint64_t ip_overhead_bytes = 28;

/// The air of a Wi-Fi office, which all of its hosts and its access point share, one transmission at a time. From host to host it takes two.
struct wifi_settings {
    std::uint64_t bytes_per_second = 20'000'000;        ///< of the bytes of a transmission
    std::uint64_t basic_bytes_per_second = 750'000;     ///< of a broadcast, which the access point repeats once for all
    duration overhead = std::chrono::microseconds(150); ///< of each transmission: contention, preamble, acknowledgement
    std::uint64_t aggregate_bytes = 32'000;             ///< in one transmission, for one receiver
    std::uint64_t queue_bytes = 512'000;                ///< of a station or of the access point
};
/// What happened in the air of a Wi-Fi office.
struct air_counters {
    std::uint64_t transmissions = 0;
    std::uint64_t collisions = 0;
    std::uint64_t bytes = 0;            ///< IP
    std::uint64_t queue_dropped = 0;
    duration busy{};
};

/// The lines of one office; what is not set is as for all.
struct office_lines {
    std::optional<link_settings> lan;       ///< between a host and the LAN, each direction
    std::optional<link_settings> wan_down;  ///< from the parent's router
    std::optional<link_settings> wan_up;    ///< to it
    std::optional<wifi_settings> wifi;      ///< where its type is Wi-Fi
    bool wired = false;                     ///< it has `lan` lines whatever its type
};
/// How all lines are, and those of single offices.
struct network_options {
    link_settings lan = line(1000, std::chrono::microseconds(50), std::chrono::milliseconds(5));
    link_settings wan_down = line(50, std::chrono::milliseconds(10));
    link_settings wan_up = line(50, std::chrono::milliseconds(10));
    std::optional<wifi_settings> wifi = wifi_settings{};   ///< of offices whose type is Wi-Fi, whose lan has no rate then; not set: all are wired
    std::map<std::string, office_lines> offices;           ///< by name
    std::uint64_t seed = 1;
};

/// What hangs on the network. Called on its thread.
class P2PDIST_API host {
public:
    /// A datagram's last bit is here. `payload` lives for the length of the call.
    virtual void on_arrival(time_point now, const endpoint& from, const endpoint& local, byte_span payload, std::uint8_t ecn) = 0;
    /// Whether anybody listens; otherwise the datagram is dropped.
    [[nodiscard]] virtual bool is_up() const noexcept = 0;

protected:
    host() = default;
    ~host() = default;
    host(const host&) = default;
    host& operator=(const host&) = default;
};

/// A datagram's end of life, for those who watch: sent, delivered (once a receiver) or dropped.
struct watched_datagram {
    const datagram_note& note;
    host_index sender;
    std::optional<host_index> receiver;  ///< where known: not of a broadcast that is sent, nor of an unknown address
};

/// What became of all datagrams: those sent and injected, and copies made on the way, were delivered or dropped, or are under way.
struct network_ledger {
    std::uint64_t sent = 0;         ///< by hosts
    std::uint64_t injected = 0;     ///< by inject(), and by rivals
    std::uint64_t copied = 0;       ///< by lines that duplicate, and for each receiver of a broadcast
    std::uint64_t spread = 0;       ///< broadcasts that the copies for their receivers stand for
    std::uint64_t delivered = 0;    ///< to hosts that are up
    std::uint64_t dropped = 0;      ///< wherever
    std::uint64_t under_way = 0;    ///< counted where they are, not by what is missing

    friend bool operator==(const network_ledger&, const network_ledger&) = default;
};

/// Single-threaded; everything in it happens in the order of its event_queue.
class P2PDIST_API network final : private event_handler {
public:
    /// `queue` and `record` outlive it.
    network(event_queue& queue, trace& record, topology offices, network_options options);
    ~network();
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    /// A host with its access link, in the office of its address; an address in no office gets an office of its own below the central
    /// one. `who` outlives the network. errc::already_exists: the address is taken.
    [[nodiscard]] result<host_index> attach(host& who, const ip_address& address, int prefix_bits);
    /// Takes the cable out: the address is free, what is under way to the host is dropped where it comes to its office's switch or to the
    /// host, and what the host sends is dropped. What it has sent arrives. Nothing where it is detached already.
    void detach(host_index which);
    /// Puts it where `address` belongs, with a new access line (counters go on), detached before or not. What is under way to the old
    /// address goes to whoever has that address when it comes to the switch, else it is dropped. errc::already_exists: another
    /// host has the address.
    [[nodiscard]] result<void> move(host_index which, const ip_address& address, int prefix_bits);
    /// Whether the host is on the network.
    [[nodiscard]] bool attached(host_index which) const;
    /// The datagram leaves its host now.
    void send(host_index sender, send_datagram&& datagram);

    /// A datagram of somebody who is none of the hosts, with whatever sender he likes, that reaches its receiver's host at once: it overtakes
    /// whatever is on a line. Lost where nobody has the address.
    void inject(const endpoint& from, const endpoint& to, bytes payload);

    // Lines. Changes take effect for what is offered from then on.
    /// From the host to its LAN.
    [[nodiscard]] link_model& lan_up(host_index which);
    /// From its LAN to the host.
    [[nodiscard]] link_model& lan_down(host_index which);
    /// Of an office by its name; a bug where it is unknown or the central one. An office of its own has the name of its address.
    [[nodiscard]] link_model& wan_down(const std::string& office);
    /// The other direction of wan_down().
    [[nodiscard]] link_model& wan_up(const std::string& office);
    /// Of a Wi-Fi office; a bug elsewhere.
    [[nodiscard]] const air_counters& air_of(const std::string& office) const;
    /// Another line to another parent from now on (or to the same one): a fallback line, a new provider. Its queues are empty, its counters
    /// go on; what is on the old line still arrives. A bug where `parent` is the office itself or below it, or the office is the central one.
    void reroute(const std::string& office, const std::string& parent, const link_settings& down, const link_settings& up);
    /// The name of the office that a host is in, or was in when it was detached.
    [[nodiscard]] const std::string& office_of(host_index which) const;
    /// Where an office's line leads; a bug where it is unknown or the central one.
    [[nodiscard]] const std::string& parent_of(const std::string& office) const;
    /// The host of that address.
    [[nodiscard]] std::optional<host_index> find(const ip_address& address) const;

    // Partitions: what leaves a host and is addressed to one behind the cut is dropped there; what is under way comes through. One direction
    // each, so that a partition can be asymmetric. Broadcasts within an office are cut between hosts, not between offices.
    /// Drops what goes from one to the other, or no more; the way back is another matter.
    void block(host_index from, host_index to, bool blocked);
    /// Between the hosts of two offices, wherever these hosts are at the time.
    void block(const std::string& from_office, const std::string& to_office, bool blocked);
    /// Ends all partitions.
    void unblock_all() noexcept;

    /// What became of everything so far.
    [[nodiscard]] network_ledger ledger() const noexcept;

    /// Other people's traffic on the same lines, from `starts` on. Nobody watches or filters its packets; partitions hold for it. An unknown
    /// office is a bug.
    rival_index add_rival(const rival_options& what);
    /// Ends it at once; what is under way is of no use any more.
    void stop_rival(rival_index which);
    /// How it has fared so far.
    [[nodiscard]] rival_report rival(rival_index which) const;

    /// Called for each datagram sent, delivered and dropped.
    void watch(std::function<void(const watched_datagram&)> watcher) { watcher_ = std::move(watcher); }
    /// Called for each datagram that is to be sent: false drops it there. For partitions and other faults.
    void set_filter(std::function<bool(time_point, const datagram_note&)> filter) { filter_ = std::move(filter); }

private:
    struct P2PDIST_LOCAL way;
    struct P2PDIST_LOCAL site;
    struct P2PDIST_LOCAL attached_host;
    struct P2PDIST_LOCAL flight;
    struct P2PDIST_LOCAL rivalry;

    void on_event(time_point now, std::uint64_t what) override;
    std::uint32_t site_of(const ip_address& address);
    std::uint32_t add_site(std::string name, std::optional<std::uint32_t> parent);
    std::uint32_t take_flight();
    std::uint32_t copy_flight(std::uint32_t which);
    void release(std::uint32_t which) noexcept;
    [[nodiscard]] std::uint32_t site_named(const std::string& office) const;
    void rebuild_paths();
    void plug(std::uint32_t which, const ip_address& address, int prefix_bits);
    [[nodiscard]] link_settings lan_of(std::uint32_t at) const;
    void add_air(std::uint32_t at);
    void to_access_line(time_point now, std::uint32_t which, way& over, std::uint32_t station, std::uint32_t receiver);
    void air_is_free(time_point now, std::uint32_t at);
    void land(time_point now, std::uint32_t which);
    void fan_out(time_point now, std::uint32_t which);
    [[nodiscard]] std::uint32_t place_of(const rival_end& end);
    void carry(const rival_transmission& what);
    [[nodiscard]] bool blocked(std::uint32_t sender, std::uint32_t receiver) const;
    [[nodiscard]] bool resolve(flight& what) const;
    void at_router(time_point now, std::uint32_t which);
    void broadcast(time_point now, std::uint32_t which);
    void arrive(time_point now, std::uint32_t which);
    [[nodiscard]] std::unique_ptr<way> make_way(std::string name, const link_settings& settings);
    void put(way& where, const link_settings& line);
    void pass(time_point now, std::uint32_t which, way& over);
    void follow(time_point now, std::uint32_t which, const link_passage& passage, const way& over);
    void settle(time_point now, const way& from);
    void line_is_free(time_point now, way& which);
    void drop(time_point now, const flight& what, std::string_view where, std::string_view why);
    void tell(const datagram_note& note, const flight& what);
    [[nodiscard]] datagram_note note_of(const flight& what, datagram_note::kind kind, time_point now) const;

    event_queue& queue_;
    trace& trace_;
    topology topology_;
    network_options options_;
    std::uint64_t link_seed_;
    std::vector<std::unique_ptr<site>> sites_;           // the topology's offices first, in its order
    std::map<std::string, std::uint32_t> site_names_;
    std::vector<std::unique_ptr<attached_host>> hosts_;
    std::unordered_map<ip_address, std::uint32_t> addresses_;   // only looked up: its order is nobody's
    std::set<std::pair<std::uint32_t, std::uint32_t>> blocked_hosts_, blocked_sites_;
    std::vector<way*> lines_;                            // of all sites and hosts
    std::vector<link_departure> gone_;                   // what a line gives back
    std::vector<flight> flights_;
    std::vector<std::uint32_t> free_flights_;
    network_ledger ledger_;
    std::unique_ptr<rivalry> rivalry_;                   // where there are rivals
    bytes scratch_;
    std::function<void(const watched_datagram&)> watcher_;
    std::function<bool(time_point, const datagram_note&)> filter_;
};

}  // namespace p2pdist::sim
