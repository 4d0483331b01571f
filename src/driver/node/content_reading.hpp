#pragma once
// What stands behind a content_reader: chunks that the core gave, the read that waits for bytes, and how it ended.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>

#include "node/operation.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail {

class content_reading {
public:
    using read_operation = std::shared_ptr<operation<std::error_code, std::size_t>>;
    struct hooks {
        std::function<void()> read_on;   ///< asks for the next piece
        std::function<void()> cancel;
    };

    explicit content_reading(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] command_handle command() const noexcept { return command_; }
    void begin(command_handle command, hooks called) {
        command_ = command;
        hooks_ = std::move(called);
        ask();
    }
    void read(asio::mutable_buffer into, read_operation op) {
        if (waiting_ && waiting_->open()) return op->complete(make_error_code(errc::refused), 0);
        waiting_ = std::move(op);
        into_ = into;
        serve();
    }
    void on_piece(shared_bytes data) {
        asked_ = false;
        pieces_.push_back(std::move(data));
        serve();
        ask();
    }
    void on_end(const std::optional<error>& failure) {
        if (!end_) end_ = failure ? failure->error_code() : std::error_code(asio::error::eof);
        serve();
    }
    void cancel() {
        pieces_.clear();
        end_ = make_error_code(errc::cancelled);
        serve();
        if (const auto tell = std::exchange(hooks_, {}).cancel) tell();
    }

private:
    void serve() {
        if (!waiting_ || !waiting_->open()) return;
        if (into_.size() == 0) return waiting_->complete({}, 0);
        if (!pieces_.empty()) {
            auto& left = pieces_.front().view;
            const auto count = asio::buffer_copy(into_, asio::buffer(left.data(), left.size()));
            left = left.subspan(count);
            if (left.empty()) pieces_.pop_front();
            waiting_->complete({}, count);
            ask();
        } else if (end_) {
            waiting_->complete(*end_, 0);
        }
    }
    void ask() {
        if (asked_ || end_ || !hooks_.read_on || pieces_.size() >= limits::reader_pieces_max) return;
        asked_ = true;
        hooks_.read_on();
    }

    asio::any_io_executor executor_;
    command_handle command_;
    hooks hooks_;
    std::deque<shared_bytes> pieces_;
    read_operation waiting_;
    asio::mutable_buffer into_;
    std::optional<std::error_code> end_;
    bool asked_ = false;
};

}  // namespace p2pdist::detail
