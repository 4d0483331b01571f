#include "samples.hpp"

using namespace p2pdist;

namespace {

template <std::size_t Size>
std::array<std::uint8_t, Size> counting(int first) {
    std::array<std::uint8_t, Size> out{};
    for (std::size_t i = 0; i < Size; ++i) out[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(first) + i);
    return out;
}

ip_address address(std::uint8_t last) { return ip_address::v4(0x0a010000u + last); }

ip_address address6() { return ip_address::v6({0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}); }

content_info content() { return {*content_id::parse("office-suite-24.2"), 3'221'225'472, {hash_kind::sha256_tree, counting<32>(0x40)}}; }

device_profile profile(std::uint8_t seed) {
    return {400'000'000'000u + seed, 50'000'000'000u, seed % 2 == 0, seed % 3 == 0 ? device_model::laptop : device_model::desktop,
            seed % 5 == 0 ? os_kind::server : os_kind::workstation, std::chrono::hours(30 + seed), 12};
}

peer_info peer(std::uint8_t seed) { return {client_id{counting<16>(seed)}, counting<32>(seed + 100), address(seed)}; }

ranked_peer ranked(std::uint8_t seed) { return {peer(seed), profile(seed)}; }

state_versions versions() { return {7, 3, 1200, 2, true, 5}; }

/// Eight in rosters and four holders in two offices: what fits a datagram.
locate_reply located() {
    locate_reply out{content(), {}, true, 3};
    out.path.push_back({"Rotterdam floor 2", {ranked(1), ranked(2), ranked(3), ranked(4)}, {peer(2), peer(3)}, 17});
    out.path.push_back({"Head office", {ranked(11), ranked(12), ranked(13), ranked(14)}, {peer(11), peer(14)}, 0});
    return out;
}

template <class Body>
void add(std::vector<std::pair<std::string, message>>& out, Body body) {
    message value{0x0102030405060708, 0, true, std::move(body)};
    const std::string name = name_of(value.body);
    out.emplace_back(name, std::move(value));
}

void add_general(std::vector<std::pair<std::string, message>>& out) {
    out.emplace_back("acknowledgement", message{0, 0x1112131415161718, false, {}});
    out.emplace_back("reply_pong", message{0x0102030405060708, 0x1112131415161718, false, pong{}});
    add(out, error_reply{errc::no_space, "Rotterdam: 12 GB are missing on /var/lib/p2pdist"});
    add(out, large_offer{0xa1a2a3a4a5a6a7a8, 1'000'000, counting<32>(7), transfer_protocol::background});
    add(out, ping{});
    add(out, pong{});
    add(out, accepted{});
    add(out, revocations_request{{5, 2}});
    add(out, revocations_reply{{1, 0, 0, 6, 0xa1, 0xb2}});
}

void add_client(std::vector<std::pair<std::string, message>>& out) {
    add(out, register_request{profile(4), address6(), 64, "pc-042", "0.1.0", {5, 2}});
    add(out, register_reply{versions(), "Rotterdam floor 2", 30'000, 1'700'000'000});
    add(out, heartbeat{profile(5), {5, 2}});
    add(out, heartbeat_reply{versions(), true});
    add(out, unregister{});
    add(out, topology_request{});
    add(out, topology_view{7, "Office,Type,Parent\nHead office,Default,\n"});
    add(out, settings_request{});
    add(out, settings_reply{3, {{"cdn.url", "https://cdn.example.org/p"}, {"ranking.free_storage_step", ""}}});
    add(out, state_changed{versions()});
    add(out, holdings_report{{{content().key(), holding_state::partial, true}, {content().key(), holding_state::complete, false}}, true});
    add(out, holdings_reply{});
    add(out, peer_report{client_id{counting<16>(3)}, content().key(), 4711, "bad chunk, strict mode"});
    add(out, link_report{content().key(), 3'221'225'472, 1'000, "Warehouse", 0x1122334455667788, 12});
    add(out, renew_request{counting<32>(0x20)});
    add(out, renew_reply{{0x31, 0x32, 0x33}});
}

void add_content(std::vector<std::pair<std::string, message>>& out) {
    add(out, content_request{content().id});
    add(out, content_reply{content(), true});
    add(out, locate_request{content().key()});
    add(out, located());
    add(out, want_request{content(), "Rotterdam floor 2", true, 5});
    add(out, want_reply{want_verdict::not_me, peer(2), {peer(3), peer(4)}, "pc-002 acts", 5});
    add(out, discovery_request{content().key()});
    add(out, discovery_reply{content().key(), holding_state::partial, true, profile(8), 5});
}

void add_connector(std::vector<std::pair<std::string, message>>& out) {
    add(out, activate_request{"P2P-XXXX-YYYY", 250});
    add(out, activate_reply{250, 17, true});
    add(out, health_request{});
    add(out, health_reply{"0.1.0", 86'400, true, 120, 100, 14, 6, {{1, "central office", "no client is registered there: install one"}}});
    add(out, licences_request{});
    add(out, licences_reply{true, 100, 120, 20});
    add(out, publish_request{{content(), {*content_id::parse("driver-7"), 0, {hash_kind::sha256, counting<32>(1)}}}});
    add(out, publish_reply{1, 1});
    add(out, contents_request{});
    add(out, contents_reply{{{content(), 12, 3, 1'700'000'000}}});
    add(out, remove_content_request{content().id});
    add(out, holders_request{content().id});
    add(out, holders_reply{{{client_id{counting<16>(3)}, address(3), "Warehouse", "pc-003", holding_state::complete}}});
    add(out, settings_set_request{"heartbeat.interval", "30s"});
    add(out, settings_show_request{});
    add(out, revoke_request{client_id{counting<16>(3)}, "stolen on 3 May"});
    add(out, reinstate_request{client_id{counting<16>(3)}});
    add(out, rotate_epoch_request{true});
    add(out, rotate_epoch_reply{7, 6});
}

void add_tables(std::vector<std::pair<std::string, message>>& out) {
    add(out, topology_export_request{true});
    add(out, topology_export_reply{8, "Office,Type,Parent\n"});
    add(out, topology_import_request{"Office;Type\n\xff", true});
    add(out, topology_import_reply{false, 8, 0, {{3, "Type", "\"Lan\" is no type: Default, VPN or Wi-Fi"}}, {{0, "", "the file has no offices"}}});
    add(out, clients_request{});
    add(out, clients_reply{{{client_id{counting<16>(3)}, address6(), "Warehouse", "pc-003", "0.1.0", profile(3), 1'700'000'001, true, {1'700'000'002, "stolen"}}}});
    add(out, offices_request{});
    add(out, offices_reply{{{"Warehouse", "Default", "Head office", 20, 18, "0102 10.1.0.3"}}});
    add(out, links_request{});
    add(out, links_reply{{{"Warehouse", content().id, 3'221'225'472, 3'221'225'472, 3'222'000'000}}});
}

}  // namespace

std::vector<std::pair<std::string, message>> sample_messages() {
    std::vector<std::pair<std::string, message>> out;
    add_general(out);
    add_client(out);
    add_content(out);
    add_connector(out);
    add_tables(out);
    return out;
}

std::vector<std::pair<std::string, flow_control>> sample_flow_controls() {
    flow_feedback feedback;  // of the middle of a large transfer
    feedback.sequence = 300;
    feedback.want_generation = 1;
    feedback.wanted = {{41'943'040, 62'914'560}};
    feedback.largest_packet = 35'000;
    feedback.acknowledged = {{34'900, 101}, {34'000, 890}};
    feedback.received_packets = 34'990;
    feedback.received_bytes = 41'900'000;
    feedback.echo_sent_at_us = 3'123'456'789;
    feedback.received_at_us = 812'345'678;
    feedback.held_us = 600;
    feedback.delay_min_us = static_cast<std::int32_t>(feedback.received_at_us - feedback.echo_sent_at_us) - 400;
    feedback.delay_max_us = feedback.delay_min_us + 3'000;
    feedback.interval_packets = 20;
    feedback.status_sequence_seen = 3;
    feedback.status_sequence = 9;
    return {
        {"flow_open_message", {0x01020304, true, flow_open{message_object{0xa1a2a3a4a5a6a7a8}, transfer_protocol::foreground, false, 1100, {}}}},
        {"flow_open_content", {0x01020304, true, flow_open{content_object{content()}, transfer_protocol::background, true, 1200, {1, 2, 3}}}},
        {"flow_accept", {0x01020304, false, flow_accept{3'223'000'000, {9}}}},
        {"flow_feedback", {0x01020304, true, feedback}},
        {"flow_status", {0x01020304, false, flow_status{4, 9, true, {7, 7}}}},
        {"flow_close", {0x01020304, true, flow_close{errc::limit_reached, "too many flows", 1500}}},
    };
}
