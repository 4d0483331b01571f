// Whole flows between two nodes over emulated links: every byte arrives, once, and nothing else.

#include "flow_world.hpp"
#include "p2pdist/base/limits.hpp"

using namespace test_flow;

namespace {

test::link_config lan() {
    test::link_config config;
    config.bits_per_second = 1e9;
    config.delay = 100us;
    config.queue_bytes = 16'000'000;
    return config;
}

test::link_config wan(double megabits = 20, duration delay = 20ms) {
    test::link_config config;
    config.bits_per_second = megabits * 1e6;
    config.delay = delay;
    config.queue_bytes = static_cast<std::uint64_t>(megabits * 1e6 / 8 * 0.05);
    return config;
}

}  // namespace

TEST_CASE("a flow brings exactly the wanted bytes, without one sent twice", "[REQ-MSG-2][REQ-XFER-1]") {
    pair_of_nodes world(lan(), lan());
    const std::uint64_t size = 3'000'001;
    world.watch(size);
    const auto flow = world.receiver.open(world.sender, open_of(), {{0, size}});
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes >= size; }));
    CHECK(world.seen_bytes() == size);
    CHECK(world.wrong_pieces == 0);
    CHECK(world.repeated_bytes == 0);
    REQUIRE(world.receiver.accepted.size() == 1);
    CHECK(world.receiver.accepted[0].object_bytes == size);
    world.clock.run_until(world.clock.now() + 2s);
    REQUIRE(world.sender.requested.size() == 1);
    const auto sent = world.sender.flows->statistics(world.sender.requested[0].flow);
    REQUIRE(sent);
    CHECK(sent->retransmitted_bytes == 0);
    CHECK(sent->sent_bytes >= size);
    CHECK(sent->sent_bytes < size + size / 30);
    CHECK(world.receiver.flows->statistics(flow)->duplicate_bytes == 0);
    CHECK(world.sender.datagram_max <= 1200);
    CHECK(world.receiver.datagram_max <= 1200);
}

TEST_CASE("feedback of a Background flow costs less than 1.3 % of its data", "[REQ-XFER-5]") {
    const auto megabits = GENERATE(10.0, 20.0, 50.0);
    pair_of_nodes world(wan(megabits), wan(megabits));
    world.sender.supply = blank_part;
    world.check_bytes = false;
    world.sender.object_bytes = std::uint64_t{1} << 40;
    world.receiver.open(world.sender, open_of(transfer_protocol::background), {{0, std::uint64_t{1} << 40}});
    world.clock.run_until(world.clock.now() + 10s);
    CAPTURE(megabits, world.sender.sent_wire_bytes, world.receiver.sent_wire_bytes, world.receiver.sent_datagrams);
    CHECK(world.receiver.sent_wire_bytes < world.sender.sent_wire_bytes * 13 / 1000);
    CHECK(world.sender.flows->statistics(world.sender.requested.at(0).flow)->retransmitted_bytes <= world.down.dropped() * 1172);
}

TEST_CASE("loss, reordering and duplication change nothing of what arrives", "[REQ-MSG-2][REQ-XFER-1][REQ-XFER-2]") {
    const auto seed = GENERATE(range(1, 13));
    random_source random(static_cast<std::uint64_t>(seed));
    auto forward = seed % 2 == 0 ? wan() : lan();
    forward.loss = random.unit() * 0.15;
    forward.reorder = random.unit() * 0.1;
    forward.reorder_delay = seed % 2 == 0 ? 8ms : 300us;
    forward.duplicate = random.unit() * 0.05;
    forward.seed = static_cast<std::uint64_t>(seed);
    auto back = forward;
    back.seed += 1000;
    const auto protocol = seed % 3 == 0 ? transfer_protocol::background : transfer_protocol::foreground;
    pair_of_nodes world(forward, back);
    const std::uint64_t size = 700'000 + random.below(300'000);
    world.watch(size);
    // Ranges in an arbitrary order with gaps between them that must not arrive.
    std::vector<index_range> wanted;
    std::uint64_t total = 0;
    for (std::uint64_t at = random.below(1000); at < size && wanted.size() < 20;) {
        const auto length = std::min(1 + random.below(60'000), size - at);
        wanted.push_back({at, length});
        total += length;
        world.forbidden.push_back({at + length, 500});
        at += length + 500;
    }
    std::reverse(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(wanted.size() / 2));
    CAPTURE(seed, forward.loss, forward.reorder, forward.duplicate, size, total);
    world.receiver.open(world.sender, open_of(protocol), wanted);
    CHECK(world.clock.run_until(world.clock.now() + 60s, [&] { return world.received_bytes >= total; }));
    world.clock.run_until(world.clock.now() + 3s);
    CHECK(world.received_bytes == total);
    CHECK(world.wrong_pieces == 0);
    CHECK(world.repeated_bytes == 0);
    CHECK(world.unwanted_pieces == 0);
    const auto sent = world.sender.flows->statistics(world.sender.requested.at(0).flow);
    REQUIRE(sent);
    // What was lost has to be sent again; reordering may cost a little more.
    CHECK(static_cast<double>(sent->sent_bytes) < static_cast<double>(total) * (1.06 + 1.3 * forward.loss + forward.reorder) + 40'000);
}

TEST_CASE("offsets beyond 40 bits and short last pieces", "[REQ-XFER-4]") {
    pair_of_nodes world(lan(), lan());
    const std::uint64_t end = (std::uint64_t{1} << 47) + 12345;
    world.sender.object_bytes = end;
    const index_range wanted{end - 5000, 5000};
    world.receiver.open(world.sender, open_of(), {{end, 0}, wanted, {1, 1}, {end - 5000, 100}});
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes >= 5001; }));
    CHECK(world.received_bytes == 5001);
    CHECK(world.wrong_pieces == 0);
}

