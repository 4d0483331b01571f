// Routes inputs to the parts of a client, and their outputs to whoever drives it. It decides nothing itself.

#include "p2pdist/client/client_core.hpp"

#include <algorithm>
#include <utility>

#include "implementation.hpp"
#include "p2pdist/base/amount.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist {

using namespace client_room;

client_core::implementation::implementation(const crypto_suite& crypto, entropy& random_bytes, client_config config, wall_time wall)
    : shared(crypto, random_bytes, std::move(config), wall),
      offices(shared.config.address, shared.config.prefix_bits),
      member(shared, offices,
             {[this](time_point now) {
                  reporter.on_registered(now);
                  jobs.on_registered(now);
                  on_state_changed(now);
              },
              [this](time_point now) { on_state_changed(now); },
              [this](time_point now) { reporter.on_contents_changed(now); }, [this](time_point now) { on_revoked(now); }}),
      reporter(shared, member, offices),
      ledger(shared, member, offices),
      fallback(shared, {[this] { return cdn(); }, [this] { return fallback_rate(); }}),
      broadcast(shared, offices,
                {[this](const content_key& key) { return jobs.holding_of(key); },
                 [this](time_point now, const discovery::found& found) {
                     member.on_list_heard(now, {found.peer.id, role::client, found.peer.address}, found.reply.revocations);
                     jobs.on_found(now, found);
                 }}),
      parts{shared, offices, peers, member, shelf, reporter, ledger, fallback, broadcast},
      jobs(parts, {[this](time_point now, const content_info& content, const std::optional<error>& failure, const source_split& split,
                          duration took) { orders.on_finished(now, content, failure, split, took); }}),
      serving(parts),
      orders(parts, jobs) {
    shared.same_office = [this](const ip_address& left, const ip_address& right) {
        return offices.relation_of(left) == offices.relation_of(right) && offices.office_of(left) == offices.office_of(right);
    };
    shared.on_evicted = [this](time_point now, const content_key& key) {
        shared.transfers.stop_serving(now, key);
        shelf.erase(key);
        reporter.set_acting(now, key, false);
        reporter.set(now, key, holding_state::none);
        shared.log(log_level::info, "event=evicted content=" + key.id.text());
    };
}

void client_core::implementation::start(time_point now) {
    shared.ask_store(store_list{}, [this](time_point at, const store_completion& got) {
        if (const auto* listing = std::get_if<store_listing>(&got.value); listing && got.ok()) {
            for (const auto& entry : listing->entries) take_in(at, entry);
        } else {
            shared.notice(log_level::error, "the store cannot be listed: " + (got.failure ? got.failure->message : std::string("no answer")));
        }
        reporter.on_store_read(at);
    });
    measure();
    member.start(now);
}

/// A content that lies in the store since before the start.
void client_core::implementation::take_in(time_point now, const store_entry& entry) {
    if (shelf.whole(entry.content.key()) || !shelf.put(entry)) return;
    if (entry.whole) {
        shared.transfers.serve(now, entry.content);
        reporter.set(now, entry.content.key(), holding_state::complete);
    } else if (entry.verified_bytes > 0) {
        reporter.set(now, entry.content.key(), holding_state::partial);
    }
}

void client_core::implementation::measure() {
    shared.ask_store(store_measure{}, [this](time_point, const store_completion& got) {
        if (const auto* measured = std::get_if<store_statistics>(&got.value); measured && got.ok()) store = *measured;
    });
}

std::optional<std::string> client_core::implementation::cdn() const {
    if (shared.config.cdn && !shared.config.cdn->empty()) return shared.config.cdn;
    if (const auto* set = member.setting("cdn"); set && !set->empty()) return *set;
    return std::nullopt;
}

/// Unlimited in the central office, whose link to the Internet is not one of the organisation's WANs. Elsewhere a fallback source is
/// read across the office's own link, slowly unless the organisation says otherwise.
double client_core::implementation::fallback_rate() const {
    constexpr double cautious_bytes_per_second = 1'250'000;
    if (offices.is_central()) return 0;
    const auto* set = member.setting(std::string(fallback_rate_setting));
    if (!set) return cautious_bytes_per_second;
    if (*set == "0") return 0;
    const auto rate = parse_size(*set);
    return rate ? static_cast<double>(*rate) : cautious_bytes_per_second;
}

void client_core::implementation::on_state_changed(time_point now) {
    serving.on_state_changed(now);
    jobs.on_state_changed(now);
    orders.on_state_changed(now);
    report_blamed(now);
}

void client_core::implementation::on_timer(time_point now) {
    shared.seal.on_timer(now);
    shared.messages.on_timer(now);
    shared.transfers.on_timer(now);
    member.on_timer(now);
    reporter.on_timer(now);
    ledger.on_timer(now);
    fallback.on_timer(now);
    jobs.on_timer(now);
    orders.on_timer(now);
    report_blamed(now);
    jobs.reap(now);
}

