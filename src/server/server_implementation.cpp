#include "server_implementation.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/claimed_sender.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist {
namespace {

constexpr duration last_seen_interval = std::chrono::seconds(60);
constexpr duration found_retry = std::chrono::seconds(5);

envelope_config seal_config(const server_config& config) {
    envelope_config out;
    out.versions = versions_between(config.protocol_oldest, config.protocol_newest);
    out.peers_max = limits::server_clients_max;
    out.rate_sources = limits::server_rate_sources;
    out.admit_lapsed = true;
    return out;
}

message_layer_config layer_config(const server_config& config) {
    message_layer_config out;
    out.own_role = role::server;
    out.ports = config.ports;
    out.flow.foreground = config.foreground;
    out.flow.background = config.background;
    return out;
}

}  // namespace

server_core::implementation::implementation(const crypto_suite& crypto, entropy& random_bytes, const server_config& config, time_point now,
                                            wall_time wall)
    : crypto_(&crypto),
      papers_(crypto, config),
      shared_(config, now, wall),
      seal_(crypto, random_bytes, papers_.identity(), std::nullopt, seal_config(config)),
      messages_(crypto, random_bytes, seal_, config.jitter_seed, layer_config(config)),
      feeder_(crypto, random_bytes, seal_, config),
      enrolment_(crypto, random_bytes, config),
      channels_(crypto, random_bytes, config),
      revocations_(shared_, papers_, random_bytes, seal_, [this] { follow_epochs(); }),
      lost_(shared_, revocations_,
            [this](time_point at, const client_id& whom, const ip_address& where) { return ask_for_list(at, whom, where); }),
      clients_(shared_, feeder_, revocations_, lost_),
      admin_(crypto, shared_, feeder_, revocations_),
      last_input_(now) {}

// ---- start

void server_core::implementation::load(time_point now, const catalogue_snapshot& snapshot) {
    if (!shared_.state.load(now, shared_.wall, shared_.config.heartbeat_interval, snapshot)) {
        shared_.tell(server_event::kind::finding, "the stored topology makes no sense; the detected one is in force until one is imported");
    }
    if (shared_.state.versions.key_epoch == 0) return found_catalogue(now);
    get_ready(now);
}

void server_core::implementation::found_catalogue(time_point now) {
    found_at_ = never;
    auto versions = shared_.state.versions;
    versions.key_epoch = 1;
    std::vector<catalogue_change> changes{put_epochs{{1, shared_.wall, {}}}};
    if (const auto grown = shared_.state.topology.outgrown()) {
        versions.topology = grown->version;
        changes.push_back(put_topology{*grown});
    }
    changes.push_back(put_versions{versions});
    shared_.commits.submit(now, std::move(changes), [this](time_point at, const result<void>& outcome) {
        if (outcome) return get_ready(at);
        shared_.tell(server_event::kind::finding, outcome.error().message);
        found_at_ = at + found_retry;
    });
}

void server_core::implementation::get_ready(time_point now) {
    ready_ = true;
    revocations_.begin();
    last_seen_at_ = now + last_seen_interval;
    follow_epochs();
    if (const auto misplaced = shared_.state.topology.misplaced_server()) shared_.tell(server_event::kind::finding, misplaced->reason);
    shared_.note_growth(now);
}

void server_core::implementation::renew_papers() {
    const auto epoch = shared_.state.versions.key_epoch;
    const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(shared_.config.certificate_lifetime).count();
    const auto& held = seal_.held();
    const bool fresh = held && held->key_epoch == epoch && held->own.not_after.seconds - shared_.wall.seconds > lifetime / 2;
    if (!fresh) seal_.set_credentials(papers_.issue(role::server, papers_.identity().key, epoch, shared_.wall));
}

/// What the revocation desk has put in force, or the catalogue held.
void server_core::implementation::follow_epochs() {
    renew_papers();
    if (shared_.state.versions.revocations != 0) (void)seal_.take_revocations(revocations_.list());
}

