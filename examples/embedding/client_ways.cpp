// The ways to use a client in an Asio program, and what can be replaced in it. No server answers here: the program shows that whatever is
// under way ends when the client is stopped.

#include <unistd.h>

// [includes]
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <p2pdist/content/memory_store.hpp>
#include <p2pdist/driver/client.hpp>

constexpr auto tuple = asio::experimental::as_tuple(asio::use_awaitable);   // gives the std::error_code instead of throwing it
// [/includes]

// [coroutine]
asio::awaitable<void> install(p2pdist::client& node, p2pdist::content_id id, std::string file) {
    const auto [failure, got] = co_await node.async_fetch(id, file, tuple);
    if (failure) std::cout << id.text() << ": " << got.message << '\n';
}
// [/coroutine]

// [reading]
/// Unpacks a package while it still arrives. What it is given is verified; that nothing is missing is known at its end.
asio::awaitable<void> unpack(p2pdist::client& node, p2pdist::content_id id) {
    p2pdist::content_reader reader{node, id};
    std::array<char, 65536> buffer;
    for (;;) {
        const auto [failure, count] = co_await reader.async_read_some(asio::buffer(buffer), tuple);
        if (failure == asio::error::eof) break;                            // all of it was read
        if (failure) throw std::system_error(failure, id.text());
        std::cout.write(buffer.data(), static_cast<std::streamsize>(count));   // the next read waits for this
    }
}
// [/reading]

// [events]
/// Shows what happens. It may be as slow as it likes: it misses no end.
asio::awaitable<void> watch(p2pdist::client& node) {
    p2pdist::event_stream events{node};
    for (;;) {
        const auto [failure, event] = co_await events.async_next(tuple);
        if (failure) co_return;   // errc::cancelled: client_stopped was the last
        if (const auto* moved = std::get_if<p2pdist::client_progress>(&event))
            std::cout << moved->transfer.content.id.text() << ": " << moved->transfer.verified_bytes << " bytes\n";
        if (const auto* done = std::get_if<p2pdist::command_done>(&event))
            std::cout << done->content.id.text() << ": " << (done->failure ? done->failure->message : "complete") << '\n';
        if (std::holds_alternative<p2pdist::client_stopped>(event)) std::cout << "stopped\n";
    }
}
// [/events]

// [patience]
/// The next event, or nothing where none comes in time. Of `async_next() || timer` the loser's result is dropped, and that may be an event.
asio::awaitable<std::optional<p2pdist::client_event>> next_within(p2pdist::event_stream& events, std::chrono::milliseconds patience) {
    asio::steady_timer timer{co_await asio::this_coro::executor, patience};
    const auto late = std::make_shared<asio::cancellation_signal>();   // shared: the timer's handler may come after us
    timer.async_wait([late](std::error_code failure) {
        if (!failure) late->emit(asio::cancellation_type::terminal);
    });
    auto [failure, event] = co_await events.async_next(asio::bind_cancellation_slot(late->slot(), tuple));
    if (failure) co_return std::nullopt;   // errc::cancelled: too late, or the stream has ended
    co_return std::move(event);
}
// [/patience]

// [ranking]
/// Devices that ran for a day come first; after that the six standard criteria decide. All nodes of an organisation need the same.
p2pdist::ranking steady_first() {
    auto criteria = p2pdist::standard_criteria();
    criteria.insert(criteria.begin(), {"steady", [](const p2pdist::device_profile& left, const p2pdist::device_profile& right) -> std::weak_ordering {
                                           const auto restarted = [](const auto& one) { return one.uptime < std::chrono::hours(24); };
                                           return restarted(left) <=> restarted(right);
                                       }, [](const p2pdist::device_profile& one) { return one.uptime < std::chrono::hours(24) ? "no" : "yes"; }});
    return p2pdist::ranking(criteria);
}
// [/ranking]

// [congestion]
/// Sends at a fixed rate: for a line of one's own. A real one listens to on_feedback().
class fixed_rate final : public p2pdist::congestion_controller {
public:
    explicit fixed_rate(double bytes_per_second) : rate_(bytes_per_second) {}
    void on_sent(p2pdist::time_point, std::uint64_t, std::uint64_t) override {}
    void on_feedback(const p2pdist::feedback_sample&) override {}
    void on_timeout(p2pdist::time_point, int) override {}
    std::uint64_t window_bytes() const override { return 1 << 20; }
    double pacing_rate() const override { return rate_; }
    std::uint64_t burst_bytes() const override { return 12'000; }
    bool paused() const override { return false; }
    std::uint64_t datagram_bytes() const override { return 1200; }
    std::string_view name() const noexcept override { return "fixed"; }
    std::string_view state() const noexcept override { return "fixed"; }

private:
    double rate_;
};
// [/congestion]

p2pdist::client_options extended(p2pdist::client_options options) {
    // [options]
    options.store = std::make_shared<p2pdist::memory_content_store>();   // or your own content_store
    options.core.order = steady_first();
    options.core.background = [](std::uint64_t, p2pdist::time_point) { return std::make_unique<fixed_rate>(2e6); };
    options.core.log = p2pdist::log_sink(p2pdist::log_level::warning, [](p2pdist::log_level, std::string_view line) { std::clog << line << '\n'; });
    // [/options]
    return options;
}

void on_threads(const p2pdist::client_options& options, const p2pdist::content_id& id) {
    // [threads]
    asio::thread_pool pool{4};
    p2pdist::client node{asio::make_strand(pool), options};   // one handler at a time
    auto installed = node.async_fetch(id, "/tmp/app.msi", asio::use_future);   // from any thread
    // ...
    node.async_stop(asio::use_future).get();                  // then the client may go, on this thread too
    try {
        installed.get();
    } catch (const std::system_error& why) {
        std::cout << why.what() << '\n';
    }
    // [/threads]
}

int main() try {
    const auto number = static_cast<unsigned>(::getpid());
    const auto network = "127." + std::to_string(16 + number % 224) + "." + std::to_string(number / 224 % 256) + ".";
    const auto data = std::filesystem::temp_directory_path() / ("p2pdist-ways-" + std::to_string(number));
    p2pdist::client_options options{.data = data, .server = network + "2"};
    options.core.address = p2pdist::ip_address::parse(network + "10").value();
    options.core.enrolment.fill(1);
    const auto id = p2pdist::content_id::parse("app").value();
    on_threads(options, id);

    asio::io_context io;
    p2pdist::client node{io, extended(options)};
    asio::co_spawn(io, install(node, id, "/tmp/app.msi"), asio::detached);
    asio::co_spawn(io, watch(node), asio::detached);
    p2pdist::event_stream events{node};
    auto first = asio::co_spawn(io, next_within(events, std::chrono::milliseconds(20)), asio::use_future);
    auto unpacked = asio::co_spawn(io, unpack(node, id), asio::use_future);
    // [cancellation]
    asio::cancellation_signal give_up;
    node.async_fetch(id, "/tmp/app.msi", asio::bind_cancellation_slot(give_up.slot(), [](std::error_code failure, const p2pdist::fetch_result&) {
        if (failure == p2pdist::errc::cancelled) std::cout << "another time, then: what is here already stays\n";
    }));
    give_up.emit(asio::cancellation_type::terminal);
    // [/cancellation]
    io.run_for(std::chrono::milliseconds(100));
    node.stop();
    io.restart();
    io.run();   // returns: nothing is left
    std::filesystem::remove_all(data);
    (void)first.get();
    unpacked.get();
    return 1;
} catch (const std::system_error& why) {
    return why.code() == p2pdist::errc::cancelled ? 0 : 1;
}
