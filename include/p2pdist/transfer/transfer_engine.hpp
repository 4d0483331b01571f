#pragma once
// The transfer engine: brings contents here from several sources at once and serves them to others while they still arrive.
//
// The receiving side decides: for each missing chunk the engine picks a source that has it, asks for the chunk's region as a range
// of the proven object (content/chunk_geometry.hpp), has the store verify and write what arrives, and at once offers the chunk to
// those who fetch from here (cut-through, RVP-4). A source tells what it holds in the status of its flow, as it grows.
//
// Sources in the own office use the Foreground protocol, several at once, each chunk from one of them (the last few from the two
// quickest). Over a WAN one source at a time is asked, only for chunks that no source in the own office holds or is known to be
// fetching, and never twice: that is what makes one copy a link (RVP-2). While sources in the own office have not yet said what they
// hold, the WAN waits a moment (RVP-3).
//
// A chunk that does not fit its hash is fetched again from a single source in strict mode, where every payload is authenticated; only
// authenticated bytes are held against a peer (SEC-3). A sign of forgery (such a chunk, or a packet number that came with two payloads)
// puts all flows of the engine into strict mode for limits::transfer_guard_time: data frames forged from then on are dropped at once.
//
// A plain SHA-256 content can't be verified before its end: it comes from one source at a time, always in strict mode, and nothing of
// it counts as verified or is shared before the whole fits. A source at whose pace the rest would take long is replaced by one that is
// quicker. Where the whole does not fit, whoever gave all of it is blamed; of several, those come last from then on who began it and left,
// and once it fits the chunks that were others than the right ones tell who had lied.
//
// Pure; see the contract in docs/architecture.md. Distinct objects: safe. Shared: unsafe. Crypto, entropy and link must outlive it.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/content/chunk_set.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// Where bytes came from, as `sources` of docs/local-socket.md counts them (OBS-1).
enum class source_kind : std::uint8_t {
    store,       ///< was here already
    office,      ///< a client of the own office
    ancestor,    ///< a client of an office above
    server,      ///< the server, for clients of the central office
    cdn,
    file_store,
};
inline constexpr std::size_t source_kind_count = 6;
/// "office", "cdn", ...: as the enumeration.
[[nodiscard]] P2PDIST_API std::string_view to_string(source_kind kind) noexcept;

/// Content bytes by source_kind.
using source_split = std::array<std::uint64_t, source_kind_count>;

/// A node that may have the content or will have it.
struct transfer_source {
    client_id peer;
    role as = role::client;
    ip_address address;
    source_kind kind = source_kind::office;
    transfer_protocol protocol = transfer_protocol::foreground;
    friend bool operator==(const transfer_source&, const transfer_source&) = default;
};

/// Why a transfer stands still.
enum class transfer_state : std::uint8_t {
    opening,      ///< the store looks at what is here
    waiting,      ///< no source has what is missing
    downloading,
    paused,       ///< by the user, or Background stands aside for other traffic (XFER-3): see `reason`
    finishing,    ///< all here; a plain hash is being checked
    complete,
    failed,
};
/// "downloading", ...: as the enumeration.
[[nodiscard]] P2PDIST_API std::string_view to_string(transfer_state state) noexcept;

/// What comes from one source.
struct source_progress {
    transfer_source source;
    std::uint64_t verified_bytes = 0;
    double bytes_per_second = 0;
    chunk_index chunks_held = 0;
    bool paused = false;
    bool answering = false;     ///< has accepted
};
/// How a download is doing.
struct transfer_progress {
    content_info content;
    transfer_state state = transfer_state::opening;
    std::string reason;                  ///< of waiting or paused, for people
    std::uint64_t verified_bytes = 0;
    double bytes_per_second = 0;         ///< verified, over the last seconds
    source_split split{};                ///< sums to verified_bytes
    std::vector<source_progress> sources;
    std::uint64_t unverified_bytes = 0;  ///< written in order, to be verified when all of them are here; none where chunks are verified
};
/// Somebody whom we serve.
struct upload_progress {
    content_key content;
    client_id peer;
    transfer_protocol protocol = transfer_protocol::foreground;
    std::uint64_t sent_bytes = 0;
    double bytes_per_second = 0;
    bool paused = false;
};

