#include "message_world.hpp"

using namespace test_message;

namespace {

test::link_config lossy(double loss, std::uint64_t seed) {
    test::link_config out;
    out.delay = 5ms;
    out.loss = loss;
    out.duplicate = 0.05;
    out.reorder = 0.1;
    out.reorder_delay = 30ms;
    out.seed = seed;
    return out;
}

}  // namespace

TEST_CASE("a request and its answer take two datagrams once there is a session", "[message][REQ-MSG-1]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    (void)client.request(server, ping{});
    server.on_message = [&](const message_received& in) { server.reply(in, pong{}); };
    REQUIRE(run_until_ended(client, 1));
    client.sent.clear();
    server.sent.clear();

    const auto handle = client.request(server, ping{});
    REQUIRE(run_until_ended(client, 2));
    REQUIRE(client.answered[handle].size() == 1);
    CHECK(std::holds_alternative<pong>(client.answered[handle].front()));
    world.clock.run_until(world.clock.now() + 10s);
    CHECK(client.sent[frame_type::message] == 1);
    CHECK(server.sent[frame_type::message] == 1);  // the answer came in time to be the acknowledgement
    CHECK(server.received.size() == 2);
}

TEST_CASE("an answer that takes long is acknowledged and asked for", "[message][REQ-MSG-1]") {
    message_world world(lossy(0, 1));
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    server.on_message = {};
    const auto handle = client.request(server, ask("slow"));
    world.clock.run_until(world.clock.now() + 30s);
    REQUIRE(server.received.size() == 1);
    CHECK(client.ended() == 0);
    CHECK(client.layer->statistics().repeated >= 5);
    CHECK(client.layer->statistics().repeated <= 16);
    server.reply(server.received.front(), answer("done"));
    REQUIRE(run_until_ended(client, 1, 1s));
    CHECK(text_of(client.answered[handle].front()) == "done");

    SECTION("but not for ever") {
        const auto unanswered = client.request(server, ask("never"));
        REQUIRE(run_until_ended(client, 2, 70s));
        CHECK(client.failed[unanswered].front().code == errc::timed_out);
    }
    SECTION("nor is it answered twice") {
        server.reply(server.received.front(), answer("again"));
        world.clock.run_until(world.clock.now() + 10s);
        CHECK(client.ended() == 1);
    }
    SECTION("dropping says that it was accepted") {
        server.on_message = [&](const message_received& in) {
            server.layer->drop(server.now(), in.request);
            server.pump();
        };
        const auto dropped = client.request(server, ask("report"));
        REQUIRE(run_until_ended(client, 2, 1s));
        CHECK(std::holds_alternative<accepted>(client.answered[dropped].front()));
    }
}

TEST_CASE("whatever the network does, every request ends once and is handled once", "[message][REQ-MSG-1][property]") {
    const auto loss = GENERATE(0.0, 0.1, 0.25, 0.4);
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        INFO("loss " << loss << ", seed " << seed);
        message_world world(lossy(loss, seed));
        message_node a(world, 1), b(world, 2), server(world, 3, role::server);
        a.meet(b);
        a.meet(server);
        b.meet(server);
        random_source random(seed);
        std::map<message_handle, std::string> asked_a, asked_b;
        for (int i = 0; i < 25; ++i) {
            const auto text = std::to_string(i) + (i % 2 == 0 ? " to b" : " to server");
            asked_a[a.request(i % 2 == 0 ? b : server, ask("a" + text))] = "re: a" + text;
            asked_b[b.request(i % 2 == 0 ? a : server, ask("b" + text))] = "re: b" + text;
            world.clock.run_until(world.clock.now() + random.below(200) * 1ms);
        }
        REQUIRE(run_until_ended(a, asked_a.size()));
        REQUIRE(run_until_ended(b, asked_b.size()));
        world.clock.run_until(world.clock.now() + 30s);
        for (auto* node : {&a, &b}) {
            for (const auto& [handle, expected] : node == &a ? asked_a : asked_b) {
                CHECK(node->answered[handle].size() + node->failed[handle].size() == 1);
                if (!node->answered[handle].empty()) CHECK(text_of(node->answered[handle].front()) == expected);
                if (loss < 0.3) CHECK(node->failed[handle].empty());
            }
            CHECK(node->layer->open_requests() == 0);
        }
        for (auto* node : {&a, &b, &server}) {
            std::set<std::string> texts;
            for (const auto& in : node->received) CHECK(texts.insert(text_of(in.body)).second);
        }
        CHECK(world.datagram_max <= 1200);
    }
}

