// A power cut at any step of the store on disk, with any part of what was not synced lost or torn (CLI-4): what was acknowledged is
// there, and nothing unverified counts as verified.

#include <cstdlib>

#include <catch2/catch.hpp>

#include "recorded_disk.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

/// What the store has acknowledged, and after how many steps on the disk.
struct promise {
    std::size_t after = 0;
    enum class kind { chunk, appended, whole, pinned, removed, exported } what = kind::chunk;
    content_key content;
    std::uint64_t value = 0;   // the chunk, or the bytes appended
};

/// One store's life by chance: downloads chunk by chunk and by appending, imports, exports, pins, removals.
class random_life {
public:
    random_life(const fs::path& place, random_source& random) : place_(place), random_(random) {
        fs::create_directories(place_ / "store");
        contents_.emplace_back(2 * chunk_bytes + random_.below(3000), 1 + random_());
        contents_.emplace_back(chunk_bytes + 1 + random_.below(3000), 1 + random_(), random_.below(2) == 0 ? hash_kind::sha256 : hash_kind::sha256_tree);
        contents_.emplace_back(1 + random_.below(2000), 1 + random_());
    }

    void live() {
        auto options = waiting_store::quick(place_ / "store");
        options.commit_delay = std::chrono::milliseconds(random_.below(2));
        options.fault = disk.recorder();
        waiting_store store(options);
        for (const auto& content : contents_) live_with(store, content);
    }

    /// What must hold of a disk that the power left after so many steps.
    void check(const fs::path& left, std::size_t steps) const {
        waiting_store store(left / "store");
        const auto listing = store.expect<store_listing>(store_list{});
        for (const auto& content : contents_) check(store, content, listing, left, steps);
    }

    recorded_disk disk;
    [[nodiscard]] const fs::path& place() const { return place_; }

private:
    void keep(promise::kind what, const sample& content, std::uint64_t value = 0) { promises_.push_back({disk.steps(), what, content.key(), value}); }

    void live_with(waiting_store& store, const sample& content) {
        if (content.info.hash.kind == hash_kind::sha256) {
            store.open(content);
            append(store, content);
        } else if (random_.below(4) == 0) {
            write_file(place_ / "source", content.data);
            store.expect<store_content>(store_import{content.info.id, std::nullopt, (place_ / "source").string()});
            keep(promise::kind::whole, content);
            store.open(content);
        } else {
            store.open(content);
            if (random_.below(3) == 0) append(store, content);
            else write_chunks(store, content);
        }
        if (random_.below(2) == 0) {
            store.expect<store_done>(store_pin{content.key(), true});
            keep(promise::kind::pinned, content);
        }
        store.expect<store_content>(store_export{content.key(), (place_ / "store" / out_of(content)).string()});
        keep(promise::kind::exported, content);
        store.expect<store_done>(store_close{content.key()});
        if (random_.below(4) != 0) return;
        store.expect<store_done>(store_remove{content.key()});
        keep(promise::kind::removed, content);
    }
    void write_chunks(waiting_store& store, const sample& content) {
        std::vector<chunk_index> order;
        for (chunk_index chunk = 0; chunk < content.geometry().chunk_count(); ++chunk) {
            order.insert(order.begin() + static_cast<std::ptrdiff_t>(random_.below(order.size() + 1)), chunk);
        }
        while (!order.empty()) {
            std::vector<std::pair<chunk_index, store_request_id>> under_way;
            for (auto count = 1 + random_.below(order.size()); count > 0; --count) {
                under_way.emplace_back(order.back(), store.begin(content.write(order.back())));
                order.pop_back();
            }
            for (const auto& [chunk, id] : under_way) {
                REQUIRE(store.wait(id).ok());
                keep(promise::kind::chunk, content, chunk);
            }
        }
    }
    void append(waiting_store& store, const sample& content) {
        for (std::uint64_t at = 0; at < content.data.size();) {
            const auto size = std::min<std::uint64_t>(content.data.size() - at, 1 + random_.below(200'000));
            const auto part = byte_span(content.data).subspan(at, size);
            at = store.expect<store_appended>(store_append{content.key(), at, shared(to_bytes(part))}).appended_bytes;
            keep(promise::kind::appended, content, at);
        }
        CHECK(store.expect<store_opened>(store_finish{content.key()}).whole);
        keep(promise::kind::whole, content);
    }
    static std::string out_of(const sample& content) { return "out-" + content.info.id.text(); }

    void check(waiting_store& store, const sample& content, const store_listing& listing, const fs::path& left, std::size_t steps) const {
        const auto found = std::ranges::find(listing.entries, content.info, &store_entry::content);
        const auto opened = store.open(content);
        bool removed = false;
        for (const auto& made : promises_) {
            if (made.content == content.key() && made.what == promise::kind::removed) removed = true;   // even if only perhaps done
        }
        for (const auto& made : promises_) {
            if (made.after > steps || made.content != content.key()) continue;
            INFO("promise " << static_cast<int>(made.what) << " of " << made.content.to_string() << " after step " << made.after);
            if (made.what == promise::kind::removed) REQUIRE(found == listing.entries.end());
            if (made.what == promise::kind::exported) REQUIRE(read_file(left / "store" / out_of(content)) == content.data);
            if (removed) continue;
            if (made.what == promise::kind::chunk) REQUIRE(opened.verified.contains(static_cast<chunk_index>(made.value)));
            if (made.what == promise::kind::appended) REQUIRE((opened.whole || opened.appended_bytes >= made.value));
            if (made.what == promise::kind::whole) REQUIRE(opened.whole);
            if (made.what == promise::kind::pinned) REQUIRE((found != listing.entries.end() && found->pinned));
        }
        // The output file is there whole, or not at all.
        if (const auto out = left / "store" / out_of(content); fs::exists(out)) REQUIRE(read_file(out) == content.data);
        for (auto chunk = opened.verified.first_present(); chunk; chunk = opened.verified.first_present(*chunk + 1)) {
            INFO("chunk " << *chunk << " of " << content.info.id.text());
            REQUIRE(serves(store, content, *chunk));
        }
        if (content.info.hash.kind == hash_kind::sha256) return;
        // And it goes on from there.
        for (chunk_index chunk = 0; chunk < content.geometry().chunk_count(); ++chunk) store.expect<store_written>(content.write(chunk));
        store.expect<store_content>(store_export{content.key(), (left / "again").string()});
        REQUIRE(read_file(left / "again") == content.data);
    }

    fs::path place_;
    random_source& random_;
    std::vector<sample> contents_;
    std::vector<promise> promises_;
};

}  // namespace

TEST_CASE("a power cut at any moment loses nothing that was acknowledged", "[REQ-CLI-4][REQ-CLI-6][REQ-XFER-4]") {
    const bool all = std::getenv("P2PDIST_LONG_TESTS") != nullptr;
    const std::uint64_t lives = all ? 1000 : 6;
    constexpr int cuts = 20;
    const scratch work;
    const auto place = work / "disk";
    for (std::uint64_t seed = 1; seed <= lives; ++seed) {
        fs::remove_all(place);
        random_source random(seed);
        random_life life(place / "life", random);
        life.live();
        for (int cut = 0; cut < cuts; ++cut) {
            const auto steps = static_cast<std::size_t>(random.below(life.disk.steps() + 1));
            INFO("seed " << seed << ", cut " << cut << ": after step " << steps << " of " << life.disk.steps());
            fs::create_directories(place / "left");
            life.disk.leave(life.place() / "store", place / "left" / "store", steps, random);
            life.check(place / "left", steps);
        }
    }
}
