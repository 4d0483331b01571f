#pragma once
// The client as a pure core: enrols, registers, reports what it holds, finds its office, finds sources in the order of SRC-1 and
// SRC-2, acts as its office's rendezvous point when its rank says so, downloads, verifies, serves its office and child offices.
//
// Contract: docs/architecture.md. Drive it with client (driver/client.hpp) in an Asio program, or in a loop of one's own:
//
//     client_core core{crypto, entropy, config, now, wall};
//     core.fetch(now, id);
//     while (auto out = core.poll(now)) ...        // send datagrams, carry out store and fallback requests, show events
//     ... core.on_datagram(now, d), core.on_timer(now) at core.deadline(), core.on_store_done(now, c) ...
//
// Distinct objects: safe. Shared: unsafe. Crypto and entropy must outlive it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/office/topology.hpp"
#include "p2pdist/ranking/ranking.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "p2pdist/wire/messages.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// What a client is made with. Keys are secret; all else may be logged.
struct client_config {
    secret_key identity{};                    ///< X25519, made once at the first start and kept (id_of its public key is the client's id)
    std::optional<bytes> saved_credentials;   ///< what client_event::credentials gave before; empty: enrol first
    secret_key enrolment{};                   ///< the organisation's enrolment key; all zero: no enrolment, saved credentials only
    std::vector<ip_address> servers;          ///< tried in turn (DB-4)
    ip_address address;                       ///< own address in the organisation's network
    std::uint8_t prefix_bits = 24;            ///< of the interface
    std::optional<ip_address> broadcast;      ///< of the interface; none: no broadcast discovery
    port_plan ports;
    device_profile profile;                   ///< as read from the device; set_profile() keeps it fresh
    std::string host_name;
    bool has_file_store = false;              ///< SRC-2: the driver can read a file store
    std::optional<std::string> cdn;           ///< base URL; without it the server's setting "cdn" counts
    std::uint64_t jitter_seed = 1;
    std::uint8_t protocol_oldest = 0, protocol_newest = 0;   ///< versions that it speaks (MSG-6); 0: all that this software knows
    std::optional<ranking> order;             ///< without it the six criteria, with the steps of the server's settings (RANK-7)
    congestion_controller_factory foreground = make_foreground_controller;
    congestion_controller_factory background = make_background_controller;
    log_sink log;
};

/// Asks the driver to read from a fallback source (SRC-2). It answers with on_fallback_data() pieces in order, then on_fallback_done().
struct fallback_request {
    /// The package, or the tree file beside it (SRC-3).
    enum class target : std::uint8_t { content, tree };
    std::uint64_t id = 0;
    source_kind from = source_kind::cdn;   ///< cdn or file_store
    target what = target::content;
    content_info content;
    std::string url;                       ///< of the CDN, already with the content's name; empty for the file store
    byte_range range;                      ///< of content; for tree: all of it
    double bytes_per_second_max = 0;       ///< 0: unlimited; paced by the receiver where a WAN is crossed (SRC-5)
};
/// The answer to that request is wanted no more; on_fallback_done() need not follow.
struct fallback_cancel {
    std::uint64_t id = 0;
};

/// Names a fetch, import or other command; its end is a command_done.
struct command_handle {
    std::uint64_t value = 0;
    friend auto operator<=>(const command_handle&, const command_handle&) = default;
};

// ---- events: values, in order; terminal ones are never lost
/// Given at enrolment, and again whenever what is to be kept has changed: activation and topology are in it, so that a client that
/// starts while the server is away can go on.
struct client_enrolled {
    client_id id;
    bytes credentials;     ///< secret: keep it, mode 0600, and give it back as saved_credentials
};
/// At the first registration, and again when office or activation change.
struct client_registered {
    std::string office;    ///< empty: in no office (OFF-1)
    bool activated = false;
};
/// At most about twice a second and content; the last one before command_done shows the end.
struct client_progress {
    transfer_progress transfer;
};
/// A command has ended, once; `content`, `split` and `took` are those of a fetch or an import.
struct command_done {
    command_handle command;
    std::optional<error> failure;
    content_info content;
    source_split split{};
    duration took{};
};
/// For logs and `status`: registered, server lost, took over as rendezvous point, blamed a peer, blocked port, ...
struct client_notice {
    log_level level = log_level::info;
    std::string text;
};
/// What read_on() asked for: verified bytes, the next after those given before.
struct client_piece {
    command_handle command;
    std::uint64_t offset = 0;
    shared_bytes data;     ///< one chunk
};
/// The last output of a core that was stopped.
struct client_stopped {};
/// What an embedder may show; also in the order in which it happened.
using client_event = std::variant<client_enrolled, client_registered, client_progress, command_done, client_notice, client_piece, client_stopped>;

/// What the driver is to carry out, in order.
using client_output = std::variant<send_datagram, store_request, fallback_request, fallback_cancel, client_event>;

