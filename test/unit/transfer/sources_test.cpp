// Several sources, relaying, rendezvous points that fail.

#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

constexpr auto ancestor = source_kind::ancestor;

std::uint64_t sum(const source_split& split) {
    std::uint64_t total = 0;
    for (const auto count : split) total += count;
    return total;
}

}  // namespace

TEST_CASE("five sources share the work without sending much twice", "[REQ-RVP-4][REQ-OBS-1]") {
    world w({.lan_bytes_per_second = 20e6});
    const auto data = noise(30'000'000);
    const auto content = tree_content(data);
    std::vector<node*> holders;
    for (int i = 0; i < 5; ++i) {
        holders.push_back(&w.add());
        holders.back()->holds(content, data);
    }
    auto& b = w.add();
    b.gets(content);
    for (auto* one : holders) b.from(content, *one);
    const auto begun = w.now;
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    REQUIRE(b.succeeded());
    CHECK(b.content(content) == data);
    CHECK(sum(b.split()) == data.size());
    // Faster than any one of them could be: 1.5 s at 20 MB/s.
    CHECK(w.now - begun < 1s);
    std::uint64_t sent = 0;
    for (auto* one : holders) {
        const auto share = w.data_bytes[{one->number, b.number}];
        CHECK(share > data.size() / 20);
        sent += share;
    }
    CHECK(static_cast<double>(sent) < 1.02 * static_cast<double>(data.size()));
}

TEST_CASE("a slow source among quick ones does not hold up the end", "[REQ-RVP-4]") {
    world w({.lan_bytes_per_second = 20e6});
    const auto data = noise(20'000'000);
    const auto content = tree_content(data);
    auto& slow = w.add({.store_delay = 400ms});
    auto& quick = w.add();
    auto& b = w.add();
    slow.holds(content, data);
    quick.holds(content, data);
    b.gets(content);
    b.from(content, slow);
    b.from(content, quick);
    const auto begun = w.now;
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    REQUIRE(b.succeeded());
    CHECK(w.now - begun < 2s);
    const auto sent = w.data_bytes[{slow.number, b.number}] + w.data_bytes[{quick.number, b.number}];
    CHECK(static_cast<double>(sent) < 1.02 * static_cast<double>(data.size()));
}

TEST_CASE("clients that fetch at the same time give each other what they have", "[REQ-RVP-4]") {
    world w({.lan_bytes_per_second = 20e6});
    const auto data = noise(20'000'000);
    const auto content = tree_content(data);
    auto& rvp = w.add();
    rvp.holds(content, data);
    std::vector<node*> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(&w.add());
    for (auto* one : clients) {
        one->gets(content);
        one->from(content, rvp);
        for (auto* other : clients) {
            if (other != one) one->from(content, *other);
        }
    }
    const auto begun = w.now;
    const auto all_done = [&] { return std::ranges::all_of(clients, [](node* one) { return one->done(); }); };
    REQUIRE(w.until(30s, all_done));
    for (auto* one : clients) CHECK(one->content(content) == data);
    // From the rendezvous point alone it would take 6 s.
    CHECK(w.now - begun < 3500ms);
    std::uint64_t from_rvp = 0;
    for (auto* one : clients) from_rvp += w.data_bytes[{rvp.number, one->number}];
    CHECK(from_rvp < 3 * data.size());
}

TEST_CASE("chunks are passed on while the download goes on", "[REQ-RVP-4]") {
    world w;
    const auto data = noise(8'000'000);
    const auto content = tree_content(data);
    auto& a = w.add({.site = 0});
    auto& b = w.add({.site = 1});
    auto& c = w.add({.site = 1});
    auto& d = w.add({.site = 2});
    a.holds(content, data);
    d.gets(content);
    c.gets(content);
    b.gets(content);
    b.from(content, a, ancestor);
    c.from(content, b);
    d.from(content, b, ancestor);
    REQUIRE(w.until(60s, [&] { return c.held(content) > 0; }));
    CHECK(b.held(content) < chunk_geometry(data.size()).chunk_count() / 2);
    REQUIRE(w.until(60s, [&] { return d.held(content) > 0; }));
    CHECK_FALSE(b.done());
    REQUIRE(w.until(120s, [&] { return b.done(); }));
    const auto b_done = w.now;
    REQUIRE(w.until(120s, [&] { return c.done() && d.done(); }));
    CHECK(w.now - b_done < 2s);
    CHECK(c.content(content) == data);
    CHECK(d.content(content) == data);
    // One copy over each WAN link.
    CHECK(static_cast<double>(w.wan_content_bytes[{0, 1}]) < 1.03 * static_cast<double>(data.size()));
    CHECK(static_cast<double>(w.wan_content_bytes[{1, 2}]) < 1.03 * static_cast<double>(data.size()));
    CHECK(c.split()[static_cast<std::size_t>(source_kind::office)] == data.size());
    CHECK(d.split()[static_cast<std::size_t>(ancestor)] == data.size());
}

