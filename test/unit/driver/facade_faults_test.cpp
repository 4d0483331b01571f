// What the façades owe a program that throws, replaces, drops and cancels where it should not: each of these ended the process, or let a
// node hang, or lost an end.

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "facade_kit.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/driver/connector.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using namespace std::chrono_literals;

namespace {

/// As run_until(); counts the exceptions that leave run().
bool runs_catching(loopback_office& office, int& caught, const std::function<bool()>& holds) {
    for (;;) {
        try {
            return office.run_until(holds);
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
}

const auto nothing = content_id::parse("nothing").value();

connector_options to_nobody(const loopback_office& office) {
    connector_options options;
    options.server = ip_address::parse(office.address(200)).value();
    options.bind = ip_address::parse(office.address(201)).value();
    options.timeout = 200ms;
    return options;
}

}  // namespace

TEST_CASE("a cancellation slot is left alone until its handler's own executor comes to it", "[driver]") {
    loopback_office office;
    asio::io_context own;
    asio::cancellation_signal signal;
    client node(office.io, office.client_at(10));
    came_of_it cancelled;
    node.async_fetch(nothing, {}, asio::bind_executor(own, asio::bind_cancellation_slot(signal.slot(), cancelled.handler())));
    node.stop();
    CHECK(office.runs_out());
    CHECK(signal.slot().has_handler());   // a coroutine on `own` may be within emit() just now
    signal.emit(asio::cancellation_type::terminal);
    own.run();
    CHECK_FALSE(signal.slot().has_handler());
    CHECK(cancelled.calls == 1);
    CHECK(cancelled.failure == errc::cancelled);
}

TEST_CASE("an event handler that throws does so out of run(), and the client goes on", "[driver]") {
    loopback_office office;
    client node(office.io, office.client_at(10));
    int thrown = 0, caught = 0;
    node.set_event_handler([&](const client_event& event) {
        if (std::holds_alternative<command_done>(event) && ++thrown == 1) throw std::runtime_error("the program's");
    });
    came_of_it first, second;
    node.async_fetch(nothing, {}, first.handler());
    REQUIRE(runs_catching(office, caught, [&] { return first.calls == 1 && caught == 1; }));
    node.async_fetch(nothing, {}, second.handler());
    REQUIRE(runs_catching(office, caught, [&] { return second.calls == 1; }));
    CHECK(second.failure == errc::not_found);
    CHECK(thrown == 2);
    CHECK(caught == 1);
    node.stop();
    CHECK(office.runs_out());
}

TEST_CASE("a server's event handler that throws does so out of run(), and the server goes on", "[driver]") {
    loopback_office office;
    int caught = 0;
    bool thrown = false;
    office.central().set_event_handler([&](const server_event&) {
        if (!std::exchange(thrown, true)) throw std::runtime_error("the program's");
    });
    client node(office.io, office.client_at(10));
    came_of_it fetched;
    node.async_fetch(nothing, {}, fetched.handler());
    REQUIRE(runs_catching(office, caught, [&] { return fetched.calls == 1; }));
    CHECK(fetched.failure == errc::not_found);
    CHECK(thrown);
    CHECK(caught == 1);
    node.stop();
    CHECK(office.runs_out());
}

TEST_CASE("a connector's answer handler that throws does so out of run(), and the others are answered", "[REQ-CON-2]") {
    loopback_office office;
    connector link(office.io, to_nobody(office));
    int answers = 0, caught = 0;
    for (int i = 0; i < 3; ++i) {
        link.request(health_request{}, [&](const result<message_body>&) {
            ++answers;
            throw std::runtime_error("the program's");
        });
    }
    REQUIRE(runs_catching(office, caught, [&] { return answers == 3 && caught == 3; }));
    link.stop();
    CHECK(office.runs_out());
}

TEST_CASE("an output_sink, a store, a criterion and a factory that throw harm nothing but what they were asked for", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 300'000);
    struct bad_sink final : output_sink {
        result<void> resize(std::uint64_t) override { return {}; }
        result<void> write_at(std::uint64_t, byte_span) override { throw std::runtime_error("the program's"); }
        result<void> sync() override { return {}; }
    };
    auto options = office.client_at(10);
    options.core.order = ranking({{"bad", [](const device_profile&, const device_profile&) -> std::weak_ordering {
                                       throw std::runtime_error("the program's");
                                   }, {}}});
    options.core.foreground = [](std::uint64_t, time_point) -> std::unique_ptr<congestion_controller> { return nullptr; };
    options.core.background = [](std::uint64_t, time_point) -> std::unique_ptr<congestion_controller> { throw std::runtime_error("the program's"); };
    client node(office.io, options);
    came_of_it into_sink, whole;
    node.async_fetch_to(std::make_shared<bad_sink>(), content.id, into_sink.handler());
    REQUIRE(office.run_until([&] { return into_sink.calls == 1; }));
    CHECK(into_sink.failure == errc::io_failed);
    CHECK(into_sink.failure == std::errc::io_error);
    CHECK_THAT(into_sink.got.message, Catch::Matchers::Contains("the program's"));
    node.async_fetch(content.id, office.output("whole").string(), whole.handler());
    REQUIRE(office.run_until([&] { return whole.calls == 1 && node.core().status().holdings_reported; }));
    CHECK_FALSE(whole.failure);
    CHECK(whole.got.command != into_sink.got.command);
    CHECK(office.contents_of("whole") == office.contents_of("app"));

    memory_store_options throwing;
    throwing.fault = [](const store_request& request) -> std::optional<error> {
        if (std::holds_alternative<store_export>(request.operation)) throw std::runtime_error("the program's");
        return std::nullopt;
    };
    auto beside = office.client_at(11);
    beside.store = std::make_shared<memory_content_store>(throwing);
    client other(office.io, beside);
    came_of_it not_stored;
    other.async_fetch(content.id, "somewhere", not_stored.handler());
    REQUIRE(office.run_until([&] { return not_stored.calls == 1; }));
    CHECK(not_stored.failure == errc::io_failed);
    CHECK_THAT(not_stored.got.message, Catch::Matchers::Contains("the program's"));
    node.stop();
    other.stop();
    CHECK(office.runs_out());
}

TEST_CASE("an event handler may replace itself, and hears the ends and client_stopped of stop(), but nothing of the destructor", "[driver]") {
    loopback_office office;
    auto node = std::make_unique<client>(office.io, office.client_at(10));
    auto alive = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = alive;
    bool replaced = false, still_there = false;
    node->set_event_handler([&, kept = std::move(alive)](const client_event&) {
        node->set_event_handler(nullptr);
        still_there = !seen.expired();
        replaced = true;
    });
    REQUIRE(office.run_until([&] { return replaced; }));
    CHECK(still_there);
    CHECK(seen.expired());

    std::set<command_handle> open;
    int stopped = 0, heard = 0;
    const auto listen = [&](const client_event& event) {
        ++heard;
        if (const auto* done = std::get_if<command_done>(&event)) {
            CHECK(stopped == 0);
            open.erase(done->command);
        }
        if (std::holds_alternative<client_stopped>(event)) ++stopped;
    };
    node->set_event_handler(listen);
    office.io.poll();
    open.insert(node->fetch(nothing, std::string()));
    open.insert(node->fetch(content_id::parse("another").value(), std::string()));
    node->stop();
    CHECK(open.empty());
    CHECK(stopped == 1);

    // The destructor tells nobody that the command, which is still under way, ends.
    stopped = heard = 0;
    node = std::make_unique<client>(office.io, office.client_at(11));
    node->set_event_handler(listen);
    REQUIRE(office.run_until([&] { return heard > 0; }));
    (void)node->fetch(nothing, std::string());
    office.io.poll();
    heard = 0;
    node.reset();
    office.io.poll();
    CHECK(heard == 0);
    // Dropped while stop() tells of the end.
    node = std::make_unique<client>(office.io, office.client_at(12));
    node->set_event_handler([&](const client_event& event) {
        if (std::holds_alternative<client_stopped>(event)) node.reset();
    });
    office.io.poll();
    node->stop();
    CHECK_FALSE(node);
    CHECK(office.runs_out());
}

TEST_CASE("an empty content id is refused at once", "[driver]") {
    loopback_office office;
    client node(office.io, office.client_at(10));
    came_of_it fetched, imported;
    std::error_code read;
    std::map<command_handle, errc> ends;
    node.set_event_handler([&](const client_event& event) {
        if (const auto* done = std::get_if<command_done>(&event)) ends[done->command] = done->failure ? done->failure->code : errc{};
    });
    node.async_fetch(content_id{}, {}, fetched.handler());
    node.async_import("/nowhere", content_id{}, imported.handler());
    content_reader reader(node, content_id{});
    char buffer[10];
    reader.async_read_some(asio::buffer(buffer), [&](std::error_code why, std::size_t) { read = why; });
    const auto pinned = node.pin(content_id{}, true), removed = node.remove(content_id{});
    REQUIRE(office.run_until([&] { return fetched.calls == 1 && imported.calls == 1 && read && ends.contains(removed); }));
    CHECK(fetched.failure == errc::invalid_argument);
    CHECK(fetched.failure == std::errc::invalid_argument);
    CHECK(imported.failure == errc::invalid_argument);
    CHECK(read == errc::invalid_argument);
    CHECK(ends[pinned] == errc::invalid_argument);
    CHECK(ends[removed] == errc::invalid_argument);
    node.stop();
    CHECK(office.runs_out());
}

TEST_CASE("a store in memory lets go of its client's executor when it is stopped", "[driver]") {
    const auto crypto = make_openssl_crypto();
    memory_content_store store;
    auto executor = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = executor;
    int answers = 0;
    REQUIRE(store.open(*crypto, [&, kept = std::move(executor)](const store_completion&) { ++answers; }));
    store.submit({1, store_list{}});
    CHECK(answers == 1);
    store.stop();
    CHECK(seen.expired());
    store.submit({2, store_list{}});
    CHECK(answers == 1);
}

TEST_CASE("nodes run one handler at a time on any executor, and a strand is taken as it is", "[driver]") {
    loopback_office office;
    asio::thread_pool pool(4);
    std::optional<client> node;
    const auto strand = asio::make_strand(pool);
    node.emplace(strand, office.client_at(10));
    CHECK(node->get_executor() == client::executor_type(strand));
    node->async_stop(asio::use_future).get();
    connector_options options = to_nobody(office);
    {   // one of them is work of the pool
        const asio::any_io_executor executors[] = {pool.get_executor(), asio::require(pool.get_executor(), asio::execution::outstanding_work.tracked),
                                                   asio::system_executor()};
        int host = 11;
        for (const auto& executor : executors) {
            node.emplace(executor, office.client_at(host++));
            connector link(executor, options);
            for (const auto& own : {node->get_executor(), link.get_executor()}) {
                std::atomic<int> inside = 0;
                std::atomic<bool> apart = true;
                for (int i = 0; i < 1000; ++i) {
                    asio::post(own, [&] {
                        if (++inside != 1) apart = false;
                        --inside;
                    });
                }
                asio::post(own, asio::use_future([] {})).get();
                CHECK(apart);
            }
            link.async_stop(asio::use_future).get();
            node->async_stop(asio::use_future).get();
        }
    }
    node.reset();
    pool.join();
    CHECK_FALSE(office.central().get_executor() == asio::any_io_executor(office.io.get_executor()));
}

TEST_CASE("a connector's request is an operation like any other, and a server stops from any thread", "[REQ-CON-2]") {
    loopback_office office;
    connector link(office.io, to_nobody(office));
    asio::cancellation_signal signal;
    std::optional<result<message_body>> cancelled, timed_out, late;
    link.async_request(health_request{}, asio::bind_cancellation_slot(signal.slot(), [&](result<message_body> got) { cancelled = std::move(got); }));
    auto answer = link.async_request(health_request{}, asio::use_future);
    link.async_request(health_request{}, [&](result<message_body> got) { timed_out = std::move(got); });
    signal.emit(asio::cancellation_type::partial);
    REQUIRE(office.run_until([&] { return cancelled.has_value(); }));
    CHECK(cancelled->error().code == errc::cancelled);
    CHECK_FALSE(timed_out);
    REQUIRE(office.run_until([&] { return timed_out.has_value(); }));
    CHECK(timed_out->error().code == errc::timed_out);
    REQUIRE(answer.wait_for(10s) == std::future_status::ready);  // a thread of the system executor fulfils it
    CHECK_FALSE(answer.get());
    bool stopped = false, server_stopped = false;
    link.async_stop([&](std::error_code why) { stopped = !why; });
    REQUIRE(office.run_until([&] { return stopped; }));
    link.async_request(health_request{}, [&](result<message_body> got) { late = std::move(got); });
    REQUIRE(office.run_until([&] { return late.has_value(); }));
    CHECK(late->error().code == errc::cancelled);
    office.central().async_stop([&](std::error_code why) { server_stopped = !why; });
    REQUIRE(office.run_until([&] { return server_stopped; }));
    CHECK(office.runs_out());
}
