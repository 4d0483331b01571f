// The life of a download: opening the store, ending, pausing, what it shows of itself.

#include "download.hpp"

#include "p2pdist/base/canary.hpp"

namespace p2pdist::detail::transfer {

namespace {
using namespace std::chrono_literals;
constexpr duration tick = 250ms;
}  // namespace

download::download(engine_context& context, upload_hub& uploads, local_content& content, std::uint64_t serial, time_point now)
    : context_(&context),
      uploads_(&uploads),
      content_(&content),
      serial_(serial),
      begun_at_(now),
      next_tick_(now + tick),
      blocked_(content.geometry.chunk_count()),
      start_(static_cast<chunk_index>(context.random.below(content.geometry.chunk_count()))) {
    content.downloading = true;
    ++context.downloads_running;
    context.ask_store({store_task::open_download, content.info.key(), serial, 0, now}, store_open{content.info, true});
}

download::~download() {
    --context_->downloads_running;
    context_->regions_in_use -= active_.size() + verifying_.size();
    for (const auto& [chunk, work] : verifying_) {
        if (!work.waits) context_->verifying_bytes -= work.data.view.size();
    }
    content_->downloading = false;
    content_->fetching.clear();
}

source_state* download::find_source(const client_id& peer) {
    const auto found = sources_.find(peer);
    return found == sources_.end() ? nullptr : &found->second;
}

source_state* download::source_of(flow_handle flow) {
    const auto found = by_flow_.find(flow);
    return found == by_flow_.end() ? nullptr : find_source(found->second);
}

std::vector<source_state*> download::in_order() {
    std::vector<source_state*> out;
    for (auto& [peer, one] : sources_) out.push_back(&one);
    std::ranges::sort(out, {}, &source_state::order);
    return out;
}

void download::on_store(time_point now, const store_purpose& purpose, store_completion& completion) {
    if (finished()) return;
    switch (purpose.task) {
        case store_task::open_download: return state_ == life::opening ? on_opened(now, completion) : on_reopened(now, completion);
        case store_task::write: return on_written(now, purpose.chunk, purpose.asked_at, completion);
        case store_task::append: return on_appended(now, completion);
        case store_task::finish: return on_checked(now, completion);
        case store_task::install_tree: return on_tree(now, completion);
        default: return;
    }
}

void download::on_opened(time_point now, const store_completion& completion) {
    const auto* opened = completion.ok() ? std::get_if<store_opened>(&completion.value) : nullptr;
    if (opened == nullptr) return fail(now, completion.failure.value_or(error{errc::io_failed, "the store did not open the content"}));
    ++content_->opens;
    state_ = life::running;
    if (!content_->refresh(*opened)) uploads_->on_holdings_shrunk(now, *content_);
    if (sings(canary::starts_over) && !opened->whole) content_->held = chunk_set(chunk_count());
    tree_known_ = opened->tree_known && !plain();
    blocked_ = content_->held;
    split_[static_cast<std::size_t>(source_kind::store)] = content_->held.content_bytes(content_->geometry);
    line_.reset(opened->whole ? 0 : opened->appended_bytes);
    if (plain()) {
        short_key secret;
        context_->secrets.fill(secret);
        record_.emplace(context_->crypto, secret, content_->geometry).begin(line_.appended());
    }
    if (!content_->held.empty()) announce_held();
    uploads_->on_opened_by_download(now, *content_);
    if (opened->whole || (!plain() && content_->held.full() && chunk_count() > 0)) return complete(now);
    pour(now);
    after_change(now);
}

void download::announce_held() {
    auto& outputs = context_->outputs;
    const auto key = content_->info.key();
    if (!outputs.empty()) {
        if (auto* last = std::get_if<chunks_verified>(&outputs.back()); last != nullptr && last->content == key) {
            last->total_verified = content_->held.count();
            return;
        }
    }
    outputs.push_back(chunks_verified{key, content_->held.count()});
}

void download::after_change(time_point now) {
    if (state_ != life::running) return;
    manage_sources(now);
    assign(now);
}

void download::let_go(time_point now, errc why) {
    for (auto& [peer, one] : sources_) {
        if (one.in_use()) shut(now, one, why);
    }
    if (content_->opens > 0 && !uploads_->any_of(content_->info.key())) context_->close_store(*content_);
}

void download::complete(time_point now) {
    state_ = life::complete;
    content_->whole = content_->serving = true;
    content_->downloading = false;
    content_->fetching.clear();
    let_go(now, errc::cancelled);
    uploads_->on_holdings_changed(now, *content_);
    context_->outputs.push_back(transfer_finished{content_->info, std::nullopt, split_, now - begun_at_});
}

void download::fail(time_point now, error failure) {
    state_ = life::failed;
    failure_ = failure;
    context_->say(log_level::error, "event=transfer_failed content=" + content_->info.id.text() + " text=\"" + failure.message + "\"");
    content_->downloading = false;
    content_->fetching.clear();
    if (!content_->serving) uploads_->close_all(now, content_->info.key(), {errc::cancelled, "the sender's own download failed", 0});
    let_go(now, errc::cancelled);
    context_->outputs.push_back(transfer_finished{content_->info, std::move(failure), split_, now - begun_at_});
}

void download::cancel(time_point now) {
    state_ = life::failed;
    content_->downloading = false;
    content_->fetching.clear();
    if (!content_->serving) uploads_->close_all(now, content_->info.key(), {errc::cancelled, "the sender's own download was cancelled", 0});
    let_go(now, errc::cancelled);
}

void download::pause(time_point now, bool paused) {
    if (paused_ == paused || finished()) return;
    paused_ = paused;
    for (auto& [peer, one] : sources_) {
        one.wants_changed = true;
        one.progress_at = one.busy_since = one.watched_since = now;
        one.watched_bytes = 0;
    }
    short_since_ = never;
    tell_fetching(now);
    if (paused) return send_wants(now);
    after_change(now);
}

void download::on_timer(time_point now) {
    if (finished() || now < next_tick_) return;
    next_tick_ = now + tick;
    rate_.update(now);
    for (auto& [peer, one] : sources_) one.rate.update(now);
    if (state_ != life::running) return;
    const auto waiting = std::ranges::find_if(verifying_, [](const auto& item) { return item.second.waits; });
    if (waiting != verifying_.end()) {  // one a tick: the store has too much to do
        const auto chunk = waiting->first;
        auto again = std::move(waiting->second);
        verifying_.erase(waiting);
        --context_->regions_in_use;
        write(now, chunk, std::move(again));
    }
    if (std::exchange(append_waits_, false)) {
        const auto key = content_->info.key();
        context_->ask_store({store_task::append, key, serial_, 0, now}, line_.again(key));
    }
    if (std::exchange(append_misses_, false)) {
        context_->ask_store({store_task::open_download, content_->info.key(), serial_, 0, now}, store_open{content_->info, true});
    }
    if (paused_) return;
    look_for_stalls(now);
    after_change(now);
    ask_for_sources(now);
    // Status timeouts of sources that are being asked come between ticks.
    for (const auto& [peer, one] : sources_) {
        const auto patience = one.opened_at + context_->config.status_wait;
        if (one.phase == source_phase::opening && patience > now) next_tick_ = std::min(next_tick_, patience);
    }
}

/// Written in order, without the chunks of it that are verified.
std::uint64_t download::unverified_bytes() const {
    const auto appended = line_.appended();
    const auto& held = content_->held;
    auto out = appended;
    for (auto first = held.first_present(); first && *first * chunk_bytes < appended;) {
        const auto end = held.first_missing(*first).value_or(chunk_count());
        out -= std::min(content_->geometry.chunk(end - 1).end(), appended) - *first * chunk_bytes;
        first = held.first_present(end);
    }
    return out;
}

std::vector<transfer_source> download::sources() const {
    std::vector<transfer_source> out;
    for (const auto& [peer, one] : sources_) {
        if (one.phase == source_phase::standby || one.in_use()) out.push_back(one.source);
    }
    return out;
}

transfer_progress download::progress() const {
    transfer_progress out;
    out.content = content_->info;
    out.split = split_;
    for (const auto bytes_given : split_) out.verified_bytes += bytes_given;
    if (!finished()) out.unverified_bytes = unverified_bytes();
    out.bytes_per_second = rate_.bytes_per_second();
    bool under_way = !verifying_.empty() || line_.busy();
    bool standing_aside = false;
    std::size_t asked = 0;
    for (const auto& [peer, one] : sources_) {
        if (!one.in_use() && one.verified_bytes == 0) continue;
        out.sources.push_back({one.source, one.verified_bytes, one.rate.bytes_per_second(), one.held.count(), one.paused, one.answering()});
        under_way = under_way || (one.answering() && !one.paused && !one.assigned.empty());
        standing_aside = standing_aside || (one.answering() && one.paused && !one.assigned.empty());
        asked += one.phase == source_phase::opening ? 1 : 0;
    }
    switch (state_) {
        case life::opening: out.state = transfer_state::opening; return out;
        case life::checking: out.state = transfer_state::finishing; return out;
        case life::complete: out.state = transfer_state::complete; return out;
        case life::failed:
            out.state = transfer_state::failed;
            if (failure_) out.reason = failure_->message;
            return out;
        case life::running: break;
    }
    if (paused_) {
        out.state = transfer_state::paused;
        out.reason = "paused: by the user";
    } else if (under_way || (fallback_used_ && next_tick_ - given_at_ < 2s)) {
        out.state = transfer_state::downloading;
    } else if (standing_aside) {
        out.state = transfer_state::paused;
        out.reason = "paused: the WAN link is busy";
    } else {
        out.state = transfer_state::waiting;
        if (asked > 0) out.reason = "waiting: sources are being asked what they hold";
        else if (out.sources.empty()) out.reason = "waiting: no source is known";
        else if (short_since_ == never) out.reason = "waiting: a source is still getting the missing chunks";
        else out.reason = "waiting: no source has the missing chunks";
    }
    return out;
}

}  // namespace p2pdist::detail::transfer
