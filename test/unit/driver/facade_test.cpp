// The client façade as an embedder uses it: real sockets on loopback, a server and several clients in one process.

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <numeric>
#include <thread>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <unistd.h>

#include "facade_kit.hpp"
#include "p2pdist/content/memory_store.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("several nodes live on one io_context, each with its own extensions", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 3'000'000);
    std::atomic<int> lines = 0, made = 0;
    auto options = office.client_at(10);
    options.core.log = log_sink(log_level::debug, [&](log_level, std::string_view) { ++lines; });
    options.core.foreground = [&, make = steady(20e6)](std::uint64_t size, time_point now) {
        ++made;
        return make(size, now);
    };
    client first(office.io, options);
    auto in_memory = office.client_at(11);
    const auto store = std::make_shared<memory_content_store>();
    in_memory.store = store;
    client second(office.io, in_memory);
    came_of_it one, two;
    first.async_fetch(content.id, office.output("one").string(), one.handler());
    CHECK(one.calls == 0);
    REQUIRE(office.run_until([&] { return one.calls == 1; }));
    CHECK_FALSE(one.failure);
    CHECK(one.got.content == content);
    CHECK(office.contents_of("one") == office.contents_of("app"));
    REQUIRE(office.run_until([&] { return first.core().status().holdings_reported; }));

    second.async_fetch(content.id, "in memory", two.handler());
    REQUIRE(office.run_until([&] { return two.calls == 1; }));
    CHECK_FALSE(two.failure);
    // From the first or from the server, whoever is found sooner.
    CHECK(std::accumulate(two.got.split.begin(), two.got.split.end(), std::uint64_t{0}) == content.size_bytes);
    CHECK(store->store().files()["in memory"] == office.contents_of("app"));
    CHECK_FALSE(std::filesystem::exists(in_memory.data / "store"));
    CHECK_THROWS_AS(client(office.io, [&] {   // a store in memory is one client's
        auto third = office.client_at(12);
        third.store = store;
        return third;
    }()), std::system_error);
    CHECK((lines > 0 && made > 0));
    first.stop();
    first.stop();
    second.stop();
    CHECK(office.runs_out());
    CHECK(one.calls == 1);
}

TEST_CASE("a client says what is missing", "[driver]") {
    const auto refusal = [](const asio::any_io_executor& executor, const client_options& options) -> std::string {
        try {
            client node(executor, options);
        } catch (const std::system_error& why) {
            const bool expected = why.code() == errc::invalid_argument || why.code() == errc::not_found || why.code() == errc::malformed;
            return expected ? why.what() : "another code";
        }
        return "nothing";
    };
    asio::io_context io;
    const auto data = std::filesystem::temp_directory_path() / ("p2pdist-missing-" + std::to_string(::getpid()));
    using Catch::Matchers::Contains;
    CHECK_THAT(refusal({}, {.data = data, .server = "127.0.0.1"}), Contains("executor"));
    CHECK_THAT(refusal(io.get_executor(), {}), Contains("client_options::data"));
    client_options no_foreground, no_background;
    no_foreground.core.foreground = {};
    no_background.core.background = {};
    CHECK_THAT(refusal(io.get_executor(), no_foreground), Contains("core.foreground"));
    CHECK_THAT(refusal(io.get_executor(), no_background), Contains("core.background"));
    CHECK_THAT(refusal(io.get_executor(), {.data = data}), Contains("client_options::server"));
    CHECK_THAT(refusal(io.get_executor(), {.data = data, .server = "10.0.0.2, here"}), Contains("here"));
    CHECK_THAT(refusal(io.get_executor(), {.data = data, .server = "127.0.0.1"}), Contains("enrolment_key_file"));
    CHECK_THAT(refusal(io.get_executor(), {.data = data, .server = "127.0.0.1", .enrolment_key_file = data / "none"}), Contains("none"));
    std::filesystem::remove_all(data);
}

TEST_CASE("operations are cancelled by slot, whatever the type, once", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 6'000'000);
    const auto holder = slow_holder(office, 10, content, 400'000);
    auto options = office.client_at(11);
    options.core.profile.preferred = true;
    options.core.order = ranking({{"mine", [](const device_profile& left, const device_profile& right) -> std::weak_ordering {
                                       return right.preferred <=> left.preferred;
                                   }, [](const device_profile& profile) -> std::string { return profile.preferred ? "mine" : "other"; }}});
    client node(office.io, options);
    asio::cancellation_signal signal;
    for (const auto type : {asio::cancellation_type::total, asio::cancellation_type::partial, asio::cancellation_type::terminal}) {
        came_of_it cancelled, kept;
        asio::cancellation_signal other;
        node.async_fetch(content.id, {}, asio::bind_cancellation_slot(signal.slot(), cancelled.handler()));
        node.async_fetch(content.id, {}, asio::bind_cancellation_slot(other.slot(), kept.handler()));
        REQUIRE(office.run_until([&] { return arriving(node, content); }));
        signal.emit(type);
        signal.emit(type);
        CHECK(cancelled.calls == 0);
        REQUIRE(office.run_until([&] { return cancelled.calls == 1; }));
        CHECK(cancelled.failure == errc::cancelled);
        signal.emit(type);                         // after its end: of nothing
        office.io.poll();
        CHECK(kept.calls == 0);
        CHECK(arriving(node, content));            // the other still wants it
        const auto why = node.core().explain(content.id);
        REQUIRE((why && why->ranking.size() == 2));
        CHECK(why->ranking[1].decided_by == "mine");
        other.emit(type);
        REQUIRE(office.run_until([&] { return kept.calls == 1; }));
        CHECK(kept.failure == errc::cancelled);
        CHECK(cancelled.calls == 1);
    }
    came_of_it early, late;
    node.async_fetch(content.id, {}, asio::bind_cancellation_slot(signal.slot(), early.handler()));
    signal.emit(asio::cancellation_type::terminal);   // before it has begun
    REQUIRE(office.run_until([&] { return early.calls == 1; }));
    CHECK(early.failure == errc::cancelled);
    node.stop();
    node.async_fetch(content.id, {}, late.handler());
    REQUIRE(office.run_until([&] { return late.calls == 1; }));
    CHECK(late.failure == errc::cancelled);
    holder->stop();
    CHECK(office.runs_out());
}

