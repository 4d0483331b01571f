#include "source/fallback_reader.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include <asio/post.hpp>

#include "p2pdist/base/limits.hpp"
#include "source/http_read.hpp"
#include "source/package_finder.hpp"
#include "store/file.hpp"

namespace p2pdist {
namespace fs = std::filesystem;

namespace {

using steady = std::chrono::steady_clock;

/// What a reader's thread and the executor share: how far the core is behind, and whether anybody still wants it.
struct reading {
    fallback_request request;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t pieces_waiting = 0;
    std::atomic<bool> cancelled = false;
};

class piece_collector {
public:
    piece_collector(reading& shared, std::function<void(std::uint64_t, bytes)> deliver)
        : shared_(shared), deliver_(std::move(deliver)), offset_(shared.request.range.offset) {}

    bool add(byte_span data) {
        while (!data.empty()) {
            const auto room = std::min(data.size(), limits::fallback_piece_bytes - piece_.size());
            piece_.insert(piece_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(room));
            data = data.subspan(room);
            if (piece_.size() == limits::fallback_piece_bytes && !flush()) return false;
        }
        return !shared_.cancelled;
    }
    bool flush() {
        if (piece_.empty()) return !shared_.cancelled;
        std::unique_lock lock(shared_.mutex);
        shared_.changed.wait(lock, [&] { return shared_.cancelled || shared_.pieces_waiting < limits::fallback_pieces_max; });
        if (shared_.cancelled) return false;
        ++shared_.pieces_waiting;
        lock.unlock();
        const auto offset = offset_;
        offset_ += piece_.size();
        deliver_(offset, std::exchange(piece_, {}));
        return true;
    }

private:
    reading& shared_;
    std::function<void(std::uint64_t, bytes)> deliver_;
    std::uint64_t offset_;
    bytes piece_;
};

/// Sleeps so that `sent` bytes since `begin` are no more than the rate allows, or until nobody wants them any more.
void keep_rate(reading& shared, steady::time_point begin, std::uint64_t sent) {
    const auto bytes_per_second = shared.request.bytes_per_second_max;
    if (bytes_per_second <= 0) return;
    const auto due = begin + std::chrono::duration_cast<steady::duration>(
        std::chrono::duration<double>(static_cast<double>(sent) / bytes_per_second));
    std::unique_lock lock(shared.mutex);
    shared.changed.wait_until(lock, due, [&] { return shared.cancelled.load(); });
}

/// Nobody proved yet that it is a tree file: no more of it than the largest that this content can have.
std::uint64_t tree_file_bytes_max(const content_info& content) {
    constexpr std::uint64_t head_leaves = 8;
    return digest_bytes * (chunk_geometry(content.size_bytes).chunk_count() + head_leaves);
}

std::optional<error> read_file(reading& shared, const std::optional<fs::path>& directory, const std::function<bool(byte_span)>& sink) {
    const auto& request = shared.request;
    if (!directory) return error{errc::not_found, "no file store is configured"};
    auto path = find_in_file_store(*directory, request.content);
    const bool tree = request.what == fallback_request::target::tree;
    if (path && tree) {
        auto name = path->lexically_relative(*directory);
        path = plain_file_below(*directory, name += ".tree");
    }
    const auto file = path ? detail::file::open(*path, detail::file::mode::read) : result<detail::file>(error{errc::not_found, {}});
    if (!file) return error{errc::not_found, "the file store has no " + request.content.id.text() + (tree ? ".tree" : "")};
    const auto size = file->size();
    if (!size || (tree && *size > tree_file_bytes_max(request.content)))
        return error{errc::source_failed, "the file store's " + path->filename().string() + " is no tree file of this content"};
    auto offset = tree ? 0 : request.range.offset;
    std::uint64_t left = tree ? *size : request.range.length;
    const auto begin = steady::now();
    bytes buffer(limits::fallback_piece_bytes);
    std::uint64_t sent = 0;
    while (left > 0) {
        const auto piece = mutable_byte_span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
        if (!file->read_at(offset, piece))
            return error{errc::source_failed, "the file store's " + path->filename().string() + " is shorter than the published size or cannot be read"};
        if (!sink(piece)) return error{errc::cancelled, "reading the file store was stopped"};
        offset += piece.size();
        left -= piece.size();
        sent += piece.size();
        keep_rate(shared, begin, sent);
    }
    return std::nullopt;
}

std::optional<error> read_cdn(const reading& shared, const std::function<bool(byte_span)>& sink) {
    const auto& request = shared.request;
    http_read_request http;
    http.url = request.url;
    http.bytes_per_second_max = request.bytes_per_second_max;
    http.cancelled = &shared.cancelled;
    if (request.what == fallback_request::target::content) {
        http.offset = request.range.offset;
        http.length = request.range.length;
        return http_read(http, sink);
    }
    std::uint64_t left = tree_file_bytes_max(request.content);
    return http_read(http, [&](byte_span data) {
        if (data.size() > left) return false;
        left -= data.size();
        return sink(data);
    });
}

}  // namespace

class fallback_reader::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(asio::any_io_executor executor, std::optional<fs::path> file_store, fallback_handlers handlers)
        : executor_(std::move(executor)), file_store_(std::move(file_store)), handlers_(std::move(handlers)) {}

