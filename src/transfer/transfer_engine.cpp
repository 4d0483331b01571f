#include "p2pdist/transfer/transfer_engine.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "download.hpp"
#include "engine_context.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "upload_hub.hpp"

namespace p2pdist {

using namespace detail::transfer;
using content_download = detail::transfer::download;  // the engine has a function of that name

std::string_view to_string(source_kind kind) noexcept {
    constexpr std::array<std::string_view, source_kind_count> names{"store", "office", "ancestor", "server", "cdn", "file_store"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(transfer_state state) noexcept {
    switch (state) {
        case transfer_state::opening: return "opening";
        case transfer_state::waiting: return "waiting";
        case transfer_state::downloading: return "downloading";
        case transfer_state::paused: return "paused";
        case transfer_state::finishing: return "finishing";
        case transfer_state::complete: return "complete";
        case transfer_state::failed: break;
    }
    return "failed";
}

class transfer_engine::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                   transfer_engine_config config)
        : context_(crypto, random_bytes, link, jitter_seed, std::move(config)), uploads_(context_, contents_) {}

    void start(time_point now, const content_info& content);
    void cancel(time_point now, const content_key& key);
    void serve(time_point now, const content_info& content);
    void stop_serving(time_point now, const content_key& key);
    void on_data(time_point now, const received_datagram& datagram);
    void on_store_done(time_point now, store_completion completion);
    void on_chunks_lost(time_point now, const content_key& key, const chunk_set& chunks);
    void on_timer(time_point now);
    [[nodiscard]] std::optional<transfer_output> poll(time_point now);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] bool owns_port(std::uint16_t port) const noexcept;

    [[nodiscard]] content_download* find(const content_key& key) const {
        const auto found = downloads_.find(key);
        return found == downloads_.end() ? nullptr : found->second.get();
    }
    /// Calls action(download) if there is one; it may end by that.
    template <class Action>
    void with(time_point now, const content_key& key, Action action) {
        if (auto* const one = find(key)) action(*one);
        after_input(now);
    }
    [[nodiscard]] engine_context& context() noexcept { return context_; }
    [[nodiscard]] upload_hub& uploads() noexcept { return uploads_; }
    [[nodiscard]] const std::map<content_key, std::unique_ptr<content_download>>& downloads() const noexcept { return downloads_; }
    [[nodiscard]] const local_content* content(const content_key& key) const {
        const auto found = contents_.find(key);
        return found == contents_.end() ? nullptr : &found->second;
    }
    void after_input(time_point now);

private:
    /// The content's entry, made where there are fewer than `most`.
    [[nodiscard]] result<local_content*> content_for(const content_info& content, std::size_t most);
    /// Whether the content's entry is gone: nothing is served, downloaded or opened of it any more.
    bool let_go(const content_key& key);
    [[nodiscard]] content_download* owner_of(flow_handle flow);
    void take_event(time_point now, const flow_output& event);
    void on_read(time_point now, const store_purpose& purpose, store_completion& completion);

    engine_context context_;
    upload_hub::content_table contents_;
    upload_hub uploads_;
    std::map<content_key, std::unique_ptr<content_download>> downloads_;
    std::set<content_key> leaving_;  // not served any more, but not to be let go yet when that was said
    std::uint64_t contents_made_ = 0;
    std::uint64_t downloads_made_ = 0;
};

result<local_content*> transfer_engine::implementation::content_for(const content_info& content, std::size_t most) {
    const auto found = contents_.find(content.key());
    if (found != contents_.end()) {
        if (found->second.info == content) return &found->second;
        return {errc::invalid_argument, "content " + content.key().to_string() + " is known with another size"};
    }
    if (contents_.size() >= most) return {errc::limit_reached, "too many contents are served here: remove some"};
    return &contents_.try_emplace(content.key(), ++contents_made_, content).first->second;
}

bool transfer_engine::implementation::let_go(const content_key& key) {
    const auto local = contents_.find(key);
    if (local == contents_.end()) return true;
    if (local->second.serving || local->second.opening || downloads_.contains(key) || uploads_.any_of(key)) return false;
    context_.close_store(local->second);
    context_.cache.erase_content(local->second.number);
    contents_.erase(local);
    return true;
}

