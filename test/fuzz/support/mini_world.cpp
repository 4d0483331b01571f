#include "support/mini_world.hpp"

#include <algorithm>

#include "p2pdist/base/random.hpp"
#include "p2pdist/content/tree_file.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "support/fuzz_target.hpp"

namespace p2pdist::fuzz {
namespace {

constexpr std::int64_t wall_start = 1'800'000'000;
constexpr duration way = std::chrono::milliseconds(1);   // of datagrams, and for disk and database
constexpr std::size_t outputs_of_a_turn_max = 100'000;   // a core that gives out more after one input never ends
constexpr const char* cdn_base = "https://cdn.example";

secret_key key_of(std::uint64_t number) { return sim::seeded_entropy(number * 7919 + 17).array<32>(); }

}  // namespace

mini_world::mini_world(const crypto_suite& crypto, mini_options options) : crypto_(crypto), options_(std::move(options)) {
    const auto count = options_.clients + 1;
    done.resize(count);
    configs_.resize(count);
    cores_.resize(count);
    woken_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const bool in_branch = i > options_.clients - std::min(options_.in_branch, options_.clients);
        addresses_.push_back(ip_address::v4((in_branch ? 0x0a010000u : 0x0a000000u) + 10 + static_cast<std::uint32_t>(i)));
        random_.push_back(std::make_unique<sim::seeded_entropy>(100 + i));
        stores_.push_back(std::make_unique<memory_store>(crypto_));
    }
    server_config_.identity = key_of(2000);
    server_config_.signing = key_of(2001);
    server_config_.enrolment = key_of(2002);
    server_config_.group = key_of(2003);
    server_config_.address = addresses_[0];
    server_config_.has_file_store = options_.on_server;
    server_config_.heartbeat_interval = std::chrono::seconds(10);
    for (std::size_t i = 1; i < count; ++i) {
        auto& config = configs_[i];
        config.identity = key_of(i);
        config.enrolment = server_config_.enrolment;
        config.servers = {addresses_[0]};
        config.address = addresses_[i];
        config.broadcast = subnet::of(addresses_[i], 24).broadcast();
        config.profile.free_storage_bytes = config.profile.usable_storage_bytes = (20 - i) << 30;
        config.profile.version = 1;
        config.host_name = "host";
        config.jitter_seed = i;
        if (options_.on_cdn) config.cdn = cdn_base;
    }
    durable_.topology = {1, "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\nBranch,Default,Central,10.1.0.0/24\n", true};
    durable_.versions = {1, 1, 1, 1, true};
    durable_.licence = {"licence", 100, true};
    for (std::size_t i = 0; i < options_.content_bytes.size(); ++i) {
        auto& data = bytes_.emplace_back(options_.content_bytes[i]);
        sim::seeded_entropy(i + 1).fill(data);
        const auto& info = contents_.emplace_back(content_info{*content_id::parse("app-" + std::to_string(i)), data.size(),
            {options_.kind, options_.kind == hash_kind::sha256 ? crypto_.sha256({data}) : make_tree(crypto_, data).root()}});
        apply(durable_, put_content{{info, {wall_start}}});
        if (options_.on_server) stores_[0]->files()[info.id.text()] = data;
    }
}

peer_info mini_world::peer(std::size_t node) const {
    const auto who = identity_from_secret(crypto_, node == 0 ? server_config_.identity : configs_[node].identity);
    return {who.id, who.key, addresses_[node]};
}

wall_time mini_world::wall() const noexcept {
    return {wall_start + wall_offset_ + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count()};
}

void mini_world::start(std::size_t node) {
    if (is_up(node)) return;
    woken_[node] = {};
    const bool made = guarded(node, [&] {
        if (node == 0) {
            server_ = std::make_unique<server_core>(crypto_, *random_[0], server_config_, now_, wall());
            server_->load(now_, durable_);
        } else {
            cores_[node] = std::make_unique<client_core>(crypto_, *random_[node], configs_[node], now_, wall());
        }
    });
    if (made) pump(node);
}

void mini_world::stop(std::size_t node) {
    if (node == 0) server_.reset();
    else cores_[node].reset();
    std::erase_if(pending, [node](const happening& what) { return what.node == node && !what.is_datagram(); });
    stores_[node]->restart();
}

