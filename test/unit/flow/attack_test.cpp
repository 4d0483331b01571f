// Members that open a flow and say of it what is not so: what they would have others sent, read and remembered.

#include "flow_world.hpp"
#include "p2pdist/base/limits.hpp"

using namespace test_flow;

namespace {

/// A receiver with a session and no flow of its own: it says what it likes.
struct liar {
    liar() {
        test::link_config line;
        line.delay = 1ms;
        world.emplace(line, line);
        world->sender.object_bytes = std::uint64_t{1} << 34;
        world->sender.supply = blank_part;
        world->sender.on_need = [this](const flow_needs& need) {
            asked_bytes += need.range.length;
            return false;
        };
        world->receiver.on_datagram = [this](const received_datagram& datagram) {
            const auto header = decode_data_header(datagram.payload);
            if (!header) return;
            got.push_back(header->packet_number);
            got_bytes += datagram.payload.size();
        };
        flow_open request = open_of(transfer_protocol::background);
        say(request);
        run(1s);
    }
    void say(decltype(flow_control::signal) what) {
        auto& one = world->receiver;
        const path way{receiver_port, {world->sender.address(), sender_port}};
        (void)one.seal->send(one.now(), world->sender.id(), way, frame_type::flow_control, encode(flow_control{token, true, std::move(what)}));
        one.pump();
    }
    /// Wants something else each millisecond.
    void change_wants(std::uint32_t times) {
        for (std::uint32_t i = 1; i <= times; ++i) {
            auto changed = feedback();
            changed.want_generation = i;
            changed.wanted = {{std::uint64_t{i} << 23, 1u << 20}};
            say(changed);
            run(1ms);
        }
    }
    void run(duration time) { world->clock.run_until(world->clock.now() + time); }
    flow_feedback feedback() {
        flow_feedback out;
        out.sequence = ++sequence;
        out.want_generation = 1;
        out.wanted = {{0, std::uint64_t{1} << 34}};
        return out;
    }
    /// As if packets up to this number had come.
    flow_feedback receipt(std::uint32_t largest) {
        auto out = feedback();
        out.largest_packet = largest;
        out.acknowledged = {{0, largest + 1}};
        out.received_packets = largest + 1;
        out.received_bytes = 100 * (largest + 1);
        out.delay_min_us = out.delay_max_us = 1000;
        out.interval_packets = 1;
        return out;
    }
    [[nodiscard]] const std::vector<flow_ended>& ended() const { return world->sender.ended; }

    static constexpr std::uint32_t token = 77;
    std::optional<pair_of_nodes> world;
    std::uint32_t sequence = 0;
    std::uint64_t asked_bytes = 0;
    std::uint64_t got_bytes = 0;
    std::vector<std::uint32_t> got;
};

}  // namespace

TEST_CASE("who acknowledges what he may have been sent, and guesses how much, ends his flow", "[REQ-SEC-3][REQ-XFER-3]") {
    SECTION("more than was sent") {
        liar one;
        one.say(one.feedback());
        one.run(100ms);
        REQUIRE_FALSE(one.got.empty());
        one.say(one.receipt(one.got.back() + 50));
        one.run(100ms);
        REQUIRE(one.ended().size() == 1);
        CHECK(one.ended().front().text == false_receipt_text);
    }
    SECTION("falling guesses end it at the first that is too high") {
        liar one;
        one.say(one.feedback());
        for (int round = 0; round < 100; ++round) {
            one.run(20ms);
            for (std::uint32_t guess = 4000; guess > 2; guess = guess * 7 / 8) one.say(one.receipt(guess));
        }
        REQUIRE(one.ended().size() == 1);
        CHECK(one.got.size() <= 64);
    }
    SECTION("the true number, with all before it, as far as a number that was left out") {
        liar one;
        one.say(one.feedback());
        for (int round = 0; round < 3000 && one.ended().empty(); ++round) {
            one.run(5ms);
            if (!one.got.empty()) one.say(one.receipt(one.got.back()));   // the best that a guess can be
        }
        REQUIRE(one.ended().size() == 1);
        CHECK(one.ended().front().reason == errc::malformed);
        CHECK(one.ended().front().text == false_receipt_text);
        CHECK(one.got.size() <= limits::flow_skip_gap_max + 256);
        CHECK(one.got_bytes < 1'000'000);
    }
}