void transfer_engine::implementation::start(time_point now, const content_info& content) {
    if (downloads_.contains(content.key())) return;
    const auto refuse = [&](errc code, std::string text) {
        context_.outputs.push_back(transfer_finished{content, error{code, std::move(text)}, {}, {}});
    };
    if (const auto checked = check(content); !checked) return refuse(checked.error().code, checked.error().message);
    if (downloads_.size() >= limits::transfer_downloads_max)
        return refuse(errc::limit_reached, "too many downloads at once: wait until one of them is done");
    // Whoever serves as much as he may can still download.
    const auto local = content_for(content, limits::transfer_served_max + limits::transfer_downloads_max);
    if (!local) return refuse(local.error().code, local.error().message);
    downloads_.emplace(content.key(), std::make_unique<content_download>(context_, uploads_, **local, ++downloads_made_, now));
}

void transfer_engine::implementation::cancel(time_point now, const content_key& key) {
    const auto found = downloads_.find(key);
    if (found == downloads_.end()) return;
    found->second->cancel(now);
    after_input(now);
}

void transfer_engine::implementation::serve(time_point, const content_info& content) {
    if (!check(content)) return;
    const auto entry = content_for(content, limits::transfer_served_max);
    if (entry) (*entry)->serving = true;
}

void transfer_engine::implementation::stop_serving(time_point now, const content_key& key) {
    const auto found = contents_.find(key);
    if (found == contents_.end()) return;
    found->second.serving = false;
    if (!found->second.downloading) uploads_.close_all(now, key, {errc::cancelled, "this content is no longer shared here", 0});
    leaving_.insert(key);
    after_input(now);
}

/// Lets go of blamed peers, of downloads that ended and of contents that nobody needs.
void transfer_engine::implementation::after_input(time_point now) {
    for (const auto& peer : std::exchange(context_.newly_blamed, {})) {
        for (auto& [key, one] : downloads_) one->drop_blamed(now, peer);
    }
    if (std::exchange(context_.guard_news, false)) {
        context_.say(log_level::warning, "event=forgery_suspected");
        for (auto& [key, one] : downloads_) one->guard(now);
    }
    for (auto at = downloads_.begin(); at != downloads_.end();) {
        if (!at->second->finished()) {
            ++at;
            continue;
        }
        leaving_.insert(at->first);
        at = downloads_.erase(at);
    }
    std::erase_if(leaving_, [this](const content_key& key) {
        const auto local = contents_.find(key);
        return (local != contents_.end() && local->second.serving) || let_go(key);
    });
}

content_download* transfer_engine::implementation::owner_of(flow_handle flow) {
    for (auto& [key, one] : downloads_) {
        if (one->owns(flow)) return one.get();
    }
    return nullptr;
}

void transfer_engine::implementation::on_data(time_point now, const received_datagram& datagram) {
    const auto piece = context_.flows.on_data(now, datagram);
    if (!piece) return;
    if (auto* const one = owner_of(piece->flow)) one->on_piece(now, *piece);
    after_input(now);
}

void transfer_engine::implementation::on_store_done(time_point now, store_completion completion) {
    const auto found = context_.requests.find(completion.id);
    if (found == context_.requests.end()) return;
    const auto purpose = std::move(found->second);
    context_.requests.erase(found);
    if (purpose.task == store_task::open_upload) {
        uploads_.on_opened(now, purpose.content, completion);
        leaving_.insert(purpose.content);  // it may not be here any more
    } else if (purpose.task == store_task::read) {
        on_read(now, purpose, completion);
    } else if (auto* const one = find(purpose.content); one != nullptr && one->serial() == purpose.asker && !one->finished()) {
        one->on_store(now, purpose, completion);
    } else if (purpose.task == store_task::open_download && completion.ok()) {
        context_.ask_store({store_task::close, purpose.content, 0, 0, now}, store_close{purpose.content});  // cancelled meanwhile
    }
    after_input(now);
}