TEST_CASE("a new rendezvous point fetches only what its office lacks", "[REQ-RVP-2][REQ-RVP-3]") {
    world w;
    const auto data = noise(12'000'000);
    const auto content = tree_content(data);
    auto& parent = w.add({.site = 0});
    auto& first = w.add({.site = 1});
    auto& second = w.add({.site = 1});
    auto& third = w.add({.site = 1});
    parent.holds(content, data);
    first.gets(content);
    first.from(content, parent, ancestor);
    for (auto* one : {&second, &third}) {
        one->gets(content);
        one->from(content, first);
    }
    second.from(content, third);
    third.from(content, second);
    REQUIRE(w.until(60s, [&] { return first.held(content) >= 20; }));
    first.dead = true;
    second.from(content, parent, ancestor);
    REQUIRE(w.until(120s, [&] { return second.done() && third.done(); }));
    CHECK(second.content(content) == data);
    CHECK(third.content(content) == data);
    CHECK(static_cast<double>(w.wan_content_bytes[{0, 1}]) < 1.12 * static_cast<double>(data.size()));
    CHECK(w.data_bytes[{parent.number, third.number}] == 0);
}

TEST_CASE("the WAN waits until the office has said what it holds", "[REQ-RVP-3]") {
    world w;
    const auto data = noise(3'000'000);
    const auto content = tree_content(data);
    auto& parent = w.add({.site = 0});
    auto& holder = w.add({.site = 1});
    auto& b = w.add({.site = 1});
    parent.holds(content, data);
    holder.holds(content, data);
    b.gets(content);
    b.from(content, parent, ancestor);  // named first, and yet asked last
    b.from(content, holder);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(b.succeeded());
    CHECK(w.data_bytes[{parent.number, b.number}] == 0);
}

TEST_CASE("a silent office source does not keep the WAN waiting for long", "[REQ-RVP-3]") {
    world w;
    const auto data = noise(3'000'000);
    const auto content = tree_content(data);
    auto& parent = w.add({.site = 0});
    auto& silent = w.add({.site = 1});
    auto& b = w.add({.site = 1});
    parent.holds(content, data);
    silent.dead = true;
    b.gets(content);
    b.from(content, silent);
    b.from(content, parent, ancestor);
    REQUIRE(w.until(1400ms, [&] { return true; }));
    w.run(1400ms);
    CHECK(w.data_bytes[{parent.number, b.number}] == 0);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("one WAN source at a time; the next takes over from the missing bytes", "[REQ-RVP-2][REQ-RVP-3]") {
    world w;
    const auto data = noise(8'000'000);
    const auto content = tree_content(data);
    auto& p1 = w.add({.site = 0});
    auto& p2 = w.add({.site = 0});
    auto& b = w.add({.site = 1});
    p1.holds(content, data);
    p2.holds(content, data);
    b.gets(content);
    b.from(content, p1, ancestor);
    b.from(content, p2, ancestor);
    REQUIRE(w.until(60s, [&] { return b.held(content) >= 10; }));
    CHECK(w.data_bytes[{p2.number, b.number}] == 0);
    p1.dead = true;
    REQUIRE(w.until(120s, [&] { return b.done(); }));
    CHECK(b.content(content) == data);
    REQUIRE(b.all<source_lost>().size() == 1);
    CHECK(b.all<source_lost>().front().source.peer == p1.id());
    CHECK(static_cast<double>(w.wan_content_bytes[{0, 1}]) < 1.03 * static_cast<double>(data.size()));
}

TEST_CASE("the answer to nobody-has-it is a question for further sources", "[REQ-SRC-1]") {
    world w;
    const auto data = noise(3'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    b.gets(content);
    w.run(1s);
    CHECK(b.all<sources_wanted>().size() == 1);
    CHECK(b.engine.progress(content.key())->reason == "waiting: no source is known");
    b.from(content, a);  // which does not have it
    w.run(8s);
    REQUIRE(b.all<source_lost>().size() == 1);
    CHECK(b.all<source_lost>().front().reason == errc::not_found);
    CHECK(b.all<sources_wanted>().size() >= 2);
    a.holds(content, data);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
}

TEST_CASE("loss, repetition and reordering change nothing but the time", "[REQ-XFER-4]") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        world w({.loss = 0.02 * static_cast<double>(seed % 3), .duplicated = 0.02, .reordered = 0.05, .seed = seed});
        const auto data = noise(4'000'000, seed);
        const auto content = tree_content(data);
        auto& a = w.add();
        auto& b = w.add();
        auto& c = w.add();
        a.holds(content, data);
        b.gets(content);
        c.gets(content);
        b.from(content, a);
        c.from(content, a);
        c.from(content, b);
        b.from(content, c);
        REQUIRE(w.until(120s, [&] { return b.done() && c.done(); }));
        CHECK(b.content(content) == data);
        CHECK(c.content(content) == data);
        CHECK(b.all<peer_blamed>().empty());
    }
}
