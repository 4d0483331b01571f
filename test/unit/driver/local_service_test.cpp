// The local socket in a process that has run out of descriptors.

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
#include "p2pdist/driver/local_service.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

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
    using protocol = asio::local::stream_protocol;
    loopback_office office;
    const auto options = office.client_at(10);
    client node(office.io, options);
    local_service service(office.io.get_executor(), node, options.data);
    node.set_event_handler([&](const client_event& event) { service.on_event(event); });
    REQUIRE(office.run_until([&] { return node.core().status().registered; }));

    protocol::socket asker(office.io);
    asker.open();
    bool refused = false;
    {
        const no_more_descriptors held;
        asker.connect(protocol::endpoint(local_socket_path(options.data).string()));
        protocol::socket other(office.io);
        std::error_code failure;
        other.open(protocol(), failure);
        refused = static_cast<bool>(failure);
        office.io.poll();
    }
    CHECK(refused);
    asio::write(asker, asio::buffer(std::string("{\"command\":\"status\"}\n")));
    std::array<char, 4096> answer{};
    std::size_t size = 0;
    asker.async_read_some(asio::buffer(answer), [&](std::error_code failure, std::size_t got) {
        CHECK_FALSE(failure);
        size = got;
    });
    CHECK(office.run_until([&] { return size > 0; }));
    CHECK(std::string_view(answer.data(), size).find("registered") != std::string_view::npos);
    service.stop();
}