// ---- outputs beside datagrams and store requests

/// A peer asks to be served: answer with admit() or deny().
struct serve_request {
    flow_handle flow;
    client_id peer;
    endpoint from;
    content_info content;
    transfer_protocol protocol = transfer_protocol::foreground;
};
/// Chunks were verified and are on disk; the first time, also what was here when the download began. Several may be told at once. Less
/// than before: the disk had altered one.
struct chunks_verified {
    content_key content;
    chunk_index total_verified = 0;
};
/// The source is no longer used: refused, unreachable, lost, or blamed. add_source() may name it again; blamed ones stay out.
/// For bytes of a fallback source that don't fit (errc::integrity_failed) `source` has the kind and nothing else.
struct source_lost {
    content_key content;
    transfer_source source;
    errc reason = errc::unreachable;
    std::string text;
    duration retry_after{};
};
/// Everybody is asked, nobody has what is missing, and nobody is seen to be getting it: the client looks for further sources (given
/// again every few seconds while it lasts).
struct sources_wanted {
    content_key content;
};
/// By authenticated bytes: this peer served a chunk that does not fit (SEC-3). It is not used again for any content.
struct peer_blamed {
    client_id peer;
    content_key content;
    chunk_index chunk = 0;
};
/// A download has ended, once.
struct transfer_finished {
    content_info content;
    std::optional<error> failure;   ///< none: every byte is verified and on disk
    source_split split{};
    duration took{};
};
/// A peer's download from us ended that was admitted; bytes of content that were sent to it, once each, for the ledger (OBS-1, `links`).
struct upload_ended {
    content_key content;
    client_id peer;
    endpoint to;
    transfer_protocol protocol = transfer_protocol::foreground;
    std::uint64_t sent_bytes = 0;
    flow_handle flow{};
};

/// What it gives out, in order.
using transfer_output = std::variant<send_datagram, store_request, serve_request, chunks_verified, source_lost, sources_wanted, peer_blamed,
                                     transfer_finished, upload_ended>;

/// How it fetches and serves.
struct transfer_engine_config {
    role own_role = role::client;
    port_plan ports;
    congestion_controller_factory foreground = make_foreground_controller;
    congestion_controller_factory background = make_background_controller;
    std::size_t office_sources_max = 6;       ///< asked at once for one content
    std::uint64_t serve_cache_bytes = 16u << 20;  ///< regions kept in memory for several receivers
    duration status_wait = std::chrono::milliseconds(1500);  ///< how long the WAN waits for the own office's sources to say what they hold
    log_sink log;
};

/// Set in the id of every store_request of an engine, so that its completions can be told from others' by the id alone.
inline constexpr store_request_id transfer_store_request_bit = std::uint64_t{1} << 63;

/// All downloads and uploads of one node. Distinct objects: safe from any thread. Shared: unsafe.
class P2PDIST_API transfer_engine {
public:
    /// Crypto, entropy and link must outlive it.
    transfer_engine(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                    transfer_engine_config config);
    ~transfer_engine();
    transfer_engine(transfer_engine&&) noexcept;
    transfer_engine& operator=(transfer_engine&&) noexcept;

