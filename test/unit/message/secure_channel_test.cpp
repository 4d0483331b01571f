#include "message_world.hpp"
#include "p2pdist/message/secure_channel_link.hpp"

using namespace test_message;

namespace {

/// One end of channels: link and layer, with the records that it gave out.
struct channel_end {
    channel_end(role as, const client_id& id, std::uint64_t seed, const version_range& speaks = {})
        : random(seed), link(crypto(), id, as, as == role::server ? 34323 : 34320, speaks), layer(crypto(), random, link, seed, config(as)) {}

    static message_layer_config config(role as) {
        message_layer_config out;
        out.own_role = as;
        return out;
    }
    std::vector<secure_channel_record> drain(time_point now) {
        std::vector<secure_channel_record> out;
        for (bool again = true; again;) {
            again = false;
            while (auto output = layer.poll(now)) {
                again = true;
                if (auto* datagram = std::get_if<send_datagram>(&*output)) link.carry(*datagram);
                if (auto* in = std::get_if<message_received>(&*output)) received.push_back(*in);
                if (auto* in = std::get_if<message_answered>(&*output)) answered.push_back(in->body);
                if (auto* why = std::get_if<message_failed>(&*output)) failed.push_back(why->why);
                if (!received.empty() && reply_size) {
                    layer.reply(now, received.back().request, answer("re: " + text_of(received.back().body).substr(0, 3), *reply_size));
                }
            }
            while (auto record = link.poll()) {
                again = true;
                out.push_back(std::move(*record));
            }
        }
        return out;
    }
    void hear(time_point now, std::uint64_t channel, const bytes& record) {
        const auto in = link.on_record(now, channel, record);
        if (!in) return;
        if (const auto* frame = std::get_if<opened>(&*in)) layer.on_frame(now, *frame);
        if (const auto* data = std::get_if<received_datagram>(&*in)) layer.on_data(now, *data);
        if (const auto* other = std::get_if<secure_channel_mismatch>(&*in)) mismatches.push_back(other->theirs);
    }

    seeded_entropy random;
    secure_channel_link link;
    message_layer layer;
    std::optional<std::size_t> reply_size = 0;
    std::vector<message_received> received;
    std::vector<message_body> answered;
    std::vector<error> failed;
    std::vector<version_range> mismatches;
};

const endpoint connector_at{ip_address::v4(0x0a000005), 34320};
const endpoint server_at{ip_address::v4(0x0a000001), 34323};
const client_id connector_id{{7, 7, 7}};

struct channel_world {
    explicit channel_world(const version_range& connector_speaks = {}, const version_range& server_speaks = {})
        : connector(role::connector, connector_id, 1, connector_speaks), server(role::server, secure_channel_server, 2, server_speaks) {}

    time_point now{1000s};
    channel_end connector;
    channel_end server;
    std::uint64_t channel = 0;  ///< 0: none is open
    double loss = 0;
    random_source random{5};
    std::size_t record_max = 0;

    void open(std::uint64_t number) {
        if (channel != 0) close();
        channel = number;
        secret_key exporter{};
        exporter.fill(static_cast<std::uint8_t>(number));
        connector.link.open(number, server_at, exporter);
        server.link.open(number, connector_at, exporter);
        connector.layer.on_peer_restarted(now, secure_channel_server);
        server.layer.on_peer_restarted(now, connector_id);
    }
    void close() {
        connector.link.close(channel);
        server.link.close(channel);
        channel = 0;
    }
    void run(duration time) {
        for (const auto end = now + time; now < end; now += 1ms) {
            connector.layer.on_timer(now);
            server.layer.on_timer(now);
            for (auto& record : connector.drain(now)) carry(record, server);
            for (auto& record : server.drain(now)) carry(record, connector);
        }
    }
    void carry(const secure_channel_record& record, channel_end& to) {
        record_max = std::max(record_max, record.record.size());
        if (random.unit() >= loss) to.hear(now, record.channel, record.record);
    }
    message_handle ask_server(std::size_t size) {
        return connector.layer.request(now, {secure_channel_server, role::server, server_at.address}, ask("q", size));
    }
};

}  // namespace