void transfer_engine::implementation::on_read(time_point now, const store_purpose& purpose, store_completion& completion) {
    const auto is = [&](errc code) { return !completion.ok() && completion.failure->code == code; };
    const bool gone = is(errc::integrity_failed) || is(errc::not_found) || is(errc::io_failed);
    uploads_.on_read(now, {purpose.asker, purpose.chunk}, purpose.content, completion);
    const auto local = contents_.find(purpose.content);
    if (!gone || local == contents_.end()) return;
    chunk_set lost(local->second.held.chunk_count());
    lost.insert(purpose.chunk);
    on_chunks_lost(now, purpose.content, lost);
}

void transfer_engine::implementation::on_chunks_lost(time_point now, const content_key& key, const chunk_set& chunks) {
    const auto local = contents_.find(key);
    if (local == contents_.end() || local->second.held.chunk_count() != chunks.chunk_count()) return;
    const auto lost = local->second.held & chunks;
    if (lost.empty()) return;
    local->second.lose(lost);
    uploads_.on_holdings_shrunk(now, local->second);
    context_.outputs.push_back(chunks_verified{key, local->second.held.count()});
    auto* const one = find(key);
    if (one == nullptr) return;
    for (auto chunk = lost.first_present(); chunk; chunk = lost.first_present(*chunk + 1)) one->on_chunk_lost(now, *chunk);
}

void transfer_engine::implementation::take_event(time_point now, const flow_output& event) {
    if (const auto* requested = std::get_if<flow_requested>(&event)) return uploads_.on_requested(now, *requested);
    if (const auto* needs = std::get_if<flow_needs>(&event)) return uploads_.on_needs(now, *needs);
    if (const auto* accepted = std::get_if<flow_accepted>(&event)) {
        if (auto* const one = owner_of(accepted->flow)) (void)one->on_accepted(now, *accepted);
    } else if (const auto* status = std::get_if<flow_status_changed>(&event)) {
        if (auto* const one = owner_of(status->flow)) (void)one->on_status(now, *status);
        else uploads_.on_status(now, *status);
    } else if (const auto* ended = std::get_if<flow_ended>(&event)) {
        if (auto* const one = owner_of(ended->flow)) (void)one->on_ended(now, *ended);
        else uploads_.on_ended(now, *ended);
    }
}

std::optional<transfer_output> transfer_engine::implementation::poll(time_point now) {
    while (context_.outputs.empty()) {
        auto event = context_.flows.poll(now);
        if (!event) return std::nullopt;
        if (auto* const datagram = std::get_if<send_datagram>(&*event)) return std::move(*datagram);
        take_event(now, *event);
        after_input(now);
    }
    auto first = std::move(context_.outputs.front());
    context_.outputs.pop_front();
    return first;
}

void transfer_engine::implementation::on_timer(time_point now) {
    context_.flows.on_timer(now);
    uploads_.on_timer(now);
    for (auto& [key, one] : downloads_) one->on_timer(now);
    after_input(now);
}

time_point transfer_engine::implementation::deadline() const {
    auto due = std::min(context_.flows.deadline(), uploads_.deadline());
    for (const auto& [key, one] : downloads_) due = std::min(due, one->deadline());
    return due;
}

bool transfer_engine::implementation::owns_port(std::uint16_t port) const noexcept {
    const auto& ports = context_.config.ports;
    if (context_.config.own_role == role::server) return port == ports[port_use::server_control];
    return port == ports[port_use::client_control] || port == ports[port_use::content_fg] || port == ports[port_use::content_bg];
}

transfer_engine::transfer_engine(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, std::uint64_t jitter_seed,
                                 transfer_engine_config config)
    : self_(std::make_unique<implementation>(crypto, random_bytes, link, jitter_seed, std::move(config))) {}
transfer_engine::~transfer_engine() = default;
transfer_engine::transfer_engine(transfer_engine&&) noexcept = default;
transfer_engine& transfer_engine::operator=(transfer_engine&&) noexcept = default;

