// The local socket where there is too little of something: descriptors, places, or words.

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>

#include "loopback_office.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/driver/local_service.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

using protocol = asio::local::stream_protocol;

/// A client of an office of its own, with its local socket.
struct served_office : loopback_office {
    served_office() { node.set_event_handler([this](const client_event& event) { service.on_event(event); }); }
    ~served_office() { service.stop(); }

    [[nodiscard]] bool registered() { return run_until([&] { return node.core().status().registered; }); }
    void say(protocol::socket& asker, const std::string& line) {
        if (!asker.is_open()) asker.connect(where);
        asio::write(asker, asio::buffer(line + "\n"));
    }

    client_options options = client_at(10);
    client node{io, options};
    local_service service{io.get_executor(), node, options.data};
    protocol::endpoint where{local_socket_path(options.data).string()};
};

/// No descriptor is free as long as it lives.
class no_more_descriptors {
public:
    no_more_descriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit few = before_;
        few.rlim_cur = std::min<rlim_t>(before_.rlim_cur, 256);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        for (int taken = ::dup(0); taken >= 0; taken = ::dup(0)) taken_.push_back(taken);
    }
    ~no_more_descriptors() {
        for (const int taken : taken_) ::close(taken);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    no_more_descriptors(const no_more_descriptors&) = delete;
    no_more_descriptors& operator=(const no_more_descriptors&) = delete;

private:
    rlimit before_{};
    std::vector<int> taken_;
};

}  // namespace

TEST_CASE("the local socket answers again after a time without free descriptors", "[driver]") {
    served_office office;
    REQUIRE(office.registered());

    protocol::socket asker(office.io);
    asker.open();
    bool refused = false;
    {
        const no_more_descriptors held;
        asker.connect(office.where);
        protocol::socket other(office.io);
        std::error_code failure;
        other.open(protocol(), failure);
        refused = static_cast<bool>(failure);
        office.io.poll();
    }
    CHECK(refused);
    office.say(asker, "{\"command\":\"status\"}");
    std::array<char, 4096> answer{};
    std::size_t size = 0;
    asker.async_read_some(asio::buffer(answer), [&](std::error_code failure, std::size_t got) {
        CHECK_FALSE(failure);
        size = got;
    });
    CHECK(office.run_until([&] { return size > 0; }));
    CHECK(std::string_view(answer.data(), size).find("registered") != std::string_view::npos);
}

TEST_CASE("programs that say nothing hold so many places and no more, and one that leaves makes room", "[driver][limits][hostile]") {
    served_office office;
    std::vector<protocol::socket> silent;
    const auto join = [&] {
        silent.emplace_back(office.io).connect(office.where);
        office.io.poll();
    };
    for (std::size_t count = 0; count < limits::local_connections_max; ++count) join();
    bool turned_away = false, first_left = false;
    std::array<char, 4096> room{};
    silent.front().async_read_some(asio::buffer(room), [&](std::error_code, std::size_t) { first_left = true; });
    join();
    silent.back().async_read_some(asio::buffer(room), [&](std::error_code failure, std::size_t) { turned_away = static_cast<bool>(failure); });
    CHECK(office.run_until([&] { return turned_away; }));
    CHECK_FALSE(first_left);   // it has ten seconds to say something
    silent.erase(silent.begin(), silent.begin() + 2);
    office.io.poll();
    protocol::socket asker(office.io);
    office.say(asker, "{\"command\":\"status\"}");
    std::size_t size = 0;
    asker.async_read_some(asio::buffer(room), [&](std::error_code, std::size_t got) { size = got; });
    CHECK(office.run_until([&] { return size > 0; }));
}

TEST_CASE("what a program says behind its line is not its going away", "[driver]") {
    served_office office;
    REQUIRE(office.registered());
    office.publish("app", 1000);
    office.node.pause(true);   // so that the download goes on
    protocol::socket asker(office.io), other(office.io);
    office.say(asker, "{\"command\":\"get\",\"content\":\"app\"}");
    REQUIRE(office.run_until([&] { return !office.node.core().status().downloads.empty(); }));
    office.say(asker, "");
    office.say(other, "{\"command\":\"status\"}");
    std::array<char, 4096> room{};
    bool answered = false;
    other.async_read_some(asio::buffer(room), [&](std::error_code, std::size_t) { answered = true; });
    CHECK(office.run_until([&] { return answered; }));
    CHECK_FALSE(office.node.core().status().downloads.empty());
    asker.close();
    CHECK(office.run_until([&] { return office.node.core().status().downloads.empty(); }));
}