/// Nothing that is running goes on with it, and it is told why.
void server_core::implementation::on_peer_revoked(time_point now, const client_id& peer) {
    messages_.on_peer_unreachable(now, peer);
    feeder_.on_peer_unreachable(now, peer);
    const auto* client = shared_.state.clients.find(peer);
    if (client == nullptr || !client->heard || !seal_.add_peer(peer, client->record.key)) return;
    message_options few;
    few.attempts_max = 4;
    messages_.request(now, {peer, role::client, client->record.address}, state_changed{shared_.state.versions}, few);
}

/// SEC-2: this may be a copy of a process that goes on elsewhere.
void server_core::implementation::start_anew(time_point now) {
    shared_.tell(server_event::kind::finding, "this device's clock has jumped: it was suspended, or set back to a snapshot; all sessions are made anew");
    revocations_.begin();   // a memory and a database that were set back together have lost lists as a restored database has
    messages_.start_anew();
    for (const auto& peer : seal_.start_anew()) {
        feeder_.on_peer_unreachable(now, peer);
        messages_.on_peer_restarted(now, peer);
    }
    channels_.close_all();
}

// ---- inputs

void server_core::implementation::on_datagram(time_point now, const received_datagram& datagram) {
    ++datagrams_in_;
    last_input_ = now;
    const auto type = frame_type_of(datagram.payload);
    if (!ready_ || !type) {
        ++datagrams_dropped_;
        return;
    }
    switch (*type) {
        case frame_type::enrol_hello:
        case frame_type::enrol_request:
            if (datagram.local.port == shared_.config.ports[port_use::server_small_in]) return enrolment_.on_datagram(now, datagram);
            break;
        case frame_type::message:
        case frame_type::flow_control:
        case frame_type::session_hello:
        case frame_type::session_welcome:
        case frame_type::session_unknown:
        case frame_type::session_cookie:
        case frame_type::session_moved:
        case frame_type::version_refused:
            introduce(datagram.payload);
            if (const auto frame = seal_.on_datagram(now, shared_.wall, datagram)) route(now, *frame);
            return;
        case frame_type::data:
        case frame_type::data_strict:
            if (messages_.owns_port(datagram.local.port)) return messages_.on_data(now, datagram);
            break;
        default:
            break;
    }
    ++datagrams_dropped_;
}

/// Whoever is registered is no stranger, even to a server that has just started: it tells him at once that his session is gone, and a
/// flood of strangers keeps none of them out.
void server_core::implementation::introduce(byte_span datagram) {
    const auto id = claimed_sender(*crypto_, datagram);
    if (!id || seal_.knows(*id)) return;
    if (const auto* client = shared_.state.member(*id)) (void)seal_.add_peer(*id, client->record.key);
}

void server_core::implementation::route(time_point now, const opened& frame) {
    if (frame.sender_role != role::client) {
        ++datagrams_dropped_;
    } else if (frame.sender_standing != standing::member && frame.type != frame_type::message) {
        ++datagrams_dropped_;  // no large transfers with those who are members no longer
    } else if (frame.type == frame_type::flow_control && feeder_.owns_port(frame.way.local_port)) {
        feeder_.on_control(now, frame);
    } else if (messages_.owns_port(frame.way.local_port)) {
        messages_.on_frame(now, frame);
    } else {
        ++datagrams_dropped_;
    }
}

void server_core::implementation::on_channel_record(time_point now, channel_id channel, byte_span record) {
    if (ready_) channels_.on_record(now, channel, record);
}

void server_core::implementation::on_timer(time_point now) {
    last_input_ = now;
    if (now >= found_at_) found_catalogue(now);
    seal_.on_timer(now);
    messages_.on_timer(now);
    feeder_.on_timer(now);
    enrolment_.on_timer(now);
    channels_.on_timer(now);
    shared_.on_growth_timer(now);
    push_state(now);
    if (now < last_seen_at_) return;
    last_seen_at_ = now + last_seen_interval;
    write_last_seen(now);
    shared_.state.rosters.expire(now, shared_.state.clients, shared_.state.holdings, shared_.state.offices());
}

