#include "stranger.hpp"

#include "p2pdist/content/chunk_geometry.hpp"

namespace p2pdist::test {
namespace {

bytes whole_of(const send_datagram& datagram) {
    bytes out = datagram.header;
    out.insert(out.end(), datagram.payload.view.begin(), datagram.payload.view.end());
    return out;
}

}  // namespace

credentials papers_for(std::uint64_t number, std::uint64_t signer) {
    const auto key = identity_from_secret(crypto(), key_of(number)).key;
    credentials out;
    out.own = sign_certificate(crypto(), key_of(signer), role::client, key, 1, wall_time{1'900'000'000});
    out.signing_key = crypto().ed25519_public(key_of(2001));
    out.key_epoch = 1;
    out.group_key = key_of(2002);
    return out;
}

public_key key_of_device(const device& of) { return identity_from_secret(crypto(), of.config.identity).key; }

stranger::stranger(client_world& around, const std::string& at, std::uint64_t number, std::optional<credentials> papers)
    : world(&around),
      where(address(at)),
      random(number),
      seal(crypto(), random, identity_from_secret(crypto(), key_of(number)), std::move(papers)),
      messages(crypto(), random, seal, number, {}) {}

void stranger::talk(device& to, duration span) {
    const auto end = world->now() + span;
    while (world->now() < end) {
        seal.on_timer(world->now());
        messages.on_timer(world->now());
        for (bool more = true; more;) {
            more = false;
            while (auto said = messages.poll(world->now())) {
                more = true;
                if (auto* answered = std::get_if<message_answered>(&*said)) answers.push_back(answered->body);
                if (std::get_if<message_failed>(&*said)) ++failures;
                const auto* question = std::get_if<message_received>(&*said);
                if (question != nullptr && std::holds_alternative<revocations_request>(question->body)) ++asked_for_list;
            }
            while (auto out = seal.poll()) {
                more = true;
                if (auto* datagram = std::get_if<send_datagram>(&*out)) give(to, *datagram);
            }
        }
        world->run_for(20ms);
    }
}

void stranger::give(device& to, const send_datagram& datagram) {
    const auto whole = whole_of(datagram);
    received_datagram in{{to.where, datagram.to.port}, {where, datagram.from_port}, world->now(), 0, whole};
    to.core().on_datagram(world->now(), in);
    while (auto output = to.core().poll(world->now())) {
        auto* back = std::get_if<send_datagram>(&*output);
        if (!back || back->to.address != where) {
            to.perform(std::move(*output));
            continue;
        }
        const auto reply = whole_of(*back);
        ++heard;
        received_datagram received{{where, back->to.port}, {to.where, back->from_port}, world->now(), 0, reply};
        const auto frame = seal.on_datagram(world->now(), wall_time{1'800'001'000}, received);
        if (frame && frame->type == frame_type::message) messages.on_frame(world->now(), *frame);
    }
    (void)to.with([](client_core&) { return 0; });   // its timers
}

void stranger::open_flow(device& to, const content_info& content, transfer_protocol protocol) {
    const port_plan ports;
    const auto pair = content_pair(role::client, protocol);
    flow_open request;
    request.object = content_object{content};
    request.protocol = protocol;
    (void)seal.send(world->now(), to.id(), {ports[pair.from], {to.where, ports[pair.to]}}, frame_type::flow_control,
                    encode(flow_control{++flows, true, std::move(request)}));
}

/// A holdings_status.
static const bytes says_all{1, 1, 0, 0, 0, 0};

impostor::impostor(client_world& around, const std::string& at, std::uint64_t number, answers says)
    : world_(&around),
      where_(address(at)),
      random_(number + 5000),
      seal_(crypto(), random_, identity_from_secret(crypto(), key_of(number)), papers_for(number, 2001)),
      messages_(crypto(), random_, seal_, number, {}),
      says_(std::move(says)) {
    world_->members[where_] = [this](const received_datagram& datagram) { hear(datagram); };
    tick();
}

void impostor::tick() {
    seal_.on_timer(world_->now());
    messages_.on_timer(world_->now());
    for (auto& one : flows_) {
        if (!stands_aside) continue;
        const flow_control status{one.token, false, flow_status{++one.statuses, 0, true, says_all}};
        (void)seal_.send(world_->now(), one.peer, one.way, frame_type::flow_control, encode(status));
    }
    pump();
    world_->clock.after(100ms, [this] { tick(); });
}

void impostor::hear(const received_datagram& datagram) {
    const auto now = world_->now();
    const auto frame = seal_.on_datagram(now, wall_time{1'800'000'000}, datagram);
    if (frame && frame->type == frame_type::message) messages_.on_frame(now, *frame);
    if (frame && frame->type == frame_type::flow_control) {
        // As an honest client does that has not all of a plain content yet.
        const auto said = decode_flow_control(frame->payload);
        const auto* asked_for = said ? std::get_if<flow_open>(&said->signal) : nullptr;
        if (asked_for != nullptr) {
            (void)seal_.send(now, frame->from, frame->way, frame_type::flow_control, encode(answer_to(said->token, *asked_for)));
            if (accepts_flows) flows_.push_back({frame->from, frame->way, said->token});
        }
    }
    pump();
}

flow_control impostor::answer_to(std::uint32_t token, const flow_open& opened) const {
    const auto* content = std::get_if<content_object>(&opened.object);
    if (content == nullptr) return {token, false, flow_close{errc::limit_reached, "later", flow_retry_ms}};
    if (!accepts_flows) {
        return {token, false, flow_close{errc::not_found, "this content cannot be shared yet", flow_retry_ms}};
    }
    return {token, false, flow_accept{chunk_geometry(content->content.size_bytes).object_bytes(), stands_aside ? says_all : bytes()}};
}

void impostor::close_flows() {
    for (const auto& one : std::exchange(flows_, {})) {
        const flow_control close{one.token, false, flow_close{errc::limit_reached, "later", flow_retry_ms}};
        (void)seal_.send(world_->now(), one.peer, one.way, frame_type::flow_control, encode(close));
    }
    pump();
}

void impostor::pump() {
    const auto now = world_->now();
    for (bool more = true; more;) {
        more = false;
        while (auto said = messages_.poll(now)) {
            more = true;
            const auto* received = std::get_if<message_received>(&*said);
            if (received == nullptr) continue;
            if (const auto* want = std::get_if<want_request>(&received->body)) {
                ++asked;
                if (auto reply = says_(*want)) messages_.reply(now, received->request, *reply);
            } else {
                messages_.drop(now, received->request);
            }
        }
        while (auto out = seal_.poll()) {
            more = true;
            const auto* datagram = std::get_if<send_datagram>(&*out);
            if (datagram == nullptr) continue;
            const endpoint from{where_, datagram->from_port};
            world_->clock.after(world_->options.lan_delay,
                                [this, from, to = datagram->to, data = whole_of(*datagram)] { world_->inject(from, to, data); });
        }
    }
}

}  // namespace p2pdist::test
