#include "server_world.hpp"

#include <algorithm>
#include <stdexcept>

#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/message/secure_channel_link.hpp"

namespace p2pdist::test {

secret_key key_of_byte(std::uint8_t byte) {
    secret_key key{};
    key.fill(byte);
    return key;
}

ip_address address(const char* text) { return ip_address::parse(text).value(); }

content_info content(const std::string& id, std::uint8_t hash_byte, std::uint64_t size) {
    content_info out{content_id::parse(id).value(), size, {}};
    out.hash.value.fill(hash_byte);
    return out;
}

namespace {

message_layer_config client_layer(const port_plan& ports) {
    message_layer_config out;
    out.ports = ports;
    return out;
}

}  // namespace

struct server_world::enrolling {
    ip_address where;
    enrolment_client exchange;
};

test_client::test_client(ip_address place, const node_identity& who, const enrolment_grant& papers, std::uint64_t seed,
                         const port_plan& ports)
    : where(place),
      identity(who),
      random(seed),
      seal(crypto(), random, identity, papers.held),
      messages(crypto(), random, seal, seed, client_layer(ports)) {
    if (!seal.add_peer(id_of(crypto(), papers.server.key), papers.server.key)) throw std::logic_error("the server's key does not fit");
}

server_config server_world::default_config() {
    server_config out;
    out.identity = key_of_byte(0x51);
    out.signing = key_of_byte(0x52);
    out.enrolment = key_of_byte(0x0e);
    out.group = key_of_byte(0x53);
    out.address = address("10.0.0.1");
    out.prefix_bits = 24;
    return out;
}

server_world::server_world(server_config config)
    : config_(std::move(config)),
      server_(std::make_unique<server_core>(crypto(), server_random_, config_, now_, wall_)),
      server_store_(crypto()) {
    server_->load(now_, durable);
    pump();
    run_for(10ms);
}

server_world::~server_world() = default;

void server_world::restart_server() {
    ++generation_;
    held_.clear();
    last_commit_at_ = {};
    server_store_.restart();
    server_ = std::make_unique<server_core>(crypto(), server_random_, config_, now_, wall_);
    server_->load(now_, durable);
    for (auto& one : connectors_) one->channel.reset();
    run_for(10ms);
}

void server_world::set_wall(std::int64_t seconds) {
    wall_ = {seconds};
    // Time that passed for both clocks: the core's own goes on where it was.
    server_->on_wall_clock(time_point(1000s) + std::chrono::seconds(seconds - 1'800'000'000), wall_);
    pump();
}

void server_world::step_wall(std::int64_t seconds) {
    wall_ = {seconds};
    server_->on_wall_clock(now_, wall_);
    pump();
}

// ---- time

time_point server_world::next_time() const {
    auto out = server_->deadline();
    for (const auto& [where, one] : clients_) {
        out = std::min({out, one->seal.deadline(), one->messages.deadline()});
        if (one->engine) out = std::min(out, one->engine->deadline());
    }
    for (const auto& one : connectors_) out = std::min(out, one->core->deadline());
    if (enrolling_) out = std::min(out, enrolling_->exchange.deadline());
    if (!queue_.empty()) out = std::min(out, queue_.begin()->first);
    return out;
}

void server_world::step_to(time_point when) {
    now_ = std::max(now_, when);
    while (!queue_.empty() && queue_.begin()->first <= now_) {
        const auto what = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        what();
    }
    if (server_->deadline() <= now_) server_->on_timer(now_);
    for (auto& [where, one] : clients_) {
        if (one->seal.deadline() <= now_) one->seal.on_timer(now_);
        if (one->messages.deadline() <= now_) one->messages.on_timer(now_);
        if (one->engine && one->engine->deadline() <= now_) one->engine->on_timer(now_);
    }
    for (auto& one : connectors_) {
        if (one->core->deadline() <= now_) one->core->on_timer(now_);
    }
    if (enrolling_ && enrolling_->exchange.deadline() <= now_) enrolling_->exchange.on_timer(now_);
    pump();
}

bool server_world::run_until(const std::function<bool()>& holds, duration limit) {
    const auto end = now_ + limit;
    pump();
    while (!holds()) {
        const auto next = next_time();
        if (next > end) {
            now_ = end;
            return holds();
        }
        step_to(std::max(next, now_));
    }
    return true;
}

void server_world::run_for(duration span) {
    (void)run_until([] { return false; }, span);
}

// ---- the network

void server_world::carry(const ip_address& from, send_datagram datagram) {
    if (loses && loses(datagram)) return;
    at(now_ + 500us, [this, from, sent = std::move(datagram)] { deliver(from, sent); });
}

void server_world::deliver(const ip_address& from, const send_datagram& datagram) {
    bytes whole = datagram.header;
    whole.insert(whole.end(), datagram.payload.view.begin(), datagram.payload.view.end());
    const received_datagram in{datagram.to, {from, datagram.from_port}, now_, 0, whole};
    if (datagram.to.address == config_.address) return server_->on_datagram(now_, in);
    const auto type = frame_type_of(whole);
    if (enrolling_ && enrolling_->where == datagram.to.address && type >= frame_type::enrol_hello && type <= frame_type::enrol_grant) {
        return enrolling_->exchange.on_datagram(now_, wall_, in);
    }
    const auto found = clients_.find(datagram.to.address);
    if (found == clients_.end()) return;
    auto& to = *found->second;
    const bool for_engine = to.engine && to.engine->owns_port(datagram.to.port);
    if (type == frame_type::data || type == frame_type::data_strict) {
        if (for_engine) return to.engine->on_data(now_, in);
        ++to.large_datagrams;
        return to.messages.on_data(now_, in);
    }
    const auto frame = to.seal.on_datagram(now_, wall_, in);
    if (!frame) return;
    if (for_engine && frame->type == frame_type::flow_control) return to.engine->on_control(now_, *frame);
    to.messages.on_frame(now_, *frame);
}

void server_world::pump() {
    pump_server();
    for (auto& [where, one] : clients_) pump_client(*one);
    for (auto& one : connectors_) pump_connector(*one);
    if (!enrolling_) return;
    while (auto datagram = enrolling_->exchange.poll()) carry(enrolling_->where, std::move(*datagram));
}

void server_world::pump_server() {
    while (auto out = server_->poll(now_)) {
        if (auto* datagram = std::get_if<send_datagram>(&*out)) {
            server_ports_used.insert(datagram->from_port);
            carry(config_.address, std::move(*datagram));
        } else if (auto* request = std::get_if<catalogue_request>(&*out)) {
            carry_out(std::move(*request));
        } else if (auto* store = std::get_if<store_request>(&*out)) {
            at(now_ + 200us, [this, generation = generation_, wanted = *store] {
                if (generation == generation_) server_->on_store_done(now_, server_store_.execute(wanted));
            });
        } else if (auto* record = std::get_if<channel_send>(&*out)) {
            at(now_ + 500us, [this, sent = std::move(*record)] {
                for (auto& one : connectors_) {
                    if (one->channel == sent.channel) one->core->on_record(now_, sent.record);
                }
            });
        } else if (const auto* closing = std::get_if<channel_close>(&*out)) {
            closed_by_server.push_back(closing->channel);
        } else {
            events.push_back(std::get<server_event>(*out));
        }
    }
}

void server_world::pump_client(test_client& one) {
    while (auto out = one.messages.poll(now_)) {
        if (auto* datagram = std::get_if<send_datagram>(&*out)) carry(one.where, std::move(*datagram));
        if (auto* request = std::get_if<message_received>(&*out)) {
            if (const auto* change = std::get_if<state_changed>(&request->body)) one.pushed.push_back(change->versions);
            if (std::holds_alternative<revocations_request>(request->body)) {
                ++one.lists_asked;
                if (one.silent) continue;
                one.messages.reply(now_, request->request, revocations_reply{one.list ? *one.list : encode(one.seal.revocations())});
                continue;
            }
            one.messages.drop(now_, request->request);
        }
        if (auto* answer = std::get_if<message_answered>(&*out)) one.answers.emplace(answer->request, std::move(answer->body));
        if (auto* failure = std::get_if<message_failed>(&*out)) one.answers.emplace(failure->request, failure->why);
    }
    if (one.engine) {
        while (auto out = one.engine->poll(now_)) {
            if (auto* datagram = std::get_if<send_datagram>(&*out)) carry(one.where, std::move(*datagram));
            if (auto* request = std::get_if<store_request>(&*out)) {
                at(now_ + 200us, [this, &one, wanted = *request] { one.engine->on_store_done(now_, one.store->execute(wanted)); });
            }
            if (auto* done = std::get_if<transfer_finished>(&*out)) one.finished.push_back(*done);
            if (auto* gone = std::get_if<source_lost>(&*out)) one.lost.push_back(*gone);
        }
    }
    while (auto out = one.seal.poll()) {
        if (auto* datagram = std::get_if<send_datagram>(&*out)) carry(one.where, std::move(*datagram));
        if (const auto* gone = std::get_if<peer_unreachable>(&*out)) one.messages.on_peer_unreachable(now_, gone->peer);
        if (const auto* session = std::get_if<session_ready>(&*out); session != nullptr && session->restarted) {
            one.messages.on_peer_restarted(now_, session->peer);
        }
    }
}

void server_world::pump_connector(test_connector& one) {
    while (auto out = one.core->poll(now_)) {
        if (auto* record = std::get_if<connector_record>(&*out)) {
            if (record->record.size() > secure_channel_record_bytes_max) throw std::logic_error("a record is too large");
            at(now_ + 500us, [this, generation = generation_, channel = one.channel, sent = std::move(record->record)] {
                if (channel && generation == generation_) server_->on_channel_record(now_, *channel, sent);
            });
        }
        if (auto* answer = std::get_if<connector_answer>(&*out)) one.answers.emplace(answer->request, std::move(answer->body));
        if (auto* failure = std::get_if<connector_failure>(&*out)) one.answers.emplace(failure->request, failure->why);
    }
}

// ---- the catalogue

void server_world::carry_out(catalogue_request request) {
    auto commit = [this, generation = generation_, request = std::move(request)] {
        if (generation != generation_) return;  // the process died before it was written
        catalogue_completion done{request.id, {}};
        if (commit_fault) {
            if (auto fault = commit_fault(request)) done.outcome = std::move(*fault);
        }
        if (done.outcome) {
            for (const auto& change : request.changes) apply(durable, change);
            ++commits;
        }
        server_->on_catalogue_done(now_, std::move(done));
    };
    if (hold_commits) return held_.push_back(std::move(commit));
    last_commit_at_ = std::max(last_commit_at_, now_ + commit_delay());  // in order
    at(last_commit_at_, std::move(commit));
}

void server_world::release_commits() {
    hold_commits = false;
    while (!held_.empty()) {
        const auto commit = std::move(held_.front());
        held_.pop_front();
        commit();
    }
    pump();
}

// ---- clients

result<test_client*> server_world::enrol(const char* where, std::uint8_t key_byte, const secret_key& enrolment_key) {
    seeded_entropy random(1000u + ++enrolments_);
    const auto identity = identity_from_secret(crypto(), key_of_byte(key_byte));
    register_request about;
    about.host_name = "host" + std::to_string(key_byte);
    enrolment_client_config config;
    config.enrolment_key = enrolment_key;
    config.way = {config_.ports[port_use::client_small_out], {config_.address, config_.ports[port_use::server_small_in]}};
    config.client_info = encode_body(about);
    enrolling_ = std::make_unique<enrolling>(enrolling{address(where), enrolment_client(crypto(), random, identity, config)});
    enrolling_->exchange.start(now_);
    (void)run_until([&] { return enrolling_->exchange.outcome().has_value(); });
    const auto outcome = std::move(enrolling_);
    if (!outcome->exchange.outcome()) return {errc::timed_out, "the server does not answer"};
    const auto& granted = *outcome->exchange.outcome();
    if (!granted) return granted.error();
    auto& slot = clients_[address(where)];
    slot = std::make_unique<test_client>(address(where), identity, *granted, 2000u + enrolments_, config_.ports);
    return slot.get();
}

test_client& server_world::join(const char* where, std::uint8_t key_byte, device_profile profile) {
    auto& one = *enrol(where, key_byte).value();
    register_request request{profile, one.where, 24, "host" + std::to_string(key_byte), "1.0"};
    (void)asked<register_reply>(one, request);
    return one;
}

message_handle server_world::send(test_client& from, message_body body) {
    const message_peer to{identity_from_secret(crypto(), config_.identity).id, role::server, config_.address};
    const auto handle = from.messages.request(now_, to, std::move(body));
    pump();
    return handle;
}

result<message_body> server_world::ask(test_client& from, message_body body) {
    const auto handle = send(from, std::move(body));
    (void)run_until([&] { return from.answers.contains(handle); }, 200s);
    return from.answers.at(handle);
}

void server_world::give_engine(test_client& to) {
    to.store = std::make_unique<memory_store>(crypto());
    transfer_engine_config config;
    config.ports = config_.ports;
    to.engine = std::make_unique<transfer_engine>(crypto(), to.random, to.seal, 5, config);
}

// ---- connectors

void server_world::move(test_client& who, const char* to) {
    auto moving = clients_.extract(who.where);
    moving.key() = who.where = address(to);
    clients_.insert(std::move(moving));
}

test_connector& server_world::connect(const char* where) {
    auto one = std::make_unique<test_connector>();
    one->random = seeded_entropy(7000 + connectors_.size());
    one->where = address(where);
    one->core = std::make_unique<connector_core>(crypto(), one->random, 9);
    connectors_.push_back(std::move(one));
    reopen(*connectors_.back());
    return *connectors_.back();
}

void server_world::reopen(test_connector& one) {
    cut(one);
    one.channel = channel_id{next_channel_++};
    const auto exporter = key_of_byte(static_cast<std::uint8_t>(next_channel_));
    server_->on_channel_opened(now_, *one.channel, {one.where, config_.ports[port_use::connector_reply]}, exporter);
    one.core->on_channel_opened(now_, exporter);
    pump();
}

void server_world::cut(test_connector& one) {
    if (!one.channel) return;
    server_->on_channel_closed(now_, *one.channel);
    one.core->on_channel_closed(now_);
    one.channel.reset();
}

message_body server_world::ask(test_connector& from, message_body body) {
    const auto handle = from.core->request(now_, std::move(body));
    (void)run_until([&] { return from.answers.contains(handle); }, 200s);
    return from.answers.at(handle).value();
}

message_body server_world::admin(message_body body) {
    auto& one = connectors_.empty() ? connect() : *connectors_.front();
    if (!one.channel) reopen(one);
    return ask(one, std::move(body));
}

}  // namespace p2pdist::test
