#include "message_world.hpp"

using namespace test_message;

namespace {

test::link_config lan(double loss = 0, std::uint64_t seed = 1) {
    test::link_config out;
    out.bits_per_second = 100e6;
    out.delay = 2ms;
    out.queue_bytes = 200'000;
    out.loss = loss;
    out.duplicate = loss / 4;
    out.reorder = loss / 2;
    out.seed = seed;
    return out;
}

}  // namespace

TEST_CASE("messages of any size arrive whole in both directions", "[message][REQ-MSG-2]") {
    const auto loss = GENERATE(0.0, 0.05, 0.2);
    const auto protocol = GENERATE(transfer_protocol::foreground, transfer_protocol::background);
    INFO("loss " << loss);
    message_world world(lan(loss, 5));
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    server.on_message = [&](const message_received& in) { server.reply(in, answer("re: " + text_of(in.body)), protocol); };
    message_options options;
    options.large_protocol = protocol;
    std::size_t count = 0;
    const std::size_t largest = loss > 0.1 ? 50'000 : 300'000;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1'000}, std::size_t{1'100}, std::size_t{1'120}, std::size_t{1'125}, std::size_t{1'130}, std::size_t{1'135}, std::size_t{1'150},
                                   std::size_t{1'200}, std::size_t{5'000}, largest}) {
        INFO("size " << size);
        const auto handle = client.request(server, ask("q", size), options);
        REQUIRE(run_until_ended(client, ++count, 600s));
        REQUIRE(client.answered[handle].size() == 1);
        REQUIRE(text_of(client.answered[handle].front()) == "re: " + text_of(ask("q", size)));
    }
    CHECK(server.received.size() == count);
    CHECK(server.layer->statistics().large_received >= 3);
    CHECK(client.layer->statistics().large_received >= 3);
    CHECK(world.datagram_max <= 1200);
}

TEST_CASE("two megabytes go either way, and at once", "[message][REQ-MSG-2]") {
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    server.on_message = [&](const message_received& in) { server.reply(in, answer("re", 2'000'000), transfer_protocol::foreground); };
    client.on_message = server.on_message = [&](const message_received& in) {
        auto& node = in.from.as == role::client ? server : client;
        node.reply(in, answer("re", 2'000'000), transfer_protocol::foreground);
    };
    message_options options;
    options.large_protocol = transfer_protocol::foreground;
    const auto began = client.now();
    const auto up = client.request(server, ask("up", 2'000'000), options);
    const auto down = server.request(client, ask("down", 2'000'000), options);
    REQUIRE(run_until_ended(client, 1, 60s));
    REQUIRE(run_until_ended(server, 1, 60s));
    REQUIRE(client.answered[up].size() == 1);
    REQUIRE(server.answered[down].size() == 1);
    CHECK(text_of(client.answered[up].front()).size() == 2'000'000);
    CHECK(client.now() - began < 5s);  // 4 MB each way at 100 Mbit/s take a third of a second
}