    // Downloading. A second download() of the same content joins the first; transfer_finished follows exactly once, unless cancelled.
    // A content that is complete is served from then on, until stop_serving().
    /// Begins, or joins, the download of a content.
    void download(time_point now, const content_info& content);
    /// What is verified stays in the store; a later download() goes on from there (CLI-4).
    void cancel(time_point now, const content_key& content);
    /// Stops asking sources for this content, or goes on.
    void pause(time_point now, const content_key& content, bool paused);
    /// Somebody reads a content that is being downloaded, in order, and has come to this chunk: the next limits::transfer_read_ahead_chunks
    /// are fetched before others. Nothing: nobody does any more.
    void read_at(const content_key& content, std::optional<chunk_index> chunk);
    /// The envelope knows the peer. Naming a source that is in use again changes nothing. Within the office and beyond it, sources are
    /// tried in the order in which they were named.
    void add_source(time_point now, const content_key& content, const transfer_source& source);
    /// What was asked of it is asked of others.
    void remove_source(time_point now, const content_key& content, const client_id& peer);
    /// Bytes from a fallback source (SRC-2) in order, to be verified like any other: for a content whose tree is known whole chunks
    /// (`offset` a multiple of chunk_bytes), otherwise the next bytes after those given before. fallback_wants() says where; what lies
    /// elsewhere is ignored. Kept by reference.
    void give(time_point now, const content_key& content, source_kind kind, std::uint64_t offset, shared_bytes data);
    /// A tree file beside the package (SRC-3), before the first give(): chunks are then verified and shared one by one. One that does
    /// not lead to the content's root changes nothing.
    void give_tree(time_point now, const content_key& content, shared_bytes tree_file);
    /// What a fallback source is to read next for this content: bytes that are missing and that no source has, in order, at most
    /// limits::transfer_fallback_bytes_max. Nothing while sources are still being asked, while enough waits for the store, when paused,
    /// and when a source has all that is missing. What was given and not yet verified is not wanted again.
    [[nodiscard]] std::optional<byte_range> fallback_wants(const content_key& content) const;
    /// Whether the tree of a content that is downloaded is known here, so that give() takes whole chunks.
    [[nodiscard]] bool tree_known(const content_key& content) const;

    // Serving. A content that is being downloaded is served as far as it is verified (tree contents only).
    /// Serve a content that the store has; without it, requests for it are refused with errc::not_found. The store is asked
    /// for it (store_open) when somebody fetches it, and it is in use only while somebody wants bytes of it, so it can be evicted.
    void serve(time_point now, const content_info& content);
    /// Requests for it are refused from now on, and running ones end.
    void stop_serving(time_point now, const content_key& content);
    /// The store has found them altered on disk (store_verify), so that they are not there any more: a download fetches them again.
    void on_chunks_lost(time_point now, const content_key& content, const chunk_set& chunks);
    /// Serves a serve_request.
    void admit(time_point now, flow_handle flow);
    /// Does not, and tells the peer why.
    void deny(time_point now, flow_handle flow, flow_close why);

    // Inputs.
    void on_control(time_point now, const opened& frame);                  ///< flow_control on a content or control port
    void on_data(time_point now, const received_datagram& datagram);       ///< data and data_strict on a content port
    void on_store_done(time_point now, store_completion completion);       ///< to a store_request of this engine
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);
    /// The link cannot reach the peer: as a source it is lost.
    void on_peer_unreachable(time_point now, const client_id& peer);
    /// Whether a local port is one of its own, so that a core knows where a datagram belongs.
    [[nodiscard]] bool owns_port(std::uint16_t local_port) const noexcept;

    // Outputs and views.
    /// The next output; nothing when all has been given.
    [[nodiscard]] std::optional<transfer_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    /// Of a download; nothing where there is none.
    [[nodiscard]] std::optional<transfer_progress> progress(const content_key& content) const;
    /// All that have not ended.
    [[nodiscard]] std::vector<transfer_progress> downloads() const;
    /// Whom a download asks, or would ask: all that were named and have not been lost, removed or blamed since.
    [[nodiscard]] std::vector<transfer_source> sources(const content_key& content) const;
    /// All that are being served.
    [[nodiscard]] std::vector<upload_progress> uploads() const;
    /// Peers that served bad chunks (peer_blamed) within limits::transfer_blame_time: not used for any content, whoever names them.
    [[nodiscard]] std::vector<client_id> blamed(time_point now) const;
    /// Chunks verified here, of a content that is downloading or served; nothing for others.
    [[nodiscard]] const chunk_set* held(const content_key& content) const;

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
