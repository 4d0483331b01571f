#include <catch2/catch.hpp>

#include <deque>

#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/message/secure_channel_link.hpp"
#include "support/seeded_crypto.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;
using p2pdist::test::crypto;
using p2pdist::test::seeded_entropy;
using Catch::Matchers::Contains;

namespace {

message_layer_config server_layer() {
    message_layer_config out;
    out.own_role = role::server;
    return out;
}

/// A connector core, and at the other end of its channel a message layer as the server has it.
struct channel_world {
    explicit channel_world(duration timeout = 30s, const version_range& server_speaks = {})
        : connector(crypto(), random, 5, timeout), link(crypto(), secure_channel_server, role::server, 34323, server_speaks) {}

    void open() {
        ++channel;
        secret_key exporter{};
        exporter.fill(static_cast<std::uint8_t>(channel));
        link.open(channel, {ip_address::v4(0x0a000009), 34320}, exporter);
        connector.on_channel_opened(now, exporter);
    }
    void close() {
        link.close(channel);
        connector.on_channel_closed(now);
    }
    void run_for(duration span) {
        const auto end = now + span;
        for (; now < end; now += 1ms) {
            connector.on_timer(now);
            server.on_timer(now);
            while (auto out = connector.poll(now)) {
                if (auto* record = std::get_if<connector_record>(&*out)) {
                    CHECK(record->record.size() <= secure_channel_record_bytes_max);
                    ++records;
                    if (loses && loses()) continue;
                    if (auto in = link.on_record(now, channel, record->record)) take(*in);
                }
                if (auto* answer = std::get_if<connector_answer>(&*out)) answers[answer->request] = std::move(answer->body);
                if (auto* failure = std::get_if<connector_failure>(&*out)) failures[failure->request] = failure->why;
            }
            while (auto out = server.poll(now)) {
                if (const auto* datagram = std::get_if<send_datagram>(&*out)) link.carry(*datagram);
                if (auto* request = std::get_if<message_received>(&*out)) {
                    received.push_back(request->body);
                    if (answering) server.reply(now, request->request, answering(request->body), transfer_protocol::foreground);
                }
            }
            while (auto record = link.poll()) {
                if (loses && loses()) continue;
                connector.on_record(now, record->record);
            }
        }
    }
    void take(const secure_channel_link::incoming& in) {
        if (const auto* frame = std::get_if<opened>(&in)) return server.on_frame(now, *frame);
        if (const auto* data = std::get_if<received_datagram>(&in)) server.on_data(now, *data);
    }

    seeded_entropy random{3};
    time_point now = time_point(100s);
    connector_core connector;
    secure_channel_link link;
    message_layer server{crypto(), random, link, 6, server_layer()};
    std::uint64_t channel = 0;
    std::function<message_body(const message_body&)> answering = [](const message_body&) -> message_body { return pong{}; };
    std::function<bool()> loses;
    std::vector<message_body> received;
    std::map<connector_handle, message_body> answers;
    std::map<connector_handle, error> failures;
    int records = 0;
};

}  // namespace

TEST_CASE("requests wait for the channel and are answered", "[REQ-CON-1]") {
    channel_world world;
    CHECK(world.connector.idle());
    const auto one = world.connector.request(world.now, ping{});
    const auto two = world.connector.request(world.now, health_request{});
    world.answering = [](const message_body& body) -> message_body {
        if (std::holds_alternative<ping>(body)) return pong{};
        return error_reply{errc::refused, "no"};
    };
    world.run_for(100ms);
    CHECK(world.records == 0);
    world.open();
    world.run_for(1s);
    REQUIRE(world.answers.size() == 2);
    CHECK(world.answers[one] == message_body(pong{}));
    CHECK(world.answers[two] == message_body(error_reply{errc::refused, "no"}));
    CHECK(world.connector.idle());
}

TEST_CASE("requests and answers of any size pass, also where records get lost", "[REQ-CON-1]") {
    channel_world world;
    random_source random(1);
    world.loses = [&] { return random.below(15) == 0; };
    world.answering = [](const message_body& body) -> message_body {
        return topology_export_reply{1, std::get<topology_import_request>(body).spreadsheet};
    };
    world.open();
    std::string text;
    while (text.size() < 1'500'000) text += "Office " + std::to_string(text.size()) + ",Default,HQ\r\n";
    const auto handle = world.connector.request(world.now, topology_import_request{text, false});
    world.run_for(20s);
    REQUIRE(world.answers.contains(handle));
    CHECK(world.received.size() == 1);
    CHECK(std::get<topology_export_reply>(world.answers[handle]).spreadsheet == text);
}

TEST_CASE("without a channel a request fails in time and says what to check", "[REQ-CON-1]") {
    channel_world world(5s);
    const auto handle = world.connector.request(world.now, ping{});
    CHECK(world.connector.deadline() <= world.now + 5s);
    world.run_for(4900ms);
    CHECK(world.failures.empty());
    world.run_for(200ms);
    REQUIRE(world.failures.contains(handle));
    CHECK(world.failures[handle].code == errc::timed_out);
    CHECK_THAT(world.failures[handle].message, Contains("security key"));
    CHECK(world.connector.idle());
    world.open();
    world.run_for(1s);
    CHECK(world.received.empty());  // it failed: it must not take effect any more
}

