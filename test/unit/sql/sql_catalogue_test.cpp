#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random_changes.hpp"
#include "sql_fixture.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a new database is empty, private and takes changes", "[REQ-DB-1]") {
    const temporary_directory place;
    auto catalogue = sql_catalogue::open(place.url());
    REQUIRE(catalogue);
    CHECK((*catalogue)->load().value() == catalogue_snapshot{});

    struct stat info {};
    REQUIRE(::stat(place.file().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(commit(**catalogue, {put_client{client(7)}}));
    REQUIRE(::stat((place.file() + "-wal").c_str(), &info) == 0);  // what is not yet in the main file is as private
    CHECK((info.st_mode & 0777) == 0600);
    CHECK((*catalogue)->load().value().clients == std::vector{client(7)});
}

TEST_CASE("what the database holds is what the same changes make in memory", "[REQ-SRV-6][REQ-DB-1]") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        const temporary_directory place;
        random_changes random(seed);
        catalogue_snapshot expected;
        auto catalogue = sql_catalogue::open(place.url()).value();
        for (int round = 0; round < 120; ++round) {
            std::vector<catalogue_change> changes;
            for (auto left = random.below(5); left > 0; --left) changes.push_back(random.next());
            for (const auto& change : changes) apply(expected, change);
            const auto outcome = commit(*catalogue, std::move(changes));
            REQUIRE(outcome.has_value());
            if (round % 40 == 39) {
                catalogue.reset();
                catalogue = sql_catalogue::open(place.url()).value();
            }
            if (round % 10 == 9) {
                const auto loaded = catalogue->load().value();
                REQUIRE(loaded == expected);
            }
        }
    }
}

TEST_CASE("requests that wait share a transaction and complete in order", "[REQ-SRV-6]") {
    const temporary_directory place;
    auto catalogue = sql_catalogue::open(place.url()).value();
    std::mutex guard;
    std::vector<std::uint64_t> completed;
    std::promise<void> held, all;
    catalogue->submit({0, {}}, [&](const catalogue_completion&) { held.get_future().wait(); });  // keeps the worker busy
    constexpr std::uint64_t count = 300;
    for (std::uint64_t request = 1; request <= count; ++request) {
        catalogue->submit({request, {put_setting{"k" + std::to_string(request), "v"}}}, [&](const catalogue_completion& done) {
            const std::lock_guard lock(guard);
            CHECK(done.outcome);
            completed.push_back(done.id);
            if (completed.size() == count) all.set_value();
        });
    }
    held.set_value();
    all.get_future().wait();
    CHECK(std::is_sorted(completed.begin(), completed.end()));
    CHECK(catalogue->commits() <= 3);
    CHECK(catalogue->load().value().settings.size() == count);
}

TEST_CASE("what was completed is there after the process was killed", "[REQ-SRV-6]") {
    const temporary_directory place;
    { REQUIRE(sql_catalogue::open(place.url())); }
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const auto child = ::fork();
    if (child == 0) {
        auto catalogue = sql_catalogue::open(place.url()).value();
        for (std::uint8_t number = 1; number <= 50; ++number) {
            if (!commit(*catalogue, {put_client{client(number)},
                                     put_holdings{client(number).id, {{content("c").key(), holding_state::complete, false}}, true}}))
                ::_exit(2);
            if (::write(pipe_ends[1], &number, 1) != 1) ::_exit(3);
        }
        ::_exit(0);  // no destructor runs, nothing is closed
    }
    REQUIRE(child > 0);
    ::close(pipe_ends[1]);
    std::uint8_t acknowledged = 0;
    for (std::uint8_t number = 0; ::read(pipe_ends[0], &number, 1) == 1;) acknowledged = number;
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ::close(pipe_ends[0]);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(acknowledged == 50);
    const auto state = sql_catalogue::open(place.url()).value()->load().value();
    CHECK(state.clients.size() == acknowledged);
    CHECK(state.holdings.size() == acknowledged);
}

TEST_CASE("a killed process leaves whole requests only", "[REQ-SRV-6]") {
    const temporary_directory place;
    { REQUIRE(sql_catalogue::open(place.url())); }
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const auto child = ::fork();
    if (child == 0) {
        auto catalogue = sql_catalogue::open(place.url()).value();
        for (std::uint8_t number = 1;; ++number) {
            catalogue->submit({number,
                               {put_client{client(number)},
                                put_holdings{client(number).id, {{content("c").key(), holding_state::complete, false}}, true}}},
                              [&pipe_ends](const catalogue_completion& done) {
                                  const auto byte = static_cast<std::uint8_t>(done.id);
                                  if (!done.outcome || ::write(pipe_ends[1], &byte, 1) != 1) ::_exit(3);
                              });
            if (number == 250) ::pause();
        }
    }
    REQUIRE(child > 0);
    ::close(pipe_ends[1]);
    std::uint8_t acknowledged = 0;
    while (acknowledged < 20) REQUIRE(::read(pipe_ends[0], &acknowledged, 1) == 1);
    REQUIRE(::kill(child, SIGKILL) == 0);
    for (std::uint8_t number = 0; ::read(pipe_ends[0], &number, 1) == 1;) acknowledged = number;
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    ::close(pipe_ends[0]);
    const auto state = sql_catalogue::open(place.url()).value()->load().value();
    CHECK(state.clients.size() >= acknowledged);
    REQUIRE(state.clients.size() == state.holdings.size());
    for (std::size_t index = 0; index < state.clients.size(); ++index) CHECK(state.clients[index].id == state.holdings[index].client);
}