TEST_CASE("numbers that are left out are no loss, and nobody honest acknowledges them", "[REQ-XFER-1][REQ-XFER-2]") {
    const auto protocol = GENERATE(transfer_protocol::foreground, transfer_protocol::background);
    test::link_config line;
    line.bits_per_second = 200e6;
    line.delay = 2ms;
    line.queue_bytes = 4'000'000;
    const double loss = GENERATE(0.0, 0.01);
    line.loss = loss;
    pair_of_nodes world(line, line);
    world.sender.supply = blank_part;
    world.check_bytes = false;
    const std::uint64_t size = 30'000'000;
    world.sender.object_bytes = size;
    std::uint32_t largest = 0;
    std::uint64_t count = 0;
    world.receiver.on_datagram = [&](const received_datagram& datagram) {
        if (const auto header = decode_data_header(datagram.payload)) {
            largest = std::max(largest, header->packet_number);
            ++count;
        }
    };
    world.receiver.open(world.sender, open_of(protocol), {{0, size}});
    REQUIRE(world.clock.run_until(world.clock.now() + 300s, [&] { return world.received_bytes >= size; }));
    world.clock.run_until(world.clock.now() + 2s);
    CHECK(world.sender.ended.empty());
    const auto sent = world.sender.flows->statistics(world.sender.requested.at(0).flow);
    REQUIRE(sent);
    if (loss > 0) return;
    CHECK(sent->retransmitted_bytes == 0);
    const auto skipped = largest + 1 - count;
    CHECK(skipped >= count / limits::flow_skip_gap_max);
    CHECK(skipped <= count / limits::flow_skip_gap_min + 1);
}

TEST_CASE("wants that change with each feedback do not make the sender read without end", "[REQ-SEC-3][limits]") {
    liar one;
    one.change_wants(1000);
    const auto window = limits::flow_supply_ahead_bytes_min;
    CHECK(one.asked_bytes <= 4 * window);   // twice at once, and what is forgiven in a second
    // It is forgiven: who has changed his mind is served.
    one.run(4s);
    const auto before = one.asked_bytes;
    auto say = one.feedback();
    say.want_generation = 2000;
    say.wanted = {{0, 1u << 20}};
    one.say(say);
    one.run(1s);
    CHECK(one.asked_bytes - before == 1u << 20);
}

TEST_CASE("what waits to be read because wants changed too often is read in time", "[REQ-XFER-5]") {
    liar one;
    one.change_wants(6);
    const auto before = one.asked_bytes;
    CHECK(before < 3 * limits::flow_supply_ahead_bytes_min);
    one.run(3s);   // with no other input than the sender's own clock
    CHECK(one.asked_bytes >= before + limits::flow_supply_ahead_bytes_min / 2);
}

