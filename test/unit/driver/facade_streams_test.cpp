// A content as a stream of bytes, and what happens as a stream of events: real sockets on loopback.

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/read.hpp>

#include "facade_kit.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/memory_store.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a content is read while it arrives, no faster than it is asked for", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 2'500'000);
    const auto holder = slow_holder(office, 10, content, 1'500'000);
    auto options = office.client_at(11);
    int reads = 0;   // of the store
    memory_store_options counted;
    counted.fault = [&](const store_request& request) -> std::optional<error> {
        if (std::holds_alternative<store_read_chunk>(request.operation)) ++reads;
        return std::nullopt;
    };
    options.store = std::make_shared<memory_content_store>(counted);
    client node(office.io, options);
    content_reader reader(node, content.id);
    const auto whole = office.contents_of("app");
    bytes got(content.size_bytes);
    asio::cancellation_signal signal;
    std::error_code why;
    std::size_t count = 0;
    bool read = false;
    const auto keep = [&](std::error_code failure, std::size_t length) {
        why = failure;
        count = length;
        read = true;
    };
    // Two calls at a time: the second is refused. The first is cancelled before there is anything: no byte is lost by it.
    std::error_code second;
    reader.async_read_some(asio::buffer(got), asio::bind_cancellation_slot(signal.slot(), keep));
    reader.async_read_some(asio::buffer(got), [&](std::error_code failure, std::size_t) { second = failure; });
    signal.emit(asio::cancellation_type::partial);
    REQUIRE(office.run_until([&] { return read; }));
    CHECK(why == errc::cancelled);
    CHECK(second == errc::refused);
    // The first kilobyte comes while the rest is still under way, and then nothing is read ahead but two chunks.
    asio::async_read(reader, asio::buffer(got.data(), 1000), keep);
    REQUIRE(office.run_until([&] { return count == 1000; }));
    CHECK_FALSE(why);
    CHECK(arriving(node, content));
    REQUIRE(office.run_until([&] { return node.core().status().downloads.empty(); }));
    CHECK(reads <= 2);
    asio::async_read(reader, asio::buffer(got.data() + 1000, got.size() - 1000), keep);
    REQUIRE(office.run_until([&] { return count == got.size() - 1000; }));
    CHECK(got == whole);
    read = false;
    reader.async_read_some(asio::buffer(got), keep);
    REQUIRE(office.run_until([&] { return read; }));
    CHECK(why == asio::error::eof);
    // One that does not exist fails like a fetch, and one that was cancelled ends.
    content_reader nothing(node, content_id::parse("nothing").value()), cancelled(node, content.id);
    nothing.async_read_some(asio::buffer(got), keep);
    REQUIRE(office.run_until([&] { return why == errc::not_found; }));
    cancelled.cancel();
    cancelled.async_read_some(asio::buffer(got), keep);
    REQUIRE(office.run_until([&] { return why == errc::cancelled; }));
    node.stop();
    holder->stop();
    CHECK(office.runs_out());
}

TEST_CASE("a client has so many streams of events, and one that is dropped makes room", "[driver]") {
    loopback_office office;
    client node(office.io, office.client_at(10));
    std::vector<event_stream> streams;
    for (std::size_t i = 0; i < limits::event_streams_max; ++i) streams.emplace_back(node);
    const auto first_of = [&](event_stream& stream) {
        std::optional<std::error_code> came;
        stream.async_next([&](std::error_code failure, const client_event&) { came = failure; });
        REQUIRE(office.run_until([&] { return came.has_value(); }));
        return *came;
    };
    event_stream too_many(node);
    CHECK(first_of(too_many) == errc::limit_reached);
    streams.pop_back();
    event_stream another(node);
    node.stop();
    CHECK_FALSE(first_of(another));
    CHECK_FALSE(first_of(streams.front()));
    CHECK(office.runs_out());
}