void mini_world::start_all() {
    for (std::size_t i = 0; i < nodes(); ++i) start(i);
}

bool mini_world::call(std::size_t node, const std::function<void()>& what) {
    if (!is_up(node) || !guarded(node, what)) return false;
    pump(node);
    return true;
}

void mini_world::fetch(std::size_t node, std::size_t index) {
    const auto& id = contents_[index].id;
    call(node, [&] { (void)client(node).fetch(now_, id, "out-" + id.text()); });
}

bool mini_world::has_output(std::size_t node, std::size_t index) {
    return stores_[node]->files().contains("out-" + contents_[index].id.text());
}

bool mini_world::output_is_right(std::size_t node, std::size_t index) {
    const auto found = stores_[node]->files().find("out-" + contents_[index].id.text());
    return found != stores_[node]->files().end() && found->second == bytes_[index];
}

void mini_world::pump(std::size_t node) {
    for (std::size_t turn = 0; is_up(node); ++turn) {
        check(turn < outputs_of_a_turn_max, "a core gives out without end");
        if (node == 0) {
            std::optional<server_output> output;
            if (!guarded(0, [&] { output = server_->poll(now_); }) || !output) return;
            take(std::move(*output));
        } else {
            std::optional<client_output> output;
            if (!guarded(node, [&] { output = cores_[node]->poll(now_); }) || !output) return;
            take(node, std::move(*output));
        }
        ++outputs_;
    }
}

void mini_world::take(std::size_t node, client_output&& output) {
    happening what;
    what.node = node;
    what.at = now_ + way;
    if (auto* datagram = std::get_if<send_datagram>(&output)) return put(node, std::move(*datagram));
    if (auto* stored = std::get_if<store_request>(&output)) what.store = std::move(*stored);
    if (auto* read = std::get_if<fallback_request>(&output)) what.fallback = std::move(*read);
    if (what.store || what.fallback) return pending.push_back(std::move(what));
    if (const auto* stop = std::get_if<fallback_cancel>(&output)) {
        std::erase_if(pending, [&](const happening& one) { return one.node == node && one.fallback && one.fallback->id == stop->id; });
    }
    if (auto* event = std::get_if<client_event>(&output)) {
        if (auto* enrolled = std::get_if<client_enrolled>(event)) configs_[node].saved_credentials = std::move(enrolled->credentials);
        if (auto* over = std::get_if<command_done>(event)) done[node].push_back(std::move(*over));
    }
}

void mini_world::take(server_output&& output) {
    happening what;
    what.at = now_ + way;
    if (auto* datagram = std::get_if<send_datagram>(&output)) return put(0, std::move(*datagram));
    if (auto* stored = std::get_if<store_request>(&output)) what.store = std::move(*stored);
    if (auto* change = std::get_if<catalogue_request>(&output)) what.catalogue = std::move(*change);
    if (what.store || what.catalogue) return pending.push_back(std::move(what));
    if (auto* record = std::get_if<channel_send>(&output)) to_connectors.push_back(std::move(*record));
}

void mini_world::put(std::size_t node, send_datagram&& datagram) {
    check(datagram.size() <= limits::datagram_bytes_max, "a datagram is too long");
    check(datagram.size() > 0, "a datagram is empty");
    happening what;
    what.by = node;
    what.at = now_ + way;
    what.from = {addresses_[node], datagram.from_port};
    what.local = datagram.to;
    what.data = std::move(datagram.header);
    what.data.insert(what.data.end(), datagram.payload.view.begin(), datagram.payload.view.end());
    for (std::size_t to = 0; to < nodes(); ++to) {
        const bool reached = datagram.broadcast ? to != node && subnet::of(addresses_[to], 24) == subnet::of(addresses_[node], 24)
                                                : addresses_[to] == datagram.to.address;
        if (!reached) continue;
        what.node = to;
        if (watch) watch(what);
        pending.push_back(what);
    }
}

void mini_world::perform(happening what) {
    if (!is_up(what.node)) return;
    if (!what.is_datagram()) return answer(what);
    const received_datagram in{what.local, what.from, now_, 0, what.data};
    call(what.node, [&] {
        if (what.node == 0) server_->on_datagram(now_, in);
        else cores_[what.node]->on_datagram(now_, in);
    });
}

