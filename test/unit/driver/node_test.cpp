// What the programs' nodes owe to those who use them: the last event is the last, handlers may end what calls them, secrets are kept whole.

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include <unistd.h>

#include "loopback_office.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/driver/connector.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;
using p2pdist::test::loopback_office;

TEST_CASE("an event whose handler stops the client comes before client_stopped, for streams too", "[driver]") {
    loopback_office office;
    client node(office.io, office.client_at(10));
    event_stream events(node);
    node.set_event_handler([&](const client_event& event) {
        if (std::holds_alternative<client_registered>(event)) node.stop();
    });
    bool registered = false, stopped = false;
    std::error_code end;
    std::function<void(std::error_code, client_event)> next = [&](std::error_code why, const client_event& event) {
        end = why;
        if (why) return;
        CHECK_FALSE(stopped);
        registered = registered || std::holds_alternative<client_registered>(event);
        stopped = stopped || std::holds_alternative<client_stopped>(event);
        events.async_next(next);
    };
    events.async_next(next);
    REQUIRE(office.run_until([&] { return bool(end); }));
    CHECK(registered);
    CHECK(stopped);
    CHECK(office.runs_out());
}

TEST_CASE("packages of one size are told apart by their names in the file store", "[REQ-SRV-5]") {
    loopback_office office;
    const auto first = office.publish("first", 100'000);
    const auto second = office.publish("second", 100'000);
    client node(office.io, office.client_at(10));
    int complete = 0;
    for (const auto& content : {second, first}) {
        node.async_fetch(content.id, {}, [&](std::error_code why, const fetch_result&) {
            CHECK_FALSE(why);
            ++complete;
        });
    }
    REQUIRE(office.run_until([&] { return complete == 2; }));
    node.stop();
    CHECK(office.runs_out());
}

TEST_CASE("a connector may go within its own answer", "[REQ-CON-2]") {
    loopback_office office;
    connector_options options;
    options.server = ip_address::parse(office.address(200)).value();  // nobody
    options.bind = ip_address::parse(office.address(201)).value();
    options.ports = office.client_at(10).core.ports;
    options.timeout = 200ms;
    auto link = std::make_unique<connector>(office.io.get_executor(), options);
    int answers = 0;
    for (int i = 0; i < 2; ++i) {
        link->request(health_request{}, [&](const result<message_body>& answer) {
            CHECK_FALSE(answer);
            ++answers;
            link.reset();
        });
    }
    REQUIRE(office.run_until([&] { return answers == 2; }));
    CHECK(office.runs_out());
}

TEST_CASE("a new security key that the server cannot read leaves nobody the old one", "[driver][REQ-SEC-1][REQ-CON-2]") {
    loopback_office office;
    const auto data = office.output("server");
    const auto file = data / "keys" / "security.key";
    const auto old_key = read_key_file(file).value();
    const auto gets_in = [&](const secret_key& key) {
        connector_options options;
        options.server = options.bind = ip_address::parse(office.address(2)).value();
        options.security_key = key;
        options.timeout = 1s;
        connector link(office.io.get_executor(), options);
        std::optional<bool> in;
        link.request(health_request{}, [&](const result<message_body>& answer) { in = answer.has_value(); });
        REQUIRE(office.run_until([&] { return in.has_value(); }));
        return *in;
    };
    CHECK(gets_in(old_key));
    std::string told;
    office.central().set_event_handler([&](const server_event& event) {
        if (event.what == server_event::kind::finding) told += event.text + '\n';
    });
    REQUIRE(write_secret_file(file, as_bytes("no key\n")));
    REQUIRE(office.run_until([&] { return !told.empty(); }));
    CHECK_THAT(told, Catch::Contains("cannot read the new security key") && Catch::Contains(file.string()));
    CHECK_FALSE(gets_in(old_key));
    CHECK(std::count(told.begin(), told.end(), '\n') == 1);
    const auto new_key = rotate_server_key(data, server_key::security).value();
    CHECK(office.run_until([&] { return gets_in(new_key); }));
}

TEST_CASE("a server whose database is not there does not begin with an empty one", "[driver][REQ-SRV-6][REQ-SEC-2]") {
    loopback_office office;
    server_options options;
    options.data = office.output("another");
    options.bind = ip_address::parse(office.address(3)).value();
    REQUIRE(initialise_server(options.data, {}, {}, std::nullopt));
    for (const auto* end : {"", "-wal", "-shm"}) std::filesystem::remove(options.data / ("catalogue.sqlite" + std::string(end)));
    CHECK_THROWS_WITH(server(office.io.get_executor(), options), Catch::Contains("there is no database"));
    CHECK_FALSE(std::filesystem::exists(options.data / "catalogue.sqlite"));
}

TEST_CASE("a secret file comes back whole, or not at all", "[REQ-SEC-1]") {
    const auto file = std::filesystem::temp_directory_path() / ("p2pdist-secret-" + std::to_string(::getpid()));
    // A client's credentials carry the topology: more than a mebibyte where there are tens of thousands of offices.
    bytes content(3u << 20);
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    REQUIRE(write_secret_file(file, content));
    const auto kept = read_secret_file(file);
    REQUIRE(kept);
    CHECK(*kept == content);
    std::filesystem::resize_file(file, secret_file_bytes_max + 1);
    CHECK(read_secret_file(file).error().code == errc::limit_reached);
    std::filesystem::remove(file);
    CHECK(read_secret_file(file).error().code == errc::not_found);
}

TEST_CASE("a server's setting up that fails leaves nothing in the way of the next", "[REQ-SRV-6]") {
    const auto data = std::filesystem::temp_directory_path() / ("p2pdist-init-" + std::to_string(::getpid()));
    std::filesystem::remove_all(data);
    std::filesystem::create_directories(data / "server.conf.new" / "in the way");   // its last file cannot be written
    REQUIRE_FALSE(initialise_server(data, {}, {}, std::nullopt));
    CHECK_FALSE(std::filesystem::exists(data / "keys"));
    std::filesystem::remove_all(data / "server.conf.new");
    CHECK(initialise_server(data, {}, {}, std::nullopt));
    CHECK(initialise_server(data, {}, {}, std::nullopt).error().message.find("holds a server already") != std::string::npos);
    std::filesystem::remove(data / "server.conf");
    CHECK(initialise_server(data, {}, {}, std::nullopt).error().message.find("did not end") != std::string::npos);
    std::filesystem::remove_all(data);
}