time_point client_core::implementation::deadline() const {
    const auto report_due = unreported.empty() || reporting || !member.registered() ? never : next_report;
    return std::min({report_due, shared.seal.deadline(), shared.messages.deadline(), shared.transfers.deadline(), member.deadline(),
                     reporter.deadline(), ledger.deadline(), fallback.deadline(), jobs.deadline(), orders.deadline()});
}

// ---- datagrams

void client_core::implementation::on_datagram(time_point now, const received_datagram& datagram) {
    const auto type = frame_type_of(datagram.payload);
    if (!type) return;
    switch (*type) {
        case frame_type::broadcast_request:
        case frame_type::broadcast_answer: broadcast.on_datagram(now, datagram); return;
        case frame_type::enrol_hello:
        case frame_type::enrol_request: return;  // of a server's concern
        case frame_type::enrol_answer:
        case frame_type::enrol_grant: member.on_enrolment_datagram(now, datagram); return;
        case frame_type::data:
        case frame_type::data_strict:
            if (shared.transfers.owns_port(datagram.local.port)) {
                shared.transfers.on_data(now, datagram);
            } else {
                shared.messages.on_data(now, datagram);
            }
            return;
        case frame_type::version_refused: member.on_enrolment_datagram(now, datagram); break;
        case frame_type::message:
        case frame_type::flow_control:
        case frame_type::session_hello:
        case frame_type::session_welcome:
        case frame_type::session_unknown:
        case frame_type::session_cookie:
        case frame_type::session_moved: break;
    }
    const auto frame = shared.seal.on_datagram(now, shared.wall, datagram);
    if (!frame) return;
    if (frame->type == frame_type::flow_control && shared.transfers.owns_port(frame->way.local_port)) {
        shared.transfers.on_control(now, *frame);
    } else {
        shared.messages.on_frame(now, *frame);
    }
}

// ---- what the layers below say

void client_core::implementation::on_message(time_point now, message_received&& received) {
    const bool of_server = received.from.as == role::server && member.enrolled() && received.from.id == member.server().id;
    if (const auto* want = std::get_if<want_request>(&received.body)) {
        member.on_list_heard(now, received.from, want->revocations);
        jobs.on_want(now, received, *want);
    } else if (std::holds_alternative<revocations_request>(received.body)) {
        const auto& list = shared.seal.revocations();
        if (list.number == 0) return shared.messages.reply(now, received.request, error_reply{errc::not_found, "no list is known here"});
        shared.messages.reply(now, received.request, revocations_reply{encode(list)});
    } else if (std::holds_alternative<ping>(received.body)) {
        shared.messages.reply(now, received.request, pong{});
    } else if (const auto* changed = std::get_if<state_changed>(&received.body); changed && of_server) {
        shared.messages.drop(now, received.request);
        member.on_state_changed(now, changed->versions);
    } else {
        shared.messages.reply(now, received.request, error_reply{errc::refused, "a client does not answer this"});
    }
}

void client_core::implementation::on_output(time_point now, message_output&& output) {
    if (auto* datagram = std::get_if<send_datagram>(&output)) {
        shared.out.emplace_back(std::move(*datagram));
    } else if (auto* received = std::get_if<message_received>(&output)) {
        on_message(now, std::move(*received));
    } else if (auto* answered = std::get_if<message_answered>(&output)) {
        if (const auto* wanted = std::get_if<want_reply>(&answered->body)) member.on_list_heard(now, answered->from, wanted->revocations);
        shared.on_answered(now, std::move(*answered));
    } else if (auto* failed = std::get_if<message_failed>(&output)) {
        shared.on_failed(now, std::move(*failed));
    }
}

void client_core::implementation::on_output(time_point now, transfer_output&& output) {
    if (auto* request = std::get_if<store_request>(&output)) {
        shared.out.emplace_back(std::move(*request));
    } else if (const auto* serve = std::get_if<serve_request>(&output)) {
        serving.on_request(now, *serve);
    } else if (const auto* verified = std::get_if<chunks_verified>(&output)) {
        jobs.on_chunks_verified(now, *verified);
        orders.on_chunks_verified(now, verified->content);
    } else if (const auto* lost = std::get_if<source_lost>(&output)) {
        jobs.on_source_lost(now, *lost);
    } else if (const auto* wanted = std::get_if<sources_wanted>(&output)) {
        jobs.on_sources_wanted(now, *wanted);
    } else if (const auto* blamed = std::get_if<peer_blamed>(&output)) {
        on_blamed(now, *blamed);
    } else if (const auto* finished = std::get_if<transfer_finished>(&output)) {
        jobs.on_finished(now, *finished);
        measure();
    } else if (const auto* upload = std::get_if<upload_ended>(&output)) {
        serving.on_ended(now, *upload);
        ledger.sent_all(now, *upload);
    }
}

