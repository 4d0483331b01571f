// The wire format as bytes: with fixed keys and entropy every frame is always the same. A change here is a change of protocol.
// `unit_envelope "[.golden-write]"` writes the files anew.

#include <fstream>
#include <sstream>

#include "envelope_world.hpp"
#include "p2pdist/envelope/broadcast.hpp"
#include "p2pdist/envelope/data_frame.hpp"
#include "p2pdist/envelope/enrolment.hpp"
#include "p2pdist/envelope/renewal.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

using namespace test_envelope;

namespace {

using frames = std::vector<std::pair<std::string, bytes>>;

void add_session_frames(frames& out) {
    node a(1), b(2);
    a.know(b);
    (void)a.say(start, b, "a message");
    (void)a.say(start, b, "flow control", frame_type::flow_control);
    const auto hello = next(a);
    (void)b.take(start, hello, at(1));
    const auto welcome = next(b);
    (void)a.take(start, welcome, at(2));
    out.emplace_back("session_hello", hello);
    out.emplace_back("session_welcome", welcome);
    out.emplace_back("message", next(a));
    out.emplace_back("flow_control", next(a));
    const auto flow = a.env.flow_key(b.identity.id, *a.env.current_session(b.identity.id), 4711, a.identity.id);
    REQUIRE(flow);
    out.emplace_back("flow_key", to_bytes(*flow));

    b.restart(3);
    b.know(a);
    (void)b.take(start, out[2].second, at(1));
    out.emplace_back("session_unknown", next(b));

    node c(5);
    befriend(a, c);
    (void)a.say(start, c, "from elsewhere");
    (void)c.take(start, next(a), at(9));
    out.emplace_back("session_moved", next(c));
    for (std::uint64_t boot = 0; boot <= limits::session_hellos_of_peer_max; ++boot) {
        a.restart(10 + boot);
        a.know(c);
        (void)a.say(start, c, "once more");
        (void)c.take(start, next(a), at(1));
    }
    c.drain();
    out.emplace_back("session_cookie", c.sent.back().header);
    envelope_config config;
    config.versions = {5, 6};
    b.restart(4, role::client, 7, config);
    (void)b.take(start, hello, at(1));
    out.emplace_back("version_refused", next(b));
}

void add_enrolment_frames(frames& out) {
    seeded_entropy client_random(31), server_random(32);
    const auto self = identity_from_secret(crypto(), key_of_byte(1));
    const auto server_end = at(200, 34323), client_end = at(1, 34324);
    enrolment_client client(crypto(), client_random, self, {key_of_byte(0x42), {34324, server_end}, to_bytes(as_bytes("client info")), {}});
    enrolment_server server(crypto(), server_random, {key_of_byte(0x42), {}, 4});
    client.start(start);
    const auto hello = client.poll()->header;
    server.on_datagram(start, {server_end, client_end, start, 0, hello});
    const auto answer = std::get<send_datagram>(*server.poll()).header;
    client.on_datagram(start, wall, {client_end, server_end, start, 0, answer});
    const auto request = client.poll()->header;
    server.on_datagram(start, {server_end, client_end, start, 0, request});
    const auto handle = std::get<enrolment_request>(*server.poll()).handle;
    const auto server_key = identity_from_secret(crypto(), key_of_byte(200)).key;
    REQUIRE(server.grant(start, handle,
                         {credentials_for(self.key), credentials_for(server_key, role::server).own, to_bytes(as_bytes("opaque"))}));
    out.emplace_back("enrol_hello", hello);
    out.emplace_back("enrol_answer", answer);
    out.emplace_back("enrol_request", request);
    out.emplace_back("enrol_grant", std::get<send_datagram>(*server.poll()).header);
}

frames golden_frames() {
    frames out;
    add_session_frames(out);
    add_enrolment_frames(out);
    const auto a = identity_from_secret(crypto(), key_of_byte(1)), b = identity_from_secret(crypto(), key_of_byte(2));
    const auto held_a = credentials_for(a.key), held_b = credentials_for(b.key);
    broadcast_nonce nonce{};
    nonce.fill(0x77);
    const auto request = seal_broadcast_request(crypto(), held_a, {}, wall, nonce, as_bytes("request"));
    const auto opened_request = open_broadcast_request(crypto(), held_b, {}, wall, request);
    REQUIRE(opened_request);
    out.emplace_back("broadcast_request", request);
    out.emplace_back("broadcast_answer", seal_broadcast_answer(crypto(), held_b, b, *opened_request, as_bytes("answer")));
    bytes cert;
    encode(held_a.own, cert);
    out.emplace_back("certificate", cert);
    revocation_list list{5, wall, 7, {a.id, b.id}, {}};
    sign_revocations(crypto(), key_of_byte(0xee), list);
    out.emplace_back("revocation_list", encode(list));
    seeded_entropy random(33);
    const auto renewed = seal_renewal(crypto(), random, b, a.key, identity_from_secret(crypto(), key_of_byte(3)).key,
                                      {held_a, credentials_for(b.key, role::server).own, {}});
    REQUIRE(renewed);
    out.emplace_back("renewal", *renewed);
    short_key key{};
    key.fill(0x09);
    const auto payload = as_bytes("payload");
    for (const auto type : {frame_type::data, frame_type::data_strict}) {
        bytes frame;
        seal_data(crypto(), key, {type, data_flag_feedback_now, 0xdeadbeef, 17, 123456, 0x123456789abc}, payload, frame);
        frame.insert(frame.end(), payload.begin(), payload.end());
        out.emplace_back(type == frame_type::data ? "data" : "data_strict", frame);
    }
    return out;
}

std::string file_of(const std::string& name) { return std::string(P2PDIST_TEST_DIR) + "/golden/envelope/" + name + ".hex"; }

/// 32 bytes a line.
std::string text_of(const bytes& data) {
    const auto hex = to_hex(data);
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 64) out += hex.substr(i, 64) + "\n";
    return out;
}

}  // namespace

TEST_CASE("every frame is byte for byte what the golden files say", "[golden][REQ-MSG-6]") {
    const auto all = golden_frames();
    CHECK(all.size() == 20);
    for (const auto& [name, data] : all) {
        INFO(name);
        std::ifstream file(file_of(name));
        std::stringstream text;
        text << file.rdbuf();
        CHECK(text.str() == text_of(data));
    }
}

TEST_CASE("write the golden files", "[.golden-write]") {
    for (const auto& [name, data] : golden_frames()) {
        std::ofstream file(file_of(name));
        file << text_of(data);
        CHECK(file.good());
    }
}