TEST_CASE("the receiver changes its mind: dropped ranges stop, new ones start, and bytes can be had again", "[REQ-XFER-5]") {
    pair_of_nodes world(wan(), wan());
    world.sender.object_bytes = 100'000'000;
    const auto flow = world.receiver.open(world.sender, open_of(), {{0, 50'000'000}});
    REQUIRE(world.clock.run_until(world.clock.now() + 5s, [&] { return world.received_bytes > 400'000; }));
    world.receiver.flows->want(world.clock.now(), flow, {{60'000'000, 30'000}});
    world.receiver.pump();
    const auto before = world.received_bytes;
    world.forbidden = {{0, 50'000'000}};
    REQUIRE(world.clock.run_until(world.clock.now() + 5s, [&] { return world.received_bytes >= before + 30'000; }));
    CHECK(world.unwanted_pieces == 0);
    const auto sender_bytes = world.sender.sent_wire_bytes;
    world.clock.run_until(world.clock.now() + 2s);
    CHECK(world.sender.sent_wire_bytes < sender_bytes + 10'000);  // nothing but keep-alives

    // Listed still: not again. Left out once: again, even if the sender never hears of the call between.
    world.receiver.flows->want(world.clock.now(), flow, {{60'000'000, 30'000}, {70'000'000, 2'000}});
    world.receiver.pump();
    REQUIRE(world.clock.run_until(world.clock.now() + 5s, [&] { return world.received_bytes >= before + 32'000; }));
    world.clock.run_until(world.clock.now() + 1s);
    CHECK(world.received_bytes == before + 32'000);
    world.receiver.flows->want(world.clock.now(), flow, {});
    world.receiver.flows->want(world.clock.now(), flow, {{60'000'000, 30'000}});
    world.receiver.pump();
    REQUIRE(world.clock.run_until(world.clock.now() + 5s, [&] { return world.received_bytes >= before + 62'000; }));
    CHECK(world.wrong_pieces == 0);
}

TEST_CASE("strict flows cover the payload, plain ones do not pretend to", "[REQ-SEC-3]") {
    const bool strict = GENERATE(false, true);
    pair_of_nodes world(lan(), lan());
    world.watch(100'000);
    bool authenticated = !strict;
    world.after_piece = [&](const flow_piece& piece) { authenticated = piece.authenticated; };
    world.receiver.open(world.sender, open_of(transfer_protocol::foreground, strict), {{0, 100'000}});
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes >= 100'000; }));
    CHECK(authenticated == strict);
}

TEST_CASE("a flow goes over to strict mode without losing anything", "[REQ-SEC-3]") {
    pair_of_nodes world(wan(), wan());
    world.watch(4'000'000);
    std::uint64_t plain_bytes = 0, strict_bytes = 0, plain_after_strict = 0;
    std::optional<flow_handle> flow;
    world.after_piece = [&](const flow_piece& piece) {
        (piece.authenticated ? strict_bytes : plain_bytes) += piece.payload.size();
        if (!piece.authenticated && strict_bytes > 0) ++plain_after_strict;
        if (plain_bytes > 500'000 && strict_bytes == 0) world.receiver.flows->authenticate(world.clock.now(), *flow);
    };
    flow = world.receiver.open(world.sender, open_of(), {{0, 4'000'000}});
    REQUIRE(world.clock.run_until(world.clock.now() + 60s, [&] { return world.seen_bytes() == 4'000'000; }));
    CHECK(plain_bytes > 500'000);
    CHECK(strict_bytes > 1'000'000);
    CHECK(plain_after_strict == 0);
    CHECK(world.repeated_bytes == 0);
    CHECK(world.receiver.ended.empty());
}

TEST_CASE("a repeated frame is compared without strict mode, and is never a sign of life", "[REQ-SEC-2][REQ-SEC-3]") {
    pair_of_nodes world(lan(), lan());
    world.watch(100'000);
    world.receiver.open(world.sender, open_of(), {{0, 1'000'000}});
    std::optional<std::pair<path, bytes>> recorded;
    world.receiver.on_datagram = [&](const received_datagram& datagram) {
        if (decode_data_header(datagram.payload)) recorded.emplace(path{datagram.local.port, datagram.from}, bytes(datagram.payload.begin(), datagram.payload.end()));
    };
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes == 100'000; }));
    world.sender.kill();
    const auto died = world.clock.now();
    while (world.receiver.ended.empty() && world.clock.now() < died + 60s) {
        recorded->second.back() ^= 1;
        const received_datagram again{{world.receiver.address(), recorded->first.local_port}, recorded->first.remote, world.clock.now(), 0, recorded->second};
        if (const auto piece = world.receiver.flows->on_data(world.clock.now(), again)) world.receiver.on_piece(*piece);
        world.receiver.pump();
        world.clock.run_until(world.clock.now() + 100ms);
    }
    CHECK(world.repeated_pieces > 10);
    CHECK(world.received_bytes == 100'000);
    REQUIRE(world.receiver.ended.size() == 1);
    CHECK(world.clock.now() - died < 15s);
}

TEST_CASE("both sides' status arrives in its newest form in spite of loss", "[REQ-XFER-5]") {
    auto lossy = wan();
    lossy.loss = 0.3;
    pair_of_nodes world(lossy, lossy);
    world.sender.object_bytes = 1000;
    const auto flow = world.receiver.open(world.sender, open_of(), {});
    REQUIRE(world.clock.run_until(world.clock.now() + 20s, [&] { return !world.receiver.accepted.empty(); }));
    for (std::uint8_t round = 1; round <= 5; ++round) {
        world.receiver.flows->set_status(world.clock.now(), flow, bytes(flow_status_bytes_max, round));
        world.sender.flows->set_status(world.clock.now(), world.sender.requested.at(0).flow, bytes(flow_status_bytes_max, static_cast<std::uint8_t>(round + 100)));
        world.receiver.pump();
        world.sender.pump();
        world.clock.run_until(world.clock.now() + (round == 5 ? 10s : 30ms));
    }
    REQUIRE_FALSE(world.sender.statuses.empty());
    REQUIRE_FALSE(world.receiver.statuses.empty());
    CHECK(world.sender.statuses.back().status == bytes(flow_status_bytes_max, 5));
    CHECK(world.receiver.statuses.back().status == bytes(flow_status_bytes_max, 105));
}

TEST_CASE("refusals and closes reach the other side, also when first lost", "[REQ-XFER-5]") {
    pair_of_nodes world(lan(), lan());
    world.sender.object_bytes = 1u << 30;
    SECTION("refused") {
        world.sender.on_request = [&](const flow_requested& request) {
            world.sender.flows->refuse(world.clock.now(), request.flow, {errc::not_found, "no such content", 1500});
            return true;
        };
        world.receiver.open(world.sender, open_of(), {{0, 1000}});
        // The refusal is a not_found with a text; it may come before any acceptance.
        world.clock.run_until(world.clock.now() + 2s);
        REQUIRE(world.receiver.ended.size() == 1);
        CHECK(world.receiver.ended[0].reason == errc::not_found);
        CHECK(world.receiver.ended[0].text == "no such content");
        CHECK(world.receiver.ended[0].retry_after == 1500ms);
        CHECK(world.sender.requested.size() == 1);
    }
    SECTION("closed by the receiver, the close lost") {
        const auto flow = world.receiver.open(world.sender, open_of(), {{0, 1u << 30}});
        world.clock.run_until(world.clock.now() + 100ms);
        REQUIRE(world.received_bytes > 0);
        world.up.set_down(true);
        world.receiver.flows->close(world.clock.now(), flow, {errc::cancelled, "enough", 0});
        world.receiver.pump();
        world.clock.run_until(world.clock.now() + 20ms);
        world.up.set_down(false);
        world.clock.run_until(world.clock.now() + 3s);
        REQUIRE(world.sender.ended.size() == 1);
        CHECK(world.sender.ended[0].text == "enough");
        CHECK(world.receiver.ended.empty());
        CHECK(world.sender.flows->size() == 0);
        CHECK(world.receiver.flows->size() == 0);
    }
    SECTION("closed by the sender, the close lost") {
        world.receiver.open(world.sender, open_of(), {{0, 1u << 30}});
        world.clock.run_until(world.clock.now() + 100ms);
        world.down.set_down(true);
        world.sender.flows->close(world.clock.now(), world.sender.requested.at(0).flow, {errc::cancelled, "bye", 0});
        world.sender.pump();
        world.clock.run_until(world.clock.now() + 20ms);
        world.down.set_down(false);
        world.clock.run_until(world.clock.now() + 3s);
        REQUIRE(world.receiver.ended.size() == 1);
        CHECK(world.receiver.ended[0].text == "bye");
        CHECK(world.sender.flows->size() == 0);
    }
}

TEST_CASE("a side that dies is given up, one that restarts is noticed", "[REQ-RVP-3]") {
    pair_of_nodes world(lan(), lan());
    world.sender.object_bytes = std::uint64_t{1} << 40;
    world.sender.supply = blank_part;
    world.check_bytes = false;
    world.receiver.open(world.sender, open_of(), {{0, std::uint64_t{1} << 40}});
    world.clock.run_until(world.clock.now() + 50ms);
    REQUIRE(world.received_bytes > 0);
    SECTION("the sender dies") {
        world.sender.kill();
        REQUIRE(world.clock.run_until(world.clock.now() + 20s, [&] { return !world.receiver.ended.empty(); }));
        CHECK((world.receiver.ended[0].reason == errc::timed_out || world.receiver.ended[0].reason == errc::unreachable));
        CHECK(world.receiver.flows->size() == 0);
    }
    SECTION("the receiver dies: the sender stops within a few probes and gives up") {
        world.receiver.kill();
        world.clock.run_until(world.clock.now() + 1s);
        const auto bytes_before = world.sender.sent_wire_bytes;
        REQUIRE(world.clock.run_until(world.clock.now() + 20s, [&] { return !world.sender.ended.empty(); }));
        CHECK(world.sender.sent_wire_bytes < bytes_before + 40'000);
        CHECK(world.sender.flows->size() == 0);
    }
    SECTION("the sender restarts") {
        world.sender.boot();
        REQUIRE(world.clock.run_until(world.clock.now() + 20s, [&] { return !world.receiver.ended.empty(); }));
        CHECK(world.receiver.ended[0].reason == errc::unreachable);
    }
}

TEST_CASE("a peer without a known key ends the flow at once, an unreachable one when the envelope says so", "[REQ-SRC-4]") {
    pair_of_nodes world(lan(), lan());
    SECTION("unknown") {
        world.receiver.seal->forget_peer(world.sender.id());
        world.receiver.open(world.sender, open_of(), {{0, 100}});
        REQUIRE(world.receiver.ended.size() == 1);
        CHECK(world.receiver.ended[0].reason == errc::unreachable);
    }
    SECTION("unreachable") {
        world.sender.kill();
        world.receiver.open(world.sender, open_of(), {{0, 100}});
        REQUIRE(world.clock.run_until(world.clock.now() + 30s, [&] { return !world.receiver.ended.empty(); }));
        CHECK((world.receiver.ended[0].reason == errc::unreachable || world.receiver.ended[0].reason == errc::timed_out));
    }
    CHECK(world.receiver.flows->size() == 0);
}

TEST_CASE("an outage is survived", "[REQ-XFER-1][REQ-XFER-2]") {
    const auto protocol = GENERATE(transfer_protocol::foreground, transfer_protocol::background);
    pair_of_nodes world(wan(), wan());
    world.sender.supply = blank_part;
    world.check_bytes = false;
    world.sender.object_bytes = 12'000'000;
    world.receiver.open(world.sender, open_of(protocol), {{0, 12'000'000}});
    world.clock.run_until(world.clock.now() + 2s);
    world.down.set_down(true);
    world.up.set_down(true);
    world.clock.run_until(world.clock.now() + 4s);
    world.down.set_down(false);
    world.up.set_down(false);
    CHECK(world.clock.run_until(world.clock.now() + 12s, [&] { return world.received_bytes >= 12'000'000; }));
}

TEST_CASE("several flows share the nodes and each gets its bytes", "[REQ-XFER-1]") {
    pair_of_nodes world(lan(), lan());
    world.sender.object_bytes = 1'000'000;
    std::map<std::uint64_t, std::uint64_t> per_flow;
    world.after_piece = [&](const flow_piece& piece) { per_flow[piece.flow.value] += piece.payload.size(); };
    std::vector<flow_handle> flows;
    for (std::uint64_t n = 0; n < 20; ++n) flows.push_back(world.receiver.open(world.sender, open_of(), {{n * 1000, 50'000 + n}}));
    world.clock.run_until(world.clock.now() + 3s);
    for (std::uint64_t n = 0; n < 20; ++n) CHECK(per_flow[flows[n].value] == 50'000 + n);
    CHECK(world.wrong_pieces == 0);
    CHECK(world.sender.flows->size() == 20);
}

TEST_CASE("flows above the limits are refused", "[limits]") {
    flow_endpoint_config config;
    SECTION("of one peer") {
        pair_of_nodes world(lan(), lan(), config);
        world.sender.object_bytes = 1000;
        for (std::size_t n = 0; n <= limits::flows_of_peer_max; ++n) world.receiver.open(world.sender, open_of(), {{0, 100}});
        world.clock.run_until(world.clock.now() + 3s);
        REQUIRE(world.receiver.ended.size() == 1);
        CHECK(world.receiver.ended[0].reason == errc::limit_reached);
        CHECK(world.sender.flows->size() == limits::flows_of_peer_max);
    }
    SECTION("of the endpoint") {
        config.flows_max = 3;
        pair_of_nodes world(lan(), lan(), config);
        world.sender.object_bytes = 1000;
        for (int n = 0; n < 4; ++n) world.receiver.open(world.sender, open_of(), {{0, 100}});
        world.clock.run_until(world.clock.now() + 3s);
        REQUIRE(world.receiver.ended.size() == 1);
        CHECK(world.receiver.ended[0].reason == errc::limit_reached);
    }
}

TEST_CASE("a sender whose bytes come late sends them when they come, and asks once", "[REQ-RVP-4]") {
    const auto protocol = GENERATE(transfer_protocol::foreground, transfer_protocol::background);
    pair_of_nodes world(wan(), wan());
    const std::uint64_t size = 1'500'000;
    world.watch(size);
    // A relay: every need is met 200 ms later, in pieces of 64 KiB.
    std::uint64_t asked = 0;
    world.sender.on_need = [&](const flow_needs& need) {
        asked += need.range.length;
        for (std::uint64_t at = 0; at < need.range.length; at += 65536) {
            const index_range part{need.range.first + at, std::min<std::uint64_t>(65536, need.range.length - at)};
            world.clock.after(200ms + 30ms * (at / 65536), [&world, part, flow = need.flow] {
                world.sender.flows->provide(world.clock.now(), flow, part.first, object_part(part));
                world.sender.pump();
            });
        }
        return true;
    };
    world.receiver.open(world.sender, open_of(protocol), {{0, size}});
    REQUIRE(world.clock.run_until(world.clock.now() + 20s, [&] { return world.received_bytes >= size; }));
    CHECK(world.seen_bytes() == size);
    CHECK(asked == size);
    world.clock.run_until(world.clock.now() + 3s);
    CHECK(world.sender.flows->statistics(world.sender.requested.at(0).flow)->retransmitted_bytes <= world.down.dropped() * 1172);
}

TEST_CASE("datagrams that are not the flow's own change nothing", "[REQ-SEC-2]") {
    pair_of_nodes world(lan(), lan());
    world.watch(50'000);
    std::vector<bytes> recorded;
    const auto flow = world.receiver.open(world.sender, open_of(), {{0, 50'000}});
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes >= 20'000; }));
    random_source random(5);
    const auto before = world.received_bytes;
    const auto statistics_before = world.receiver.flows->statistics(flow)->received_bytes;
    for (int n = 0; n < 2000; ++n) {
        bytes forged(random.below(80));
        for (auto& byte : forged) byte = static_cast<std::uint8_t>(random());
        if (!forged.empty()) forged[0] = n % 2 == 0 ? 0x50 : 0x51;
        const received_datagram in{{world.receiver.address(), receiver_port}, {world.sender.address(), sender_port}, world.clock.now(), 0, forged};
        CHECK_FALSE(world.receiver.flows->on_data(world.clock.now(), in));
    }
    CHECK(world.received_bytes == before);
    CHECK(world.receiver.flows->statistics(flow)->received_bytes == statistics_before);
    REQUIRE(world.clock.run_until(world.clock.now() + 2s, [&] { return world.received_bytes >= 50'000; }));
}
