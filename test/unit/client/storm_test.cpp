// Random, truncated, bit-flipped and replayed datagrams to every port of every role: nothing changes, nothing grows, and nobody gets
// more bytes back than he sent [REQ-SEC-1] [REQ-SEC-2]. With P2PDIST_LONG_TESTS a million for each role.

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include "client_world.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

constexpr std::uint32_t attackers_net = 0xc6120000u;  // 198.18.0.0/15, of nobody's office
constexpr std::uint32_t attackers = 1u << 16;

std::size_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    in >> all >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

struct recorded {
    endpoint from, to;
    bytes data;
};

class storm {
public:
    explicit storm(client_world& world) : world_(&world), balance_(attackers) {
        world.loses = [this](const ip_address& from, const send_datagram& what) {
            record(from, what);
            return answered(what);
        };
    }
    void stop_recording() { recording_ = false; }
    [[nodiscard]] std::size_t recordings() const { return tape_.size(); }

    /// `count` datagrams to the node, to any of these ports.
    void rage(const ip_address& victim, const std::vector<std::uint16_t>& ports, int count) {
        for (int i = 0; i < count; ++i) {
            throw_one(victim, ports);
            if (i % 500 == 0) world_->run_for(1ms);
        }
        world_->run_for(50ms);
    }
    std::uint64_t sent_bytes = 0, answered_bytes = 0;
    bool more_out_than_in = false;

private:
    std::uint32_t draw(std::size_t below) { return static_cast<std::uint32_t>(random_() % below); }

    void record(const ip_address& from, const send_datagram& what) {
        constexpr std::size_t of_each_type = 400;
        if (!recording_ || what.header.empty() || ++taken_[what.header[0]] > of_each_type) return;
        bytes whole = what.header;
        whole.insert(whole.end(), what.payload.view.begin(), what.payload.view.end());
        tape_.push_back({{from, what.from_port}, what.to, std::move(whole)});
    }
    bool answered(const send_datagram& what) {
        if (!what.to.address.is_v4() || what.to.address.v4_value() - attackers_net >= attackers) return false;
        answered_bytes += what.size();
        auto& left = balance_[what.to.address.v4_value() - attackers_net];
        left -= static_cast<std::int64_t>(what.size());
        more_out_than_in = more_out_than_in || left < 0;
        return true;
    }

    void throw_one(const ip_address& victim, const std::vector<std::uint16_t>& ports) {
        const auto who = next_attacker_++ % attackers;
        endpoint from{ip_address::v4(attackers_net + who), static_cast<std::uint16_t>(draw(2) != 0 ? 34324 : 1024 + draw(60'000))};
        endpoint to{victim, ports[draw(ports.size())]};
        bytes data;
        const auto kind = draw(8);
        if (kind == 0) {
            data = noise();
        } else {
            const auto& tape = tape_[draw(tape_.size())];
            data = tape.data;
            if (kind == 1) data.resize(draw(data.size()));
            if (kind == 2 || kind == 3) {
                for (auto flips = 1 + draw(8); flips > 0; --flips) {
                    const auto bit = draw(data.size() * 8);
                    data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ 1u << bit % 8);
                }
            }
            if (kind == 4) data.insert(data.end(), 1 + draw(64), 0);
            if (kind >= 5 && tape.to.address == victim) to.port = tape.to.port;
            if (kind >= 6) from = tape.from;  // in the name of whoever sent it
        }
        if (from.address.v4_value() - attackers_net < attackers) {
            sent_bytes += data.size();
            balance_[who] += static_cast<std::int64_t>(data.size());
        }
        world_->inject(from, to, std::move(data));
    }
    bytes noise() {
        bytes out(draw(1201));
        for (auto& byte : out) byte = static_cast<std::uint8_t>(random_() >> 32);
        if (!out.empty() && draw(4) != 0) out[0] = static_cast<std::uint8_t>(0x40 + draw(0x12));
        return out;
    }

    client_world* world_;
    random_source random_{4711};
    std::vector<recorded> tape_;
    std::array<std::size_t, 256> taken_{};
    bool recording_ = true;
    std::uint32_t next_attacker_ = 0;
    std::vector<std::int64_t> balance_;
};

catalogue_snapshot without_times(catalogue_snapshot of) {
    for (auto& client : of.clients) client.last_seen = {};
    return of;
}

std::vector<std::uint16_t> ports_of(role who) {
    const port_plan plan;
    std::vector<std::uint16_t> out;
    for (std::size_t i = 0; i < port_use_count; ++i) {
        if (binder_of(static_cast<port_use>(i)) == who) out.push_back(plan[static_cast<port_use>(i)]);
    }
    return out;
}

}  // namespace

TEST_CASE("a storm of hostile datagrams changes nothing", "[storm][REQ-SEC-1][REQ-SEC-2]") {
    const int each = std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 1'000'000 : 12'000;
    world_options options;
    options.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/24\n";
    options.heartbeat = 600s;  // so that what is said during the storm is the storm's
    client_world world(options);
    storm weather(world);
    auto& central = world.add("10.0.1.1");
    auto& first = world.add("10.1.0.1", 20);
    auto& second = world.add("10.1.0.2");
    REQUIRE(world.run_until_registered());
    const auto small = some_bytes(3 * mib, 1);
    world.publish("small", small);
    const auto got = second.fetch("small");
    REQUIRE(world.run_until([&] { return second.complete(got); }));
    world.run_for(120s);  // reports, and the ends of enrolments
    weather.stop_recording();
    REQUIRE(weather.recordings() > 500);

    const auto durable = without_times(world.durable);
    const auto holdings = second.core().contents().size();
    const auto notices = second.notices.size() + first.notices.size() + central.notices.size();
    // Once to fill what may be filled, then it must stay as it is.
    weather.rage(world.server_address(), ports_of(role::server), each / 10);
    weather.rage(second.where, ports_of(role::client), each / 10);
    const auto memory = resident_bytes();
    weather.rage(world.server_address(), ports_of(role::server), each);
    const auto after_server = resident_bytes();
    weather.rage(second.where, ports_of(role::client), each);
    const auto after_client = resident_bytes();
    world.run_for(1s);

    CHECK_FALSE(weather.more_out_than_in);
    CHECK(weather.answered_bytes <= weather.sent_bytes);
    CHECK(without_times(world.durable) == durable);
    CHECK(world.server().statistics().clients_registered == 3);
    CHECK(second.core().contents().size() == holdings);
    CHECK(second.core().status().registered);
    CHECK(second.core().status().problem.empty());
    CHECK(second.notices.size() + first.notices.size() + central.notices.size() == notices);
#ifndef __SANITIZE_ADDRESS__  // whose memory grows by itself
    CHECK(after_server <= memory + 4 * mib);
    CHECK(after_client <= memory + 8 * mib);
#endif
    if (each >= 1'000'000) {
        WARN("in " << weather.sent_bytes << " B, out " << weather.answered_bytes << " B; resident " << memory / 1024 << ", "
                   << after_server / 1024 << ", " << after_client / 1024 << " KiB");
    }

    // A download through the storm.
    const auto large = some_bytes(8 * mib, 2);
    world.publish("large", large);
    const auto fetched = second.fetch("large");
    for (int i = 0; i < 40 && !second.complete(fetched); ++i) {
        weather.rage(world.server_address(), ports_of(role::server), each / 40);
        weather.rage(first.where, ports_of(role::client), each / 40);
        weather.rage(second.where, ports_of(role::client), each / 40);
        world.run_for(100ms);
    }
    CHECK(world.run_until([&] { return second.complete(fetched); }, 30s));
    CHECK_FALSE(weather.more_out_than_in);
}
