#pragma once
// The threads of a file_store and what each request does.

#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include "content_index.hpp"
#include "lane.hpp"
#include "p2pdist/driver/file_store.hpp"

namespace p2pdist {

namespace detail {

/// What throws in a thread (memory that is not there, a sink of an embedder, an odd file system) is a failure like any other.
template <class Call>
auto caught(Call call) -> decltype(call()) {
    try {
        return call();
    } catch (const std::exception& thrown) {
        return error{errc::io_failed, std::string("the store failed: ") + thrown.what()};
    }
}

}  // namespace detail

class file_store::impl {
public:
    impl(file_store_options options, const crypto_suite& crypto, completion_handler on_done, log_sink log);
    ~impl();

    [[nodiscard]] result<void> start();
    void submit(store_request&& request);
    void stop();

private:
    /// A write that is on its way to the disk.
    struct staged_write {
        store_request_id id;
        detail::stored_pointer stored;
        std::optional<chunk_index> chunk;
        std::uint64_t appended = 0;
        std::size_t size = 0;
        std::uint64_t failed_syncs = 0;  ///< of the content, before it was written
    };

    void serve(detail::lane& requests);
    void serve_writes();
    void stage(store_request& request);
    void commit();
    void answer(store_completion&& done, std::size_t write_bytes = 0);
    void cancel(const store_request& request);

    using evicted_keys = std::vector<content_key>;
    result<store_opened> run(const store_open& request, evicted_keys& evicted);
    result<store_done> run(const store_close& request, evicted_keys& evicted);
    result<store_region> run(const store_read_chunk& request, evicted_keys& evicted);
    result<store_opened> run(const store_finish& request, evicted_keys& evicted);
    result<store_opened> run(const store_install_tree& request, evicted_keys& evicted);
    result<store_tree> run(const store_read_tree& request, evicted_keys& evicted);
    result<store_content> run(const store_import& request, evicted_keys& evicted);
    result<store_content> run(const store_attach& request, evicted_keys& evicted);
    result<store_content> run(const store_export& request, evicted_keys& evicted);
    result<store_done> run(const store_pin& request, evicted_keys& evicted);
    result<store_done> run(const store_remove& request, evicted_keys& evicted);
    result<store_checked> run(const store_verify& request, evicted_keys& evicted);
    result<store_listing> run(const store_list& request, evicted_keys& evicted);
    result<store_statistics> run(const store_set_limit& request, evicted_keys& evicted);
    result<store_statistics> run(const store_measure& request, evicted_keys& evicted);

    const file_store_options options_;
    const completion_handler on_done_;
    detail::store_context context_;
    detail::content_index index_;
    detail::file lock_;

    detail::lane reads_, writes_, long_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> unanswered_{0};
    std::atomic<std::size_t> write_bytes_{0};
    std::mutex stop_mutex_;

    // Of the writing thread alone.
    std::vector<staged_write> batch_;
    std::size_t batch_bytes_ = 0;
    std::chrono::steady_clock::time_point batch_due_;
};

}  // namespace p2pdist
