#include <catch2/catch.hpp>

#include <set>

#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/tree_file.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/sim/disk.hpp"
#include "p2pdist/sim/generated_content.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"
#include "p2pdist/sim/simulated_catalogue.hpp"

using namespace p2pdist;
using namespace p2pdist::sim;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{std::chrono::seconds(1000)};

catalogue_request setting(std::uint64_t id, const char* value) { return {id, {put_setting{"key", value}}}; }

}  // namespace

TEST_CASE("generated contents follow from their seed, and fit their hash and tree file") {
    const auto crypto = make_openssl_crypto();
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, chunk_bytes - 1, chunk_bytes, 3 * chunk_bytes + 5}) {
        const generated_content one(*crypto, "app", size, 7);
        const generated_content same(*crypto, "app", size, 7);
        CHECK(one.data()->size() == size);
        CHECK(one.info() == same.info());
        CHECK(one.info().hash.value == make_tree(*crypto, *one.data()).root());
        CHECK(parse_tree_file(*crypto, size, one.info().hash.value, *one.tree_file()).has_value());
        if (size > 0) CHECK(*one.data() != *generated_content(*crypto, "app", size, 8).data());
    }
    const generated_content plain(*crypto, "old", 1000, 7, hash_kind::sha256);
    CHECK(plain.info().hash.value == crypto->sha256({*plain.data()}));
}

TEST_CASE("seeded entropy repeats itself, and only for its seed") {
    seeded_entropy one(5), same(5), other(6);
    const auto first = one.array<40>();
    CHECK(first == same.array<40>());
    CHECK(first != other.array<40>());
    CHECK(first != one.array<40>());
}

TEST_CASE("the catalogue commits in order after its delay", "[REQ-SRV-6]") {
    simulated_catalogue catalogue({5ms, {}});
    CHECK(catalogue.submit(start, setting(1, "a")) == start + 5ms);
    CHECK(catalogue.submit(start + 1ms, setting(2, "b")) == start + 6ms);
    CHECK(catalogue.committed().settings.empty());
    const auto first = catalogue.commit_next();
    CHECK(first.id == 1);
    CHECK(first.outcome.has_value());
    CHECK(catalogue.committed().settings.at(0).second == "a");
    CHECK(catalogue.commit_next().id == 2);
    CHECK(catalogue.committed().settings.at(0).second == "b");
}

TEST_CASE("a crash loses a tail of what was not committed, and nothing that was", "[REQ-SRV-6]") {
    random_source random(3);
    bool none = false, all = false;
    for (int i = 0; i < 200; ++i) {
        simulated_catalogue catalogue;
        (void)catalogue.submit(start, setting(1, "a"));
        (void)catalogue.commit_next();
        (void)catalogue.submit(start, setting(2, "b"));
        (void)catalogue.submit(start, {3, {put_setting{"other", "c"}}});
        catalogue.crash(random);
        const auto& left = catalogue.committed().settings;
        CHECK(catalogue.pending() == 0);
        CHECK(left.at(0).first == "key");
        if (left.size() == 2) CHECK(left.at(0).second == "b");   // the third only after the second
        none = none || left.at(0).second == "a";
        all = all || left.size() == 2;
    }
    CHECK(none);
    CHECK(all);
}

TEST_CASE("a commit that fails changes nothing") {
    simulated_catalogue_options options;
    options.fault = [](const catalogue_request& request) { return request.id == 2 ? std::optional(error{errc::database_failed, "disk full"}) : std::nullopt; };
    simulated_catalogue catalogue(options);
    (void)catalogue.submit(start, setting(1, "a"));
    (void)catalogue.submit(start, setting(2, "b"));
    (void)catalogue.commit_next();
    CHECK(catalogue.commit_next().outcome.error().code == errc::database_failed);
    CHECK(catalogue.committed().settings.at(0).second == "a");
}

TEST_CASE("a disk takes time, and a crash loses what it had not written", "[REQ-CLI-4]") {
    const auto crypto = make_openssl_crypto();
    const generated_content content(*crypto, "app", 2 * chunk_bytes, 1);
    const auto tree = make_tree(*crypto, *content.data());
    disk drive(memory_store(*crypto), {1ms, 10ms, chunk_bytes * 1000});   // a chunk a millisecond
    const auto opened = drive.submit(start, {1, store_open{content.info(), true}});
    CHECK(opened.done == start + 1ms);
    REQUIRE(drive.take_effect(opened.slot).ok());

    const auto write = [&](chunk_index chunk) {
        const auto proof = tree.proof(chunk);
        auto raw = std::make_shared<const bytes>(proof.front().begin(), proof.front().end());
        return store_request{chunk, store_write_chunk{content.info().key(), chunk, raw,
                                                      {content.data(), byte_span(*content.data()).subspan(chunk * chunk_bytes, chunk_bytes)}}};
    };
    const auto first = drive.submit(start, write(0));
    const auto second = drive.submit(start, write(1));
    CHECK(first.done == start + 1ms + 11ms);
    CHECK(second.done == start + 2ms + 11ms);   // the disk has one arm; the sync is shared
    REQUIRE(drive.take_effect(first.slot).ok());
    // What was not synced is on the disk or not, as chance has it.
    random_source random(7);
    bool lost = false, kept = false;
    for (int cut = 0; cut < 20; ++cut) {
        disk other(memory_store(*crypto), {1ms, 10ms, 0});
        REQUIRE(other.take_effect(other.submit(start, {1, store_open{content.info(), true}}).slot).ok());
        REQUIRE(other.take_effect(other.submit(start, write(0)).slot).ok());
        (void)other.submit(start, write(1));
        other.crash(random);
        const auto again = other.submit(start + 1s, {9, store_open{content.info(), true}});
        const auto left = other.take_effect(again.slot);
        REQUIRE(left.ok());
        const auto& verified = std::get<store_opened>(left.value).verified;
        CHECK(verified.contains(0));
        (verified.contains(1) ? kept : lost) = true;
    }
    CHECK(lost);
    CHECK(kept);
}

TEST_CASE("an import that a crash interrupts leaves a part of it, verified", "[REQ-CLI-4]") {
    const auto crypto = make_openssl_crypto();
    const generated_content content(*crypto, "app", 4 * chunk_bytes, 1);
    random_source random(5);
    std::set<chunk_index> counts;
    for (int cut = 0; cut < 60; ++cut) {
        disk drive{memory_store(*crypto), {}};
        drive.store().files()["app"] = *content.data();
        (void)drive.submit(start, {1, store_import{content.info().id, std::nullopt, "app"}});
        drive.crash(random);
        const auto left = drive.store().execute({2, store_open{content.info(), false}});
        counts.insert(left.ok() ? std::get<store_opened>(left.value).verified.count() : 0);
    }
    CHECK(counts.size() >= 4);   // nothing, parts, all
    CHECK(counts.contains(0));
    CHECK(counts.contains(4));
}