void server_core::implementation::on_wall_clock(time_point now, wall_time wall) {
    shared_.wall = wall;
    const bool jumped = clocks_.jumped(now, wall);
    if (!ready_) return;
    renew_papers();
    if (jumped) start_anew(now);
    revocations_.on_wall_clock(now);
    lost_.on_wall_clock(now);
}

void server_core::implementation::on_catalogue_done(time_point now, const catalogue_completion& completion) {
    shared_.commits.complete(now, completion);
}

void server_core::implementation::write_last_seen(time_point now) {
    if (writing_last_seen_) return;  // a slow database is not given more of it
    auto seen = shared_.state.clients.take_heard();
    if (seen.empty()) return;
    writing_last_seen_ = true;
    shared_.commits.submit(now, {put_last_seen{std::move(seen)}}, [this](time_point, const result<void>&) { writing_last_seen_ = false; });
}

void server_core::implementation::push_state(time_point now) {
    for (const auto& id : shared_.pushes.take(now)) {
        const auto* client = shared_.state.member(id);
        if (client == nullptr || !seal_.add_peer(id, client->record.key)) continue;
        message_options few;
        few.attempts_max = 4;  // heartbeats tell the rest
        messages_.request(now, {id, role::client, client->record.address}, state_changed{shared_.state.versions}, few);
    }
}

message_handle server_core::implementation::ask_for_list(time_point now, const client_id& whom, const ip_address& where) {
    message_options few;
    few.attempts_max = 4;
    few.large_protocol = protocol_to(whom);
    return messages_.request(now, {whom, role::client, where}, revocations_request{}, few);
}

// ---- requests

transfer_protocol server_core::implementation::protocol_to(const client_id& peer) const {
    return shared_.state.in_central_office(peer) ? transfer_protocol::foreground : transfer_protocol::background;
}

void server_core::implementation::on_request(time_point now, const message_received& request) {
    ++requests_;
    const auto id = request.from.id;
    const auto key = seal_.key_of(id);
    if (!key) return messages_.drop(now, request.request);
    if (shared_.clones.on_heard(now, id, request.from_endpoint.address)) {
        for (const auto& clone : shared_.clones.findings(now)) {
            if (clone.id == id) shared_.tell(server_event::kind::finding, describe(clone));
        }
    }
    clients_.handle(now, {id, *key, request.from_endpoint.address, request.from_standing, request.from_epoch}, request.body,
                    [this, id, handle = request.request](time_point at, message_body body) {
                        messages_.reply(at, handle, std::move(body), protocol_to(id));
                    });
}

server_statistics server_core::implementation::statistics() const {
    const auto& state = shared_.state;
    server_statistics out;
    out.clients_registered = state.clients.members();
    out.clients_active = state.clients.active_count(last_input_);
    out.contents = state.contents.size();
    out.holdings = state.holdings.size();
    out.offices = state.offices().size();
    out.datagrams_in = datagrams_in_;
    out.datagrams_out = datagrams_out_;
    out.datagrams_dropped = datagrams_dropped_;
    out.requests = requests_;
    out.content_bytes_sent = feeder_.sent_bytes();
    out.catalogue_pending = shared_.commits.pending();
    return out;
}

// ---- outputs

bool server_core::implementation::take_from_envelope(time_point now) {
    while (auto next = seal_.poll()) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) {
            out_ = std::move(*datagram);
            return true;
        }
        stirred_ = true;
        if (const auto* gone = std::get_if<peer_unreachable>(&*next)) {
            messages_.on_peer_unreachable(now, gone->peer);
            feeder_.on_peer_unreachable(now, gone->peer);
        } else if (const auto* session = std::get_if<session_ready>(&*next); session != nullptr && session->restarted) {
            messages_.on_peer_restarted(now, session->peer);
            shared_.clones.on_restart(now, session->peer, session->peer_boot);
        } else if (const auto* newer = std::get_if<newer_epoch_seen>(&*next)) {
            lost_.on_epoch(now, newer->key_epoch);
        } else if (const auto* revoked = std::get_if<peer_revoked>(&*next)) {
            on_peer_revoked(now, revoked->peer);
        } else if (const auto* mismatch = std::get_if<version_mismatch>(&*next)) {
            messages_.on_version_mismatch(now, mismatch->peer, version_error("this server", {}, "the client", mismatch->theirs));
        }
    }
    return false;
}