void mini_world::answer(const happening& what) {
    if (what.fallback) return read_fallback(what);
    if (what.catalogue) {
        catalogue_completion out{what.catalogue->id, {}};
        if (what.failure) out.outcome = error{*what.failure, "the database says no"};
        else
            for (const auto& change : what.catalogue->changes) apply(durable_, change);
        call(0, [&] { server_->on_catalogue_done(now_, std::move(out)); });
        return;
    }
    store_completion out;
    if (what.failure) {
        out.id = what.store->id;
        out.failure = error{*what.failure, "the disk says no"};
    } else {
        out = stores_[what.node]->execute(*what.store);
    }
    call(what.node, [&] {
        if (what.node == 0) server_->on_store_done(now_, std::move(out));
        else cores_[what.node]->on_store_done(now_, std::move(out));
    });
}

void mini_world::read_fallback(const happening& what) {
    const auto& asked = *what.fallback;
    const auto found = std::ranges::find(contents_, asked.content);
    auto& core = *cores_[what.node];
    if (what.failure || found == contents_.end()) {
        call(what.node, [&] { core.on_fallback_done(now_, asked.id, error{errc::source_failed, "not there"}); });
        return;
    }
    const auto& data = bytes_[static_cast<std::size_t>(found - contents_.begin())];
    auto whole =
        std::make_shared<const bytes>(asked.what == fallback_request::target::tree ? encode_tree_file(make_tree(crypto_, data)) : data);
    const auto begin = std::min<std::uint64_t>(asked.range.offset, whole->size());
    const auto end = std::min<std::uint64_t>(asked.range.end(), whole->size());
    const shared_bytes part(whole, byte_span(*whole).subspan(begin, end - begin));
    if (call(what.node, [&] { core.on_fallback_data(now_, asked.id, begin, part); }) && is_up(what.node))
        call(what.node, [&] { core.on_fallback_done(now_, asked.id, std::nullopt); });
}

time_point mini_world::deadline(std::size_t node) const {
    if (!is_up(node)) return never;
    const auto wanted = node == 0 ? server_->deadline() : cores_[node]->deadline();
    return wanted == never ? never : std::max(wanted, woken_[node]);
}

void mini_world::wake(std::size_t node) {
    woken_[node] = now_ + std::chrono::microseconds(1);   // time passes even where a core wants its timer at once, again
    call(node, [&] {
        if (node == 0) {
            server_->on_wall_clock(now_, wall());
            server_->on_timer(now_);
        } else {
            cores_[node]->on_wall_clock(now_, wall());
            cores_[node]->on_timer(now_);
        }
    });
}

bool mini_world::step() {
    auto soonest = never;
    auto who = none_of_them;
    for (std::size_t i = 0; i < nodes(); ++i) {
        if (const auto when = deadline(i); when < soonest) {
            soonest = when;
            who = i;
        }
    }
    const auto next = std::ranges::min_element(pending, {}, &happening::at);   // the first of equal ones
    if (next != pending.end() && next->at <= soonest) {
        now_ = std::max(now_, next->at);
        auto what = std::move(*next);
        pending.erase(next);
        perform(std::move(what));
        return true;
    }
    if (who == none_of_them) return false;
    now_ = std::max(now_, soonest);
    wake(who);
    return true;
}

void mini_world::pass(duration span) {
    const auto end = now_ + span;
    for (int rounds = 0; rounds < 64; ++rounds) {
        std::size_t who = none_of_them;
        auto soonest = end;
        for (std::size_t i = 0; i < nodes(); ++i) {
            if (const auto when = deadline(i); when < soonest) {
                soonest = when;
                who = i;
            }
        }
        if (who == none_of_them) break;
        now_ = std::max(now_, soonest);
        wake(who);
    }
    now_ = std::max(now_, end);
}

bool mini_world::run_until(const std::function<bool()>& over, duration limit, std::size_t steps_max) {
    const auto end = now_ + limit;
    for (std::size_t steps = 0; steps < steps_max && now_ < end; ++steps) {
        if (over()) return true;
        if (!step()) break;
    }
    return over();
}

}  // namespace p2pdist::fuzz
