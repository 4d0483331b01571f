// What a message layer does when its process goes on from a snapshot, and when it takes a request back.

#include "message_world.hpp"

using namespace test_message;

TEST_CASE("a resumed snapshot's new request gets no answer to another one of the same id", "[message][REQ-MSG-1][REQ-SEC-2]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    const auto snapshot = client.random;
    client.boot();
    const auto first = client.request(server, ask("before"));
    REQUIRE(run_until_ended(client, 1));
    REQUIRE(text_of(client.answered[first].front()) == "re: before");

    // The machine is set back to the moment at which the process began; its system's random numbers are others.
    client.random = snapshot;
    client.boot();
    client.answered.clear();
    client.random = seeded_entropy(77);
    client.layer->start_anew();
    REQUIRE(client.seal->start_anew().empty());
    const auto second = client.request(server, ask("after"));
    REQUIRE(run_until_ended(client, 1));
    REQUIRE(client.answered[second].size() == 1);
    CHECK(text_of(client.answered[second].front()) == "re: after");
    CHECK(server.received.size() == 2);
    CHECK(server.layer->statistics().duplicates == 0);
}

TEST_CASE("what is open when a snapshot goes on is the same request, and is answered", "[message][REQ-MSG-1]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    std::optional<message_received> asked;
    server.on_message = [&](const message_received& in) { asked = in; };
    const auto open = client.request(server, ask("slow"));
    REQUIRE(world.clock.run_until(client.now() + 5s, [&] { return asked.has_value(); }));
    client.layer->start_anew();
    for (const auto& peer : client.seal->start_anew()) client.layer->on_peer_restarted(client.now(), peer);
    client.pump();
    server.reply(*asked, answer("done"));
    REQUIRE(run_until_ended(client, 1));
    REQUIRE(client.answered[open].size() == 1);
    CHECK(server.received.size() == 1);
}

TEST_CASE("nothing follows a request that was cancelled, though its end waits to be polled", "[message][REQ-MSG-1]") {
    message_world world;
    message_node client(world, 1), server(world, 2, role::server);
    client.meet(server);
    const bool fails = GENERATE(false, true);
    (void)client.request(server, ask("greet"));
    REQUIRE(run_until_ended(client, 1));
    std::optional<std::pair<send_datagram, bytes>> held;  // the answer, on its way
    world.tamper = [&](const send_datagram& head, bytes& data) {
        if (head.to.address != client.address() || held) return true;
        held.emplace(head, data);
        return false;
    };
    const auto handle = client.request(server, ask("x"));
    REQUIRE(world.clock.run_until(client.now() + 100ms, [&] { return held.has_value(); }));
    if (fails) {
        client.layer->on_peer_unreachable(client.now(), server.identity.id);
    } else {
        const auto& [head, data] = *held;
        const auto frame = client.seal->on_datagram(
            client.now(), {1'800'000'000}, {{client.address(), head.to.port}, {server.address(), head.from_port}, client.now(), 0, data});
        REQUIRE(frame);
        client.layer->on_frame(client.now(), *frame);
    }
    REQUIRE(client.layer->open_requests() == 0);
    client.layer->cancel(handle);
    client.pump();
    CHECK(client.answered[handle].empty());
    CHECK(client.failed[handle].empty());
    CHECK(client.ended() == 1);
}
