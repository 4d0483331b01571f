#include "p2pdist/driver/file_store.hpp"

#include <algorithm>

#include "file_store_impl.hpp"

namespace p2pdist {

using detail::caught;
using detail::lane;

namespace {

template <class... Types>
struct overloaded : Types... {
    using Types::operator()...;
};
template <class... Types>
overloaded(Types...) -> overloaded<Types...>;

std::size_t write_size(const store_request& request) {
    return std::visit(overloaded{[](const store_write_chunk& write) { return write.data.view.size(); },
                                 [](const store_append& append) { return append.data.view.size(); },
                                 [](const store_install_tree& install) { return install.tree_file.view.size(); },
                                 [](const auto&) { return std::size_t{0}; }},
                      request.operation);
}

}  // namespace

file_store::impl::impl(file_store_options options, const crypto_suite& crypto, completion_handler on_done, log_sink log)
    : options_(std::move(options)),
      on_done_(std::move(on_done)),
      context_{crypto, options_.fault, std::move(log)},
      index_(context_, options_) {}

file_store::impl::~impl() { stop(); }

result<void> file_store::impl::start() {
    if (auto made = detail::make_directories(options_.directory, &context_.fault); !made) return made;
    auto lock = detail::file::open(options_.directory / "lock", detail::file::mode::create_or_open);
    if (!lock) return lock.error();
    if (!lock->try_lock()) return {errc::refused, options_.directory.string() + ": this store is open already, in another process or in this one; stop that client first"};
    lock_ = std::move(*lock);
    if (auto loaded = index_.load(); !loaded) return loaded;
    threads_.emplace_back([this] { serve(reads_); });
    threads_.emplace_back([this] { serve_writes(); });
    threads_.emplace_back([this] { serve(long_); });
    return {};
}

void file_store::impl::submit(store_request&& request) {
    auto& target = std::visit(overloaded{[this](const store_write_chunk&) -> lane& { return writes_; },
                                         [this](const store_append&) -> lane& { return writes_; },
                                         [this](const store_finish&) -> lane& { return long_; },
                                         [this](const store_install_tree&) -> lane& { return long_; },
                                         [this](const store_read_tree&) -> lane& { return long_; },
                                         [this](const store_import&) -> lane& { return long_; },
                                         [this](const store_attach&) -> lane& { return long_; },
                                         [this](const store_export&) -> lane& { return long_; },
                                         [this](const store_verify&) -> lane& { return long_; },
                                         [this](const auto&) -> lane& { return reads_; }},
                              request.operation);
    const auto id = request.id;
    const auto size = write_size(request);
    const bool too_many = ++unanswered_ > limits::store_requests_max && !std::holds_alternative<store_close>(request.operation);
    const bool too_much = (write_bytes_ += size) > limits::store_write_bytes_max && size > 0;
    if (too_many || too_much)
        return answer({id, error{errc::limit_reached, "the store is behind: wait for answers before asking more"}, store_done{}, {}}, size);
    if (!target.push(std::move(request))) answer({id, error{errc::cancelled, "the store was stopped"}, store_done{}, {}}, size);
}

void file_store::impl::answer(store_completion&& done, std::size_t write_bytes) {
    --unanswered_;
    write_bytes_ -= write_bytes;
    on_done_(std::move(done));
}

void file_store::impl::cancel(const store_request& request) {
    answer({request.id, error{errc::cancelled, "the store was stopped"}, store_done{}, {}}, write_size(request));
}

void file_store::impl::stop() {
    const std::lock_guard lock(stop_mutex_);
    context_.stopping = true;
    for (auto* requests : {&reads_, &writes_, &long_}) {
        for (const auto& request : requests->close()) cancel(request);
    }
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void file_store::impl::serve(lane& requests) {
    while (auto request = requests.pop()) {
        store_completion done{request->id, std::nullopt, store_done{}, {}};
        std::visit(
            [&](const auto& operation) {
                if constexpr (requires { run(operation, done.evicted); }) {
                    auto found = caught([&] { return run(operation, done.evicted); });
                    if (found) done.value = std::move(*found);
                    else done.failure = found.error();
                }
            },
            request->operation);
        answer(std::move(done), write_size(*request));
    }
}

void file_store::impl::serve_writes() {
    for (;;) {
        auto request = batch_.empty() ? writes_.pop() : writes_.pop(batch_due_);
        if (request) stage(*request);
        const bool due = !request || batch_bytes_ >= limits::store_commit_bytes_max || std::chrono::steady_clock::now() >= batch_due_;
        if (!batch_.empty() && due) commit();
        if (!request && writes_.closed()) return;
    }
}

void file_store::impl::stage(store_request& request) {
    const auto size = write_size(request);
    staged_write staged{request.id, nullptr, std::nullopt, 0, size, 0};
    const auto* write = std::get_if<store_write_chunk>(&request.operation);
    const auto* append = std::get_if<store_append>(&request.operation);
    const auto stored = index_.find_in_use(write ? write->key : append->key);
    const auto refuse = [&](const error& why) { answer({request.id, why, store_done{}, {}}, size); };
    if (!stored) return refuse(stored.error());
    staged.stored = *stored;
    staged.failed_syncs = staged.stored->failed_syncs();
    if (write) {
        const auto fresh = caught([&] { return staged.stored->stage_chunk(*write); });
        if (!fresh) return refuse(index_.explain(fresh.error(), *staged.stored));
        if (!*fresh) return answer({request.id, std::nullopt, store_written{write->chunk}, {}}, size);
        staged.chunk = write->chunk;
    } else {
        const auto end = caught([&] { return staged.stored->stage_append(*append); });
        if (!end) return refuse(index_.explain(end.error(), *staged.stored));
        staged.appended = *end;
    }
    if (batch_.empty()) batch_due_ = std::chrono::steady_clock::now() + std::min(options_.commit_delay, limits::store_commit_delay_max);
    batch_.push_back(std::move(staged));
    batch_bytes_ += size;
}

void file_store::impl::commit() {
    while (!batch_.empty()) {
        const auto stored = batch_.front().stored;
        const auto failed_before = batch_.front().failed_syncs;
        const auto others = std::stable_partition(batch_.begin(), batch_.end(), [&](const staged_write& write) { return write.stored == stored; });
        std::vector<chunk_index> chunks;
        std::optional<std::uint64_t> appended;
        for (auto write = batch_.begin(); write != others; ++write) {
            if (write->chunk) chunks.push_back(*write->chunk);
            else
                appended = write->appended;
        }
        const auto done = caught([&] { return stored->commit(chunks, appended, failed_before); });
        for (auto write = batch_.begin(); write != others; ++write) {
            store_completion completion{write->id, std::nullopt, store_done{}, {}};
            if (!done) completion.failure = index_.explain(done.error(), *stored);
            else if (write->chunk) completion.value = store_written{*write->chunk};
            else completion.value = store_appended{stored->append_position()};
            answer(std::move(completion), write->size);
        }
        batch_.erase(batch_.begin(), others);
    }
    batch_bytes_ = 0;
}

file_store::file_store(std::unique_ptr<impl> state) : impl_(std::move(state)) {}
file_store::~file_store() = default;

result<std::unique_ptr<file_store>> file_store::open(file_store_options options, const crypto_suite& crypto, completion_handler on_done,
                                                     log_sink log) {
    auto state = std::make_unique<impl>(std::move(options), crypto, std::move(on_done), std::move(log));
    if (auto started = state->start(); !started) return started.error();
    return std::unique_ptr<file_store>(new file_store(std::move(state)));
}

void file_store::submit(store_request request) { impl_->submit(std::move(request)); }
void file_store::stop() { impl_->stop(); }

}  // namespace p2pdist
