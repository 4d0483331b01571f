#pragma once
// The server as a pure core: enrols and registers clients, keeps the catalogue and the topology, knows who has what, ranks each
// office's clients, feeds the central office from its file store, and serves connectors. It never stores a package (SRV-1).
//
// Contract: docs/architecture.md. Distinct objects: safe. Shared: unsafe.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/base/version.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/flow/congestion_controller.hpp"
#include "p2pdist/server/catalogue.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// What a server is made with. Keys are secret; all else may be logged.
struct server_config {
    secret_key identity{};                 ///< X25519: who the server is to clients
    secret_key signing{};                  ///< Ed25519 seed: signs certificates
    secret_key enrolment{};                ///< the organisation's enrolment key (SEC-1)
    secret_key group{};                    ///< of the first key epoch, for broadcasts; later ones follow from it and `signing`
    ip_address address;                    ///< own address, placed in the central office (SRV-4)
    std::uint8_t prefix_bits = 24;         ///< of the interface: the detected central office (OFF-6)
    port_plan ports;
    bool has_file_store = false;           ///< SRV-5
    duration heartbeat_interval = std::chrono::seconds(60);  ///< active = heard within three of them (SRV-2)
    duration certificate_lifetime = std::chrono::hours(24 * 90);
    std::string software_version{p2pdist::software_version()};  ///< shown by health checks
    std::uint64_t jitter_seed = 1;
    std::uint8_t protocol_oldest = 0, protocol_newest = 0;   ///< versions that it speaks to clients (MSG-6); 0: all that this software knows
    congestion_controller_factory foreground = make_foreground_controller;
    congestion_controller_factory background = make_background_controller;
    log_sink log;
};

/// Names an association of the encrypted channel; chosen by the driver, never reused (CON-2).
struct channel_id {
    std::uint64_t value = 0;
    friend auto operator<=>(const channel_id&, const channel_id&) = default;
};
/// Plaintext for the connector at the other end: one record, at most secure_channel_record_bytes_max.
struct channel_send {
    channel_id channel;
    bytes record;
};
/// The driver ends this association.
struct channel_close {
    channel_id channel;
};

/// What the driver may show or log; never needed for correctness.
struct server_event {
    /// What the event is about; `finding`: something that a health check would name, too.
    enum class kind { client_enrolled, client_registered, activated, topology_changed, content_published, content_removed, peer_reported, membership_changed, finding };
    kind what = kind::finding;
    std::string text;
};

/// What the driver is to carry out, in order.
using server_output = std::variant<send_datagram, catalogue_request, store_request, channel_send, channel_close, server_event>;

/// For metrics.
struct server_statistics {
    std::uint64_t clients_registered = 0, clients_active = 0, contents = 0, holdings = 0, offices = 0;
    std::uint64_t datagrams_in = 0, datagrams_out = 0, datagrams_dropped = 0, requests = 0, content_bytes_sent = 0, catalogue_pending = 0;
};

/// One server. Distinct objects: safe from any thread. Shared: unsafe.
class P2PDIST_API server_core {
public:
    /// Crypto and entropy must outlive the core. Answers nobody before the catalogue's snapshot is given by load(), and with a new
    /// catalogue not before its first commit.
    server_core(const crypto_suite& crypto, entropy& random_bytes, server_config config, time_point now, wall_time wall);
    ~server_core();
    server_core(server_core&&) noexcept;
    server_core& operator=(server_core&&) noexcept;

    /// All that the catalogue knew when the program started, once, before anything is answered.
    void load(time_point now, catalogue_snapshot snapshot);

    // Inputs.
    void on_datagram(time_point now, const received_datagram& datagram);   ///< not DTLS: the driver tells that apart (CON-2)
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);
    /// At least once a minute. Where it has moved apart from the core's clock by limits::clock_jump, all sessions and the connectors'
    /// channels are given up: this may be a snapshot that was resumed (SEC-2).
    void on_wall_clock(time_point now, wall_time wall);
    /// The answer to a catalogue_request, in the order of the requests.
    void on_catalogue_done(time_point now, catalogue_completion completion);
    /// The answer to a store_request, each once.
    void on_store_done(time_point now, store_completion completion);
    /// A connector proved that it knows the security key. `exporter` is secret key material of this association alone.
    void on_channel_opened(time_point now, channel_id channel, const endpoint& from, const secret_key& exporter);
    /// A plaintext record of the connector at the other end.
    void on_channel_record(time_point now, channel_id channel, byte_span record);
    /// The association is over.
    void on_channel_closed(time_point now, channel_id channel);
    /// A new enrolment key; the old one is worthless from now on.
    void set_enrolment_key(time_point now, const secret_key& key);

    // Outputs.
    /// The next output; nothing when all has been given. Take all of them after each input.
    [[nodiscard]] std::optional<server_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    /// Counters since the start.
    [[nodiscard]] server_statistics statistics() const;

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
