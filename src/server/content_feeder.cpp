#include "content_feeder.hpp"

#include <algorithm>
#include <set>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

constexpr std::uint32_t busy_retry_ms = 3000;

transfer_engine_config engine_config(const server_config& config) {
    transfer_engine_config out;
    out.own_role = role::server;
    out.ports = config.ports;
    out.foreground = config.foreground;
    out.background = config.background;
    out.log = config.log;
    return out;
}

}  // namespace

content_feeder::content_feeder(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, const server_config& config)
    : has_file_store_(config.has_file_store), engine_(crypto, random_bytes, link, config.jitter_seed ^ 0x66656564, engine_config(config)) {}

bool content_feeder::has(time_point now, const content_info& content) {
    if (!has_file_store_) return false;
    const auto* what = look(now, content);
    return what != nullptr && what->state == finding::here;
}

void content_feeder::ask(time_point now, const content_info& content, answer then) {
    if (!has_file_store_) return then(now, false);
    auto* const what = look(now, content);
    if (what == nullptr || what->state != finding::looking) return then(now, what != nullptr && what->state == finding::here);
    what->waiting.emplace_back(now + look_max, std::move(then));
}

content_feeder::entry* content_feeder::look(time_point now, const content_info& content) {
    const auto at = contents_.find(content.key());
    if (at == contents_.end()) {
        if (!make_room(now)) return nullptr;
        auto& what = contents_[content.key()];
        what.content = content;
        begin(now, what);
        return &what;
    }
    auto& what = at->second;
    what.used = now;
    if (what.state == finding::missing && now - what.since >= look_again) begin(now, what);
    return &what;
}

void content_feeder::begin(time_point now, entry& what) {
    what.state = finding::looking;
    what.since = what.used = now;
    const auto id = next_look_++;
    looks_[id] = what.content.key();
    // The store resolves the name inside the file store's directory.
    out_.push_back(store_request{id, store_attach{what.content, what.content.id.text()}});
}

bool content_feeder::make_room(time_point now) {
    if (contents_.size() < limits::server_attached_contents_max) return true;
    if (looks_.size() >= contents_.size()) return false;  // the file store is slow, and all of them wait for it
    // What somebody fetches stays, however many others are asked for: far fewer are fetched at one time than are kept.
    std::set<content_key> fetched;
    for (const auto& upload : engine_.uploads()) fetched.insert(upload.content);
    auto oldest = contents_.end();
    for (auto at = contents_.begin(); at != contents_.end(); ++at) {
        if (fetched.contains(at->first)) continue;
        if (at->second.state != finding::looking && (oldest == contents_.end() || at->second.used < oldest->second.used)) oldest = at;
    }
    if (oldest == contents_.end()) return false;
    engine_.stop_serving(now, oldest->first);
    contents_.erase(oldest);
    return true;
}

void content_feeder::forget(time_point now, const content_id& id) {
    for (auto at = contents_.lower_bound(content_key{id, {hash_kind{}, {}}}); at != contents_.end() && at->first.id == id;) {
        engine_.stop_serving(now, at->first);
        auto waiting = std::move(at->second.waiting);
        at = contents_.erase(at);
        for (auto& [until, then] : waiting) then(now, false);
    }
}

void content_feeder::on_store_done(time_point now, store_completion completion) {
    const auto look = looks_.find(completion.id);
    if (look == looks_.end()) return engine_.on_store_done(now, std::move(completion));
    const auto at = contents_.find(look->second);
    looks_.erase(look);
    if (at == contents_.end()) return;
    auto& what = at->second;
    what.state = completion.ok() ? finding::here : finding::missing;
    what.since = now;
    if (completion.ok()) {
        engine_.serve(now, what.content);
    } else if (completion.failure->code != errc::not_found) {
        out_.push_back(remark{"the file store's '" + what.content.id.text() + "' can't be served: " + completion.failure->message});
    }
    const bool here = completion.ok();
    auto waiting = std::exchange(what.waiting, {});
    for (auto& [until, then] : waiting) then(now, here);
}

/// The engine has found a chunk altered: what is left is no copy. In a while the file is read again, in case that somebody mended it.
void content_feeder::lose(time_point now, const content_key& key) {
    const auto found = contents_.find(key);
    if (found == contents_.end() || found->second.state != finding::here) return;
    found->second.state = finding::missing;
    found->second.since = now;
    engine_.stop_serving(now, key);
    out_.push_back(remark{"the file store's '" + key.id.text() + "' was altered on disk or can't be read: it is not served any more"});
}

void content_feeder::on_timer(time_point now) {
    engine_.on_timer(now);
    std::vector<answer> late;
    for (auto& [key, what] : contents_) {
        auto& waiting = what.waiting;
        while (!waiting.empty() && waiting.front().first <= now) {  // in the order of time
            late.push_back(std::move(waiting.front().second));
            waiting.erase(waiting.begin());
        }
    }
    for (auto& then : late) then(now, false);
}

void content_feeder::judge(time_point now, const serve_request& request, const server_state& state) {
    // Child offices get it relayed by a client of the central office, so that the server sends each copy over its LAN only.
    const bool fits = state.versions.activated && state.contents.find(request.content.key()) != nullptr &&
                      state.member(request.peer) != nullptr && state.in_central_office(request.peer) &&
                      state.offices().office_of(request.from.address) == state.offices().central() &&  // it may have moved a moment ago
                      request.protocol == transfer_protocol::foreground;
    if (!fits) return engine_.deny(now, request.flow, {errc::refused, "the server sends content to clients of the central office only", 0});
    const flow_close busy{errc::limit_reached, "busy with others who come first", busy_retry_ms};
    const auto verdict = line_.judge(request, [&](const client_id& left, const client_id& right) {
        const auto *first = state.member(left), *second = state.member(right);
        if (first == nullptr || second == nullptr) return first != nullptr;
        return state.order.compare({left, first->record.profile}, {right, second->record.profile}) == std::weak_ordering::less;
    });
    if (!verdict.admitted) return engine_.deny(now, request.flow, busy);
    if (verdict.displaced) engine_.deny(now, *verdict.displaced, busy);
    engine_.admit(now, request.flow);
}

std::optional<content_feeder::output> content_feeder::poll(time_point now, const server_state& state) {
    if (!out_.empty()) {
        auto out = std::move(out_.front());
        out_.erase(out_.begin());
        return out;
    }
    while (auto next = engine_.poll(now)) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) return std::move(*datagram);
        if (auto* request = std::get_if<store_request>(&*next)) return std::move(*request);
        if (const auto* asked = std::get_if<serve_request>(&*next)) judge(now, *asked, state);
        if (const auto* ended = std::get_if<upload_ended>(&*next)) {
            sent_bytes_ += ended->sent_bytes;
            line_.on_ended(*ended);
        }
        if (const auto* lost = std::get_if<chunks_verified>(&*next)) lose(now, lost->content);
    }
    if (!out_.empty()) return poll(now, state);
    return std::nullopt;
}

time_point content_feeder::deadline() const {
    auto out = engine_.deadline();
    if (looks_.empty()) return out;  // nobody waits
    for (const auto& [key, what] : contents_) {
        if (!what.waiting.empty()) out = std::min(out, what.waiting.front().first);
    }
    return out;
}

}  // namespace p2pdist