TEST_CASE("a request that no server could read fails at once", "[REQ-CON-1]") {
    channel_world world;
    world.open();
    content_info big{content_id::parse("a").value(), std::uint64_t{1} << 60, {}};
    const auto handle = world.connector.request(world.now, publish_request{{big}});
    CHECK_FALSE(world.connector.idle());
    world.run_for(2ms);
    REQUIRE(world.failures.contains(handle));
    CHECK(world.failures[handle].code == errc::invalid_argument);
    CHECK(world.connector.idle());
}

TEST_CASE("a server that acknowledges and never answers is a failure", "[REQ-CON-1]") {
    channel_world world(5s);
    world.answering = nullptr;
    world.open();
    const auto handle = world.connector.request(world.now, ping{});
    world.run_for(10s);
    CHECK(world.received.size() == 1);
    CHECK(world.failures.contains(handle));
    CHECK(world.connector.idle());
}

TEST_CASE("a request fails in time though a channel is opened again and again, where nothing comes through it", "[REQ-CON-1]") {
    channel_world world(5s);
    world.loses = [] { return true; };
    world.open();
    const auto handle = world.connector.request(world.now, ping{});
    for (int round = 0; round < 3; ++round) {
        world.run_for(1500ms);
        CHECK(world.failures.empty());
        world.open();
    }
    world.run_for(600ms);
    REQUIRE(world.failures.contains(handle));
    CHECK(world.failures[handle].code == errc::timed_out);
    CHECK_THAT(world.failures[handle].message, Contains("UDP datagrams"));
    CHECK(world.connector.idle());
    world.loses = {};
    world.open();
    world.run_for(1s);
    CHECK(world.received.empty());  // it failed: it must not take effect any more
}

TEST_CASE("an answer that takes longer than the timeout to arrive is waited for while it does", "[REQ-CON-1]") {
    channel_world world(1s);
    int count = 0;
    world.loses = [&] { return ++count % 3 == 0; };
    const std::string text(1'500'000, 'x');
    world.answering = [&](const message_body&) -> message_body { return topology_export_reply{1, text}; };
    world.open();
    const auto handle = world.connector.request(world.now, topology_export_request{});
    const auto begun = world.now;
    while (world.failures.empty() && world.answers.empty() && world.now - begun < 5min) world.run_for(100ms);
    CHECK(world.now - begun > 2s);
    CHECK(world.answers.contains(handle));
}

TEST_CASE("a request is repeated through a new channel under its id, and takes effect once", "[REQ-CON-1][REQ-CON-2]") {
    channel_world world;
    world.open();
    bool deaf = false;
    world.loses = [&] { return deaf; };
    world.answering = [&](const message_body&) -> message_body {
        deaf = true;  // the answer gets lost with its channel
        return pong{};
    };
    const auto handle = world.connector.request(world.now, ping{});
    world.run_for(500ms);
    CHECK(world.received.size() == 1);
    world.close();
    world.run_for(500ms);
    deaf = false;
    world.open();
    world.run_for(2s);
    CHECK(world.answers.contains(handle));
    CHECK(world.received.size() == 1);
}

TEST_CASE("a server of another version is a failure at once, which names the side to update", "[REQ-MSG-6][REQ-CON-1]") {
    channel_world world(30s, {2, 3});
    world.open();
    const auto small = world.connector.request(world.now, ping{});
    const auto large = world.connector.request(world.now, topology_import_request{std::string(50'000, 'x'), false});
    world.run_for(100ms);
    REQUIRE(world.failures.contains(small));
    REQUIRE(world.failures.contains(large));
    CHECK(world.failures[small].code == errc::version_unsupported);
    CHECK_THAT(world.failures[small].message, Contains("the server speaks versions 2 to 3: update this connector"));
    CHECK(world.received.empty());
    CHECK(world.connector.idle());
}

TEST_CASE("records that mean nothing change nothing", "[REQ-SEC-2]") {
    channel_world world;
    world.open();
    const auto handle = world.connector.request(world.now, ping{});
    random_source random(8);
    for (int count = 0; count < 2000; ++count) {
        bytes record(random.below(80));
        for (auto& byte : record) byte = static_cast<std::uint8_t>(random());
        if (!record.empty()) record[0] = protocol_version;
        if (record.size() > 1 && random.below(2) == 0) record[1] = static_cast<std::uint8_t>(0x40 + random.below(18));
        // A refusal of all our versions would mean something.
        const bool refusal = record.size() > 3 && record[1] == static_cast<std::uint8_t>(frame_type::version_refused);
        if (refusal) record[2] = record[3] = protocol_version;
        world.connector.on_record(world.now, record);
    }
    world.run_for(1s);
    CHECK(world.answers.contains(handle));
    CHECK(world.answers.size() == 1);
}
