#include <catch2/catch.hpp>

#include <set>

#include "p2pdist/wire/frame.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

/// Watches every datagram that is sent against the rules of offices and ports.
class inspector {
public:
    explicit inspector(sim::world& w) : w_(w) {
        w.net().watch([this](const sim::watched_datagram& told) {
            if (told.note.what == sim::datagram_note::kind::sent) inspect(told.note);
        });
    }
    std::set<std::string> faults;
    std::size_t seen = 0, data = 0;
    std::set<std::string> broadcasting;   // offices

private:
    role role_of(const ip_address& address) const {
        if (address == w_.server_address()) return role::server;
        return w_.client_at(address) ? role::client : role::connector;
    }
    void fault(const sim::datagram_note& note, const std::string& why) {
        faults.insert(why + ": " + note.from.to_string() + " > " + note.to.to_string());
    }
    void inspect(const sim::datagram_note& note) {
        ++seen;
        if (note.payload_bytes > limits::datagram_bytes_max) fault(note, "too long");
        const auto from = role_of(note.from.address);
        if (note.broadcast) {
            broadcasting.insert(office(note.from.address));
            if (from != role::client || note.to.port != 34329 || note.from.port != 34324) fault(note, "broadcast from where none comes");
            return;
        }
        const auto to = role_of(note.to.address);
        if (!listed(from, to, note.from.port, note.to.port) && !listed(to, from, note.to.port, note.from.port)) fault(note, "unlisted pair");
        const auto type = frame_type_of(note.header);
        if (type == frame_type::data || type == frame_type::data_strict) inspect_data(note, from, to);
    }
    /// MSG-4's pairs, in the direction of the one who asks.
    static bool listed(role from, role to, std::uint16_t source, std::uint16_t target) {
        using pair = std::tuple<role, role, std::uint16_t, std::uint16_t>;
        static const std::set<pair> pairs{
            {role::client, role::server, 34324, 34323}, {role::server, role::client, 34322, 34325}, {role::client, role::client, 34324, 34325},
            {role::client, role::server, 34335, 34333}, {role::client, role::server, 34343, 34341}, {role::server, role::client, 34331, 34337},
            {role::server, role::client, 34339, 34345}, {role::client, role::client, 34335, 34337}, {role::client, role::client, 34343, 34345},
            {role::client, role::client, 34760, 34546}, {role::client, role::client, 34750, 34546}, {role::client, role::server, 34760, 34545},
            {role::client, role::server, 34750, 34545}, {role::connector, role::server, 34320, 34323},
            {role::client, role::client, 34324, 34329},  // an answer to a broadcast, on the pair of its request
        };
        return pairs.contains({from, to, source, target});
    }
    void inspect_data(const sim::datagram_note& note, role from, role to) {
        if (note.to.port != 34760 && note.to.port != 34750) return;   // of a large message
        ++data;
        const auto& offices = w_.offices();
        const auto sender = offices.office_of(note.from.address);
        const auto receiver = offices.office_of(note.to.address);
        if (!sender || !receiver) return;
        if (to != role::client) fault(note, "content for no client");
        if (from == role::server) {
            if (*receiver != offices.central()) fault(note, "content from the server out of the central office");
            return;
        }
        if (!offices.shares(*sender)) fault(note, "content from a VPN client");
        if (!offices.is_ancestor_or_self(*sender, *receiver)) fault(note, "content upwards or sideways");
        if ((*sender == *receiver) != (note.to.port == 34760)) fault(note, "content on the other protocol's port");
    }
    std::string office(const ip_address& address) const {
        const auto where = w_.offices().office_of(address);
        return where ? w_.offices()[*where].name : "";
    }

    sim::world& w_;
};

topology offices_of_every_kind() {
    return *parse_spreadsheet(
        "Office,Type,Parent,Subnet\n"
        "Central,Default,,10.0.0.0/24\n"
        "Boston,Default,Central,10.1.0.0/24\n"
        "Boston Wi-Fi,Wi-Fi,Boston,10.1.128.0/24\n"
        "Cellar,Default,Boston,10.1.64.0/24\n"
        "Remote,VPN,Central,10.200.0.0/24\n");
}

}  // namespace