TEST_CASE("five hundred requests at once all get their answer", "[message][REQ-MSG-1]") {
    message_world world(lossy(0.05, 3));
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    for (int i = 0; i < 500; ++i) (void)client.request(server, ask(std::to_string(i), i % 50 == 0 ? 20'000 : 0));
    REQUIRE(run_until_ended(client, 500));
    CHECK(client.failed.empty());
    CHECK(client.answered.size() == 500);
    CHECK(server.received.size() == 500);
}

TEST_CASE("nobody there: the request fails and says what to look at", "[message]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    world.tamper = [](const send_datagram&, bytes&) { return false; };
    const auto handle = client.request(server, ping{});
    REQUIRE(run_until_ended(client, 1));
    const auto why = client.failed[handle].front();
    CHECK((why.code == errc::unreachable || why.code == errc::timed_out));
    CHECK(why.message.find("34323") != std::string::npos);

    message_node stranger(world, 9);
    const auto unknown = client.request(stranger, ping{});
    CHECK(client.failed[unknown].front().code == errc::not_found);
}

TEST_CASE("a version outside the range is told in the failure", "[message][REQ-MSG-6]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    world.tamper = [](const send_datagram&, bytes&) { return false; };
    const auto handle = client.request(server, ping{});
    const auto why = version_error("this client", {}, "the server", {3, 4});
    client.layer->on_version_mismatch(client.now(), server.identity.id, why);
    REQUIRE(run_until_ended(client, 1));
    CHECK(client.failed[handle].front() == why);
}

TEST_CASE("a cancelled request ends without a word", "[message]") {
    message_world world(lossy(0, 1));
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    for (const std::size_t size : {0u, 100'000u}) {
        const auto handle = client.request(server, ask("x", size));
        world.clock.run_until(world.clock.now() + 8ms);
        client.layer->cancel(handle);
        client.pump();
    }
    world.clock.run_until(world.clock.now() + 60s);
    CHECK(client.ended() == 0);
    CHECK(client.layer->open_requests() == 0);
}

TEST_CASE("a side that starts again doesn't confuse the other", "[message][REQ-MSG-1]") {
    message_world world(lossy(0.1, 7));
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    SECTION("the asking side: its new requests are no duplicates of old ones") {
        for (int round = 0; round < 4; ++round) {
            client.answered.clear();
            for (int i = 0; i < 10; ++i) (void)client.request(server, ask(std::to_string(round) + "/" + std::to_string(i)));
            REQUIRE(run_until_ended(client, 10));
            CHECK(client.failed.empty());
            for (const auto& [handle, bodies] : client.answered) CHECK(text_of(bodies.front()).starts_with("re: " + std::to_string(round)));
            client.boot();
        }
        CHECK(server.received.size() == 40);
    }
    SECTION("the answering side: what it had taken but not answered is asked anew") {
        server.on_message = {};
        const auto handle = client.request(server, ask("before", 3'000));
        REQUIRE(world.clock.run_until(world.clock.now() + 30s, [&] { return server.received.size() == 1; }));
        server.on_message = [&](const message_received& in) { server.reply(in, answer("after")); };
        server.boot();
        REQUIRE(run_until_ended(client, 1, 60s));
        REQUIRE(client.answered[handle].size() == 1);
        CHECK(text_of(client.answered[handle].front()) == "after");
    }
}

TEST_CASE("tables stay within their limits", "[message][limits]") {
    message_layer_config small;
    small.requests_max = 10;
    small.answers_max = 5;
    small.answer_bytes_max = 4'000;
    message_world world(lossy(0, 1));
    message_node client(world, 1, role::client, small), server(world, 2, role::server, small);
    client.meet(server);

    SECTION("own requests") {
        server.on_message = {};
        for (int i = 0; i < 12; ++i) (void)client.request(server, ask(std::to_string(i)));
        CHECK(client.failed.size() == 2);
        for (const auto& [handle, reasons] : client.failed) CHECK(reasons.front().code == errc::limit_reached);
        CHECK(client.layer->open_requests() == 10);
        world.clock.run_until(world.clock.now() + 1s);
        CHECK(server.received.size() == 5);  // more wait until these are answered
        CHECK(server.layer->statistics().dropped_full > 0);
        server.on_message = [&](const message_received& in) { server.reply(in, answer("ok")); };
        const auto waiting = server.received;
        for (const auto& in : waiting) server.reply(in, answer("ok"));
        REQUIRE(run_until_ended(client, 12));
        CHECK(client.answered.size() == 10);
    }
    SECTION("answers kept, in number and bytes: the oldest go first") {
        const auto size = GENERATE(std::size_t{0}, std::size_t{900});  // of each answer: five fit the number, four the bytes
        server.on_message = [&](const message_received& in) { server.reply(in, answer("ok", size)); };
        const auto hear = [&](std::uint64_t id) {
            const auto frame = encode(message{id, 0, true, ask(std::to_string(id))});
            server.layer->on_frame(server.now(), {client.identity.id, frame_type::message, {34323, {client.address(), 34324}}, 0, standing::member, role::client, 1, frame});
            server.pump();
            return server.received.size();
        };
        for (std::uint64_t id = 1; id <= 6; ++id) REQUIRE(hear(id) == id);
        CHECK(hear(6) == 6);
        CHECK(hear(3) == 6);
        CHECK(hear(1) == 7);  // forgotten, so it is taken for new
        CHECK(hear(6) == 7);
    }
    SECTION("answers kept, in time") {
        server.on_message = [&](const message_received& in) { server.reply(in, answer("ok")); };
        const auto frame = encode(message{5, 0, true, ask("x")});
        const auto hear = [&] {
            server.layer->on_frame(server.now(), {client.identity.id, frame_type::message, {34323, {client.address(), 34324}}, 0, standing::member, role::client, 1, frame});
            server.pump();
            return server.received.size();
        };
        CHECK(hear() == 1);
        world.clock.run_until(world.clock.now() + 89s);
        CHECK(hear() == 1);
        world.clock.run_until(world.clock.now() + 2s);
        CHECK(hear() == 2);
    }
}

TEST_CASE("every datagram goes to a listed port for its pair of roles", "[message][REQ-MSG-4]") {
    const auto ports_used = [](role from, role to, transfer_protocol protocol, std::size_t request_size, std::size_t answer_size) {
        message_world world(lossy(0, 1));
        message_node asker(world, 1, from), other(world, 2, to);
        asker.meet(other);
        other.on_message = [&](const message_received& in) { other.reply(in, answer("re", answer_size), protocol); };
        message_options options;
        options.large_protocol = protocol;
        (void)asker.request(other, ask("q", request_size), options);
        REQUIRE(run_until_ended(asker, 1));
        REQUIRE(asker.failed.empty());
        std::set<std::pair<std::uint16_t, std::uint16_t>> out;
        for (const auto& one : world.seen) out.emplace(one.from_port, one.to_port);
        return out;
    };
    using ports = std::set<std::pair<std::uint16_t, std::uint16_t>>;
    const auto both_ways = [](std::initializer_list<std::pair<std::uint16_t, std::uint16_t>> pairs) {
        ports out;
        for (const auto& [from, to] : pairs) {
            out.insert({from, to});
            out.insert({to, from});
        }
        return out;
    };
    constexpr auto fg = transfer_protocol::foreground;
    constexpr auto bg = transfer_protocol::background;
    constexpr std::size_t large = 30'000;
    // small ones
    CHECK(ports_used(role::client, role::server, fg, 0, 0) == both_ways({{34324, 34323}}));
    CHECK(ports_used(role::server, role::client, fg, 0, 0) == both_ways({{34322, 34325}}));
    CHECK(ports_used(role::client, role::client, fg, 0, 0) == both_ways({{34324, 34325}}));
    // large requests, and large answers: the pair of the request either way
    for (const auto& [request, reply] : {std::pair{large, std::size_t{0}}, std::pair{std::size_t{0}, large}, std::pair{large, large}}) {
        CHECK(ports_used(role::client, role::server, fg, request, reply) == both_ways({{34324, 34323}, {34335, 34333}}));
        CHECK(ports_used(role::client, role::server, bg, request, reply) == both_ways({{34324, 34323}, {34343, 34341}}));
        CHECK(ports_used(role::server, role::client, fg, request, reply) == both_ways({{34322, 34325}, {34331, 34337}}));
        CHECK(ports_used(role::server, role::client, bg, request, reply) == both_ways({{34322, 34325}, {34339, 34345}}));
        CHECK(ports_used(role::client, role::client, fg, request, reply) == both_ways({{34324, 34325}, {34335, 34337}}));
        CHECK(ports_used(role::client, role::client, bg, request, reply) == both_ways({{34324, 34325}, {34343, 34345}}));
    }
}

TEST_CASE("frames on another port pair than their roles' are dropped", "[message][REQ-MSG-4][hostile]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    server.on_message = {};
    const auto frame = encode(message{1, 0, true, ping{}});
    opened said{client.identity.id, frame_type::message, {34323, {client.address(), 34324}}, 0, standing::member, role::client, 1, frame};
    for (const auto& [local, remote] : {std::pair<std::uint16_t, std::uint16_t>{34322, 34324}, {34323, 34325}, {34333, 34335}, {34323, 5000}}) {
        said.way = {local, {client.address(), remote}};
        server.layer->on_frame(server.now(), said);
    }
    said.way = {34323, {client.address(), 34324}};
    said.sender_role = role::server;  // servers have nothing to say to each other
    server.layer->on_frame(server.now(), said);
    server.pump();
    CHECK(server.received.empty());
    CHECK(server.layer->statistics().wrong_port == 5);
    said.sender_role = role::client;
    server.layer->on_frame(server.now(), said);
    server.pump();
    CHECK(server.received.size() == 1);
    said.payload = byte_span(frame).first(3);
    server.layer->on_frame(server.now(), said);
    CHECK(server.layer->statistics().malformed == 1);
}

namespace {

/// What a node says in the frames that leave it, in order.
struct overheard {
    explicit overheard(message_world& world) {
        world.tamper = [this](const send_datagram& datagram, bytes& data) {
            if (frame_type_of(data) != frame_type::message) return true;
            const auto said = decode_message(byte_span(data).subspan(sealed_header::size_bytes, data.size() - sealed_overhead_bytes));
            REQUIRE(said);
            from[datagram.from_port].push_back(*said);
            return true;
        };
    }
    std::map<std::uint16_t, std::vector<message>> from;
};

}  // namespace

TEST_CASE("a request that this program does not know is refused at once", "[message][REQ-MSG-6]") {
    message_world world;
    message_node a(world, 1), b(world, 2);
    a.meet(b);
    overheard said(world);
    // A body of no number that is known: what a newer program says.
    (void)a.seal->send(a.now(), b.identity.id, {34324, {b.address(), 34325}}, frame_type::message, encode(message{77, 0, true, {}}));
    a.pump();
    world.clock.run_until(a.now() + 1s, [&] { return !said.from[34325].empty(); });
    REQUIRE(said.from[34325].size() == 1);
    CHECK(said.from[34325][0].reply_to == 77);
    CHECK(std::get<error_reply>(said.from[34325][0].body).code == errc::version_unsupported);
    CHECK(b.received.empty());
    CHECK(b.layer->statistics().unknown == 1);
}

TEST_CASE("an answer that this program does not know ends the wait for it", "[message][REQ-MSG-6]") {
    message_world world;
    message_node a(world, 1), b(world, 2);
    a.meet(b);
    overheard said(world);
    b.on_message = [&](const message_received&) {
        const message newer{9, said.from[34324].at(0).id, false, {}};
        (void)b.seal->send(b.now(), a.identity.id, {34325, {a.address(), 34324}}, frame_type::message, encode(newer));
        b.pump();
    };
    const auto handle = a.request(b, ask("x"));
    REQUIRE(run_until_ended(a, 1, 2s));
    REQUIRE(a.failed[handle].size() == 1);
    CHECK(a.failed[handle][0].code == errc::version_unsupported);
    CHECK(a.layer->statistics().unknown == 1);
}