TEST_CASE("a stream of events tells each end, however late it is read", "[driver]") {
    loopback_office office;
    const auto content = office.publish("app", 1'000'000);
    client node(office.io, office.client_at(10));
    event_stream events(node), others(node);
    const auto command = node.fetch(content.id, std::string());
    came_of_it fetched;
    node.async_fetch(content.id, {}, fetched.handler());
    REQUIRE(office.run_until([&] { return fetched.calls == 1; }));
    for (std::size_t i = 0; i < limits::event_queue_ends_max; ++i) (void)node.pin(content_id::parse("nothing").value(), true);
    office.io.poll();
    came_of_it one_more;
    CHECK(node.verify().value == 0);
    node.async_fetch(content.id, {}, one_more.handler());
    REQUIRE(office.run_until([&] { return one_more.calls == 1; }));
    CHECK(one_more.failure == errc::limit_reached);
    node.stop();
    std::map<std::uint64_t, int> ends;
    bool registered = false, stopped = false;
    std::error_code end;
    std::function<void(std::error_code, client_event)> next = [&](std::error_code why, const client_event& event) {
        end = why;
        if (why) return;
        CHECK_FALSE(stopped);   // it is the last
        if (const auto* done = std::get_if<command_done>(&event)) ++ends[done->command.value];
        registered = registered || std::holds_alternative<client_registered>(event);
        stopped = stopped || std::holds_alternative<client_stopped>(event);
        events.async_next(next);
    };
    events.async_next(next);
    REQUIRE(office.run_until([&] { return end == errc::cancelled; }));
    CHECK(registered);
    CHECK(stopped);
    CHECK(ends[command.value] == 1);
    CHECK(ends.size() == limits::event_queue_ends_max + 2);
    CHECK(office.runs_out());
}

TEST_CASE("a stream ends with client_stopped, also where the client was gone before it began", "[driver]") {
    loopback_office office;
    auto node = std::make_unique<client>(office.io, office.client_at(10));
    event_stream events(*node);
    node.reset();
    std::vector<std::string> heard;
    std::function<void(std::error_code, client_event)> next = [&](std::error_code why, const client_event& event) {
        if (!why) heard.push_back(std::holds_alternative<client_stopped>(event) ? "stopped" : "another");
        else heard.push_back(why == errc::cancelled ? "end" : why.message());
        if (!why) events.async_next(next);
    };
    events.async_next(next);
    REQUIRE(office.run_until([&] { return !heard.empty() && heard.back() == "end"; }));
    CHECK(heard == std::vector<std::string>{"stopped", "end"});
}

TEST_CASE("streams and readers can be assigned, and an event that waits can be taken at once", "[driver]") {
    loopback_office office;
    auto options = office.client_at(10);
    options.store = std::make_shared<memory_content_store>();
    client node(office.io, options);
    event_stream events(node), others(node);
    std::error_code dropped;
    events.async_next([&](std::error_code why, const client_event&) { dropped = why; });   // before anything can happen
    events = std::move(others);
    REQUIRE(office.run_until([&] { return dropped == errc::cancelled; }));
    CHECK(events.get_executor() == node.get_executor());
    const auto command = node.pin(content_id::parse("nothing").value(), true);
    std::optional<command_handle> ended;
    REQUIRE(office.run_until([&] {
        while (const auto event = events.try_next()) {
            if (const auto* done = std::get_if<command_done>(&*event)) ended = done->command;
        }
        return ended.has_value();
    }));
    CHECK(ended == command);

    const auto nothing = content_id::parse("nothing").value();
    content_reader reader(node, nothing);
    CHECK(reader.command() == command_handle{});
    char buffer[10];
    std::error_code read_end;
    reader.async_read_some(asio::buffer(buffer), [&](std::error_code why, std::size_t) { read_end = why; });
    reader = content_reader(node, nothing);
    REQUIRE(office.run_until([&] { return read_end == errc::cancelled && reader.command() != command_handle{}; }));
    node.stop();
    CHECK(office.runs_out());
}