TEST_CASE("every datagram keeps to the port plan, content flows down only, and VPN and Wi-Fi keep to their rules",
          "[REQ-OFF-2][REQ-OFF-3][REQ-MSG-4][REQ-SRV-5]") {
    sim::world_options options(offices_of_every_kind());
    options.seed = GENERATE(from_range(test::seeds()));
    options.heartbeat = 5s;
    sim::world w(options);
    for (const auto& office : w.offices().offices()) {
        for (int i = 0; i < 3; ++i) w.add_client({.office = office.name});
    }
    inspector inspected(w);
    w.set_up();
    const auto app = w.make_content("app-1", 3 << 20);
    w.publish(app);
    for (std::size_t i = 0; i < w.clients(); ++i) w.fetch({i}, app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    // What one office holds alone is not for its parent or its neighbours, however they ask.
    const auto own = w.make_content("local", 1 << 20);
    w.publish(own, {.server_file_store = false});
    for (std::size_t i = 0; i < w.clients(); ++i) {
        if (w.office_of({i}) == "Cellar") w.import({i}, own);
    }
    w.run_for(10s);
    for (std::size_t i = 0; i < w.clients(); ++i) {
        if (w.office_of({i}) != "Cellar") w.fetch({i}, own);
    }
    w.run_for(60s);
    for (const auto& fault : inspected.faults) UNSCOPED_INFO(fault);
    CHECK(inspected.faults.empty());
    CHECK(inspected.data > 10'000);
    CHECK(inspected.broadcasting.count("Boston Wi-Fi") == 0);
    for (std::size_t i = 0; i < w.clients(); ++i) {
        CHECK(w.has_right_bytes({i}, app));
        CHECK(w.has_right_bytes({i}, own) == (w.office_of({i}) == "Cellar"));
    }
}

TEST_CASE("every client of a VPN office fetches from the parent", "[REQ-OFF-3]") {
    sim::world_options options(offices_of_every_kind());
    sim::world w(options);
    w.add_client({.office = "Central"});
    w.add_client({.office = "Central"});
    for (int i = 0; i < 3; ++i) w.add_client({.office = "Remote"});
    w.set_up();
    const auto app = w.make_content("app-1", 4 << 20);
    w.publish(app);
    for (std::size_t i = 0; i < w.clients(); ++i) w.fetch({i}, app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    const auto copies = w.wan("Remote").copies(app.info().size_bytes);
    CHECK(copies > 3.0);
    CHECK(copies < 3.4);
    for (std::size_t i = 2; i < w.clients(); ++i) {
        CHECK(w.fetch_of({i}, app.info())->split[static_cast<std::size_t>(source_kind::ancestor)] == app.info().size_bytes);
    }
}

TEST_CASE("nobody gets content before activation, all do after it", "[REQ-ACT-1]") {
    demo_world demo(4);
    auto& w = demo.w;
    w.start();
    w.import_topology();
    const auto app = w.make_content("app-1", 1 << 20);
    w.publish(app);
    demo.fetch_all(app);
    w.run_for(30s);
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK_FALSE(w.has_right_bytes({i}, app));
    // A command that was refused for want of a licence is given again by its user.
    w.activate();
    for (const auto& [office, members] : demo.clients) {
        for (const auto who : members) {
            const auto* record = w.fetch_of(who, app.info());
            if (record->failure) w.fetch(who, app);
        }
    }
    const auto all = [&] {
        for (std::size_t i = 0; i < w.clients(); ++i) {
            if (!w.fetch_of({i}, app.info())->complete()) return false;
        }
        return true;
    };
    const bool done = w.run_until(all, 10min);
    INFO(unfinished(w));
    CHECK(done);
}

TEST_CASE("the CDN is read once for all, by the central office", "[REQ-SRC-2][REQ-SRC-3][REQ-SRC-5]") {
    auto options = demo_world::options_of(6);
    options.server_file_store = false;
    options.cdn = "https://cdn.example/packages";
    demo_world demo(options);
    auto& w = demo.w;
    w.set_up();
    const auto app = w.make_content("app-1", 8 << 20);
    w.publish(app, {.cdn = true});
    demo.fetch_all(app);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 10min);
    INFO(unfinished(w));
    REQUIRE(done);
    CHECK(static_cast<double>(w.fallback_bytes(source_kind::cdn)) <= 1.05 * static_cast<double>(app.info().size_bytes));
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, app));
}
