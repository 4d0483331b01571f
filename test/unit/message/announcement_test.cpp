// Members that announce large messages and give nothing of them: others' messages find room all the same.

#include <algorithm>

#include "../../../src/message/large_objects.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "message_world.hpp"

using namespace test_message;

namespace {

constexpr wall_time wall{1'800'000'000};

secret_key filled(std::uint8_t number) {
    secret_key key{};
    key.fill(number);
    return key;
}

/// A member without a message layer: it says what it is told to say, accepts every flow, and sends its status alone.
struct talker {
    talker(std::uint8_t number, role who)
        : as(who), address(ip_address::v4(0x0a000000u + number)), random(number), identity(identity_from_secret(crypto(), filled(number))),
          seal(crypto(), random, identity,
               credentials{sign_certificate(crypto(), filled(0xee), who, identity.key, 7, {1'900'000'000}), crypto().ed25519_public(filled(0xee)), 7,
                           filled(0x67)}) {}

    struct flow {
        std::uint32_t token = 0;
        path way;
    };
    role as;
    ip_address address;
    seeded_entropy random;
    node_identity identity;
    envelope seal;
    std::vector<flow> flows;               // that the node under test has open to us
    std::size_t opened = 0;                // ever
    std::uint64_t answer_size = 0;         // of the large answer to any request of the node under test; 0: none
    std::optional<flow_close> refusal;     // of each flow that the node under test opens
    std::vector<std::uint64_t> offered;    // tokens of what the node under test has for us
    std::size_t accepted = 0;              // flows that the node under test accepted
};

/// One real message layer, and talkers around it. Datagrams arrive at once.
struct talkers_world {
    explicit talkers_world(role who) : self(1, who), layer(crypto(), self.random, self.seal, 5, config(who)) {}

    static message_layer_config config(role who) {
        message_layer_config out;
        out.own_role = who;
        return out;
    }
    talker& add(role who) {
        auto& one = *others.emplace_back(std::make_unique<talker>(static_cast<std::uint8_t>(others.size() + 2), who));
        REQUIRE(self.seal.add_peer(one.identity.id, one.identity.key));
        REQUIRE(one.seal.add_peer(self.identity.id, self.identity.key));
        return one;
    }
    large_offer offer_of(std::uint64_t size) {
        sizes[++last_token] = size;
        return {last_token, size, {}, transfer_protocol::background};
    }
    void announce(talker& from, std::uint64_t size) {
        const auto pair = small_pair(from.as, self.as);
        (void)from.seal.send(now, self.identity.id, {ports[pair.from], {self.address, ports[pair.to]}}, frame_type::message,
                             encode(message{++last_id, 0, true, offer_of(size)}));
        pump();
    }
    message_handle ask(const talker& whom) {
        const auto handle = layer.request(now, {whom.identity.id, whom.as, whom.address}, ping{});
        pump();
        return handle;
    }
    void ask_self(talker& from) {
        const auto pair = small_pair(from.as, self.as);
        (void)from.seal.send(now, self.identity.id, {ports[pair.from], {self.address, ports[pair.to]}}, frame_type::message,
                             encode(message{++last_id, 0, true, ping{}}));
        pump();
    }
    /// Begins to fetch something that the node under test has on offer.
    void fetch(talker& by, std::uint64_t offered) {
        const auto pair = large_pair(by.as, self.as, transfer_protocol::background);
        flow_open open;
        open.object = message_object{offered};
        open.protocol = transfer_protocol::background;
        (void)by.seal.send(now, self.identity.id, {ports[pair.from], {self.address, ports[pair.to]}}, frame_type::flow_control,
                           encode(flow_control{static_cast<std::uint32_t>(++last_token), true, open}));
        pump();
    }
    void pass(int seconds) {
        for (; seconds > 0; --seconds) {
            now += 1s;
            self.seal.on_timer(now);
            layer.on_timer(now);
            for (auto& one : others) {
                one->seal.on_timer(now);
                for (const auto& flow : one->flows) {
                    const flow_status status{++status_number, 0, true, {}};
                    (void)one->seal.send(now, self.identity.id, flow.way, frame_type::flow_control, encode(flow_control{flow.token, false, status}));
                }
            }
            pump();
        }
    }
    void pump() {
        for (bool again = true; std::exchange(again, false);) {
            while (auto out = layer.poll(now)) {
                again = true;
                if (const auto* failed = std::get_if<message_failed>(&*out)) failures.push_back(failed->why.code);
                if (const auto* asked = std::get_if<message_received>(&*out); asked && reply_size > 0)
                    layer.reply(now, asked->request, topology_view{1, std::string(reply_size, 'x')});
            }
            while (auto out = self.seal.poll()) {
                again = true;
                if (const auto* datagram = std::get_if<send_datagram>(&*out)) hear(*datagram);
            }
            for (auto& one : others) {
                while (auto out = one->seal.poll()) {
                    again = true;
                    const auto* datagram = std::get_if<send_datagram>(&*out);
                    if (!datagram) continue;
                    const received_datagram in{{self.address, datagram->to.port}, {one->address, datagram->from_port}, now, 0, datagram->header};
                    if (const auto frame = self.seal.on_datagram(now, wall, in)) layer.on_frame(now, *frame);
                }
            }
        }
    }
    void hear(const send_datagram& datagram) {
        const auto found = std::ranges::find(others, datagram.to.address, [](const auto& one) { return one->address; });
        auto& one = **found;
        const received_datagram in{{one.address, datagram.to.port}, {self.address, datagram.from_port}, now, 0, datagram.header};
        const auto frame = one.seal.on_datagram(now, wall, in);
        if (!frame) return;
        const path back{datagram.to.port, {self.address, datagram.from_port}};
        if (frame->type == frame_type::message) return answer(one, back, decode_message(frame->payload).value());
        const auto said = decode_flow_control(frame->payload).value();
        one.accepted += std::holds_alternative<flow_accept>(said.signal) ? 1 : 0;
        if (std::holds_alternative<flow_close>(said.signal)) std::erase_if(one.flows, [&](const auto& flow) { return flow.token == said.token; });
        const auto* const open = std::get_if<flow_open>(&said.signal);
        if (!open || std::ranges::find(one.flows, said.token, &talker::flow::token) != one.flows.end()) return;
        ++one.opened;
        if (one.refusal) {
            (void)one.seal.send(now, self.identity.id, back, frame_type::flow_control, encode(flow_control{said.token, false, *one.refusal}));
            return;
        }
        one.flows.push_back({said.token, back});
        const flow_accept accept{sizes.at(std::get<message_object>(open->object).token), {}};
        (void)one.seal.send(now, self.identity.id, back, frame_type::flow_control, encode(flow_control{said.token, false, accept}));
    }
    void answer(talker& one, const path& back, const message& request) {
        if (const auto* const offer = std::get_if<large_offer>(&request.body)) one.offered.push_back(offer->token);
        if (request.reply_to != 0 || one.answer_size == 0) return;
        (void)one.seal.send(now, self.identity.id, back, frame_type::message,
                            encode(message{++last_id, request.id, false, offer_of(one.answer_size)}));
    }

    port_plan ports;
    time_point now{1000s};
    talker self;
    message_layer layer;
    std::vector<std::unique_ptr<talker>> others;
    std::vector<errc> failures;
    std::size_t reply_size = 0;   // of the large answer of the node under test to any request; 0: none
    std::map<std::uint64_t, std::uint64_t> sizes;
    std::uint64_t last_token = 0, last_id = 100;
    std::uint32_t status_number = 0;
};

}  // namespace

TEST_CASE("one member that announces the largest messages and gives nothing leaves room for all others", "[message][limits][hostile][REQ-SEC-1]") {
    const auto size = GENERATE(std::uint64_t{limits::large_message_bytes_max}, std::uint64_t{limits::large_to_server_bytes_max},
                               std::uint64_t{limits::large_fetch_small_bytes});
    INFO(size << " bytes each");
    talkers_world world(role::server);
    auto& liar = world.add(role::client);
    for (int i = 0; i < 20; ++i) world.announce(liar, size);
    world.pass(5);
    for (const std::uint64_t needed : {std::uint64_t{5'000}, std::uint64_t{4'000'000}, std::uint64_t{limits::large_to_server_bytes_max}}) {
        auto& honest = world.add(role::client);
        world.announce(honest, needed);
        world.pass(1);
        CHECK(honest.opened == 1);
    }
    CHECK(liar.flows.size() <= limits::large_fetches_of_peer_max);
}

TEST_CASE("members that fill the room with announcements lose it when another needs it, and wait their turn", "[message][limits][hostile][REQ-SEC-1]") {
    const auto size = GENERATE(std::uint64_t{limits::large_to_server_bytes_max}, std::uint64_t{5'000});
    INFO(size << " bytes each");
    talkers_world world(role::server);
    std::vector<talker*> liars;
    const auto under_way = [&] {
        std::size_t out = 0;
        for (const auto* liar : liars) out += liar->flows.size();
        return out;
    };
    while (liars.size() < limits::large_fetches_max / limits::large_fetches_of_peer_max) {
        liars.push_back(&world.add(role::client));
        for (std::size_t i = 0; i < limits::large_fetches_of_peer_max; ++i) world.announce(*liars.back(), size);
    }
    const auto filled = under_way();
    CHECK(filled == std::min<std::uint64_t>(limits::large_fetches_max, std::max(limits::large_fetches_max * 5'000 / size, limits::large_fetch_bytes_max / size)));
    auto& honest = world.add(role::client);
    world.announce(honest, size);
    CHECK(honest.opened == 0);  // they may yet begin
    world.pass(limits::large_fetch_watch_time / 1s);
    CHECK(under_way() == filled);  // as long as nobody else needs it
    world.announce(honest, size);
    CHECK(honest.opened == 1);
    CHECK(under_way() == filled - 1);
    // Whoever had to go announces again at once, and waits.
    const auto gone = std::ranges::find_if(liars, [](const auto* liar) { return liar->flows.size() < liar->opened; });
    REQUIRE(gone != liars.end());
    const auto before = (*gone)->opened;
    world.pass(1);
    world.announce(**gone, size);
    CHECK((*gone)->opened == before);
    world.pass(limits::large_fetch_turn_time / 1s);
    world.announce(**gone, size);
    CHECK((*gone)->opened == before + 1);
}

TEST_CASE("announcements of others leave the answers to our own requests their room", "[message][limits][hostile][REQ-SEC-1]") {
    talkers_world world(role::client);
    auto& server = world.add(role::server);
    server.answer_size = limits::client_large_message_bytes_max;
    for (std::size_t i = 0; i < limits::large_fetches_max / limits::large_fetches_of_peer_max; ++i) {
        auto& liar = world.add(role::client);
        for (std::size_t j = 0; j < limits::large_fetches_of_peer_max; ++j) world.announce(liar, 5'000);
        CHECK(liar.opened == limits::large_fetches_of_peer_max);
    }
    auto& late = world.add(role::client);
    world.announce(late, 5'000);
    CHECK(late.opened == 0);
    (void)world.ask(server);
    CHECK(server.opened == 1);
}

TEST_CASE("a client's large answer that hardly comes ends the request, the server's has the time that it takes", "[message][hostile][REQ-SEC-1]") {
    talkers_world world(role::client);
    auto& server = world.add(role::server);
    auto& liar = world.add(role::client);
    server.answer_size = liar.answer_size = 60'000;
    (void)world.ask(server);
    (void)world.ask(liar);
    world.pass(60);
    CHECK(liar.opened == limits::large_fetch_attempts_max);
    CHECK(liar.flows.empty());
    CHECK(world.failures == std::vector{errc::timed_out});
    CHECK(server.opened == 1);
    CHECK(server.flows.size() == 1);
}

TEST_CASE("who asks to come back in a month for his answer ends the request all the same", "[message][hostile][REQ-SEC-1]") {
    talkers_world world(role::client);
    const bool of_server = GENERATE(false, true);
    auto& liar = world.add(of_server ? role::server : role::client);
    liar.answer_size = 5'000;
    liar.refusal = flow_close{errc::limit_reached, "later", UINT32_MAX};
    (void)world.ask(liar);
    CHECK(liar.opened == 1);
    world.pass(300);
    // A client's answer has the time of its request; nobody is asked again later than in a minute.
    CHECK(world.failures == std::vector{of_server ? errc::limit_reached : errc::timed_out});
    if (of_server) CHECK(liar.opened == limits::large_fetch_attempts_max);
}

TEST_CASE("who fetches one answer over many flows leaves room for others'", "[message][limits][hostile][REQ-SEC-1]") {
    talkers_world world(role::server);
    world.reply_size = 5'000;
    const auto liars = flow_endpoint_config{}.flows_max / limits::flows_of_peer_max;
    for (std::size_t i = 0; i < liars; ++i) {
        auto& liar = world.add(role::client);
        world.ask_self(liar);
        REQUIRE(liar.offered.size() == 1);
        for (std::size_t flow = 0; flow < limits::flows_of_peer_max; ++flow) world.fetch(liar, liar.offered.front());
        CHECK(liar.accepted == limits::large_sends_of_peer_max);
    }
    auto& honest = world.add(role::client);
    world.ask_self(honest);
    REQUIRE(honest.offered.size() == 1);
    world.fetch(honest, honest.offered.front());
    CHECK(honest.accepted == 1);
}

TEST_CASE("between nodes no message is larger than the largest that they need", "[message][limits][REQ-SEC-1]") {
    const auto fetched = [](role from, role to, std::uint64_t size) {
        talkers_world world(to);
        auto& sender = world.add(from);
        world.announce(sender, size);
        return sender.opened == 1;
    };
    CHECK(fetched(role::client, role::server, limits::large_to_server_bytes_max));
    CHECK_FALSE(fetched(role::client, role::server, limits::large_to_server_bytes_max + 1));
    CHECK(fetched(role::client, role::client, limits::large_between_clients_bytes_max));
    CHECK_FALSE(fetched(role::client, role::client, limits::large_between_clients_bytes_max + 1));
    CHECK(fetched(role::server, role::client, limits::client_large_message_bytes_max));
    CHECK_FALSE(fetched(role::server, role::client, limits::client_large_message_bytes_max + 1));
    // The largest of each.
    holdings_report report;
    const auto id = *content_id::parse(std::string(limits::content_id_bytes_max, 'x'));
    report.holdings.assign(limits::client_contents_max, {{id, {}}, holding_state::complete, true});
    report.complete_list = true;
    CHECK(encode_body(report).size() <= limits::large_to_server_bytes_max);
    CHECK(encode_body(revocations_reply{bytes(limits::revocation_list_bytes_max)}).size() <= limits::large_between_clients_bytes_max);
    CHECK(encode_body(topology_view{1, std::string(limits::spreadsheet_bytes_max, 'x')}).size() <= limits::client_large_message_bytes_max);
}

TEST_CASE("who asks for the same again and again takes no more room among the offers with it", "[message][limits][hostile][REQ-SEC-1]") {
    seeded_entropy random(1);
    large_objects objects;
    const auto offer = [&](std::uint8_t to, std::uint8_t filling) {
        return objects.offer(crypto(), random, {{to}}, {1, true}, bytes(limits::large_object_bytes_max / 4, filling), transfer_protocol::background);
    };
    std::vector<std::uint64_t> tokens;
    for (int i = 0; i < 6; ++i) {
        const auto made = offer(1, 1);
        REQUIRE(made);
        tokens.push_back(made->token);
    }
    for (std::uint8_t other = 2; other <= 4; ++other) CHECK(offer(other, other));
    CHECK_FALSE(offer(5, 5));
    for (const auto token : tokens) {
        CHECK_FALSE(offer(5, 5));
        objects.withdraw(token);
    }
    CHECK(offer(5, 5));
}
