#include "client_service.hpp"

#include <algorithm>

#include "locator.hpp"
#include "p2pdist/base/limits.hpp"
#include "tidy.hpp"

namespace p2pdist {
namespace {

constexpr std::uint64_t believable_copies = 8;   // of a content, that one link_report may say have crossed a link

error_reply not_published(const content_id& id) {
    return {errc::not_found, "'" + id.text() + "' is not published; publish it with p2pdist-admin, or check the id"};
}
const error_reply not_active{errc::not_activated,
                             "the software distribution is not activated yet; activate it with p2pdist-admin activate"};
const error_reply revoked_reply{errc::revoked, "this client was revoked; ask the administrator of the software distribution"};
const error_reply outdated{errc::not_authorised, "this client's certificate is of an old key epoch; it has to renew it first"};

/// Its registration, but for when it was heard.
bool same_registration(const client_record& left, const client_record& right) {
    auto as_left = right;
    as_left.last_seen = left.last_seen;
    return as_left == left;
}

}  // namespace

// ---- one change of a client and kind at a time

std::optional<client_service::change_kind> client_service::kind_of(const message_body& body) {
    if (std::holds_alternative<register_request>(body)) return change_kind::registration;
    if (std::holds_alternative<unregister>(body)) return change_kind::departure;
    if (std::holds_alternative<holdings_report>(body)) return change_kind::holdings;
    if (std::holds_alternative<peer_report>(body)) return change_kind::peer_report;
    if (std::holds_alternative<link_report>(body)) return change_kind::link_report;
    return std::nullopt;
}

/// The newest waits: a client that was started again has nobody left who asks for what it asked before.
void client_service::wait(time_point now, const turn& whose, waiting_request request) {
    auto former = std::exchange(under_way_.at(whose), std::move(request));
    if (former) former->reply(now, error_reply{errc::limit_reached, "the same of this client waits for the database already"});
}

void client_service::commit(time_point now, const turn& whose, std::vector<catalogue_change> changes, commit_desk::continuation then) {
    under_way_[whose];
    shared_->commits.submit(now, std::move(changes), [this, whose, then = std::move(then)](time_point at, const result<void>& outcome) {
        then(at, outcome);
        end(at, whose);
    });
}

void client_service::end(time_point now, const turn& whose) {
    const auto next = std::move(under_way_.extract(whose).mapped());
    if (next) handle(now, next->from, next->body, next->reply);
}

// ---- requests

void client_service::handle(time_point now, const asker& from, const message_body& body, const reply_function& reply) {
    const auto* known = shared_->state.clients.find(from.id);
    const bool shut_out = from.rank == standing::revoked || (known != nullptr && known->record.revoked);
    if (shut_out || shared_->being_revoked.contains(from.id)) return reply(now, revoked_reply);
    if (const auto* request = std::get_if<renew_request>(&body)) return reply(now, revocations_->renew(now, from.id, from.key, from.epoch, *request));
    if (from.rank != standing::member) return reply(now, outdated);
    if (known != nullptr && known->record.address == from.address) shared_->state.clients.hear(from.id, now, shared_->wall);
    if (const auto kind = kind_of(body); kind && under_way_.contains({from.id, *kind})) {
        return wait(now, {from.id, *kind}, {from, body, reply});
    }
    if (const auto* request = std::get_if<register_request>(&body)) return answer(now, from, *request, reply);
    if (const auto* request = std::get_if<heartbeat>(&body)) return answer(now, from, *request, reply);
    if (const auto* request = std::get_if<unregister>(&body)) return answer(now, from, *request, reply);
    if (std::holds_alternative<ping>(body)) return reply(now, pong{});
    handle_member(now, from, body, reply);
}

void client_service::handle_member(time_point now, const asker& from, const message_body& body, const reply_function& reply) {
    const auto* member = shared_->state.member(from.id);
    // What it reports while it leaves would come behind its departure in the database, and would be there when it comes back.
    const bool leaves = kind_of(body) && under_way_.contains({from.id, change_kind::departure});
    if (member == nullptr || leaves) {
        return reply(now, error_reply{errc::not_authorised, "this client is not registered; it has to register first"});
    }
    std::visit(
        [&](const auto& request) {
            if constexpr (requires { answer(now, *member, request, reply); }) {
                answer(now, *member, request, reply);
            } else {
                reply(now, error_reply{errc::refused, "the server takes no such message from a client"});
            }
        },
        body);
}

void client_service::answer(time_point now, const asker& from, const register_request& request, const reply_function& reply) {
    auto& state = shared_->state;
    (void)lost_->on_held(now, from.id, from.address, request.list);
    const auto* known = state.clients.find(from.id);
    if (known == nullptr && state.clients.size() >= limits::server_clients_max) {
        return reply(now, error_reply{errc::limit_reached, "the server has no room for another client"});
    }
    if (request.prefix_bits > from.address.bits()) {
        return reply(now, error_reply{errc::invalid_argument, "the prefix length does not fit the address"});
    }
    client_record record{from.id,
                         from.key,
                         from.address,
                         request.prefix_bits,
                         tidy(request.host_name),
                         tidy(request.software_version),
                         request.profile,
                         known != nullptr ? known->record.registered : shared_->wall,
                         shared_->wall,
                         {}};
    const auto registered = [this, record, reply, is_new = known == nullptr](time_point at, const result<void>& outcome) {
        if (!outcome) return reply(at, to_reply(outcome.error()));
        auto& clients = shared_->state.clients;
        clients.hear(record.id, at, shared_->wall);
        const auto office = shared_->state.office_name(clients.find(record.id)->office);
        if (is_new) {
            shared_->tell(server_event::kind::client_registered, "client=" + record.id.to_string() + " host=" + record.host_name +
                                                                     " address=" + record.address.to_string() + " office='" + office + "'");
        }
        const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(shared_->config.heartbeat_interval).count();
        reply(at, register_reply{shared_->state.versions, office, static_cast<std::uint32_t>(interval), shared_->wall.seconds});
        shared_->note_growth(at);
    };
    // What the database has already needs no commit, unless it is about to be taken out of it.
    const bool stored = known != nullptr && known->stored && same_registration(known->record, record);
    if (stored && !under_way_.contains({from.id, change_kind::departure})) return registered(now, {});
    commit(now, {from.id, change_kind::registration}, {put_client{record}}, registered);
}

void client_service::answer(time_point now, const asker& from, const heartbeat& request, const reply_function& reply) {
    auto& state = shared_->state;
    (void)lost_->on_held(now, from.id, from.address, request.list);
    const auto* known = state.clients.find(from.id);
    const bool same = known != nullptr && known->record.address == from.address;  // a client that moved registers anew
    if (same) state.clients.set_profile(from.id, request.profile);
    reply(now, heartbeat_reply{state.versions, same});
}

void client_service::answer(time_point now, const asker& from, const unregister&, const reply_function& reply) {
    const auto registration = under_way_.find({from.id, change_kind::registration});
    if (shared_->state.clients.find(from.id) == nullptr && registration == under_way_.end()) return reply(now, accepted{});
    // One that waits came before, and would be committed behind this departure.
    const auto waiting = registration != under_way_.end() ? std::exchange(registration->second, std::nullopt) : std::nullopt;
    if (waiting) waiting->reply(now, error_reply{errc::refused, "this client has left meanwhile"});
    std::vector<catalogue_change> changes{remove_client{from.id}};
    const auto& blamed = shared_->state.blamed;
    const auto forgotten = blamed.all().contains(from.id) ? blamed.in_the_way_of(from.id, shared_->wall) : std::nullopt;
    if (forgotten) changes.emplace_back(forget_peer_reports{*forgotten});
    commit(now, {from.id, change_kind::departure}, std::move(changes), [this, reply](time_point at, const result<void>& outcome) {
        if (!outcome) return reply(at, to_reply(outcome.error()));
        reply(at, accepted{});
        shared_->note_growth(at);
    });
}

void client_service::answer(time_point now, const registered_client& from, const topology_request&, const reply_function& reply) {
    const auto version = shared_->state.versions.topology;
    if (now - views_since_ >= views_window || views_version_ != version) {
        views_since_ = now;
        views_version_ = version;
        views_of_.clear();
    }
    if (++views_of_[from.record.id] > views_of_client_max) {
        return reply(now, error_reply{errc::limit_reached, "this client was given the topology a moment ago; ask again later"});
    }
    reply(now, topology_view{version, shared_->state.topology.view_text(from.office)});
}

void client_service::answer(time_point now, const registered_client& from, const revocations_request& request, const reply_function& reply) {
    // It would give up what the server needs of it.
    if (lost_->on_held(now, from.record.id, from.record.address, request.list)) {
        return reply(now, error_reply{errc::limit_reached, "the server looks at the list of this client first; ask again later"});
    }
    reply(now, revocations_->list_reply());
}

void client_service::answer(time_point now, const registered_client&, const settings_request&, const reply_function& reply) {
    reply(now, settings_reply{shared_->state.versions.settings, shared_->state.settings.for_clients()});
}

void client_service::answer(time_point now, const registered_client& from, const content_request& request, const reply_function& reply) {
    if (!shared_->state.versions.activated) return reply(now, not_active);
    const auto* record = shared_->state.contents.find(request.id);
    if (record == nullptr) return reply(now, not_published(request.id));
    const auto content = record->content;
    if (!shared_->state.in_central_office(from.record.id)) return reply(now, content_reply{content, feeder_->has(content)});
    feeder_->ask(now, from.record.id, content, [content, reply](time_point at, bool has_it) { reply(at, content_reply{content, has_it}); });
}

void client_service::answer(time_point now, const registered_client& from, const locate_request& request, const reply_function& reply) {
    if (!shared_->state.versions.activated) return reply(now, not_active);
    const auto* published = shared_->state.contents.find(request.content);
    if (published == nullptr) return reply(now, not_published(request.content.id));
    const auto content = *published;
    auto located = [this, id = from.record.id, content, reply](time_point at, bool has_it) {
        const auto* member = shared_->state.member(id);
        if (member == nullptr) return reply(at, error_reply{errc::not_authorised, "this client was unregistered meanwhile"});
        reply(at, locate(at, shared_->state, *member, content, has_it));
    };
    // Only clients of the central office fetch from the server: the others' answers don't wait for its disk.
    if (shared_->state.in_central_office(from.record.id)) return feeder_->ask(now, from.record.id, content, std::move(located));
    located(now, feeder_->has(content));
}

/// What a report changes: one row for each content, by the last that it says of it, however often and whatever else it says.
std::vector<holding> client_service::changed_holdings(const client_id& from, const holdings_report& report) const {
    const auto& held = shared_->state.holdings.of_client(from);
    std::map<content_key, holding> said;
    if (report.complete_list) {
        for (const auto& [key, what] : held) said.emplace(key, holding{key, holding_state::none, false});
    }
    for (const auto& what : report.holdings) {
        const bool gone = what.state == holding_state::none;
        const bool counts = gone ? held.contains(what.content) || said.contains(what.content)
                                 : shared_->state.contents.find(what.content) != nullptr;  // it may have been removed meanwhile
        if (counts) said.insert_or_assign(what.content, what);
    }
    std::erase_if(said, [&](const auto& entry) {
        const auto before = held.find(entry.first);
        return before == held.end() ? entry.second.state == holding_state::none : before->second == entry.second;
    });
    const auto leaving = std::count_if(said.begin(), said.end(), [](const auto& entry) { return entry.second.state == holding_state::none; });
    auto count = held.size() - static_cast<std::size_t>(leaving);
    std::vector<holding> out;
    for (const auto& [key, what] : said) {
        const bool is_more = what.state != holding_state::none && !held.contains(key);
        if (is_more && count >= limits::server_client_holdings_max) continue;
        if (is_more) ++count;
        out.push_back(what);
    }
    return out;
}

void client_service::answer(time_point now, const registered_client& from, const holdings_report& request, const reply_function& reply) {
    const auto id = from.record.id;
    auto changed = changed_holdings(id, request);
    for (const auto& what : changed) shared_->state.rosters.keep(now, what.content, shared_->state.office_name(from.office));
    if (changed.empty()) return reply(now, holdings_reply{});
    commit(now, {id, change_kind::holdings}, {put_holdings{id, std::move(changed), false}},
           [reply](time_point at, const result<void>& outcome) {
               reply(at, outcome ? message_body(holdings_reply{}) : message_body(to_reply(outcome.error())));
           });
}

void client_service::answer(time_point now, const registered_client& from, const peer_report& request, const reply_function& reply) {
    auto& state = shared_->state;
    const peer_report_record report{request.peer, from.record.id, request.content.id, shared_->wall};
    // A certificate is enough to serve bad chunks, and some never register, or leave to be forgotten.
    const bool registered = state.clients.find(request.peer) != nullptr;
    const auto forgotten = registered ? std::nullopt : state.blamed.in_the_way_of(request.peer, shared_->wall);
    const bool counts = request.peer != from.record.id && state.blamed.takes(report, registered) && forgotten != request.peer;
    if (!counts) return reply(now, accepted{});
    shared_->tell(server_event::kind::peer_reported, "client=" + request.peer.to_string() + " served a bad chunk of '" + request.content.id.text() +
                                                         "', says client=" + from.record.id.to_string() + ": " + tidy(request.what));
    std::vector<catalogue_change> changes{put_peer_report{report}};
    if (forgotten) changes.emplace_back(forget_peer_reports{*forgotten});
    commit(now, {from.record.id, change_kind::peer_report}, std::move(changes), [reply](time_point at, const result<void>& outcome) {
        reply(at, outcome ? message_body(accepted{}) : message_body(to_reply(outcome.error())));
    });
}

void client_service::answer(time_point now, const registered_client& from, const link_report& request, const reply_function& reply) {
    auto& state = shared_->state;
    // Only the receiving side counts: what a parent sent to a child entered over the child's link, and the child's rendezvous point says so
    // itself. No client sends content up, so nothing is booked as having left an office towards its parent (OFF-2).
    // A client in no office is named by its address, since its link is its own.
    const auto office = from.office ? state.office_name(from.office) : from.record.address.to_string();
    // More than a few copies of it in one report is a lie or a fault, and would spoil the sums for ever.
    const auto* content = state.contents.find(request.content);
    const bool counts = content != nullptr && request.bytes_in_from_parent != 0 &&
                        request.bytes_in_from_parent / believable_copies <= content->size_bytes;
    const auto forgotten = counts ? state.links.in_the_way_of({office, request.content}) : std::nullopt;
    if (!counts || (!forgotten && !state.links.takes({office, request.content}))) return reply(now, accepted{});
    const link_mark report{from.record.id, request.boot, request.number};
    if (state.links.contains(report)) return reply(now, accepted{});   // its answer got lost
    std::vector<catalogue_change> changes{add_link_bytes{{office, request.content, request.bytes_in_from_parent, 0}, report}};
    if (forgotten) changes.emplace_back(forget_link_bytes{*forgotten});
    commit(now, {from.record.id, change_kind::link_report}, std::move(changes), [reply](time_point at, const result<void>& outcome) {
        reply(at, outcome ? message_body(accepted{}) : message_body(to_reply(outcome.error())));
    });
}

}  // namespace p2pdist