    void start(fallback_request request) {
        waiting_.push_back(std::move(request));
        start_waiting();
    }

    void cancel(std::uint64_t id) {
        std::erase_if(waiting_, [&](const auto& request) { return request.id == id; });
        if (const auto found = running_.find(id); found != running_.end()) stop(*found->second.shared);
    }

    void close() {
        closed_ = true;
        waiting_.clear();
        for (auto& [id, reader] : running_) stop(*reader.shared);
        for (auto& [id, reader] : running_) reader.thread.join();
        running_.clear();
    }

private:
    struct job {
        std::shared_ptr<reading> shared;
        std::thread thread;
    };

    static void stop(reading& shared) {
        const std::lock_guard lock(shared.mutex);
        shared.cancelled = true;
        shared.changed.notify_all();
    }

    /// In their order, but one kind of source leaves the other a reader, however long its own take.
    void start_waiting() {
        for (auto next = waiting_.begin(); next != waiting_.end() && running_.size() < limits::fallback_readers_max;) {
            const auto of_source = std::ranges::count_if(running_, [&](const auto& entry) { return entry.second.shared->request.from == next->from; });
            if (static_cast<std::size_t>(of_source) >= limits::fallback_readers_of_source_max) {
                ++next;
                continue;
            }
            auto shared = std::make_shared<reading>();
            shared->request = std::move(*next);
            next = waiting_.erase(next);
            const auto id = shared->request.id;
            try {
                running_[id] = {shared, std::thread([weak = weak_from_this(), shared, file_store = file_store_, executor = executor_] {
                                    run(weak, shared, file_store, executor);
                                })};
            } catch (const std::system_error& why) {
                running_.erase(id);
                asio::post(executor_, [weak = weak_from_this(), id, failure = error{errc::io_failed, std::string("no thread for a reader: ") + why.what()}] {
                    if (const auto self = weak.lock(); self && !self->closed_) self->handlers_.done(id, failure);
                });
            }
        }
    }

    static void run(const std::weak_ptr<implementation>& weak, const std::shared_ptr<reading>& shared, const std::optional<fs::path>& file_store,
                    const asio::any_io_executor& executor) {
        const auto& request = shared->request;
        piece_collector pieces(*shared, [&](std::uint64_t offset, bytes data) {
            asio::post(executor, [weak, shared, offset, data = std::make_shared<const bytes>(std::move(data))] {
                if (const auto self = weak.lock(); self && !self->closed_ && !shared->cancelled) self->handlers_.data(shared->request.id, offset, data);
                const std::lock_guard lock(shared->mutex);
                --shared->pieces_waiting;
                shared->changed.notify_all();
            });
        });
        const auto sink = [&](byte_span data) { return pieces.add(data); };
        auto failure = request.from == source_kind::cdn ? read_cdn(*shared, sink) : read_file(*shared, file_store, sink);
        if (!failure && !pieces.flush()) failure = error{errc::cancelled, "reading was stopped"};
        asio::post(executor, [weak, shared, failure] {
            if (const auto self = weak.lock(); self && !self->closed_) self->finish(*shared, failure);
        });
    }

    void finish(const reading& shared, const std::optional<error>& failure) {
        const auto found = running_.find(shared.request.id);
        found->second.thread.join();
        running_.erase(found);
        if (!shared.cancelled) handlers_.done(shared.request.id, failure);
        start_waiting();
    }

    asio::any_io_executor executor_;
    std::optional<fs::path> file_store_;
    fallback_handlers handlers_;
    std::deque<fallback_request> waiting_;
    std::map<std::uint64_t, job> running_;
    bool closed_ = false;
};

fallback_reader::fallback_reader(const asio::any_io_executor& executor, std::optional<fs::path> file_store, fallback_handlers handlers)
    : self_(std::make_shared<implementation>(executor, std::move(file_store), std::move(handlers))) {}
fallback_reader::~fallback_reader() { self_->close(); }
void fallback_reader::start(fallback_request request) { self_->start(std::move(request)); }
void fallback_reader::cancel(std::uint64_t request) { self_->cancel(request); }

}  // namespace p2pdist