bool server_core::implementation::take_from_messages(time_point now) {
    while (auto next = messages_.poll(now)) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) {
            out_ = std::move(*datagram);
            return true;
        }
        stirred_ = true;
        if (const auto* request = std::get_if<message_received>(&*next)) on_request(now, *request);
        // Answers to what is pushed, and their absence, need nothing: heartbeats tell what a push did not.
        if (const auto* answer = std::get_if<message_answered>(&*next)) lost_.on_answer(now, *answer);
        if (const auto* failure = std::get_if<message_failed>(&*next)) lost_.on_failure(*failure);
    }
    return false;
}

bool server_core::implementation::take_from_feeder(time_point now) {
    while (auto next = feeder_.poll(now, shared_.state)) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) {
            out_ = std::move(*datagram);
            return true;
        }
        if (auto* request = std::get_if<store_request>(&*next)) {
            out_ = std::move(*request);
            return true;
        }
        stirred_ = true;
        shared_.tell(server_event::kind::finding, std::get<content_feeder::remark>(*next).text);
    }
    return false;
}

bool server_core::implementation::take_from_enrolment(time_point now) {
    while (auto next = enrolment_.poll(now, shared_.wall, shared_.state, papers_, seal_.held()->own)) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) {
            out_ = std::move(*datagram);
            return true;
        }
        stirred_ = true;
        const auto& device = std::get<enrolment_desk::enrolled>(*next);
        (void)seal_.add_peer(device.id, device.key);  // what it says next, to register, is no stranger's any more
        shared_.tell(server_event::kind::client_enrolled, "client=" + device.id.to_string() + " host=" + device.host_name);
    }
    return false;
}

bool server_core::implementation::take_from_channels(time_point now) {
    while (auto next = channels_.poll(now)) {
        if (auto* record = std::get_if<channel_send>(&*next)) {
            out_ = std::move(*record);
            return true;
        }
        if (const auto* closing = std::get_if<channel_close>(&*next)) {
            out_ = *closing;
            return true;
        }
        ++requests_;
        stirred_ = true;
        const auto& request = std::get<message_received>(*next);
        admin_.handle(now, request.body,
                      [this, handle = request.request](time_point at, message_body body) { channels_.reply(at, handle, std::move(body)); });
    }
    return false;
}

bool server_core::implementation::take_from_context() {
    if (auto request = shared_.commits.poll()) {
        out_ = std::move(*request);
        return true;
    }
    if (shared_.events.empty()) return false;
    out_ = std::move(shared_.events.front());
    shared_.events.pop_front();
    return true;
}

std::optional<server_output> server_core::implementation::poll(time_point now) {
    // Taking from one part may give another something to say, so the last round has to find all of them empty.
    bool found = false;
    do {
        stirred_ = false;
        found = take_from_messages(now) || take_from_feeder(now) || take_from_channels(now) || (ready_ && take_from_enrolment(now)) ||
                take_from_envelope(now) || take_from_context();
    } while (!found && stirred_);
    if (!found) return std::nullopt;
    if (std::holds_alternative<send_datagram>(*out_)) ++datagrams_out_;
    return std::exchange(out_, std::nullopt);
}

time_point server_core::implementation::deadline() const {
    return std::min({seal_.deadline(), messages_.deadline(), feeder_.deadline(), enrolment_.deadline(), channels_.deadline(),
                     shared_.pushes.deadline(), shared_.growth_deadline(), found_at_, last_seen_at_});
}

}  // namespace p2pdist
