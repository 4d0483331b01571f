#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "p2pdist/driver/file_store.hpp"
#include "unit/content/content_test_support.hpp"

namespace p2pdist::test {

namespace fs = std::filesystem;

/// Where files lie in memory, if there is such a place: these tests sync thousands of times.
inline fs::path quick_place() { return ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path(); }

/// A directory that goes with the object.
class scratch {
public:
    scratch() {
        static int number = 0;
        path_ = quick_place() / ("p2pdist-store-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
        fs::remove_all(path_);
        fs::create_directories(path_);
    }
    ~scratch() { fs::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }

private:
    fs::path path_;
};

inline void write_file(const fs::path& path, byte_span data) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    REQUIRE(out.good());
}

inline bytes read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A file_store that one can ask and wait for.
class waiting_store {
public:
    explicit waiting_store(file_store_options options) {
        auto opened = file_store::open(std::move(options), crypto(), [this](store_completion done) { keep(std::move(done)); });
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        store_ = std::move(*opened);
    }
    explicit waiting_store(const fs::path& directory) : waiting_store(quick(directory)) {}

    /// One write waits for no other.
    static file_store_options quick(const fs::path& directory) {
        file_store_options options{directory};
        options.commit_delay = {};
        return options;
    }

    template <class Operation>
    store_request_id begin(Operation operation) {
        const auto id = ++ids_;
        store_->submit({id, std::move(operation)});
        return id;
    }
    store_completion wait(store_request_id id) {
        std::unique_lock lock(mutex_);
        REQUIRE(arrived_.wait_for(lock, std::chrono::seconds(120), [&] { return done_.contains(id); }));
        return std::move(done_.extract(id).mapped());
    }
    template <class Operation>
    store_completion ask(Operation operation) {
        return wait(begin(std::move(operation)));
    }
    template <class Value, class Operation>
    Value expect(Operation operation) {
        auto done = ask(std::move(operation));
        INFO((done.failure ? done.failure->message : ""));
        REQUIRE(done.ok());
        return std::get<Value>(done.value);
    }
    template <class Operation>
    errc failure(Operation operation) {
        const auto done = ask(std::move(operation));
        REQUIRE_FALSE(done.ok());
        return done.failure->code;
    }
    store_opened open(const sample& content) { return expect<store_opened>(store_open{content.info, true}); }
    file_store& store() { return *store_; }

private:
    void keep(store_completion done) {
        const std::lock_guard lock(mutex_);
        done_.emplace(done.id, std::move(done));
        arrived_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<store_request_id, store_completion> done_;
    store_request_id ids_ = 0;
    std::unique_ptr<file_store> store_;
};

/// The only content's directory in a store.
inline fs::path only_content(const fs::path& store) {
    for (const auto& found : fs::directory_iterator(store)) {
        if (found.is_directory()) return found.path();
    }
    FAIL("no content in " << store);
    return {};
}

inline bool serves(waiting_store& store, const sample& content, chunk_index chunk) {
    const auto done = store.ask(store_read_chunk{content.key(), chunk});
    return done.ok() && to_bytes(std::get<store_region>(done.value).region.view) == content.region(chunk);
}

/// Writes what is missing, until the store gives every chunk.
inline void complete(waiting_store& store, const sample& content) {
    store.open(content);
    for (chunk_index chunk = 0; chunk < content.geometry().chunk_count(); ++chunk) {
        if (!serves(store, content, chunk)) store.expect<store_written>(content.write(chunk));
        REQUIRE(serves(store, content, chunk));
    }
}

inline void flip_bit(const fs::path& path, std::uint64_t offset, unsigned bit) {
    std::fstream disk(path, std::ios::in | std::ios::out | std::ios::binary);
    disk.seekg(static_cast<std::streamoff>(offset));
    const auto old = static_cast<char>(disk.get());
    disk.seekp(static_cast<std::streamoff>(offset));
    disk.put(static_cast<char>(old ^ (1 << bit)));
    REQUIRE(disk.good());
}

}  // namespace p2pdist::test
