#include "upload_hub.hpp"

#include <algorithm>

namespace p2pdist::detail::transfer {

namespace {
using namespace std::chrono_literals;
constexpr duration measure_gap = 250ms;
constexpr duration idle_time = 60s;   // a content of which nobody wants anything for so long may be evicted, though flows are open
// Of which less than this is sent meanwhile, to all together: receivers leave whoever gives less.
constexpr std::uint64_t idle_bytes_max = limits::transfer_pace_bytes_min * (idle_time / limits::transfer_watch_time);
}  // namespace

local_content* upload_hub::content_of(const upload& one) {
    const auto found = contents_->find(one.content);
    return found == contents_->end() ? nullptr : &found->second;
}

bool upload_hub::acceptable_way(const flow_requested& request) const {
    const auto pair = content_pair(context_->config.own_role, request.open.protocol);
    return request.way.local_port == context_->config.ports[pair.to] && request.way.remote.port == context_->config.ports[pair.from];
}

void upload_hub::on_requested(time_point now, const flow_requested& request) {
    const auto refuse = [&](errc reason, const char* text, std::uint32_t retry_ms = 0) {
        context_->flows.refuse(now, request.flow, {reason, text, retry_ms});
    };
    const auto* object = std::get_if<content_object>(&request.open.object);
    if (object == nullptr || !acceptable_way(request)) return refuse(errc::invalid_argument, "this is not a way to fetch content");
    if (context_->refused.contains(now, request.peer)) return refuse(errc::refused, "you acknowledged what was never sent");
    const auto found = contents_->find(object->content.key());
    if (found == contents_->end()) return refuse(errc::not_found, "this content is not here");
    const auto& content = found->second;
    if (content.info != object->content) return refuse(errc::invalid_argument, "this content has another size");
    if (!content.serving && !content.downloading) return refuse(errc::not_found, "this content is not here");
    if (content.downloading && !content.shareable()) return refuse(errc::not_found, "this content cannot be shared yet", 1000);
    if (uploads_.size() >= limits::transfer_uploads_max) return refuse(errc::limit_reached, "too many receivers at once", 5000);

    upload one;
    one.content = object->content.key();
    one.peer = request.peer;
    one.from = request.way.remote;
    one.protocol = request.open.protocol;
    uploads_.emplace(request.flow, std::move(one));
    context_->outputs.push_back(serve_request{request.flow, request.peer, request.way.remote, object->content, request.open.protocol});
}

void upload_hub::admit(time_point now, flow_handle flow) {
    const auto found = uploads_.find(flow);
    if (found == uploads_.end() || found->second.at != phase::asking) return;
    auto* const content = content_of(found->second);
    if (content == nullptr) return end(now, flow, {errc::not_found, "this content is not here", 0});
    if (keep_open(now, *content)) return accept(now, flow, found->second, *content);
    found->second.at = phase::opening;
}

bool upload_hub::keep_open(time_point now, local_content& content) {
    content.wanted_at = now;
    idle_due_ = std::min(idle_due_, now + idle_time);
    if (content.opens > 0 && content.shareable()) return true;
    if (content.downloading || content.opening) return false;  // its open is under way
    content.opening = true;
    context_->ask_store({store_task::open_upload, content.info.key(), 0, 0, now}, store_open{content.info, false});
    return false;
}

/// Flows stay, and cost no more than their place: whoever wants something again has it opened again. What was wanted at once may leave for
/// minutes, over a slow line: as long as it does, it is not idle.
void upload_hub::let_idle_go(time_point now) {
    if (now < idle_due_) return;
    idle_due_ = never;
    std::map<content_key, std::uint64_t> sent;
    for (auto& [flow, one] : uploads_) {
        if (one.at == phase::serving) measure(flow, one);
        sent[one.content] += one.sent_bytes - std::min(one.sent_bytes, one.seen_bytes);
        one.seen_bytes = one.sent_bytes;
    }
    for (const auto& [key, count] : sent) {
        const auto found = contents_->find(key);
        if (found == contents_->end()) continue;
        auto& content = found->second;
        idle_due_ = now + idle_time;
        if (count >= idle_bytes_max) content.wanted_at = now;
        if (!content.downloading && now - content.wanted_at >= idle_time) context_->close_store(content);
    }
}

void upload_hub::deny(time_point now, flow_handle flow, flow_close why) {
    const auto found = uploads_.find(flow);
    if (found == uploads_.end()) return;
    if (found->second.at == phase::serving) {
        measure(flow, found->second);
        context_->flows.close(now, flow, std::move(why));
        return forget(found);
    }
    context_->flows.refuse(now, flow, std::move(why));
    forget(found);
}

void upload_hub::on_opened(time_point now, const content_key& key, const store_completion& completion) {
    const auto found = contents_->find(key);
    const auto* opened = completion.ok() ? std::get_if<store_opened>(&completion.value) : nullptr;
    if (found == contents_->end()) {
        if (opened != nullptr) context_->ask_store({store_task::close, key, 0, 0, {}}, store_close{key});
        return;
    }
    auto& content = found->second;
    content.opening = false;
    if (opened == nullptr) {
        if (content.downloading) return;
        if (completion.failure && completion.failure->code == errc::not_found) {
            content.serving = content.known = content.whole = false;
            content.held.clear();
            content.log.reset(content.held);
            return close_all(now, key, {errc::not_found, "this content is no longer here", 0});
        }
        // The store has too much to do, or fails for now: what it has it still has.
        for (const auto flow : opening(key)) end(now, flow, {errc::io_failed, "the sender could not open the content", 2000});
        return;
    }
    ++content.opens;
    if (!content.refresh(*opened)) {
        on_holdings_shrunk(now, content);
        context_->outputs.push_back(chunks_verified{key, content.held.count()});
    }
    on_opened_by_download(now, content);
    if (!content.downloading && !any_of(key)) context_->close_store(content);
}

std::vector<flow_handle> upload_hub::opening(const content_key& key) const {
    std::vector<flow_handle> out;
    for (const auto& [flow, one] : uploads_) {
        if (one.content == key && one.at == phase::opening) out.push_back(flow);
    }
    return out;
}

void upload_hub::on_opened_by_download(time_point now, local_content& content) {
    for (const auto flow : opening(content.info.key())) {
        if (content.shareable()) accept(now, flow, uploads_.at(flow), content);
        else end(now, flow, {errc::not_found, "this content is not whole here", 1000});
    }
}

holdings_status upload_hub::status_for(const local_content& content, upload& one) const {
    holdings_status status;
    if (!content.is_tree()) status.tree_root = content.tree_root;
    status.complete = content.held.full();
    status.log_from = one.log_seen;
    if (status.complete) {
        status.log_to = content.log.size();
    } else {
        status.log_to = content.log.read(one.log_seen, flow_status_bytes_max / 2, status.acquired);
        status.fetching = content.fetching;
    }
    return status;
}

void upload_hub::accept(time_point now, flow_handle flow, upload& one, local_content& content) {
    one.at = phase::serving;
    const auto text = encode(status_for(content, one));
    if (const auto told = decode_holdings_status(text, content.geometry.chunk_count())) one.log_told = told->log_to;
    one.status_at = now;
    context_->flows.accept(now, flow, content.geometry.object_bytes(), text);
}

void upload_hub::send_status(time_point now, flow_handle flow, upload& one) {
    one.status_stale = false;
    const auto* content = content_of(one);
    if (content == nullptr) return;
    auto text = encode(status_for(*content, one));
    if (const auto told = decode_holdings_status(text, content->geometry.chunk_count())) one.log_told = told->log_to;
    one.status_at = now;
    context_->flows.set_status(now, flow, std::move(text));
}

void upload_hub::on_holdings_changed(time_point now, const local_content& content) {
    for (auto& [flow, one] : uploads_) {
        if (one.at != phase::serving || one.content != content.info.key()) continue;
        one.status_stale = true;
        status_due_ = std::min(status_due_, std::max(now, one.status_at + limits::transfer_status_delay));
    }
}

void upload_hub::on_status(time_point now, const flow_status_changed& status) {
    const auto found = uploads_.find(status.flow);
    if (found == uploads_.end() || found->second.at != phase::serving) return;
    auto& one = found->second;
    const auto seen = decode_receiver_status(status.status);
    const auto* content = content_of(one);
    if (!seen || content == nullptr || seen->log_seen > one.log_told || seen->log_seen <= one.log_seen) return;
    one.log_seen = seen->log_seen;
    // What did not fit the status follows at once.
    if (one.log_seen == one.log_told && one.log_told < content->log.size()) send_status(now, found->first, one);
}

void upload_hub::on_needs(time_point now, const flow_needs& needs) {
    const auto found = uploads_.find(needs.flow);
    if (found == uploads_.end() || found->second.at != phase::serving) return;
    auto* const content = content_of(found->second);
    if (content == nullptr) return end(now, needs.flow, {errc::not_found, "this content is no longer here", 0});
    keep_open(now, *content);
    const auto& geometry = content->geometry;
    if (needs.range.end() > geometry.object_bytes()) return end(now, needs.flow, {errc::invalid_argument, "there are no such bytes", 0});

    const auto key = content->info.key();
    for (auto at = needs.range.first; at < needs.range.end();) {
        const auto chunk = geometry.chunk_at_object_offset(at);
        const auto region = geometry.region(chunk);
        if (at >= region.end()) return end(now, needs.flow, {errc::invalid_argument, "there are no such bytes", 0});
        if (!content->held.contains(chunk)) return end(now, needs.flow, {errc::not_found, "this chunk is not here", 1000});
        const auto still = uploads_.find(needs.flow);
        if (still == uploads_.end()) return;
        if (still->second.waiting >= limits::transfer_needs_max)
            return end(now, needs.flow, {errc::limit_reached, "too much is wanted at once", 1000});
        const auto last = std::min(region.end(), needs.range.end());
        supply(now, {content->number, chunk}, key, {needs.flow, {at, last - at}});
        at = last;
    }
}

void upload_hub::supply(time_point now, const region_key& key, const content_key& content, const need& wanted) {
    if (const auto region = context_->cache.find(key); !region.view.empty()) {
        return provide(now, key, contents_->at(content), wanted, region);
    }
    ++uploads_.at(wanted.flow).waiting;
    ++waiting_;
    ++kept_;
    forget_needs_of_ended();
    if (const auto waiting = reading_.find(key); waiting != reading_.end()) {
        waiting->second.push_back(wanted);
        return;
    }
    queue_.push_back({key, content, wanted});
    start_reads(now);
}

/// A receiver that wants, goes and comes again would have a slow store's queue grow: what nobody waits for never outnumbers the rest by much.
void upload_hub::forget_needs_of_ended() {
    if (kept_ <= 2 * waiting_ + limits::transfer_needs_max) return;
    const auto ended = [this](const need& wanted) { return !uploads_.contains(wanted.flow); };
    std::erase_if(queue_, [&](const queued_read& one) { return ended(one.wanted); });
    for (auto& [key, waiters] : reading_) std::erase_if(waiters, ended);
    kept_ = waiting_;
}

void upload_hub::start_reads(time_point now) {
    while (!queue_.empty() && reading_.size() < limits::transfer_reads_max) {
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        if (!uploads_.contains(next.wanted.flow)) {
            --kept_;
            continue;
        }
        const auto [waiting, fresh] = reading_.try_emplace(next.key);
        waiting->second.push_back(next.wanted);
        if (!fresh) continue;
        context_->ask_store({store_task::read, next.content, next.key.content, next.key.chunk, now}, store_read_chunk{next.content, next.key.chunk});
    }
}

void upload_hub::provide(time_point now, const region_key& key, const local_content& content, const need& wanted,
                         const shared_bytes& region) {
    const auto found = uploads_.find(wanted.flow);
    if (found == uploads_.end()) return;
    const auto whole = content.geometry.region(key.chunk);
    if (region.view.size() != whole.length) return;
    const auto from = wanted.range.offset - whole.offset;
    const auto proof = content.geometry.proof_bytes(key.chunk);
    if (from + wanted.range.length > proof) found->second.provided_bytes += from + wanted.range.length - std::max(from, proof);
    measure_due_ = std::min(measure_due_, now + measure_gap);
    context_->flows.provide(now, wanted.flow, wanted.range.offset, {region.owner, region.view.subspan(from, wanted.range.length)});
}

void upload_hub::on_read(time_point now, const region_key& name, const content_key& key, store_completion& completion) {
    auto waiting = reading_.extract(name);
    const auto waiters = waiting.empty() ? std::vector<need>{} : std::move(waiting.mapped());
    kept_ -= waiters.size();
    for (const auto& wanted : waiters) {
        const auto found = uploads_.find(wanted.flow);
        if (found == uploads_.end()) continue;
        --found->second.waiting;
        --waiting_;
    }
    const auto content = contents_->find(key);
    if (content == contents_->end() || content->second.number != name.content) return start_reads(now);
    const auto* region = completion.ok() ? std::get_if<store_region>(&completion.value) : nullptr;
    if (region != nullptr) {
        context_->cache.put(name, region->region);
        for (const auto& wanted : waiters) provide(now, name, content->second, wanted, region->region);
    } else {
        fail_read(now, key, waiters, completion.failure.value_or(error{errc::io_failed, "the store gave no region"}));
    }
    start_reads(now);
}

void upload_hub::fail_read(time_point now, const content_key& key, const std::vector<need>& waiters, const error& failure) {
    context_->say(log_level::warning, "event=read_failed content=" + key.id.text() + " text=\"" + failure.message + "\"");
    for (const auto& wanted : waiters) end(now, wanted.flow, {errc::io_failed, "the sender could not read its disk", 2000});
}

void upload_hub::on_holdings_shrunk(time_point now, const local_content& content) {
    context_->cache.erase_content(content.number);
    close_all(now, content.info.key(), {errc::not_found, "the sender lost a chunk and looks again", 500});
}

void upload_hub::close_all(time_point now, const content_key& key, const flow_close& why) {
    std::vector<flow_handle> flows;
    for (const auto& [flow, one] : uploads_) {
        if (one.content == key) flows.push_back(flow);
    }
    for (const auto flow : flows) end(now, flow, why);
}

void upload_hub::end(time_point now, flow_handle flow, const flow_close& why) { deny(now, flow, why); }

void upload_hub::on_ended(time_point now, const flow_ended& ended) {
    const auto found = uploads_.find(ended.flow);
    if (found == uploads_.end()) return;
    if (ended.text == false_receipt_text) {
        const auto peer = found->second.peer;
        forget(found);
        return refuse_liar(now, peer);
    }
    if (ended.text == complete_text) found->second.sent_bytes = found->second.provided_bytes;
    forget(found);
}

/// It is served nothing more for a while: each of its flows would be sent some hundred packets before it is found out again.
void upload_hub::refuse_liar(time_point now, const client_id& peer) {
    context_->say(log_level::warning, "event=false_receipt peer=" + peer.to_string());
    context_->refused.add(now, peer);
    std::vector<flow_handle> flows;
    for (const auto& [flow, one] : uploads_) {
        if (one.peer == peer) flows.push_back(flow);
    }
    for (const auto flow : flows) end(now, flow, {errc::refused, "you acknowledged what was never sent", 0});
}

/// Content bytes that left, without proofs' share and repetitions; the flow is asked for a little more than it sends.
void upload_hub::measure(flow_handle flow, upload& one) const {
    const auto statistics = context_->flows.statistics(flow);
    if (!statistics) return;
    const auto sent = statistics->sent_bytes - std::min(statistics->sent_bytes, statistics->retransmitted_bytes);
    one.sent_bytes = std::min(one.provided_bytes, sent - sent * data_overhead_bytes / limits::datagram_bytes_max);
}

void upload_hub::forget(std::map<flow_handle, upload>::iterator at) {
    const auto [flow, one] = *at;
    uploads_.erase(at);
    waiting_ -= one.waiting;
    if (one.at == phase::asking) return;
    context_->outputs.push_back(upload_ended{one.content, one.peer, one.from, one.protocol, one.sent_bytes, flow});
    if (one.at == phase::opening) return;   // on_opened() finds nobody left
    const auto content = contents_->find(one.content);
    if (content != contents_->end() && !content->second.downloading && !any_of(one.content)) context_->close_store(content->second);
}

void upload_hub::on_timer(time_point now) {
    let_idle_go(now);
    if (now >= measure_due_) {
        measure_due_ = never;
        for (auto& [flow, one] : uploads_) {
            const auto before = one.sent_bytes;
            if (one.at == phase::serving) measure(flow, one);
            if (one.sent_bytes != before) measure_due_ = now + measure_gap;
        }
    }
    if (now < status_due_) return;
    status_due_ = never;
    for (auto& [flow, one] : uploads_) {
        if (!one.status_stale) continue;
        const auto due = one.status_at + limits::transfer_status_delay;
        if (due <= now) send_status(now, flow, one);
        else status_due_ = std::min(status_due_, due);
    }
}

bool upload_hub::any_of(const content_key& key) const {
    return std::ranges::any_of(uploads_, [&](const auto& item) { return item.second.content == key && item.second.at != phase::asking; });
}

std::vector<upload_progress> upload_hub::progress() const {
    std::vector<upload_progress> out;
    for (const auto& [flow, one] : uploads_) {
        if (one.at != phase::serving) continue;
        const auto statistics = context_->flows.statistics(flow).value_or(flow_statistics{});
        out.push_back({one.content, one.peer, one.protocol, one.sent_bytes, statistics.rate_bytes_per_second,
                       statistics.paused});
    }
    return out;
}

}  // namespace p2pdist::detail::transfer
