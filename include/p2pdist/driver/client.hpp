#pragma once
// A client in an Asio program: client_core with sockets, timers, disk and fallback sources behind it. No hidden thread but those
// that write, hash and read from a CDN; no global. Several clients may live in one process and on one io_context, each with its
// own address and data directory.
//
//     asio::io_context io;
//     p2pdist::client node{io.get_executor(), options};
//     node.async_fetch(id, "/tmp/app.msi", [&](std::error_code ec, p2pdist::fetch_result got) { ...; node.stop(); });
//     io.run();
//
// All members are called on the executor's thread (one strand); handlers and events come there too.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>

#include "p2pdist/client/client_core.hpp"

namespace p2pdist {

/// What a client is opened with.
struct client_options {
    /// As for the core; identity, saved credentials and entropy are the façade's own, kept in `data`.
    client_config core;
    std::filesystem::path data;                          ///< made where it is missing, mode 0700
    std::uint64_t store_limit_bytes = UINT64_MAX;
    std::optional<std::filesystem::path> file_store;     ///< SRC-2: read only
    bool plain_udp = false;                              ///< one datagram a system call, as on systems without batches
};

/// What a fetch or import came to.
struct fetch_result {
    content_info content;
    source_split split{};
    duration took{};
    std::string message;   ///< the sentence of the error, empty on success
};

namespace detail {

/// A completion handler of any type, called once, on its own executor.
class fetch_completion {
public:
    virtual ~fetch_completion() = default;
    virtual void complete(std::error_code failure, fetch_result what) = 0;
};

template <class Handler>
class fetch_completion_of final : public fetch_completion {
public:
    fetch_completion_of(Handler handler, const asio::any_io_executor& fallback)
        : handler_(std::move(handler)), work_(asio::get_associated_executor(handler_, fallback)) {}

    void complete(std::error_code failure, fetch_result what) override {
        asio::dispatch(work_.get_executor(), [handler = std::move(handler_), failure, what = std::move(what)]() mutable {
            std::move(handler)(failure, std::move(what));
        });
    }

private:
    Handler handler_;
    asio::executor_work_guard<asio::associated_executor_t<Handler, asio::any_io_executor>> work_;
};

}  // namespace detail

/// A client in an Asio program. All members on the executor's thread (one strand); handlers and events come there too.
class client {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;

    /// Opens the data directory, the store and the ports. std::system_error whose what() says what to do (port and holder, ...).
    client(const executor_type& executor, client_options options);
    /// As stop(), without waiting: unfinished operations complete with errc::cancelled.
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Events as values, in order. Set it before the first asynchronous operation.
    void set_event_handler(std::function<void(const client_event&)> handler);

    /// Downloads, verifies and, where `output` is not empty, writes the content there. Completes with (std::error_code, fetch_result).
    /// Cancellation (any type) completes with errc::cancelled; what is verified stays in the store.
    template <class Token>
    auto async_fetch(content_id id, std::string output, Token&& token) {
        return initiate([this](auto done, content_id what, std::string path) {
            return start_fetch(std::move(what), std::move(path), std::move(done));
        }, std::forward<Token>(token), std::move(id), std::move(output));
    }

    /// Puts a file of this device into the store and shares it; without `id` its hash becomes the id.
    template <class Token>
    auto async_import(std::string path, std::optional<content_id> id, Token&& token) {
        return initiate([this](auto done, std::string from, std::optional<content_id> what) {
            return start_import(std::move(from), std::move(what), std::move(done));
        }, std::forward<Token>(token), std::move(path), std::move(id));
    }

    /// Commands and views of the core; their ends show in the events.
    command_handle fetch(const content_id& id, std::string output);
    /// The same, into a file that whoever asks has opened.
    command_handle fetch(const content_id& id, std::shared_ptr<output_sink> sink);
    /// Puts a file of this device into the store and shares it.
    command_handle import_file(std::string path, std::optional<content_id> id);
    /// All downloads of this client.
    void pause(bool paused);
    /// What the device says of itself now (CLI-5); storage is measured here.
    void set_profile(device_profile profile);
    /// A pinned content is never evicted from the store.
    command_handle pin(const content_id& id, bool pinned);
    /// Removes a content from the store.
    command_handle remove(const content_id& id);
    /// Reads and hashes all that the store holds.
    command_handle verify();
    /// Ends it with errc::cancelled; what is verified stays in the store.
    void cancel(command_handle command);
    [[nodiscard]] const client_core& core() const noexcept;

    /// Cancels what is under way, syncs the store and closes the ports; the io_context then runs out of work. Idempotent.
    void stop();

private:
    class implementation;
    using completion = std::unique_ptr<detail::fetch_completion>;

    command_handle start_fetch(content_id id, std::string output, completion done);
    command_handle start_import(std::string path, std::optional<content_id> id, completion done);
    /// Cancels the command if the client still lives; safe to call later than that.
    [[nodiscard]] std::function<void(command_handle)> canceller() const;

    template <class Start, class Token, class... Args>
    auto initiate(Start start, Token&& token, Args&&... args) {
        return asio::async_initiate<Token, void(std::error_code, fetch_result)>(
            [this, start](auto handler, auto... values) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                using handler_type = std::decay_t<decltype(handler)>;
                auto done = std::make_unique<detail::fetch_completion_of<handler_type>>(std::move(handler), get_executor());
                const auto command = start(std::move(done), std::move(values)...);
                if (slot.is_connected()) slot.assign([cancel = canceller(), command](asio::cancellation_type) { cancel(command); });
            },
            token, std::forward<Args>(args)...);
    }

    std::shared_ptr<implementation> self_;
};

}  // namespace p2pdist
