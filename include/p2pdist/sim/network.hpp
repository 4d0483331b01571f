#pragma once
// Lines, switches and routers between hosts, built from a topology: each host has an access link to its office's LAN, each office a
// link to its parent's router. Datagrams follow the hierarchy; broadcasts stay in the LAN and reach the hosts of the sender's subnet.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/office/topology.hpp"
#include "p2pdist/sim/event_queue.hpp"
#include "p2pdist/sim/link_model.hpp"
#include "p2pdist/sim/trace.hpp"

namespace p2pdist::sim {

/// IPv4 and UDP headers: what a datagram is longer on a line than its payload.
inline constexpr std::uint64_t ip_overhead_bytes = 28;

/// The lines of one office; what is not set is as for all.
struct office_lines {
    std::optional<link_settings> lan;       ///< between a host and the LAN, each direction
    std::optional<link_settings> wan_down;  ///< from the parent's router
    std::optional<link_settings> wan_up;    ///< to it
};
struct network_options {
    link_settings lan = line(1000, std::chrono::microseconds(50), std::chrono::milliseconds(5));
    link_settings wan_down = line(50, std::chrono::milliseconds(10));
    link_settings wan_up = line(50, std::chrono::milliseconds(10));
    std::map<std::string, office_lines> offices;   ///< by name
    std::uint64_t seed = 1;
};

struct host_index {
    std::uint32_t value = 0;
    friend auto operator<=>(const host_index&, const host_index&) = default;
};

/// What hangs on the network.
class host {
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

/// Single-threaded; everything in it happens in the order of its event_queue.
class network final : private event_handler {
public:
    /// `queue` and `record` outlive it.
    network(event_queue& queue, trace& record, topology offices, network_options options);
    ~network();
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    /// A host with its access link, in the office of its address; an address in no office gets an office of its own below the central
    /// one. `who` outlives the network. errc::already_exists: the address is taken.
    [[nodiscard]] result<host_index> attach(host& who, const ip_address& address, int prefix_bits);
    /// The datagram leaves its host at not_before, or now.
    void send(host_index sender, send_datagram&& datagram);

    /// A datagram of somebody who is none of the hosts, with whatever sender he likes, that reaches its receiver's host at once: it overtakes
    /// whatever is on a line. Lost where nobody has the address.
    void inject(const endpoint& from, const endpoint& to, bytes payload);

    // Lines. Changes take effect for what is offered from then on.
    [[nodiscard]] link_model& lan_up(host_index which);
    [[nodiscard]] link_model& lan_down(host_index which);
    /// Of an office by its name; a bug where it is unknown or the central one. An office of its own has the name of its address.
    [[nodiscard]] link_model& wan_down(const std::string& office);
    [[nodiscard]] link_model& wan_up(const std::string& office);
    /// The name of the office that a host is in.
    [[nodiscard]] const std::string& office_of(host_index which) const;
    [[nodiscard]] std::optional<host_index> find(const ip_address& address) const;

    /// Called for each datagram sent, delivered and dropped.
    void watch(std::function<void(const watched_datagram&)> watcher) { watcher_ = std::move(watcher); }
    /// Called for each datagram that is to be sent: false drops it there. For partitions and other faults.
    void set_filter(std::function<bool(time_point, const datagram_note&)> filter) { filter_ = std::move(filter); }

private:
    struct site;
    struct attached_host;
    struct flight;

    void on_event(time_point now, std::uint64_t what) override;
    std::uint32_t site_of(const ip_address& address);
    std::uint32_t add_site(std::string name, std::optional<std::uint32_t> parent);
    std::uint32_t take_flight();
    std::uint32_t copy_flight(std::uint32_t which);
    void release(std::uint32_t which) noexcept;
    void depart(time_point now, std::uint32_t which);
    void at_router(time_point now, std::uint32_t which);
    void broadcast(time_point now, std::uint32_t which);
    void arrive(time_point now, std::uint32_t which);
    void pass(time_point now, std::uint32_t which, link_model& over, const std::string& name);
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
    std::map<ip_address, std::uint32_t> addresses_;
    std::vector<flight> flights_;
    std::vector<std::uint32_t> free_flights_;
    bytes scratch_;
    std::function<void(const watched_datagram&)> watcher_;
    std::function<bool(time_point, const datagram_note&)> filter_;
};

}  // namespace p2pdist::sim