void client_core::implementation::on_output(time_point now, envelope_output&& output) {
    if (auto* datagram = std::get_if<send_datagram>(&output)) {
        shared.out.emplace_back(std::move(*datagram));
    } else if (const auto* silent = std::get_if<peer_unreachable>(&output)) {
        peers.set_reachable(silent->peer, false);
        shared.messages.on_peer_unreachable(now, silent->peer);
        shared.transfers.on_peer_unreachable(now, silent->peer);
    } else if (const auto* mismatch = std::get_if<version_mismatch>(&output)) {
        member.on_version_mismatch(*mismatch);
    } else if (const auto* newer = std::get_if<newer_epoch_seen>(&output)) {
        member.on_newer_epoch(now, newer->key_epoch);
    } else if (const auto* revoked = std::get_if<peer_revoked>(&output)) {
        lose_peer(now, revoked->peer);
        peers.forget(revoked->peer);
        shared.log(log_level::info, "event=peer_revoked peer=" + revoked->peer.to_string());
    }
}

/// All that goes on with it ends: uploads, downloads, requests.
void client_core::implementation::lose_peer(time_point now, const client_id& peer) {
    shared.messages.on_peer_unreachable(now, peer);
    shared.transfers.on_peer_unreachable(now, peer);
}

/// This client itself: it serves nobody from now on, and asks nobody.
void client_core::implementation::on_revoked(time_point now) {
    for (const auto& [id, entry] : peers.entries()) shared.transfers.on_peer_unreachable(now, id);
    for (const auto& upload : shared.transfers.uploads()) shared.transfers.on_peer_unreachable(now, upload.peer);
    orders.on_revoked(now);
    on_state_changed(now);
}

void client_core::implementation::stop(time_point now) {
    orders.stop(now);
    jobs.stop(now);
    for (const auto& upload : shared.transfers.uploads()) shared.transfers.stop_serving(now, upload.content);
    stopping = true;
}

/// Whom it served, and who served it, may be in another office than it is now, or not below it any more (OFF-2); they also know it under its
/// old address. Every flow ends; what is still wanted finds its sources anew.
void client_core::implementation::on_moved(time_point now) {
    for (const auto& [id, entry] : peers.entries()) shared.transfers.on_peer_unreachable(now, id);
    for (const auto& upload : shared.transfers.uploads()) shared.transfers.on_peer_unreachable(now, upload.peer);
}

/// SEC-2: a suspended device, or a snapshot of a virtual machine that goes on, maybe beside another that did: whatever keys and counters
/// were in use may be in use elsewhere.
void client_core::implementation::on_wall_clock(time_point now, wall_time wall) {
    shared.wall = wall;
    if (!clocks.jumped(now, wall)) return;
    shared.notice(log_level::info, "this device's clock has jumped: it was suspended, or set back to a snapshot; all sessions are made anew");
    shared.messages.start_anew();
    ledger.start_anew();
    for (const auto& peer : shared.seal.start_anew()) {
        shared.transfers.on_peer_unreachable(now, peer);
        shared.messages.on_peer_restarted(now, peer);
    }
    member.on_resumed(now);
}

/// SEC-3: proven by authenticated bytes.
void client_core::implementation::on_blamed(time_point now, const peer_blamed& blamed) {
    shared.notice(log_level::warning, "peer " + blamed.peer.to_string() + " served a bad chunk of " + blamed.content.id.text() +
                                          " and is not used any more");
    unreported.add({blamed.peer, blamed.content, blamed.chunk, "a chunk that does not fit its hash"});
    report_blamed(now);
}

/// One after another, until the server has heard them all.
void client_core::implementation::report_blamed(time_point now) {
    if (unreported.empty() || reporting || now < next_report || !member.registered()) return;
    reporting = true;
    shared.ask(now, member.server(), unreported.next(), [this](time_point at, const answer& got) {
        reporting = false;
        if (got.settled()) unreported.heard();
        next_report = got.settled() ? at : at + report_pause;
        report_blamed(at);
    });
}

std::optional<client_output> client_core::implementation::poll(time_point now) {
    for (;;) {
        if (!shared.out.empty()) {
            auto first = std::move(shared.out.front());
            shared.out.pop_front();
            return first;
        }
        if (auto datagram = member.poll()) return client_output{std::move(*datagram)};
        if (auto output = shared.seal.poll()) {
            on_output(now, std::move(*output));
        } else if (auto said = shared.messages.poll(now)) {
            on_output(now, std::move(*said));
        } else if (auto moved = shared.transfers.poll(now)) {
            if (auto* datagram = std::get_if<send_datagram>(&*moved)) return client_output{std::move(*datagram)};  // nearly all of them
            on_output(now, std::move(*moved));
        } else if (!jobs.reap(now)) {
            if (std::exchange(stopping, false)) return client_output{client_event{client_stopped{}}};
            return std::nullopt;
        }
    }
}

}  // namespace p2pdist