TEST_CASE("coroutines, futures and deferred operations, on a strand of a pool", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 2'000'000);
    auto work = asio::make_work_guard(office.io);
    std::thread server([&] { office.io.run(); });
    asio::thread_pool pool(3);
    {
        client node(asio::make_strand(pool), office.client_at(10));
        const auto got = node.async_fetch(content.id, office.output("future").string(), asio::use_future).get();
        CHECK(got.content == content);
        const auto deferred = node.async_fetch(content_id::parse("nothing").value(), {}, asio::experimental::deferred);
        CHECK_THROWS_AS(deferred(asio::use_future).get(), std::system_error);
#if defined(ASIO_HAS_CO_AWAIT)   // not with clang 14 and this standard library
        const auto text = asio::co_spawn(pool, [&]() -> asio::awaitable<std::string> {
            constexpr auto tuple = asio::experimental::as_tuple(asio::use_awaitable);
            auto [failure, what] = co_await node.async_fetch(content_id::parse("nothing").value(), {}, tuple);
            if (failure != errc::not_found) co_return "another failure";
            (void)co_await node.async_fetch(content.id, office.output("coroutine").string(), asio::use_awaitable);
            co_return what.message;
        }, asio::use_future).get();
        CHECK_THAT(text, Catch::Matchers::Contains("not published"));
        CHECK(office.contents_of("coroutine") == office.contents_of("app"));
#endif
        node.async_stop(asio::use_future).get();
    }
    pool.join();
    work.reset();
    office.io.stop();
    server.join();
    CHECK(office.contents_of("future") == office.contents_of("app"));
    CHECK(office.runs_out());
}

TEST_CASE("stop() ends everything, and a client may go in mid-download", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 6'000'000);
    const auto holder = slow_holder(office, 10, content, 400'000);
    char buffer[1000];
    // Gone from outside, with a reader that outlives it.
    came_of_it outside;
    std::error_code read_end;
    auto node = std::make_unique<client>(office.io, office.client_at(11));
    content_reader reader(*node, content.id);
    node->async_fetch(content.id, {}, outside.handler());
    REQUIRE(office.run_until([&] { return arriving(*node, content); }));
    std::function<void(std::error_code, std::size_t)> read_on = [&](std::error_code why, std::size_t) {
        read_end = why;
        if (!why) reader.async_read_some(asio::buffer(buffer), read_on);
    };
    read_on({}, 0);
    node.reset();
    REQUIRE(office.run_until([&] { return outside.calls == 1 && read_end; }));
    CHECK(outside.failure == errc::cancelled);
    CHECK(read_end == errc::cancelled);

    // Gone within its own event handler.
    came_of_it within;
    node = std::make_unique<client>(office.io, office.client_at(12));
    node->set_event_handler([&](const client_event& event) {
        const auto* progress = std::get_if<client_progress>(&event);
        if (progress && progress->transfer.verified_bytes > 0) node.reset();
    });
    node->async_fetch(content.id, {}, within.handler());
    REQUIRE(office.run_until([&] { return within.calls == 1; }));
    CHECK_FALSE(node);
    CHECK(within.failure == errc::cancelled);

    // Gone within a completion, while others are open.
    came_of_it other;
    node = std::make_unique<client>(office.io, office.client_at(13));
    node->async_fetch(content.id, {}, other.handler());
    REQUIRE(office.run_until([&] { return arriving(*node, content); }));
    node->async_import("/nowhere", std::nullopt, [&](std::error_code, fetch_result) { node.reset(); });
    REQUIRE(office.run_until([&] { return other.calls == 1; }));
    CHECK(other.failure == errc::cancelled);

    // stop() drains.
    came_of_it fetched, imported;
    std::error_code next_end;
    bool stopped_seen = false, done = false;
    node = std::make_unique<client>(office.io, office.client_at(14));
    event_stream events(*node);
    node->async_fetch(content.id, office.output("never").string(), fetched.handler());
    REQUIRE(office.run_until([&] { return arriving(*node, content); }));
    node->async_import("/nowhere", std::nullopt, imported.handler());
    std::function<void(std::error_code, client_event)> next = [&](std::error_code why, const client_event& event) {
        next_end = why;
        stopped_seen = stopped_seen || std::holds_alternative<client_stopped>(event);
        if (!why) events.async_next(next);
    };
    events.async_next(next);
    node->async_stop([&](std::error_code why) { done = !why; });
    holder->stop();
    CHECK(office.runs_out());
    CHECK(done);
    CHECK(fetched.calls == 1);
    CHECK(fetched.failure == errc::cancelled);
    CHECK(fetched.got.message == "the client was stopped");
    CHECK(imported.calls == 1);
    CHECK(stopped_seen);
    CHECK(next_end == errc::cancelled);
    CHECK_FALSE(std::filesystem::exists(office.output("never")));
}
