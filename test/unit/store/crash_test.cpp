// What a crash, a power cut or a bad disk may do to a store (CLI-4).

#include <catch2/catch.hpp>

#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

/// As it is at one moment, though the store is at work: a crash leaves no journal record without its bytes, so the journals are read
/// before the contents.
void copy_store(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    for (const bool contents : {false, true}) {
        for (const auto& entry : fs::recursive_directory_iterator(from)) {
            const auto copy = to / fs::relative(entry.path(), from);
            if (entry.is_directory()) fs::create_directories(copy);
            else if ((entry.path().filename() == "content") == contents) fs::copy_file(entry.path(), copy);
        }
    }
}

void flip(const fs::path& path, std::uint64_t offset) {
    std::fstream disk(path, std::ios::in | std::ios::out | std::ios::binary);
    disk.seekg(static_cast<std::streamoff>(offset));
    const auto old = static_cast<char>(disk.get());
    disk.seekp(static_cast<std::streamoff>(offset));
    disk.put(static_cast<char>(old ^ 1));
    REQUIRE(disk.good());
}

}  // namespace

TEST_CASE("what was reported as verified is there whenever the process dies", "[REQ-CLI-4]") {
    const sample content(9 * chunk_bytes + 17);
    const scratch work;
    waiting_store store(work / "store");
    store.open(content);
    random_source random(5);
    chunk_set reported(content.geometry().chunk_count());
    while (!reported.full()) {
        std::vector<store_request_id> ids;
        std::vector<chunk_index> chunks;
        for (int count = 0; count < 3; ++count) {
            chunks.push_back(static_cast<chunk_index>(random.below(10)));
            ids.push_back(store.begin(content.write(chunks.back())));
        }
        REQUIRE(store.wait(ids[0]).ok());
        reported.insert(chunks[0]);
        // The others are anywhere between memory and disk now.
        const auto at_crash = reported;
        copy_store(work / "store", work / "crashed");
        {
            waiting_store again(work / "crashed");
            const auto opened = again.open(content);
            CHECK(at_crash.is_subset_of(opened.verified));
            for (auto chunk = opened.verified.first_present(); chunk; chunk = opened.verified.first_present(*chunk + 1))
                REQUIRE(serves(again, content, *chunk));
        }
        for (std::size_t other = 1; other < ids.size(); ++other) {
            REQUIRE(store.wait(ids[other]).ok());
            reported.insert(chunks[other]);
        }
    }
}

TEST_CASE("a journal cut off anywhere loses no chunk whose record is whole, and gains none", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    const std::vector<chunk_index> order{2, 0, 3};
    {
        waiting_store store(work / "store");
        store.open(content);
        for (const auto chunk : order) store.expect<store_written>(content.write(chunk));
    }
    const auto journal = read_file(only_content(work / "store") / "journal");
    REQUIRE(journal.size() == 3 * 24);
    for (std::size_t length = 0; length <= journal.size(); ++length) {
        copy_store(work / "store", work / "crashed");
        const auto directory = only_content(work / "crashed");
        fs::resize_file(directory / "journal", length);
        // The content of unjournaled chunks did not reach the disk either.
        for (auto record = length / 24; record < order.size(); ++record) flip(directory / "content", order[record] * chunk_bytes + 5);
        waiting_store store(work / "crashed");
        const auto opened = store.open(content);
        chunk_set expected(4);
        for (std::size_t record = 0; record < length / 24; ++record) expected.insert(order[record]);
        REQUIRE(opened.verified == expected);
        // And it goes on from there.
        store.expect<store_written>(content.write(1));
        REQUIRE(fs::file_size(directory / "journal") == (length / 24 + 1) * 24);
    }
}

