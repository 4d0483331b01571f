#pragma once
// A client in an Asio program: client_core with sockets, timers, disk and fallback sources behind it. No hidden thread but those
// that write, hash and read from a CDN; no global. Several clients may live in one process and on one io_context, each with its
// own address and data directory. docs/embedding.md is the guide.
//
//     asio::io_context io;
//     p2pdist::client node{io, {.data = "/var/lib/app", .server = "10.0.0.2", .enrolment_key_file = "/etc/app.key"}};
//     node.async_fetch(id, "/tmp/app.msi", [&](std::error_code failure, p2pdist::fetch_result got) { ...; node.stop(); });
//     io.run();
//
// A client runs one handler at a time: on the strand that it is given, or on one of its own, which get_executor() gives. Everything whose
// name begins with async_ may be called from any thread; all else, construction and destruction apart, on that executor, or on the one
// thread that runs all of it. Handlers come on their own executor, or else on the client's; never from within the call that began the
// operation. A cancellation_signal belongs to the executor of the handler it cancels.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>

#include "p2pdist/base/export.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/driver/async_operation.hpp"

namespace p2pdist {

/// What a client is opened with.
struct client_options {
    std::filesystem::path data{};                 ///< identity, credentials and contents; made where it is missing, mode 0700
    std::string server{};                         ///< its address, or several with commas (DB-4); empty: core.servers counts
    std::filesystem::path enrolment_key_file{};   ///< as p2pdist-server printed the key; empty: core.enrolment counts
    /// As for the core. Identity, saved credentials, entropy and jitter are the façade's own, kept in `data`. What is left as it is comes
    /// from the system: the address by which the server is reached, its prefix and broadcast address, looked at twice a minute (a device
    /// that moves to another network goes on there), the host's name and its profile.
    client_config core{};
    std::uint64_t store_limit_bytes = UINT64_MAX;
    std::shared_ptr<content_store> store{};       ///< instead of files in `data`; it has its own limit, and one client uses it
    std::optional<std::filesystem::path> file_store{};  ///< SRC-2: read only
    bool plain_udp = false;                       ///< one datagram a system call, as on systems without batches
};

/// What a fetch or import came to.
struct fetch_result {
    content_info content;
    source_split split{};
    duration took{};
    std::string message;   ///< the sentence of the error, empty on success
    command_handle command{};   ///< as the events name it; 0 where it was refused before it began
};

namespace detail {
class event_channel;
class content_reading;

}  // namespace detail

/// A client in an Asio program. Threads: as at the head of this file.
class P2PDIST_API client {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;

    /// Opens the data directory, the store and the ports. std::system_error whose what() says what to do (port and holder, ...). Any
    /// executor does: what is not one of Asio's strands over its own executors gets a strand around it.
    client(const executor_type& executor, client_options options);
    /// The same, on the executor of an execution context: `client node{io, options}`.
    template <detail::execution_context_of Context>
    client(Context& context, client_options options) : client(executor_type(context.get_executor()), std::move(options)) {}
    /// As stop(), but that the event handler hears nothing more. On the executor, or once nothing runs it any more, or after async_stop()
    /// has completed.
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// The strand on which it runs.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Events as values, in order, from within the client's own work; client_stopped, from within stop(), is the last. Set it before the
    /// executor runs. It may give commands, set another handler, stop the client, or destroy it. What it throws leaves the executor's run().
    /// An event_stream is easier on its program: it waits for it.
    void set_event_handler(std::function<void(const client_event&)> handler);

    /// Downloads, verifies and, where `output` is not empty, writes the content there. Completes with (std::error_code, fetch_result).
    /// Cancellation (any type) completes with errc::cancelled; what is verified stays in the store. errc::limit_reached at once where an
    /// event_stream's program has left limits::event_queue_ends_max ends unread.
    template <class Token>
    auto async_fetch(content_id id, std::string output, Token&& token) {
        return initiate([id = std::move(id), output = std::move(output)](client_core& core, time_point now) {
            return core.fetch(now, id, output);
        }, std::forward<Token>(token));
    }
    /// The same, into anything that can be written like a file. It is written on a thread of the store; what it throws is errc::io_failed.
    template <class Token>
    auto async_fetch_to(std::shared_ptr<output_sink> sink, content_id id, Token&& token) {
        return initiate([id = std::move(id), sink = guarded(std::move(sink))](client_core& core, time_point now) {
            return core.fetch(now, id, sink);
        }, std::forward<Token>(token));
    }

    /// Puts a file of this device into the store and shares it; without `id` its hash becomes the id.
    template <class Token>
    auto async_import(std::string path, std::optional<content_id> id, Token&& token) {
        return initiate([path = std::move(path), id = std::move(id)](client_core& core, time_point now) {
            return core.import(now, path, id);
        }, std::forward<Token>(token));
    }

    /// Commands and views of the core; their ends show in the events. A handle of 0: refused, see async_fetch() about limit_reached.
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

