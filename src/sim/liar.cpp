#include "liar.hpp"

#include <array>

#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration mischief_interval = std::chrono::milliseconds(700);
constexpr duration talk_interval = std::chrono::milliseconds(250);
constexpr duration locate_interval = std::chrono::seconds(2);
constexpr std::size_t peers_max = 64;
constexpr std::uint64_t talk_salt = 0x776f7264;   // a draw of its own: those who don't talk lie as they always did

}  // namespace

liar_core::liar_core(const crypto_suite& crypto, entropy& random_bytes, liar_config config, time_point now, wall_time wall)
    : crypto_(&crypto),
      entropy_(&random_bytes),
      config_(std::move(config)),
      random_(std::make_unique<random_source>(config_.seed)),
      self_(make_identity(crypto, random_bytes)),
      wall_(wall),
      seal_(std::make_unique<envelope>(crypto, random_bytes, self_, std::nullopt)),
      messages_(crypto, random_bytes, *seal_, config_.seed, {}),
      broadcasts_(crypto, random_bytes, self_),
      flows_(crypto, *seal_, *random_),
      words_(crypto, random_bytes, *random_, config_.address),
      verdict_manner_(random_->below(verdict_manners)),
      best_in_rank_(random_->below(4) != 0),
      talks_(random_source(config_.seed ^ talk_salt).below(2) != 0),
      next_talk_(now + talk_interval),
      next_mischief_(now + mischief_interval),
      next_locate_(now + locate_interval) {
    ask_in(now);
}

void liar_core::learn(const generated_content& content) {
    flows_.learn(content);
    words_.learn(content.info());
}

std::string liar_core::manner() const {
    static constexpr std::array<std::string_view, verdict_manners> verdicts{
        "another verdict each time", "always a holder", "always acting", "points to itself", "points to others",
        "points to strangers", "points back to the asker", "acknowledges and is silent", "always partial"};
    return std::string(verdicts[verdict_manner_]) + (best_in_rank_ ? ", best in rank" : ", last in rank") + ", serves " +
           std::string(flows_.manner_text()) + (talks_ ? ", says whatever there is to say" : "");
}

// ---- getting in, which takes the truth

void liar_core::ask_in(time_point now) {
    enrolment_client_config config;
    config.enrolment_key = config_.enrolment;
    config.way = {ports_[port_use::client_small_out], {config_.server, ports_[port_use::server_small_in]}};
    config.client_info = encode_body(register_request{profile(), config_.address, config_.prefix_bits, "liar", "1"});
    enrolment_.emplace(*crypto_, *entropy_, self_, std::move(config));
    enrolment_->start(now);
}

void liar_core::on_granted(time_point now) {
    if (!enrolment_ || !enrolment_->outcome()) return;
    const auto outcome = *enrolment_->outcome();
    enrolment_.reset();
    if (!outcome) return ask_in(now);
    held_ = outcome->held;
    server_key_ = outcome->server.key;
    seal_->set_credentials(outcome->held);
    (void)seal_->add_peer(server().id, server_key_);
    ask_server(now, register_request{profile(), config_.address, config_.prefix_bits, "liar", "1"});
}

device_profile liar_core::profile() {
    device_profile out;
    out.preferred = best_in_rank_;
    out.free_storage_bytes = best_in_rank_ ? UINT64_MAX >> 1 : 0;
    out.usable_storage_bytes = out.free_storage_bytes;
    out.os = os_kind::server;
    out.uptime = std::chrono::hours(24 * 3000);
    out.version = static_cast<std::uint32_t>(1 + random_->below(1000));
    return out;
}

// ---- inputs