void transfer_engine::download(time_point now, const content_info& content) { self_->start(now, content); }
void transfer_engine::cancel(time_point now, const content_key& content) { self_->cancel(now, content); }
void transfer_engine::pause(time_point now, const content_key& content, bool paused) {
    self_->with(now, content, [&](auto& one) { one.pause(now, paused); });
}
void transfer_engine::add_source(time_point now, const content_key& content, const transfer_source& source) {
    self_->with(now, content, [&](auto& one) { one.add_source(now, source); });
}
void transfer_engine::remove_source(time_point now, const content_key& content, const client_id& peer) {
    self_->with(now, content, [&](auto& one) { one.remove_source(now, peer); });
}
void transfer_engine::give(time_point now, const content_key& content, source_kind kind, std::uint64_t offset, shared_bytes data) {
    self_->with(now, content, [&](auto& one) { one.give(now, kind, offset, std::move(data)); });
}
void transfer_engine::give_tree(time_point now, const content_key& content, shared_bytes tree_file) {
    self_->with(now, content, [&](auto& one) { one.give_tree(now, std::move(tree_file)); });
}
std::optional<byte_range> transfer_engine::fallback_wants(const content_key& content) const {
    const auto* const one = self_->find(content);
    return one == nullptr ? std::nullopt : one->fallback_wants();
}
bool transfer_engine::tree_known(const content_key& content) const {
    const auto* const one = self_->find(content);
    return one != nullptr && one->tree_known();
}

void transfer_engine::serve(time_point now, const content_info& content) { self_->serve(now, content); }
void transfer_engine::read_at(const content_key& content, std::optional<chunk_index> chunk) {
    if (auto* const one = self_->find(content)) one->read_at(chunk);
}
void transfer_engine::stop_serving(time_point now, const content_key& content) { self_->stop_serving(now, content); }
void transfer_engine::on_chunks_lost(time_point now, const content_key& content, const chunk_set& chunks) {
    self_->on_chunks_lost(now, content, chunks);
    self_->after_input(now);
}
void transfer_engine::admit(time_point now, flow_handle flow) { self_->uploads().admit(now, flow); }
void transfer_engine::deny(time_point now, flow_handle flow, flow_close why) { self_->uploads().deny(now, flow, std::move(why)); }

void transfer_engine::on_control(time_point now, const opened& frame) { self_->context().flows.on_control(now, frame); }
void transfer_engine::on_data(time_point now, const received_datagram& datagram) { self_->on_data(now, datagram); }
void transfer_engine::on_store_done(time_point now, store_completion completion) { self_->on_store_done(now, std::move(completion)); }
void transfer_engine::on_timer(time_point now) { self_->on_timer(now); }
void transfer_engine::on_peer_unreachable(time_point now, const client_id& peer) { self_->context().flows.on_peer_unreachable(now, peer); }
bool transfer_engine::owns_port(std::uint16_t local_port) const noexcept { return self_->owns_port(local_port); }

std::optional<transfer_output> transfer_engine::poll(time_point now) { return self_->poll(now); }
time_point transfer_engine::deadline() const { return self_->deadline(); }
std::optional<transfer_progress> transfer_engine::progress(const content_key& content) const {
    const auto* const one = self_->find(content);
    return one == nullptr ? std::nullopt : std::optional(one->progress());
}
std::vector<transfer_progress> transfer_engine::downloads() const {
    std::vector<transfer_progress> out;
    for (const auto& [key, one] : self_->downloads()) out.push_back(one->progress());
    return out;
}
std::vector<transfer_source> transfer_engine::sources(const content_key& content) const {
    const auto* const one = self_->find(content);
    return one == nullptr ? std::vector<transfer_source>() : one->sources();
}
std::vector<upload_progress> transfer_engine::uploads() const { return self_->uploads().progress(); }
std::vector<client_id> transfer_engine::blamed(time_point now) const { return self_->context().blamed.all(now); }
const chunk_set* transfer_engine::held(const content_key& content) const {
    const auto* const local = self_->content(content);
    return local == nullptr || !local->known ? nullptr : &local->held;
}

}  // namespace p2pdist