    /// Ends what is under way with errc::cancelled, of which the event handler hears, syncs the store (this may take as long as the disk
    /// does) and closes the ports: when the handlers of all that have run, the executor has no work of this client left. Idempotent.
    void stop();
    /// The same from any thread; completes with (std::error_code), none, when it is done.
    template <class Token>
    auto async_stop(Token&& token) {
        return detail::initiator<std::error_code>::start(get_executor(), [self = self_](std::unique_ptr<detail::completion<std::error_code>> done) {
            return prepare_stop(self, std::move(done));
        }, std::forward<Token>(token));
    }

private:
    friend class event_stream;
    friend class content_reader;
    class P2PDIST_LOCAL implementation;
    using command_starter = std::function<command_handle(client_core&, time_point)>;
    using command_completion = std::unique_ptr<detail::completion<std::error_code, fetch_result>>;

    static std::shared_ptr<output_sink> guarded(std::shared_ptr<output_sink> sink);
    static detail::prepared_operation prepare_command(const std::shared_ptr<implementation>& self, command_starter start, command_completion done);
    static detail::prepared_operation prepare_stop(const std::shared_ptr<implementation>& self, std::unique_ptr<detail::completion<std::error_code>> done);

    template <class Token>
    auto initiate(command_starter start, Token&& token) {
        return detail::initiator<std::error_code, fetch_result>::start(get_executor(), [self = self_, start = std::move(start)](command_completion done) {
            return prepare_command(self, start, std::move(done));
        }, std::forward<Token>(token));
    }

    std::shared_ptr<implementation> self_;
};

/// The events of a client as values, for a program that takes them when it likes. It may be late: of progress only the newest of each
/// content waits, and notices may go, but the end of a command and of the client never (limits::event_queue_ends_max: while so many wait,
/// the client refuses commands). Several streams of one client, at most limits::event_streams_max, each get everything; one more ends at
/// once with errc::limit_reached. May be made, used and dropped on any thread.
class P2PDIST_API event_stream {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;

    /// What happens from now on.
    explicit event_stream(client& node);
    /// Whoever waits gets errc::cancelled.
    ~event_stream();
    event_stream(event_stream&&) noexcept = default;
    /// Drops what this one was, as the destructor does.
    event_stream& operator=(event_stream&&) noexcept;

    /// The client's executor.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    /// An event that waits already, if there is one and no async_next() is under way. On the client's executor.
    [[nodiscard]] std::optional<client_event> try_next();
    /// Completes with (std::error_code, client_event): the next event, the last of which is client_stopped. After that one, and where it
    /// is cancelled, errc::cancelled; errc::refused where another call waits already. Cancelling by slot loses no event: it completes with
    /// errc::cancelled or with an event. Of the awaitable operator || the loser's result is dropped, an event too: bind a slot instead, as
    /// docs/embedding.md shows.
    template <class Token>
    auto async_next(Token&& token) {
        return detail::initiator<std::error_code, client_event>::start(executor_, [channel = channel_](next_completion done) {
            return prepare_next(channel, std::move(done));
        }, std::forward<Token>(token));
    }

private:
    using next_completion = std::unique_ptr<detail::completion<std::error_code, client_event>>;
    static detail::prepared_operation prepare_next(const std::shared_ptr<detail::event_channel>& channel, next_completion done);

    asio::any_io_executor executor_;
    std::shared_ptr<detail::event_channel> channel_;
};

/// A content as a stream of verified bytes, from the first on, while it still arrives: an Asio AsyncReadStream. It downloads as
/// async_fetch() does, and reads from the store no faster than the program reads from it. May be made, used and dropped on any thread.
class P2PDIST_API content_reader {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;

    /// Begins to download it.
    content_reader(client& node, content_id id);
    /// As cancel().
    ~content_reader();
    content_reader(content_reader&&) noexcept = default;
    /// Ends what this one was, as the destructor does.
    content_reader& operator=(content_reader&&) noexcept;

    /// The client's executor.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    /// Completes with (std::error_code, std::size_t): some of the next bytes; asio::error::eof after the last, when all of the content is
    /// verified and nothing is missing; what async_fetch() would give where it fails. errc::refused where another call waits already.
    /// Cancelling it by slot (any type) loses no byte: it completes with errc::cancelled, and the next call goes on, or with bytes. Of the
    /// awaitable operator || the loser's result is dropped, bytes too: bind a slot instead, as docs/embedding.md shows.
    template <class MutableBuffers, class Token>
    auto async_read_some(const MutableBuffers& buffers, Token&& token) {
        asio::mutable_buffer first;
        for (auto at = asio::buffer_sequence_begin(buffers); first.size() == 0 && at != asio::buffer_sequence_end(buffers); ++at) first = *at;
        return detail::initiator<std::error_code, std::size_t>::start(executor_, [reading = reading_, first](read_completion done) {
            return prepare_read(reading, first, std::move(done));
        }, std::forward<Token>(token));
    }
    /// Ends the download, if nobody else wants it, and all reads: errc::cancelled.
    void cancel();
    /// As the events name it; 0 before it has begun. On the client's executor.
    [[nodiscard]] command_handle command() const noexcept;

private:
    using read_completion = std::unique_ptr<detail::completion<std::error_code, std::size_t>>;
    static detail::prepared_operation prepare_read(const std::shared_ptr<detail::content_reading>& reading, asio::mutable_buffer into, read_completion done);

    asio::any_io_executor executor_;
    std::shared_ptr<detail::content_reading> reading_;
};

}  // namespace p2pdist