TEST_CASE("wants of a byte here and there do not make the sender keep whole chunks, nor read them without end", "[REQ-SEC-3][limits]") {
    constexpr std::uint64_t chunk = 256 << 10;
    liar one;
    auto& node = one.world->sender;
    std::vector<std::weak_ptr<const bytes>> blocks;
    std::vector<flow_needs> asked;
    std::size_t reads = 0;
    // As a store that reads a chunk for each question, and gives it whole.
    node.supply = [&](const index_range& range) {
        const auto block = std::make_shared<const bytes>(chunk);
        blocks.push_back(block);
        return shared_bytes(block, byte_span(*block).first(range.length));
    };
    node.on_need = [&](const flow_needs& need) {
        reads += (need.range.length + chunk - 1) / chunk;
        asked.push_back(need);
        return true;
    };
    const auto answer = [&] {
        for (const auto& need : std::exchange(asked, {})) {
            for (auto at = need.range.first; at < need.range.end(); at += chunk)
                node.flows->provide(node.now(), need.flow, at, node.supply({at, std::min(chunk, need.range.end() - at)}));
        }
        node.pump();
    };
    const auto kept = [&] { return std::ranges::count_if(blocks, [](const auto& block) { return !block.expired(); }); };
    std::uint32_t generation = 0;
    const auto want = [&](std::vector<index_range> wanted) {
        auto say = one.feedback();
        say.want_generation = ++generation;
        say.wanted = std::move(wanted);
        one.say(std::move(say));
    };
    SECTION("a byte of another chunk each time") {
        for (std::uint64_t round = 0; round < 60; ++round) {
            std::vector<index_range> wanted;
            for (std::uint64_t i = 0; i < flow_ranges_max; ++i) wanted.push_back({(round * flow_ranges_max + i) * chunk, 1});
            want(std::move(wanted));
            one.run(3ms);
            answer();
        }
        CHECK(one.got.size() > 20);
        CHECK(kept() <= 8);
        CHECK(reads <= 200);
    }
    SECTION("much of each, and when it is read a byte is enough") {
        for (std::uint64_t round = 0; round < 2000; ++round) {
            want({{round * chunk, chunk / 2}});
            one.run(3ms);
            want({{round * chunk, 1}});
            one.run(3ms);
            answer();
            one.run(25ms);
        }
        CHECK(one.got.size() > 20);
        CHECK(kept() <= static_cast<std::ptrdiff_t>(5 * limits::flow_supply_ahead_bytes_min / (chunk / 2)));
    }
}

TEST_CASE("repeating the open keeps no flow alive", "[REQ-SEC-3]") {
    liar one;
    one.say(one.feedback());
    for (int second = 0; second < 15 && one.ended().empty(); ++second) {
        one.say(open_of(transfer_protocol::background));
        one.run(1s);
    }
    REQUIRE(one.ended().size() == 1);
    CHECK(one.ended().front().reason == errc::timed_out);
}

TEST_CASE("nobody is made to wait for a month by who asks to come back then", "[REQ-SEC-3][limits]") {
    pair_of_nodes world;
    world.sender.on_request = [&](const flow_requested& asked) {
        world.sender.flows->refuse(world.clock.now(), asked.flow, {errc::limit_reached, "later", UINT32_MAX});
        return true;
    };
    (void)world.receiver.open(world.sender, open_of(transfer_protocol::background), {});
    world.clock.run_until(world.clock.now() + 5s);
    REQUIRE(world.receiver.ended.size() == 1);
    CHECK(world.receiver.ended.front().retry_after == limits::flow_retry_after_max);
}

TEST_CASE("a sender that speaks and never accepts keeps no flow open", "[REQ-SEC-3]") {
    test::link_config line;
    line.delay = 1ms;
    pair_of_nodes world(line, line);
    auto& mute = world.sender;
    std::optional<std::pair<std::uint32_t, short_key>> asked;
    mute.on_control = [&](const opened& frame) {
        const auto control = decode_flow_control(frame.payload);
        if (!control || !std::holds_alternative<flow_open>(control->signal)) return true;
        if (const auto key = mute.seal->flow_key(frame.from, frame.session, control->token, frame.from)) asked = {control->token, *key};
        return true;
    };
    const auto flow = world.receiver.flows->open(world.clock.now(), mute.id(), {receiver_port, {mute.address(), sender_port}},
                                                 open_of(transfer_protocol::background));
    world.receiver.pump();
    std::uint32_t number = 0;
    for (int second = 0; second < 15 && world.receiver.ended.empty(); ++second) {
        world.clock.run_until(world.clock.now() + 1s);
        if (!asked) continue;
        const path way{sender_port, {world.receiver.address(), receiver_port}};
        const flow_status status{++number, 0, false, {}};
        (void)mute.seal->send(mute.now(), world.receiver.id(), way, frame_type::flow_control, encode(flow_control{asked->first, false, status}));
        mute.pump();
    }
    REQUIRE(asked);
    REQUIRE(world.receiver.ended.size() == 1);
    CHECK(world.receiver.ended.front().flow == flow);
    CHECK(world.receiver.ended.front().reason == errc::timed_out);
}