/// A snapshot for `status`, `peers`, `explain`.
struct client_status {
    client_id id;
    bool enrolled = false, registered = false, activated = false, server_reachable = false, paused = false;
    bool holdings_reported = false;           ///< the server has acknowledged all that this client holds
    bool revoked = false;                     ///< shut out by the administrator (SEC-2)
    std::uint16_t key_epoch = 0;              ///< of its certificate; 0: none
    std::uint64_t revocations = 0;            ///< number of the newest revocation list that it knows
    std::string office, office_type;
    std::vector<std::string> path;            ///< own office, parent, ..., central
    ip_address server;
    std::string problem;                      ///< why there is no enrolment or no server, and what to do; empty where all is well
    store_statistics store;
    device_profile profile;
    std::vector<transfer_progress> downloads;
    std::vector<upload_progress> uploads;
};
/// Another node that this client knows (`peers`).
struct peer_view {
    peer_info peer;
    std::string office;
    std::string relation;          ///< "office", "ancestor", "child", "server"
    holding_state state = holding_state::none;
    bool acting = false;
};
/// Who is asked for a content and why, in words (`explain`).
struct explanation {
    content_info content;
    std::string acting;                  ///< acting rendezvous point of the own office: id and address, or empty
    bool acting_is_self = false;
    /// One client of one office.
    struct line {
        std::string office;
        peer_info peer;
        int position = 0;                ///< in the office's ranking, from 1
        std::string decided_by;          ///< the criterion that put it behind the one before it
        holding_state state = holding_state::none;
        bool acting = false;
        bool reachable = true;
    };
    std::vector<line> ranking;           ///< own office first, then the offices above
    std::vector<std::string> notes;      ///< sources tried and why not, holders elsewhere that are not used (OFF-2), fallback, pauses
};

/// One client. Distinct objects: safe from any thread. Shared: unsafe. Crypto and entropy must outlive it.
class P2PDIST_API client_core {
public:
    /// Starts at once: the first poll() gives the first datagrams. `wall` is the time of day, by which certificates are judged.
    client_core(const crypto_suite& crypto, entropy& random_bytes, client_config config, time_point now, wall_time wall);
    ~client_core();
    client_core(client_core&&) noexcept;
    client_core& operator=(client_core&&) noexcept;

    // Commands.
    /// Downloads a published content into the store and, where `output` is not empty, writes it there (CLI-6).
    command_handle fetch(time_point now, const content_id& id, std::string output = {});
    /// The same, into a file that whoever asks has opened.
    command_handle fetch(time_point now, const content_id& id, std::shared_ptr<output_sink> sink);
    /// Downloads it like fetch() and gives its bytes in order, as far as they are verified from the beginning on, while it still arrives.
    /// command_done comes after the last byte was given; it alone says that nothing is missing.
    command_handle read(time_point now, const content_id& id);
    /// Asks a read() for its next piece: one client_piece, or command_done, follows. Until that came, asking again changes nothing.
    void read_on(time_point now, command_handle reader);
    /// Puts a file of this device into the store and shares it (`import`).
    command_handle import(time_point now, std::string path, std::optional<content_id> id);
    /// A pinned content is never evicted from the store. errc::not_found where the store has none of it.
    command_handle pin(time_point now, const content_id& id, bool pinned);
    /// Removes a content from the store. errc::not_found; errc::refused while it is being downloaded.
    command_handle remove(time_point now, const content_id& id);
    /// Reads and hashes all that the store holds (CLI-4); what does not fit is fetched again when it is wanted.
    command_handle verify(time_point now);
    /// Ends with command_done errc::cancelled; the download itself goes on only if somebody else waits for it.
    void cancel(time_point now, command_handle command);
    void pause(time_point now, bool paused);       ///< all downloads of this client
    /// Ends every command with errc::cancelled and lets go of those whom it serves and by whom it is served. Poll what comes out, up to
    /// client_stopped, carry it out, and drop the core: give it no further input.
    void stop(time_point now);
    /// What the device says of itself now (CLI-5); told to the server with the next heartbeat.
    void set_profile(time_point now, device_profile profile);
    /// The device has moved to another address: it registers anew and looks for its office again.
    void set_address(time_point now, ip_address address, std::uint8_t prefix_bits, std::optional<ip_address> broadcast);
    [[nodiscard]] const ip_address& address() const noexcept;

    // Inputs.
    /// A datagram that came to one of the ports of the port plan.
    void on_datagram(time_point now, const received_datagram& datagram);
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);
    /// At least once a minute. Where it has moved apart from the core's clock by limits::clock_jump, all sessions are made anew: this may
    /// be a snapshot that was resumed (SEC-2).
    void on_wall_clock(time_point now, wall_time wall);
    /// The answer to a store_request, each once.
    void on_store_done(time_point now, store_completion completion);
    /// Bytes that a fallback_request asked for, in order, from `offset` of the content or tree file on.
    void on_fallback_data(time_point now, std::uint64_t request, std::uint64_t offset, shared_bytes data);
    /// All bytes came, or `failure` says why no more come.
    void on_fallback_done(time_point now, std::uint64_t request, std::optional<error> failure);

    // Outputs and views.
    /// The next output; nothing when all has been given. Take all of them after each input.
    [[nodiscard]] std::optional<client_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    /// A snapshot, made when it is asked for.
    [[nodiscard]] client_status status() const;
    /// The nodes it knows: own office, ancestors, children, server.
    [[nodiscard]] std::vector<peer_view> peers() const;
    /// Nothing for a content that is neither here nor being fetched.
    [[nodiscard]] std::optional<explanation> explain(const content_id& id) const;
    /// Nothing for a content that is not being downloaded.
    [[nodiscard]] std::optional<transfer_progress> progress(const content_id& id) const;
    /// What its store holds, as far as it was told.
    [[nodiscard]] std::vector<store_entry> contents() const;

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