TEST_CASE("chunks that were written but not journaled are hashed again at start, not fetched", "[REQ-CLI-4]") {
    const sample content(4 * chunk_bytes);
    const scratch work;
    {
        waiting_store store(work / "store");
        store.open(content);
        for (const chunk_index chunk : {0u, 1u, 3u}) store.expect<store_written>(content.write(chunk));
    }
    const auto directory = only_content(work / "store");
    fs::resize_file(directory / "journal", 0);
    flip(directory / "content", chunk_bytes + 77);
    waiting_store store(work / "store");
    CHECK(store.open(content).verified.ranges() == std::vector{chunk_range{0, 1}, chunk_range{3, 1}});
}

TEST_CASE("altered journals, trees, contents and infos never make wrong bytes right", "[REQ-CLI-4][REQ-XFER-4]") {
    const sample content(3 * chunk_bytes);
    const scratch work;
    {
        waiting_store store(work / "store");
        store.open(content);
        for (chunk_index chunk = 0; chunk < 3; ++chunk) store.expect<store_written>(content.write(chunk));
    }
    random_source random(11);
    for (const char* name : {"journal", "tree", "content", "info"}) {
        for (int round = 0; round < 8; ++round) {
            copy_store(work / "store", work / "crashed");
            const auto path = only_content(work / "crashed") / name;
            flip(path, random.below(fs::file_size(path)));
            waiting_store store(work / "crashed");
            const auto opened = store.open(content);
            for (auto chunk = opened.verified.first_present(); chunk; chunk = opened.verified.first_present(*chunk + 1)) {
                const auto done = store.ask(store_read_chunk{content.key(), *chunk});
                if (done.ok()) REQUIRE(to_bytes(std::get<store_region>(done.value).region.view) == content.region(*chunk));
                else REQUIRE(done.failure->code == errc::integrity_failed);
            }
            // Whatever was lost can be written again.
            for (chunk_index chunk = 0; chunk < 3; ++chunk) {
                store.expect<store_written>(content.write(chunk));
                REQUIRE(serves(store, content, chunk));
            }
        }
    }
}

TEST_CASE("a content file that is gone is noticed at start", "[REQ-CLI-4]") {
    const sample content(2 * chunk_bytes);
    const scratch work;
    {
        waiting_store store(work / "store");
        store.open(content);
        store.expect<store_written>(content.write(1));
    }
    fs::remove(only_content(work / "store") / "content");
    waiting_store store(work / "store");
    CHECK(store.open(content).verified.empty());
    store.expect<store_written>(content.write(1));
    CHECK(serves(store, content, 1));
}

TEST_CASE("a disk that fills or fails is an answer, and what was verified stays", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(6 * chunk_bytes);
    const scratch work;
    std::atomic<int> failing{0};  // 1: writes, 2: syncs, 3: reads
    auto options = waiting_store::quick(work / "store");
    options.fault = [&](const store_step& step) -> std::optional<errc> {
        if (failing == 1 && step.what == store_io::write && step.bytes > 1000) return errc::no_space;
        if (failing == 2 && step.what == store_io::sync) return errc::io_failed;
        if (failing == 3 && step.what == store_io::read) return errc::io_failed;
        return std::nullopt;
    };
    chunk_set reported(6);
    {
        waiting_store store(options);
        store.open(content);
        store.expect<store_written>(content.write(0));
        failing = 1;
        CHECK(store.failure(content.write(1)) == errc::no_space);
        CHECK(store.failure(store_append{content.key(), 0, shared(bytes(chunk_bytes + 2000, 7))}) == errc::no_space);
        failing = 2;
        CHECK(store.failure(content.write(2)) == errc::io_failed);
        CHECK(store.failure(store_read_chunk{content.key(), 2}) == errc::not_found);
        failing = 3;
        CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::io_failed);
        failing = 0;
        // What the disk did not give counts as missing, so that it is fetched again.
        CHECK(store.failure(store_read_chunk{content.key(), 0}) == errc::not_found);
        store.expect<store_written>(content.write(0));
        CHECK(serves(store, content, 0));
        store.expect<store_written>(content.write(1));
        store.expect<store_written>(content.write(2));
    }
    waiting_store store(options);
    CHECK(store.open(content).verified.ranges() == std::vector{chunk_range{0, 3}});
}
