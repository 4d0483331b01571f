#pragma once
// What the tests of the façades share: what came of an operation, and a client that gives slowly, so that a download takes its time.

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "loopback_office.hpp"

namespace p2pdist::test {

struct came_of_it {
    int calls = 0;
    std::error_code failure;
    fetch_result got;
    auto handler() {
        return [this](std::error_code why, fetch_result what) {
            ++calls;
            failure = why;
            got = std::move(what);
        };
    }
};

/// Sends at a rate, whatever comes: so that a download takes its time.
class steady_controller final : public congestion_controller {
public:
    explicit steady_controller(double bytes_per_second) : rate_(bytes_per_second) {}
    void on_sent(time_point, std::uint64_t, std::uint64_t) override {}
    void on_feedback(const feedback_sample&) override {}
    void on_timeout(time_point, int) override {}
    [[nodiscard]] std::uint64_t window_bytes() const override { return 64 * 1024; }
    [[nodiscard]] double pacing_rate() const override { return rate_; }
    [[nodiscard]] std::uint64_t burst_bytes() const override { return 2400; }
    [[nodiscard]] bool paused() const override { return false; }
    [[nodiscard]] std::uint64_t datagram_bytes() const override { return 1200; }
    [[nodiscard]] std::string_view name() const noexcept override { return "steady"; }
    [[nodiscard]] std::string_view state() const noexcept override { return "steady"; }
private:
    double rate_;
};
inline congestion_controller_factory steady(double bytes_per_second) {
    return [=](std::uint64_t, time_point) { return std::make_unique<steady_controller>(bytes_per_second); };
}

/// A client that has the content and gives it away slowly.
inline std::unique_ptr<client> slow_holder(loopback_office& office, int host, const content_info& content, double bytes_per_second) {
    auto options = office.client_at(host);
    options.core.foreground = steady(bytes_per_second);
    auto node = std::make_unique<client>(office.io, options);
    came_of_it fetched;
    node->async_fetch(content.id, {}, fetched.handler());
    REQUIRE(office.run_until([&] { return fetched.calls == 1 && node->core().status().holdings_reported; }));
    REQUIRE_FALSE(fetched.failure);
    return node;
}

inline bool arriving(const client& node, const content_info& content) {
    const auto progress = node.core().progress(content.id);
    return progress && progress->verified_bytes > 0 && progress->verified_bytes < content.size_bytes;
}

}  // namespace p2pdist::test