TEST_CASE("a message that takes longer than the answer timeout still arrives", "[message][REQ-MSG-2]") {
    auto slow = lan();
    slow.bits_per_second = 100'000;  // 200 KB take 16 s each way
    slow.queue_bytes = 20'000;
    message_layer_config config;
    config.answer_timeout = 5s;
    message_world world(slow);
    message_node client(world, 1, role::client, config), server(world, 2, role::server, config);
    client.meet(server);
    server.on_message = [&](const message_received& in) { server.reply(in, answer("re", 200'000), transfer_protocol::foreground); };
    message_options options;
    options.large_protocol = transfer_protocol::foreground;
    const auto handle = client.request(server, ask("up", 200'000), options);
    REQUIRE(run_until_ended(client, 1, 300s));
    if (!client.failed[handle].empty()) INFO(client.failed[handle].front().message);
    CHECK(client.answered[handle].size() == 1);
    CHECK(server.received.size() == 1);
}

TEST_CASE("messages above the limit are refused on both sides", "[message][limits]") {
    message_layer_config small, tiny;
    small.large_bytes_max = 50'000;
    tiny.large_bytes_max = 20'000;
    message_world world(lan());
    message_node client(world, 1, role::client, small), server(world, 2, role::server, tiny);
    client.meet(server);
    const auto never_sent = client.request(server, ask("q", 60'000));
    CHECK(client.failed[never_sent].front().code == errc::limit_reached);
    const auto refused = client.request(server, ask("q", 40'000));
    REQUIRE(run_until_ended(client, 2));
    CHECK(std::get<error_reply>(client.answered[refused].front()).code == errc::limit_reached);
    CHECK(server.received.empty());
    CHECK(server.layer->statistics().large_refused == 1);

    server.on_message = [&](const message_received& in) { server.reply(in, answer("re", 30'000)); };
    const auto too_long = client.request(server, ask("q"));
    REQUIRE(run_until_ended(client, 3));
    CHECK(std::get<error_reply>(client.answered[too_long].front()).code == errc::limit_reached);
    client.on_message = [&](const message_received& in) { client.reply(in, answer("re", 30'000)); };
    const auto answer_too_long = server.request(client, ask("q"));
    REQUIRE(run_until_ended(server, 1));
    CHECK(server.failed[answer_too_long].front().code == errc::limit_reached);
}

TEST_CASE("only the peer that a message is offered to may fetch it", "[message][hostile][REQ-SEC-1]") {
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server), thief(world, 3);
    client.meet(server);
    thief.meet(server);
    // The offer is readable on the way, and the client's own fetch is held up. What then can the thief do with its valid session?
    std::uint64_t token = 0;
    world.tamper = [&](const send_datagram& datagram, bytes& data) {
        if (data.front() == static_cast<std::uint8_t>(frame_type::message)) {
            const auto said = decode_message(byte_span(data).subspan(sealed_header::size_bytes, data.size() - sealed_overhead_bytes));
            if (said && std::holds_alternative<large_offer>(said->body)) token = std::get<large_offer>(said->body).token;
        }
        return datagram.to.address != server.address() || datagram.from_port != 34343 || token == 0;
    };
    server.on_message = [&](const message_received& in) { server.reply(in, answer("secret", 10'000)); };
    (void)client.request(server, ask("q"));
    world.clock.run_until(world.clock.now() + 1s);
    REQUIRE(token != 0);
    thief.seal->add_peer(server.identity.id, server.identity.key);
    world.tamper = [&](const send_datagram& datagram, bytes&) { return datagram.from_port != 34343; };
    (void)thief.request(server, discovery_request{{*content_id::parse("x"), {}}});
    server.on_message = {};
    world.clock.run_until(world.clock.now() + 1s);
    REQUIRE(thief.seal->has_session(server.identity.id));
    world.tamper = {};

    const auto steal = [&](std::uint32_t flow, std::uint64_t what, transfer_protocol protocol, std::uint16_t from_port, std::uint16_t to_port) {
        const flow_open open{message_object{what}, protocol, false, 1200, {}};
        const auto refused = server.layer->statistics().large_refused;
        thief.seal->send(thief.now(), server.identity.id, {from_port, {server.address(), to_port}}, frame_type::flow_control,
                         encode(flow_control{flow, true, open}));
        flow_feedback want;
        want.sequence = 1;
        want.wanted = {{0, 10'000}};
        thief.seal->send(thief.now(), server.identity.id, {from_port, {server.address(), to_port}}, frame_type::flow_control,
                         encode(flow_control{flow, true, want}));
        thief.pump();
        world.clock.run_until(world.clock.now() + 50ms);
        return server.layer->statistics().large_refused - refused;
    };
    CHECK(steal(101, token, transfer_protocol::background, 34343, 34341) == 1);  // another's token
    CHECK(steal(102, token + 1, transfer_protocol::background, 34343, 34341) == 1);  // nobody's
    CHECK(world.data_frames_to[thief.address()] == 0);

    // The one that it is for still gets it.
    REQUIRE(run_until_ended(client, 1));
    REQUIRE(client.answered.size() == 1);
    CHECK(text_of(client.answered.begin()->second.front()).starts_with("secret"));
}

TEST_CASE("an offer is fetched over its own protocol and port pair only", "[message][hostile][REQ-MSG-4]") {
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    large_offer offer;
    world.tamper = [&](const send_datagram& datagram, bytes& data) {
        if (data.front() == static_cast<std::uint8_t>(frame_type::message)) {
            const auto said = decode_message(byte_span(data).subspan(sealed_header::size_bytes, data.size() - sealed_overhead_bytes));
            if (said && std::holds_alternative<large_offer>(said->body)) offer = std::get<large_offer>(said->body);
        }
        return datagram.from_port != 34343 || offer.token == 0;
    };
    server.on_message = [&](const message_received& in) { server.reply(in, answer("big", 10'000)); };
    (void)client.request(server, ask("q"));
    world.clock.run_until(world.clock.now() + 500ms);
    REQUIRE(offer.token != 0);
    CHECK(offer.protocol == transfer_protocol::background);
    const auto fetch = [&](std::uint32_t flow, transfer_protocol protocol, std::uint16_t from_port, std::uint16_t to_port) {
        const auto refused = server.layer->statistics().large_refused;
        client.seal->send(client.now(), server.identity.id, {from_port, {server.address(), to_port}}, frame_type::flow_control,
                          encode(flow_control{flow, true, flow_open{message_object{offer.token}, protocol, false, 1200, {}}}));
        client.pump();
        world.clock.run_until(world.clock.now() + 50ms);
        return server.layer->statistics().large_refused - refused;
    };
    world.tamper = [](const send_datagram& datagram, bytes&) { return datagram.from_port != 34343; };
    CHECK(fetch(101, transfer_protocol::foreground, 34335, 34333) == 1);
    CHECK(fetch(102, transfer_protocol::background, 34335, 34333) == 1);
    CHECK(fetch(103, transfer_protocol::foreground, 34335, 34341) == 1);
}

TEST_CASE("altered bytes are fetched again, covered by tags", "[message][hostile]") {
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    int altered = 0;
    SECTION("on the way") {
        world.tamper = [&](const send_datagram&, bytes& data) {
            if (data.front() == static_cast<std::uint8_t>(frame_type::data) && altered == 0) {
                data.back() = static_cast<std::uint8_t>(data.back() ^ 1);
                ++altered;
            }
            return true;
        };
        const auto handle = client.request(server, ask("q", 30'000));
        REQUIRE(run_until_ended(client, 1));
        CHECK(altered == 1);
        CHECK(client.answered[handle].size() == 1);
        CHECK(text_of(server.received.front().body) == text_of(ask("q", 30'000)));
        CHECK(client.sent[frame_type::data_strict] > 0);
    }
    SECTION("to a token that nobody offered") {
        const large_offer offer{77, 5'000, {}, transfer_protocol::background};
        const auto frame = encode(message{99, 0, true, offer});
        client.seal->send(client.now(), server.identity.id, {34324, {server.address(), 34323}}, frame_type::message, frame);
        client.pump();
        world.clock.run_until(world.clock.now() + 60s);
        CHECK(server.received.empty());
        CHECK(client.layer->statistics().large_refused >= 1);
    }
}

TEST_CASE("a message that never fits its hash is not delivered", "[message][hostile]") {
    const lying_crypto liar;
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    client.layer_crypto = &liar;
    client.boot();
    const auto sent = client.request(server, ask("q", 30'000));
    REQUIRE(run_until_ended(client, 1));
    CHECK(std::get<error_reply>(client.answered[sent].front()).code == errc::integrity_failed);
    CHECK(server.received.empty());
    CHECK(server.layer->statistics().large_received == 0);

    client.on_message = [&](const message_received& in) { client.reply(in, answer("re", 30'000)); };
    const auto asked = server.request(client, ask("q"));
    REQUIRE(run_until_ended(server, 1));
    CHECK(server.failed[asked].front().code == errc::integrity_failed);
}

TEST_CASE("fetches at a time are limited", "[message][limits]") {
    message_world world(lan());
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    for (std::size_t i = 0; i < limits::large_fetches_of_peer_max + 12; ++i) (void)client.request(server, ask(std::to_string(i), 20'000));
    REQUIRE(run_until_ended(client, limits::large_fetches_of_peer_max + 12));
    CHECK(client.failed.empty());
    CHECK(server.layer->statistics().dropped_full > 0);
    CHECK(server.received.size() == limits::large_fetches_of_peer_max + 12);

    for (std::size_t i = 0; i < limits::large_objects_of_peer_max + 1; ++i) (void)client.request(server, ask(std::to_string(i), 2'000));
    CHECK(client.failed.size() == 1);
}
