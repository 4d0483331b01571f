#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/sim/event_queue.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

namespace {

struct recorder final : event_handler {
    explicit recorder(std::vector<std::uint64_t>& seen_) : seen(seen_) {}
    void on_event(time_point, std::uint64_t what) override { seen.push_back(what); }
    std::vector<std::uint64_t>& seen;
};

}  // namespace

TEST_CASE("events run by time, then in the order in which they were asked for") {
    event_queue queue;
    std::vector<std::uint64_t> seen;
    recorder handler(seen);
    const auto start = queue.now();
    queue.at(start + 2ms, handler, 4);
    for (std::uint64_t i = 1; i <= 3; ++i) queue.at(start + 1ms, handler, i);
    queue.at(start + 3ms, [&] { seen.push_back(5); });
    while (queue.step()) {}
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
    CHECK(queue.now() == start + 3ms);
    CHECK(queue.processed() == 5);
}

TEST_CASE("a time in the past means now, behind what is due already") {
    event_queue queue;
    std::vector<std::uint64_t> seen;
    recorder handler(seen);
    queue.at(queue.now() + 1s, [&] {
        queue.at(queue.now(), handler, 1);
        queue.at(queue.now() - 500ms, handler, 2);
    });
    while (queue.step()) {}
    CHECK(seen == std::vector<std::uint64_t>{1, 2});
    CHECK(queue.now() == event_queue::start_time + 1s);
}

TEST_CASE("the clock is moved up to the next event, and never back") {
    event_queue queue;
    std::vector<std::uint64_t> seen;
    recorder handler(seen);
    const auto start = queue.now();
    queue.at(never, handler, 9);
    CHECK(queue.size() == 0);
    queue.at(start + 10ms, handler, 1);
    queue.advance_to(start + 5ms);
    CHECK(queue.now() == start + 5ms);
    queue.advance_to(start + 1h);
    CHECK(queue.now() == start + 10ms);
    queue.advance_to(start);
    CHECK(queue.now() == start + 10ms);
    CHECK(queue.step());
    CHECK_FALSE(queue.step());
    CHECK(queue.next_time() == never);
}

TEST_CASE("callbacks may ask for callbacks, and their places are used again") {
    event_queue queue;
    int left = 1000;
    std::function<void()> again = [&] {
        if (--left > 0) queue.at(queue.now() + 1us, again);
    };
    queue.at(queue.now(), again);
    while (queue.step()) {}
    CHECK(left == 0);
    CHECK(queue.now() == event_queue::start_time + 999us);
}

TEST_CASE("any events run in the order of a stable sort") {
    event_queue queue;
    std::vector<std::uint64_t> seen;
    recorder handler(seen);
    random_source random(5);
    std::vector<std::pair<time_point, std::uint64_t>> asked;
    std::uint64_t number = 0;
    const auto ask = [&] {
        // Nearby, far away, and often the same time.
        const auto when = queue.now() + duration(static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(40)) / 100 * 100));
        asked.emplace_back(when, number);
        queue.at(when, handler, number++);
    };
    for (int i = 0; i < 2000; ++i) ask();
    for (int i = 0; i < 15'000; ++i) {
        if (random.below(8) > 0) ask();
        const auto next = queue.next_time();
        const auto size = queue.size();
        if (random.below(4) == 0) queue.advance_to(queue.now() + duration(static_cast<std::int64_t>(random.below(1000))));
        REQUIRE(queue.step());
        CHECK(queue.now() == next);
        CHECK(queue.size() == size - 1);
    }
    while (queue.step()) {}
    std::stable_sort(asked.begin(), asked.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
    std::vector<std::uint64_t> expected;
    for (const auto& each : asked) expected.push_back(each.second);
    CHECK(seen == expected);
}