void liar_core::on_datagram(time_point now, const received_datagram& datagram) {
    const auto type = frame_type_of(datagram.payload);
    if (!type) return;
    switch (*type) {
        case frame_type::enrol_answer:
        case frame_type::enrol_grant:
            if (enrolment_) enrolment_->on_datagram(now, wall_, datagram);
            return on_granted(now);
        case frame_type::broadcast_request: return on_broadcast(now, datagram);
        case frame_type::data:
        case frame_type::data_strict: return messages_.on_data(now, datagram);
        default: break;
    }
    const auto frame = seal_->on_datagram(now, wall_, datagram);
    if (!frame) return;
    const bool content = frame->way.local_port == ports_[port_use::client_control];
    if (frame->type == frame_type::flow_control && content) flows_.on_control(now, *frame);
    else messages_.on_frame(now, *frame);
}

void liar_core::on_broadcast(time_point now, const received_datagram& datagram) {
    if (!held_) return;
    const auto request = broadcasts_.on_request(now, wall_, *held_, {}, datagram.from.address, datagram.payload);
    const auto body = request ? decode_body(request->payload) : result<message_body>{errc::malformed, ""};
    const auto* question = body ? std::get_if<discovery_request>(&*body) : nullptr;
    if (question == nullptr) return;
    const auto state = static_cast<holding_state>(random_->below(3));
    const bool acting = random_->below(2) == 0;
    const auto revocations = talks_ ? words_.number() : 0;
    const discovery_reply lie{question->content, state, acting, profile(), revocations};
    auto sealed = seal_broadcast_answer(*crypto_, *held_, self_, *request, encode_body(lie));
    if (sealed.empty()) return;
    send_datagram out;
    out.from_port = ports_[port_use::client_small_in];
    out.to = datagram.from;
    out.header = std::move(sealed);
    out_.push_back(std::move(out));
}

void liar_core::on_timer(time_point now) {
    if (enrolment_) {
        enrolment_->on_timer(now);
        on_granted(now);
    }
    seal_->on_timer(now);
    messages_.on_timer(now);
    flows_.on_timer(now);
    if (!held_) return;
    if (now >= next_mischief_) {
        next_mischief_ = now + random_->jittered(mischief_interval, 0.9);
        mischief(now);
    }
    if (talks_ && now >= next_talk_) {
        next_talk_ = now + random_->jittered(talk_interval, 0.9);
        talk(now);
    }
    if (now >= next_locate_) {
        next_locate_ = now + locate_interval;
        if (!flows_.contents().empty()) ask_server(now, locate_request{flows_.contents()[random_->below(flows_.contents().size())].key()});
    }
}

time_point liar_core::deadline() const {
    auto out = std::min({seal_->deadline(), messages_.deadline(), flows_.deadline()});
    if (enrolment_) return std::min(out, enrolment_->deadline());
    return std::min({out, next_mischief_, next_locate_, talks_ ? next_talk_ : never});
}

std::optional<std::variant<send_datagram>> liar_core::poll(time_point now) {
    for (;;) {
        if (enrolment_) {
            if (auto datagram = enrolment_->poll()) return std::move(*datagram);
        }
        if (!out_.empty()) {
            auto first = std::move(out_.front());
            out_.pop_front();
            return first;
        }
        if (auto frame = flows_.poll()) return std::move(*frame);
        if (auto output = seal_->poll()) {
            if (auto* datagram = std::get_if<send_datagram>(&*output)) return std::move(*datagram);
        } else if (auto said = messages_.poll(now)) {
            if (auto* datagram = std::get_if<send_datagram>(&*said)) return std::move(*datagram);
            on_message(now, std::move(*said));
        } else {
            return std::nullopt;
        }
    }
}

// ---- lies in answers

void liar_core::on_message(time_point now, message_output&& output) {
    if (const auto* answered = std::get_if<message_answered>(&output)) {
        if (const auto* located = std::get_if<locate_reply>(&answered->body)) note(*located);
        return;
    }
    const auto* received = std::get_if<message_received>(&output);
    if (received == nullptr) return;
    if (talks_ && random_->below(2) == 0) return talk_past(now, *received);
    if (const auto* want = std::get_if<want_request>(&received->body)) {
        if (verdict_manner_ == 7) return;
        return messages_.reply(now, received->request, lie_about(*want, received->from.id));
    }
    messages_.drop(now, received->request);
}

