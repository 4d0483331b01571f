#include "p2pdist/driver/local_service.hpp"

#include <deque>
#include <map>
#include <set>

#include <asio/buffer.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>

#include "local/json_views.hpp"
#include "local/peer_credentials.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/driver/client.hpp"

namespace p2pdist {
namespace {

using protocol = asio::local::stream_protocol;
constexpr std::size_t request_bytes_max = 16384;
constexpr std::size_t answer_lines_max = 1024;   // that wait for a slow reader; progress lines beyond that are left out

struct bad_request {
    std::string text;
};

content_id content_of(const json& request) {
    auto id = content_id::parse(request.value("content", ""));
    if (!id) throw bad_request{id.error().message};
    return *id;
}

json failed_json(const std::string& text) { return {{"event", "failed"}, {"error", text}}; }

}  // namespace

/// One program that asked something.
class local_connection : public std::enable_shared_from_this<local_connection> {
public:
    explicit local_connection(protocol::socket socket) : socket_(std::move(socket)), input_(request_bytes_max) {}

    template <class OnRequest, class OnGone>
    void start(OnRequest on_request, OnGone on_gone) {
        asio::async_read_until(socket_, input_, '\n', [self = shared_from_this(), on_request, on_gone](std::error_code failure, std::size_t size) {
            if (failure) return on_gone();
            const std::string line(asio::buffers_begin(self->input_.data()), asio::buffers_begin(self->input_.data()) + static_cast<std::ptrdiff_t>(size));
            self->watch(on_gone);
            on_request(line);
        });
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
    }
    void close() {
        std::error_code ignored;
        socket_.close(ignored);
    }

private:
    /// Notices that the program went away: it sends nothing more, so a read ends with that only.
    template <class OnGone>
    void watch(OnGone on_gone) {
        socket_.async_wait(protocol::socket::wait_read, [self = shared_from_this(), on_gone](std::error_code) { on_gone(); });
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
    asio::streambuf input_;
    std::deque<std::string> lines_;
    bool finished_ = false;
};

class local_service::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(const asio::any_io_executor& executor, client& served, const std::filesystem::path& data)
        : client_(served), path_(local_socket_path(data)), acceptor_(executor) {
        if (!local_call(data, R"({"command":"status"})", [](const auto&) { return false; }).has_value()) std::filesystem::remove(path_);
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
            if (failure || self->stopped_) return;
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
        for (const auto& connection : connections_) connection->close();
        connections_.clear();
        waiting_.clear();
        std::filesystem::remove(path_, ignored);
    }

private:
    using connection_pointer = std::shared_ptr<local_connection>;
    struct waiter {
        connection_pointer connection;
        content_id content;
    };

    void serve(protocol::socket socket) {
        if (connections_.size() >= limits::local_connections_max || !peer_is_own_user(socket.native_handle())) return;
        auto connection = std::make_shared<local_connection>(std::move(socket));
        connections_.insert(connection);
        connection->start([weak = weak_from_this(), connection](const std::string& line) {
            if (const auto self = weak.lock(); self && !self->stopped_) self->on_request(connection, line);
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

    void on_request(const connection_pointer& connection, const std::string& line) {
        try {
            const auto request = json::parse(line);
            const std::string command = request.value("command", "");
            if (starts_command(connection, command, request)) return;
            connection->write(view(command, request));
        } catch (const json::exception& problem) {
            connection->write(failed_json(std::string("the request is not understood: ") + problem.what()));
        } catch (const bad_request& problem) {
            connection->write(failed_json(problem.text));
        }
        connection->finish();
    }

    /// Commands whose end is an event.
    bool starts_command(const connection_pointer& connection, const std::string& command, const json& request) {
        const auto wait = [&](command_handle handle, content_id content) { waiting_[handle] = {connection, std::move(content)}; };
        if (command == "get") {
            auto id = content_of(request);
            wait(client_.fetch(id, request.value("output", "")), id);
        } else if (command == "import") {
            std::optional<content_id> id;
            if (request.contains("content")) id = content_of(request);
            wait(client_.import_file(request.value("path", ""), id), id.value_or(content_id()));
        } else if (command == "pin" || command == "unpin") {
            auto id = content_of(request);
            wait(client_.pin(id, command == "pin"), id);
        } else if (command == "remove") {
            auto id = content_of(request);
            wait(client_.remove(id), id);
        } else if (command == "verify") {
            wait(client_.verify(), {});
        } else {
            return false;
        }
        return true;
    }

    json view(const std::string& command, const json& request) {
        const auto& core = client_.core();
        const auto list = [](const auto& values, auto one) {
            json out = json::array();
            for (const auto& value : values) out.push_back(one(value));
            return out;
        };
        if (command == "status") return status_json(core.status());
        if (command == "transfers") {
            const auto status = core.status();
            return {{"downloads", list(status.downloads, transfer_json)}, {"uploads", list(status.uploads, upload_json)}};
        }
        if (command == "peers") return {{"peers", list(core.peers(), peer_json)}};
        if (command == "list") return {{"contents", list(core.contents(), entry_json)}};
        if (command == "explain") {
            const auto id = content_of(request);
            const auto why = core.explain(id);
            if (!why) throw bad_request{"this client knows nothing of '" + id.text() + "' yet: `get` it first"};
            return explanation_json(*why);
        }
        if (command == "pause" || command == "resume") {
            client_.pause(command == "pause");
            return {{"paused", command == "pause"}};
        }
        throw bad_request{"there is no command '" + command + "'"};
    }

    client& client_;
    std::filesystem::path path_;
    protocol::acceptor acceptor_;
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
