#include "p2pdist/driver/local_service.hpp"

#include <array>
#include <deque>
#include <map>
#include <set>

#include <asio/buffer.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include "local/json_views.hpp"
#include "local/local_request.hpp"
#include "local/passed_file.hpp"
#include "local/peer_credentials.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/driver/client.hpp"

namespace p2pdist {
namespace {

using protocol = asio::local::stream_protocol;
constexpr std::size_t request_bytes_max = 16384;
constexpr auto request_time = std::chrono::seconds(10);   // for a program to say what it wants
constexpr auto accept_pause = std::chrono::milliseconds(500);   // after one that failed
constexpr auto farewell_time = std::chrono::seconds(30);  // for it to read its last answer
constexpr std::size_t answer_lines_max = 1024;   // that wait for a slow reader; progress lines beyond that are left out

json failed_json(const std::string& text) { return {{"event", "failed"}, {"error", text}}; }

}  // namespace

/// One program that asked something.
class local_connection : public std::enable_shared_from_this<local_connection> {
public:
    explicit local_connection(protocol::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

    template <class OnRequest, class OnGone>
    void start(OnRequest on_request, OnGone on_gone) {
        end_after(request_time);
        read(on_request, on_gone);
    }

    void write(const json& line, bool may_be_left_out = false) {
        if (may_be_left_out && lines_.size() >= answer_lines_max) return;
        lines_.push_back(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
        if (lines_.size() == 1) write_next();
    }
    /// Closes after what is written has left.
    void finish() {
        finished_ = true;
        if (lines_.empty()) close();
        else end_after(farewell_time);
    }
    void close() {
        timer_.cancel();
        std::error_code ignored;
        socket_.close(ignored);
    }

private:
    template <class OnRequest, class OnGone>
    void read(OnRequest on_request, OnGone on_gone) {
        socket_.async_wait(protocol::socket::wait_read, [self = shared_from_this(), on_request, on_gone](std::error_code failure) {
            if (failure || !self->take_input()) return on_gone();
            const auto end = self->input_.find('\n');
            if (end == std::string::npos) return self->read(on_request, on_gone);
            self->timer_.cancel();
            self->input_.resize(end);
            self->watch(on_gone);
            on_request(self->input_, std::move(self->file_));
        });
    }
    /// False where nothing more will come, or too much came.
    bool take_input() {
        std::array<std::uint8_t, 4096> room;
        const auto got = receive_passed(socket_.native_handle(), room);
        if (got.file && !file_) file_ = got.file;
        input_ += as_text(byte_span(room).first(got.size));
        return got.what != passed_bytes::state::over && input_.size() <= request_bytes_max;
    }
    /// Closes then, unless the timer is set anew: whoever says or reads nothing must not hold a place for ever.
    void end_after(std::chrono::steady_clock::duration time) {
        timer_.expires_after(time);
        timer_.async_wait([self = shared_from_this()](std::error_code failure) {
            if (!failure) self->close();
        });
    }
    /// Notices that the program went away. What it may say behind its line counts for nothing.
    template <class OnGone>
    void watch(OnGone on_gone) {
        socket_.async_wait(protocol::socket::wait_read, [self = shared_from_this(), on_gone](std::error_code failure) {
            std::array<std::uint8_t, 4096> unheard;
            if (failure || receive_passed(self->socket_.native_handle(), unheard).what == passed_bytes::state::over) return on_gone();
            self->watch(on_gone);
        });
    }
    void write_next() {
        asio::async_write(socket_, asio::buffer(lines_.front()), [self = shared_from_this()](std::error_code failure, std::size_t) {
            if (failure) return;
            self->lines_.pop_front();
            if (!self->lines_.empty()) self->write_next();
            else if (self->finished_) self->close();
        });
    }

    protocol::socket socket_;
    asio::steady_timer timer_;
    std::string input_;
    std::shared_ptr<passed_file> file_;
    std::deque<std::string> lines_;
    bool finished_ = false;
};

class local_service::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(const asio::any_io_executor& executor, client& served, const std::filesystem::path& data)
        : client_(served), path_(local_socket_path(data)), acceptor_(executor), pause_(executor) {
        if (!local_call(data, R"({"command":"status"})", [](const auto&) { return false; }).has_value()) std::filesystem::remove(path_);
        if (path_.parent_path() != plain_directory(data)) {
            if (const auto made = make_short_socket_directory(path_.parent_path()); !made) throw std::system_error(made.error().error_code(), made.error().message);
        }
        const auto before = restrict_new_files();
        acceptor_.open();
        std::error_code failure;
        acceptor_.bind(protocol::endpoint(path_.string()), failure);
        restore_new_files(before);
        if (failure) throw std::system_error(failure, "a client already runs on " + data.string() + " (or its socket " + path_.string() + " is in use)");
        acceptor_.listen();
    }

    void accept() {
        acceptor_.async_accept([self = shared_from_this()](std::error_code failure, protocol::socket socket) {
            if (self->stopped_ || failure == asio::error::operation_aborted) return;
            if (failure) return self->accept_later();
            self->serve(std::move(socket));
            self->accept();
        });
    }

    void on_event(const client_event& event) {
        if (const auto* progress = std::get_if<client_progress>(&event)) {
            for (auto& [command, asked] : waiting_) {
                if (asked.content == progress->transfer.content.id) asked.connection->write(progress_event_json(progress->transfer), true);
            }
        } else if (const auto* done = std::get_if<command_done>(&event)) {
            auto found = waiting_.extract(done->command);
            if (found.empty()) return;
            found.mapped().connection->write(done_event_json(*done));
            found.mapped().connection->finish();
        }
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        std::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        for (const auto& connection : connections_) connection->close();
        connections_.clear();
        waiting_.clear();
        std::filesystem::remove(path_, ignored);
    }

private:
    using connection_pointer = std::shared_ptr<local_connection>;

    /// A process without a free descriptor, say, has one again soon.
    void accept_later() {
        pause_.expires_after(accept_pause);
        pause_.async_wait([self = shared_from_this()](std::error_code failure) {
            if (!failure && !self->stopped_) self->accept();
        });
    }
    struct waiter {
        connection_pointer connection;
        content_id content;
    };

    void serve(protocol::socket socket) {
        if (connections_.size() >= limits::local_connections_max || !peer_is_own_user(socket.native_handle())) return;
        auto connection = std::make_shared<local_connection>(std::move(socket));
        connections_.insert(connection);
        connection->start([weak = weak_from_this(), connection](const std::string& line, std::shared_ptr<passed_file> file) {
            if (const auto self = weak.lock(); self && !self->stopped_) self->on_request(connection, line, file);
        }, [weak = weak_from_this(), connection] {
            if (const auto self = weak.lock()) self->on_gone(connection);
        });
    }

    /// Whoever waited for a download and went away cancels it, as far as nobody else waits for it.
    void on_gone(const connection_pointer& connection) {
        connections_.erase(connection);
        connection->close();
        std::vector<command_handle> given_up;
        for (const auto& [command, asked] : waiting_) {
            if (asked.connection == connection) given_up.push_back(command);
        }
        for (const auto command : given_up) {
            waiting_.erase(command);
            if (!stopped_) client_.cancel(command);
        }
    }

    void on_request(const connection_pointer& connection, const std::string& line, const std::shared_ptr<passed_file>& file) {
        const auto request = parse_local_request(line);
        const bool no_file = request && request->descriptor && (!file || !file->is_writable_file());
        if (request && !no_file && starts_command(connection, *request, file)) return;
        if (!request) connection->write(failed_json(request.error().message));
        else if (no_file) connection->write(failed_json("\"descriptor\":true needs the descriptor of a plain file, open for writing, with the request"));
        else connection->write(view(*request));
        connection->finish();
    }

    /// Commands whose end is an event.
    bool starts_command(const connection_pointer& connection, const local_request& request, const std::shared_ptr<passed_file>& file) {
        const auto& command = request.command;
        const auto wait = [&](command_handle handle) { waiting_[handle] = {connection, request.content.value_or(content_id())}; };
        if (command == "get") wait(client_.fetch(*request.content, std::shared_ptr<output_sink>(request.descriptor ? file : nullptr)));
        else if (command == "import") wait(client_.import_file(request.path, request.content));
        else if (command == "pin" || command == "unpin") wait(client_.pin(*request.content, command == "pin"));
        else if (command == "remove") wait(client_.remove(*request.content));
        else if (command == "verify") wait(client_.verify());
        else return false;
        return true;
    }

    json view(const local_request& request) {
        const auto& core = client_.core();
        const auto list = [](const auto& values, auto one) {
            json out = json::array();
            for (const auto& value : values) out.push_back(one(value));
            return out;
        };
        const auto& command = request.command;
        if (command == "status") return status_json(core.status());
        if (command == "transfers") {
            const auto status = core.status();
            return {{"downloads", list(status.downloads, transfer_json)}, {"uploads", list(status.uploads, upload_json)}};
        }
        if (command == "peers") return {{"peers", list(core.peers(), peer_json)}};
        if (command == "list") return {{"contents", list(core.contents(), entry_json)}};
        if (command == "explain") {
            const auto why = core.explain(*request.content);
            return why ? explanation_json(*why) : failed_json("this client knows nothing of '" + request.content->text() + "' yet: `get` it first");
        }
        client_.pause(command == "pause");
        return {{"paused", command == "pause"}};
    }

    client& client_;
    std::filesystem::path path_;
    protocol::acceptor acceptor_;
    asio::steady_timer pause_;   // of it
    std::set<connection_pointer> connections_;
    std::map<command_handle, waiter> waiting_;
    bool stopped_ = false;
};

local_service::local_service(const asio::any_io_executor& executor, client& served, const std::filesystem::path& data)
    : self_(std::make_shared<implementation>(executor, served, data)) {
    self_->accept();
}
local_service::~local_service() { self_->stop(); }
void local_service::on_event(const client_event& event) { self_->on_event(event); }
void local_service::stop() { self_->stop(); }

}  // namespace p2pdist