want_reply liar_core::lie_about(const want_request&, const client_id& asker) {
    const auto manner = verdict_manner_ == 0 ? 1 + random_->below(verdict_manners - 1) : verdict_manner_;
    want_reply out;
    out.verdict = want_verdict::not_me;
    switch (manner) {
        case 1: out.verdict = want_verdict::holder; break;
        case 2: out.verdict = want_verdict::acting; break;
        case 3: out.acting_peer = peer_info{self_.id, self_.key, config_.address}; break;
        case 4: out.acting_peer = somebody(); break;
        case 5: out.acting_peer = words_.stranger(); break;
        case 6: out.acting_peer = peer_info{asker, seal_->key_of(asker).value_or(public_key{}), config_.address}; break;
        case 8: out.verdict = want_verdict::partial; break;
        default: out.verdict = static_cast<want_verdict>(1 + random_->below(6)); break;
    }
    for (auto count = random_->below(4); count > 0; --count) out.others.push_back(words_.stranger());
    out.text = "what it says is not so";
    if (talks_) out.revocations = words_.number();
    return out;
}

void liar_core::note(const locate_reply& reply) {
    for (const auto& office : reply.path) {
        for (const auto& ranked : office.roster) {
            if (ranked.peer.id == self_.id || peers_.size() >= peers_max) continue;
            const auto same = [&](const peer_info& known) { return known.id == ranked.peer.id; };
            if (std::find_if(peers_.begin(), peers_.end(), same) == peers_.end()) peers_.push_back(ranked.peer);
        }
    }
}

// ---- lies without being asked

void liar_core::mischief(time_point now) {
    const auto victim = somebody();
    const bool to_server = !victim || random_->below(2) == 0;
    if (to_server) return ask_server(now, lie_to_server());
    (void)seal_->add_peer(victim->id, victim->key);
    const message_peer to{victim->id, role::client, victim->address};
    switch (random_->below(5)) {
        case 0:
        case 1: return flows_.pretend_to_fetch(now, *victim, words_.some_content());
        case 2: {
            bytes noise(random_->below(900));
            for (auto& byte : noise) byte = static_cast<std::uint8_t>((*random_)());
            const bool control = random_->below(2) == 0;
            const path way{ports_[control ? port_use::content_fg : port_use::client_small_out],
                           {victim->address, ports_[control ? port_use::client_control : port_use::client_small_in]}};
            (void)seal_->send(now, victim->id, way, control ? frame_type::flow_control : frame_type::message, noise);
            return;
        }
        case 3: (void)messages_.request(now, to, lie_to_server()); return;   // what only the server answers
        default: (void)messages_.request(now, to, want_request{words_.some_content(), config_.office, random_->below(2) == 0}); return;
    }
}

message_body liar_core::lie_to_server() {
    const auto content = words_.some_content();
    switch (random_->below(8)) {
        case 0: return heartbeat{profile()};
        case 1: {
            const auto victim = somebody();
            return peer_report{victim ? victim->id : words_.random_id(), content.key(), random_->below(100), "it served a bad chunk, I swear"};
        }
        case 2: return link_report{content.key(), (*random_)() >> random_->below(64), (*random_)() >> random_->below(64), config_.office};
        case 3: return holdings_report{{{content.key(), static_cast<holding_state>(random_->below(3)), random_->below(2) == 0}}, random_->below(4) == 0};
        case 4: {
            holdings_report large;
            for (int i = 0; i < 3000; ++i) large.holdings.push_back({words_.some_content().key(), holding_state::complete, true});
            return large;
        }
        case 5: return register_request{profile(), config_.address, config_.prefix_bits, std::string(60, 'x'), "0"};
        case 6: return publish_request{{content}};
        default: return locate_request{content.key()};
    }
}

void liar_core::ask_server(time_point now, message_body what) { (void)messages_.request(now, server(), std::move(what)); }

std::optional<peer_info> liar_core::somebody() {
    if (peers_.empty()) return std::nullopt;
    return peers_[random_->below(peers_.size())];
}

}  // namespace p2pdist::sim