TEST_CASE("messages of any size run inside the connector's channel", "[message][REQ-CON-1]") {
    channel_world world;
    world.loss = GENERATE(0.0, 0.1);
    world.open(1);
    for (const std::size_t size : {0u, 1'000u, 1'070u, 1'090u, 30'000u}) {
        world.server.reply_size = size;
        (void)world.ask_server(size);
        world.run(20s);
    }
    CHECK(world.connector.failed.empty());
    REQUIRE(world.connector.answered.size() == 5);
    CHECK(text_of(world.connector.answered.back()).size() == 30'000);
    REQUIRE(world.server.received.size() == 5);
    CHECK(world.server.received.front().from == message_peer{connector_id, role::connector, connector_at.address});
    CHECK(world.record_max <= secure_channel_record_bytes_max);
}

TEST_CASE("requests outlive the channel and take effect once", "[message][REQ-CON-1]") {
    channel_world world;
    world.server.reply_size.reset();
    const auto waiting = world.ask_server(20'000);  // no channel yet
    CHECK(waiting.value != 0);
    world.run(500ms);
    CHECK(world.connector.failed.empty());
    world.open(1);
    world.run(2s);
    REQUIRE(world.server.received.size() == 1);
    world.close();
    world.run(2s);
    world.server.layer.reply(world.now, world.server.received.front().request, answer("done", 20'000));
    world.run(1s);
    CHECK(world.connector.answered.empty());
    world.open(2);
    world.run(5s);
    REQUIRE(world.connector.answered.size() == 1);
    CHECK(text_of(world.connector.answered.front()).starts_with("done"));
    CHECK(world.server.received.size() == 1);
}

TEST_CASE("records that make no sense are dropped", "[message][hostile][REQ-CON-2]") {
    channel_world world;
    world.open(1);
    (void)world.ask_server(0);
    const auto good = world.connector.drain(world.now).front().record;
    auto& link = world.server.link;
    CHECK_FALSE(link.on_record(world.now, 2, good));  // no such channel
    CHECK_FALSE(link.on_record(world.now, 1, bytes{}));
    CHECK_FALSE(link.on_record(world.now, 1, byte_span(good).first(1)));
    CHECK_FALSE(link.on_record(world.now, 1, byte_span(good).first(17)));
    CHECK_FALSE(link.on_record(world.now, 1, bytes{1, 22, 1, 2, 3}));
    auto hello = good;
    hello[1] = static_cast<std::uint8_t>(frame_type::session_hello);
    CHECK_FALSE(link.on_record(world.now, 1, hello));
    auto as_server = good;
    std::fill_n(as_server.begin() + 2, 16, std::uint8_t{0});
    CHECK_FALSE(link.on_record(world.now, 1, as_server));
    CHECK(link.on_record(world.now, 1, good));
    auto other = good;
    other[2] = 9;
    CHECK_FALSE(link.on_record(world.now, 1, other));  // the channel belongs to the first
    CHECK(link.dropped() == 8);
}

TEST_CASE("flow keys of a channel are the same at both ends and end with it", "[message][REQ-CON-2]") {
    channel_world world;
    world.open(1);
    (void)world.ask_server(0);
    world.run(10ms);
    const auto session = world.connector.link.current_session(secure_channel_server);
    REQUIRE(session);
    CHECK(world.server.link.current_session(connector_id) == session);
    const auto key = world.connector.link.flow_key(secure_channel_server, *session, 5, connector_id);
    REQUIRE(key);
    CHECK(world.server.link.flow_key(connector_id, *session, 5, connector_id) == key);
    CHECK(world.server.link.flow_key(connector_id, *session, 6, connector_id) != key);
    CHECK_FALSE(world.server.link.flow_key(client_id{{1}}, *session, 5, connector_id));
    world.open(2);
    CHECK_FALSE(world.connector.link.flow_key(secure_channel_server, *session, 5, connector_id));
}

TEST_CASE("records that nobody polls are bounded", "[message][limits]") {
    channel_world world;
    world.open(1);
    const path way{34320, server_at};
    for (std::size_t i = 0; i < limits::secure_channel_output_records_max + 3; ++i)
        (void)world.connector.link.send(world.now, secure_channel_server, way, frame_type::message, bytes{1});
    CHECK(world.connector.link.dropped() == 3);
    CHECK(world.connector.link.send(world.now, secure_channel_server, way, frame_type::message, bytes(1'083)) == send_status::too_large);
}

TEST_CASE("the ends of a channel use their highest common version", "[message][REQ-MSG-6]") {
    const auto newer = GENERATE(role::connector, role::server);
    const version_range old{1, 2};
    const version_range wide{1, 4};
    channel_world world(newer == role::connector ? wide : old, newer == role::server ? wide : old);
    world.open(1);
    world.server.reply_size = 30'000;
    (void)world.ask_server(30'000);
    world.run(20s);
    REQUIRE(world.connector.answered.size() == 1);
    CHECK(world.connector.mismatches.empty());
    (void)world.ask_server(0);
    for (const auto& record : world.connector.drain(world.now)) CHECK(record.record.front() == 2);
}

TEST_CASE("a server refuses records of versions that it does not speak, in a layout that stays", "[message][REQ-MSG-6]") {
    channel_world world({1, 1}, {2, 3});
    world.open(1);
    (void)world.ask_server(0);
    const auto said = world.connector.drain(world.now);
    REQUIRE(said.size() == 1);
    CHECK(said.front().record.front() == 1);
    world.server.hear(world.now, 1, said.front().record);
    const auto answers = world.server.drain(world.now);
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().record == bytes{3, 0x45, 2, 3});
    CHECK(world.server.received.empty());
    world.connector.hear(world.now, 1, answers.front().record);
    REQUIRE(world.connector.mismatches.size() == 1);
    CHECK(world.connector.mismatches.front() == version_range{2, 3});
    // A refusal is never answered, so two ends never go on refusing each other.
    world.server.hear(world.now, 1, answers.front().record);
    CHECK(world.server.drain(world.now).empty());
}
