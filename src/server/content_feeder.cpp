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

bool content_feeder::has(const content_info& content) const {
    const auto at = contents_.find(content.key());
    return at != contents_.end() && at->second.state == finding::here;
}

bool content_feeder::is_settled(time_point now, const entry& what) {
    return what.state == finding::here || (what.state == finding::missing && now - what.since < look_again);
}

void content_feeder::ask(time_point now, const client_id& who, const content_info& content, answer then) {
    if (!has_file_store_) return then(now, false);
    const auto known = contents_.find(content.key());
    if (known != contents_.end()) known->second.used = now;
    if (known != contents_.end() && is_settled(now, known->second)) return then(now, known->second.state == finding::here);
    const auto of_client = waits_of_.find(who);
    const bool too_many = waits_.size() >= waits_max || (of_client != waits_of_.end() && of_client->second >= waits_of_client_max);
    if (too_many || (known == contents_.end() && !make_room(now))) return then(now, false);
    auto& what = contents_[content.key()];
    what.content = content;
    what.used = now;
    if (what.state == finding::missing) queue(who, what);
    what.waiting.push_back(next_wait_);
    waits_.emplace(next_wait_++, wait{now + look_max, who, content.key(), std::move(then)});
    ++waits_of_[who];
    begin_looks(now);
}

void content_feeder::queue(const client_id& who, entry& what) {
    what.state = finding::queued;
    what.by = who;
    queued_[who].push_back(what.content.key());
    ++queued_count_;
}

void content_feeder::take_from_queue(entry& what) {
    const auto at = queued_.find(what.by);
    std::erase(at->second, what.content.key());
    if (at->second.empty()) queued_.erase(at);
    --queued_count_;
}

/// Whoever asks for many large files delays the others' by a few.
void content_feeder::begin_looks(time_point now) {
    while (looks_.size() < looks_max && !queued_.empty()) {
        auto next = queued_.upper_bound(looked_for_);
        if (next == queued_.end()) next = queued_.begin();
        looked_for_ = next->first;
        auto& what = contents_.at(next->second.front());
        take_from_queue(what);
        begin(now, what);
    }
}

void content_feeder::begin(time_point now, entry& what) {
    what.state = finding::looking;
    what.since = now;
    const auto id = next_look_++;
    looks_[id] = what.content.key();
    // The store resolves the name inside the file store's directory.
    out_.push_back(store_request{id, store_attach{what.content, what.content.id.text()}});
}

content_feeder::answer content_feeder::end_wait(std::uint64_t number) {
    auto ended = std::move(waits_.extract(number).mapped());
    const auto of_client = waits_of_.find(ended.who);
    if (--of_client->second == 0) waits_of_.erase(of_client);
    return std::move(ended.then);
}

void content_feeder::settle(time_point now, std::deque<std::uint64_t> waiting, bool has_it) {
    for (const auto number : waiting) end_wait(number)(now, has_it);
}

bool content_feeder::make_room(time_point now) {
    if (contents_.size() < limits::server_attached_contents_max) return true;
    if (looks_.size() + queued_count_ >= contents_.size()) return false;  // the file store is slow, and all of them wait for it
    // What somebody fetches stays, however many others are asked for: far fewer are fetched at one time than are kept.
    std::set<content_key> fetched;
    for (const auto& upload : engine_.uploads()) fetched.insert(upload.content);
    auto oldest = contents_.end();
    for (auto at = contents_.begin(); at != contents_.end(); ++at) {
        if (fetched.contains(at->first)) continue;
        const bool may_go = at->second.state == finding::here || at->second.state == finding::missing;
        if (may_go && (oldest == contents_.end() || at->second.used < oldest->second.used)) oldest = at;
    }
    if (oldest == contents_.end()) return false;
    engine_.stop_serving(now, oldest->first);
    contents_.erase(oldest);
    return true;
}

void content_feeder::forget(time_point now, const content_id& id) {
    for (auto at = contents_.lower_bound(content_key{id, {hash_kind{}, {}}}); at != contents_.end() && at->first.id == id;) {
        engine_.stop_serving(now, at->first);
        if (at->second.state == finding::queued) take_from_queue(at->second);
        auto waiting = std::move(at->second.waiting);
        at = contents_.erase(at);
        settle(now, std::move(waiting), false);
    }
}

void content_feeder::on_store_done(time_point now, store_completion completion) {
    const auto look = looks_.find(completion.id);
    if (look == looks_.end()) return engine_.on_store_done(now, std::move(completion));
    const auto at = contents_.find(look->second);
    looks_.erase(look);
    begin_looks(now);
    if (at == contents_.end() || at->second.state != finding::looking) return;
    auto& what = at->second;
    what.state = completion.ok() ? finding::here : finding::missing;
    what.since = now;
    if (completion.ok()) {
        engine_.serve(now, what.content);
    } else if (completion.failure->code != errc::not_found) {
        out_.push_back(remark{"the file store's '" + what.content.id.text() + "' can't be served: " + completion.failure->message});
    }
    settle(now, std::exchange(what.waiting, {}), completion.ok());
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
    while (!waits_.empty() && waits_.begin()->second.until <= now) {
        const auto& [number, late] = *waits_.begin();
        const auto at = contents_.find(late.what);
        at->second.waiting.pop_front();   // they are in the order of time, too
        if (at->second.waiting.empty() && at->second.state == finding::queued) {
            take_from_queue(at->second);
            contents_.erase(at);
        }
        end_wait(number)(now, false);
    }
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
    return waits_.empty() ? engine_.deadline() : std::min(engine_.deadline(), waits_.begin()->second.until);
}

}  // namespace p2pdist
