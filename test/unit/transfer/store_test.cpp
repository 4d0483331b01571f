// The store's side: resume, full and slow disks; commands; fallback sources.

#include <set>

#include "p2pdist/content/tree_file.hpp"
#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

shared_bytes slice(const bytes& data, const byte_range& range) {
    return shared_bytes(std::make_shared<const bytes>(data.begin() + static_cast<std::ptrdiff_t>(range.offset),
                                                      data.begin() + static_cast<std::ptrdiff_t>(range.end())));
}

/// Gives what is wanted until nothing is.
void feed(world& w, node& one, const content_info& content, const bytes& data, source_kind kind = source_kind::cdn) {
    for (int i = 0; i < 200 && !one.done(); ++i) {
        if (const auto range = one.engine.fallback_wants(content.key())) {
            one.engine.give(w.now, content.key(), kind, range->offset, slice(data, *range));
            one.pump();
        }
        w.run(50ms);
    }
}

}  // namespace

TEST_CASE("verified chunks are not fetched again", "[REQ-CLI-4]") {
    world w({.lan_bytes_per_second = 5e6});
    const auto data = noise(5'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.held(content) >= 8; }));
    b.engine.cancel(w.now, content.key());
    b.pump();
    w.run(3s);
    CHECK_FALSE(b.done());
    CHECK(b.store_requests["open"] == b.store_requests["close"]);
    const auto before = b.written;
    b.written.clear();
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(b.content(content) == data);
    const auto kept = b.split()[static_cast<std::size_t>(source_kind::store)];
    CHECK(kept >= 8 * chunk_bytes);
    CHECK(kept + b.split()[static_cast<std::size_t>(source_kind::office)] == data.size());
    for (const auto chunk : b.written) CHECK(std::ranges::find(before, chunk) == before.end());

    // All here: done without any source.
    b.events.clear();
    b.gets(content);
    REQUIRE(w.until(1s, [&] { return b.done(); }));
    CHECK(b.split()[static_cast<std::size_t>(source_kind::store)] == data.size());
}

TEST_CASE("a full store ends the download with a sentence", "[REQ-CLI-3]") {
    world w;
    const auto data = noise(3'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    a.holds(content, data);
    SECTION("at the start") {
        node_options options;
        options.store.limit_bytes = 1'000'000;
        auto& b = w.add(std::move(options));
        b.gets(content);
        b.from(content, a);
        REQUIRE(w.until(5s, [&] { return b.done(); }));
        CHECK(b.all<transfer_finished>().front().failure->code == errc::no_space);
        CHECK_FALSE(b.all<transfer_finished>().front().failure->message.empty());
    }
    SECTION("in the middle; what was verified stays") {
        int writes = 0;
        node_options options;
        options.store.fault = [&](const store_request& request) -> std::optional<error> {
            if (std::holds_alternative<store_write_chunk>(request.operation) && ++writes == 5)
                return error{errc::no_space, "the volume is full"};
            return std::nullopt;
        };
        auto& b = w.add(std::move(options));
        b.gets(content);
        b.from(content, a);
        REQUIRE(w.until(5s, [&] { return b.done(); }));
        CHECK(b.all<transfer_finished>().front().failure == error{errc::no_space, "the volume is full"});
        w.run(3s);
        CHECK(b.store_requests["open"] == b.store_requests["close"]);
        b.events.clear();
        b.gets(content);
        b.from(content, a);
        REQUIRE(w.until(5s, [&] { return b.done(); }));
        CHECK(b.split()[static_cast<std::size_t>(source_kind::store)] >= 4 * chunk_bytes);
    }
}

TEST_CASE("a slow store holds the network back, not the memory", "[REQ-XFER-4]") {
    world w;
    const auto data = noise(60'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add({.store_delay = 300ms});
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    std::size_t most = 0;
    const auto check = [&] {
        most = std::max(most, b.written.size() - b.held(content));
        return b.done();
    };
    REQUIRE(w.until(60s, check));
    CHECK(b.succeeded());
    CHECK(most <= limits::transfer_regions_max);
    CHECK(most > 4);
}

TEST_CASE("a slow store holds the sources of a plain content back, not the memory", "[REQ-XFER-4][limits]") {
    world w;
    const auto data = noise(60'000'000);
    const auto content = plain_content(data);
    auto& a = w.add();
    auto& b = w.add({.store_delay = 400ms});
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    std::uint64_t most = 0;
    REQUIRE(w.until(120s, [&] {
        if (b.done()) return true;
        const auto shown = b.engine.progress(content.key());
        most = std::max(most, w.data_bytes[{a.number, b.number}] - std::min(w.data_bytes[{a.number, b.number}], shown->unverified_bytes));
        return false;
    }));
    CHECK(b.succeeded());
    CHECK(b.all<source_lost>().empty());   // it is not the source that is slow
    CHECK(most > limits::transfer_fallback_bytes_max / 2);
    CHECK(most <= limits::transfer_fallback_bytes_max + 40 * chunk_bytes);
    CHECK(b.store_requests["append"] < static_cast<int>(data.size() / chunk_bytes / 2));
}

TEST_CASE("a store that has too much to do is asked again", "[REQ-XFER-4]") {
    world w;
    const auto data = noise(2'000'000);
    const bool by_chunks = GENERATE(true, false);
    const auto content = by_chunks ? tree_content(data) : plain_content(data);
    int busy = 3;
    node_options options;
    options.store.fault = [&](const store_request& request) -> std::optional<error> {
        const bool keeps = std::holds_alternative<store_write_chunk>(request.operation) || std::holds_alternative<store_append>(request.operation);
        if (keeps && busy-- > 0) return error{errc::limit_reached, "busy"};
        return std::nullopt;
    };
    auto& a = w.add();
    auto& b = w.add(std::move(options));
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(busy < 0);
    CHECK(b.content(content) == data);
}

TEST_CASE("a download pauses and goes on", "[REQ-XFER-3]") {
    world w({.lan_bytes_per_second = 5e6});
    const auto data = noise(5'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.held(content) >= 4; }));
    b.engine.pause(w.now, content.key(), true);
    b.pump();
    CHECK(b.engine.progress(content.key())->state == transfer_state::paused);
    w.run(1s);
    const auto sent = w.data_bytes[{a.number, b.number}];
    w.run(20s);
    CHECK(w.data_bytes[{a.number, b.number}] == sent);
    CHECK_FALSE(b.done());
    b.engine.pause(w.now, content.key(), false);
    b.pump();
    CHECK(b.engine.progress(content.key())->state == transfer_state::downloading);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(b.content(content) == data);
    CHECK(w.data_bytes[{a.number, b.number}] < data.size() * 11 / 10);
}

TEST_CASE("bytes of a CDN are verified and passed on", "[REQ-SRC-3]") {
    const auto data = noise(3'000'000);
    world w;
    auto& b = w.add();
    auto& c = w.add();
    SECTION("chunk by chunk with a tree file") {
        const auto content = tree_content(data);
        b.gets(content);
        c.gets(content);
        c.from(content, b);
        w.run(100ms);
        CHECK_FALSE(b.engine.tree_known(content.key()));
        b.engine.give_tree(w.now, content.key(), shared_bytes(std::make_shared<const bytes>(encode_tree_file(make_tree(crypto(), data)))));
        b.pump();
        w.run(100ms);
        REQUIRE(b.engine.tree_known(content.key()));
        const auto first = b.engine.fallback_wants(content.key());
        REQUIRE(first);
        CHECK(*first == byte_range{0, data.size()});
        b.engine.give(w.now, content.key(), source_kind::cdn, 0, slice(data, {0, 2 * chunk_bytes}));
        b.pump();
        REQUIRE(w.until(1s, [&] { return c.held(content) == 2; }));
        feed(w, b, content, data);
        REQUIRE(b.succeeded());
        CHECK(b.split()[static_cast<std::size_t>(source_kind::cdn)] == data.size());
        REQUIRE(w.until(10s, [&] { return c.done(); }));
        CHECK(c.content(content) == data);
    }
    SECTION("as a whole without one") {
        for (const auto& content : {tree_content(data), plain_content(data)}) {
            b.events.clear();
            b.gets(content);
            w.run(100ms);
            feed(w, b, content, data, source_kind::file_store);
            REQUIRE(b.succeeded());
            CHECK(b.content(content) == data);
            CHECK(b.split()[static_cast<std::size_t>(source_kind::file_store)] == data.size());
        }
    }
    SECTION("bad ones are told, and do no harm") {
        auto bad = data;
        bad[700'000] ^= 1;
        for (const auto& content : {tree_content(data), plain_content(data)}) {
            b.events.clear();
            b.gets(content);
            w.run(100ms);
            for (int i = 0; i < 100 && b.all<source_lost>().empty(); ++i) {
                if (const auto range = b.engine.fallback_wants(content.key())) {
                    b.engine.give(w.now, content.key(), source_kind::cdn, range->offset, slice(bad, *range));
                    b.pump();
                }
                w.run(50ms);
            }
            REQUIRE(b.all<source_lost>().size() == 1);
            CHECK(b.all<source_lost>().front().source.kind == source_kind::cdn);
            CHECK(b.all<source_lost>().front().reason == errc::integrity_failed);
            feed(w, b, content, data, source_kind::file_store);
            REQUIRE(b.succeeded());
            CHECK(b.content(content) == data);
        }
    }
}

TEST_CASE("a download by appending ends though a peer's chunk is written last", "[REQ-SRC-3]") {
    world w({.lan_bytes_per_second = 5e6});
    const auto data = noise(2'000'000);
    const auto content = tree_content(data);
    bool busy = true;
    node_options options;
    options.store.fault = [&](const store_request& request) -> std::optional<error> {
        if (busy && std::holds_alternative<store_write_chunk>(request.operation)) return error{errc::limit_reached, "too much to do"};
        return std::nullopt;
    };
    auto& a = w.add();
    auto& b = w.add(std::move(options));
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(5s, [&] { return !b.written.empty(); }));
    a.dead = true;
    b.engine.give(w.now, content.key(), source_kind::cdn, 0, slice(data, {0, data.size()}));
    b.pump();
    w.run(500ms);
    CHECK_FALSE(b.done());
    busy = false;
    REQUIRE(w.until(10s, [&] { return b.done(); }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
}

TEST_CASE("a fallback source goes on behind chunks that peers gave after the store was opened", "[REQ-SRC-3][REQ-CLI-4]") {
    world w({.wan_bytes_per_second = 1e6});
    const auto data = noise(10 * chunk_bytes);
    const auto content = tree_content(data);
    auto& a = w.add({.site = 1});
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a, source_kind::ancestor);   // in order
    REQUIRE(w.until(20s, [&] { return b.held(content) >= 4; }));
    b.engine.cancel(w.now, content.key());
    b.pump();
    w.run(3s);
    b.gets(content);
    b.from(content, a, source_kind::ancestor);
    w.run(10ms);
    CHECK(b.engine.progress(content.key())->unverified_bytes == 0);
    REQUIRE(w.until(20s, [&] { return b.held(content) >= 6; }));
    b.engine.remove_source(w.now, content.key(), a.id());
    b.pump();
    feed(w, b, content, data);
    REQUIRE(b.done());
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
}

TEST_CASE("what is appended goes on from where the store is, though it said otherwise before", "[REQ-SRC-3][REQ-CLI-4]") {
    world w({.wan_bytes_per_second = 1e6});
    const auto data = noise(10 * chunk_bytes);
    bool rotten = false;
    node_options options;
    options.store.corrupt = [&](const content_key&, chunk_index chunk) { return std::exchange(rotten, false) && chunk == 0; };
    SECTION("of a tree content a chunk is lost before it") {
        const auto content = tree_content(data);
        auto& a = w.add({.site = 1});
        auto& b = w.add(std::move(options));
        auto& c = w.add();
        a.holds(content, data);
        b.gets(content);
        b.from(content, a, source_kind::ancestor);
        REQUIRE(w.until(20s, [&] { return b.held(content) >= 4; }));
        b.engine.remove_source(w.now, content.key(), a.id());
        b.pump();
        w.run(1s);
        const auto wanted = b.engine.fallback_wants(content.key());
        REQUIRE(wanted);
        b.engine.give(w.now, content.key(), source_kind::cdn, wanted->offset, slice(data, {wanted->offset, 2 * chunk_bytes}));
        b.pump();
        w.run(100ms);
        rotten = true;
        c.gets(content);
        c.from(content, b);
        REQUIRE(w.until(5s, [&] { return b.held(content) < 4; }));
        feed(w, b, content, data);
        REQUIRE(b.done());
        CHECK(b.succeeded());
        CHECK(b.content(content) == data);
    }
    SECTION("an earlier download's bytes came late") {
        const auto content = plain_content(data);
        auto& a = w.add();
        auto& b = w.add();
        a.holds(content, data);
        b.gets(content);
        w.run(100ms);   // told that nothing is here
        (void)b.store.execute({99, store_append{content.key(), 0, slice(data, {0, chunk_bytes + 1000})}});
        b.from(content, a);
        REQUIRE(w.until(20s, [&] { return b.done(); }));
        CHECK(b.succeeded());
        CHECK(b.content(content) == data);
        CHECK(b.all<peer_blamed>().empty());
    }
    SECTION("it never takes anything") {
        const auto content = plain_content(data);
        options.store.fault = [](const store_request& request) -> std::optional<error> {
            return std::holds_alternative<store_append>(request.operation) ? std::optional(error{errc::invalid_argument, "elsewhere"}) : std::nullopt;
        };
        auto& a = w.add();
        auto& b = w.add(std::move(options));
        a.holds(content, data);
        b.gets(content);
        b.from(content, a);
        REQUIRE(w.until(20s, [&] { return b.done(); }));
        CHECK_FALSE(b.succeeded());
        w.run(3s);
        CHECK(b.store_requests["open"] == b.store_requests["close"]);
    }
}

TEST_CASE("contents that are not served any more leave nothing behind", "[REQ-CLI-3]") {
    world w;
    auto& a = w.add();
    auto& b = w.add();
    const auto data = noise(300'000);
    const auto content = tree_content(data), other = tree_content(data, "other");
    const content_info absent{*content_id::parse("absent"), 1000, content.hash};
    for (const auto& each : {content, other}) a.holds(each, data);
    a.engine.serve(w.now, absent);
    w.run(100ms);
    CHECK(a.store_requests.empty());   // nobody wants anything
    b.gets(absent);
    b.from(absent, a);
    REQUIRE(w.until(10s, [&] { return !b.all<source_lost>().empty(); }));   // the store says that it is not here
    CHECK(b.all<source_lost>().front().text == "this content is no longer here");
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(10s, [&] { return b.done(); }));
    CHECK(a.engine.held(content.key()) != nullptr);
    CHECK(a.engine.held(absent.key()) == nullptr);
    for (const auto& each : {content, other}) a.engine.stop_serving(w.now, each.key());
    a.pump();
    w.run(100ms);
    for (const auto& each : {content, other}) CHECK(a.engine.held(each.key()) == nullptr);
    CHECK(a.store_requests["open"] == a.store_requests["close"] + 1);  // all that were granted
}

TEST_CASE("a content that the store has no time to open is served when it has", "[REQ-CLI-3][REQ-SEC-3]") {
    world w;
    const auto data = noise(300'000);
    const auto content = tree_content(data);
    int busy = 3;
    node_options options;
    options.store.fault = [&](const store_request& request) -> std::optional<error> {
        if (std::holds_alternative<store_open>(request.operation) && busy-- > 0) return error{errc::limit_reached, "busy"};
        return std::nullopt;
    };
    auto& a = w.add(std::move(options));
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    CHECK(busy < 0);
    CHECK(b.content(content) == data);
    CHECK(b.all<source_lost>().empty());
}

TEST_CASE("a receiver that wants nothing for long keeps no store from making room", "[REQ-CLI-3][REQ-SEC-3]") {
    const bool evicts = GENERATE(true, false);
    world w({.lan_bytes_per_second = 5e6});
    const auto data = noise(5'000'000), more = noise(5'000'000, 8);
    const auto content = tree_content(data), other = tree_content(more, "other");
    node_options small;
    small.store.limit_bytes = 8'000'000;
    auto& a = w.add(std::move(small));
    auto& b = w.add();
    auto& c = w.add();
    a.holds(content, data);
    c.holds(content, data);
    c.holds(other, more);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.held(content) >= 4; }));
    b.engine.pause(w.now, content.key(), true);
    b.pump();
    w.run(150s);
    REQUIRE(a.engine.uploads().size() == 1);
    if (evicts) {
        a.gets(other);
        a.from(other, c);
        REQUIRE(w.until(60s, [&] { return a.done(); }));
        CHECK(a.succeeded());
        b.from(content, c);
    }
    b.engine.pause(w.now, content.key(), false);
    b.pump();
    REQUIRE(w.until(60s, [&] { return b.done(); }));
    CHECK(b.content(content) == data);
    CHECK(b.all<peer_blamed>().empty());
    CHECK(b.all<source_lost>().empty() == !evicts);
}

TEST_CASE("a content that leaves over a slow line is kept open until it has arrived", "[REQ-CLI-3]") {
    world w({.wan_bytes_per_second = 3000, .wan_queue_bytes = 16 << 10});
    const auto data = noise(3 * chunk_bytes);   // asked for at once, and under way for minutes
    const auto content = tree_content(data);
    auto& a = w.add({.site = 1});
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a, source_kind::ancestor);
    REQUIRE(w.until(600s, [&] { return b.done() || a.store_requests["close"] > 0; }));
    CHECK(b.done());
    CHECK(a.store_requests["open"] == 1);
}

TEST_CASE("who takes a few bytes a minute of a content does not keep it open", "[REQ-CLI-3][REQ-SEC-3]") {
    world w;
    const auto data = noise(3 * chunk_bytes);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& dripper = w.add();
    a.holds(content, data);
    const port_plan ports;
    const auto pair = content_pair(role::client, transfer_protocol::foreground);
    const path way{ports[pair.from], {a.address, ports[pair.to]}};
    const auto say = [&](decltype(flow_control::signal) what) {
        (void)dripper.seal.send(w.now, a.id(), way, frame_type::flow_control, encode(flow_control{7, true, std::move(what)}));
        dripper.pump();
    };
    std::set<std::uint32_t> sent;
    std::uint64_t sent_to = 0;
    dripper.instead = [](const opened&) {};
    w.tamper = [&](node&, bytes& datagram) {
        const auto header = decode_data_header(datagram);
        if (!header) return true;
        sent.insert(header->packet_number);
        sent_to = std::max(sent_to, header->offset + datagram.size() - data_overhead_bytes);
        return true;
    };
    flow_open request;
    request.object = content_object{content};
    request.protocol = transfer_protocol::foreground;
    say(request);
    flow_feedback news;   // it wants all, and then 500 bytes more every five seconds, of what was read for it at first
    news.wanted = {{0, chunk_geometry(data.size()).object_bytes()}};
    for (int i = 0; i < 30 && a.store_requests["close"] == 0; ++i) {
        ++news.sequence;
        say(news);
        w.run(5s);
        REQUIRE(sent_to > 0);
        REQUIRE(sent_to < chunk_bytes);
        news.wanted = {{sent_to, 500}};
        news.acknowledged.clear();
        for (auto number = sent.rbegin(); number != sent.rend() && news.acknowledged.size() < flow_ranges_max; ++number)
            news.acknowledged.push_back({*number, 1});
        news.received_packets = sent.size();
        news.received_bytes = 500 * sent.size();
        news.largest_packet = *sent.rbegin();
    }
    CHECK(a.store_requests["read"] == 3);
    CHECK(a.engine.uploads().size() == 1);
    CHECK(a.store_requests["close"] == 1);
}

TEST_CASE("who is not admitted gets nothing", "[REQ-SEC-1][REQ-ACT-1]") {
    world w;
    const auto data = noise(1'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    a.admits = [](const serve_request&) { return false; };
    b.gets(content);
    b.from(content, a);
    w.run(5s);
    CHECK(w.data_bytes[{a.number, b.number}] == 0);
    REQUIRE(b.all<source_lost>().size() == 1);
    CHECK(b.all<source_lost>().front().reason == errc::refused);
    CHECK(b.all<source_lost>().front().text == "not you");
}

TEST_CASE("an idle engine has no deadline", "[REQ-XFER-1]") {
    world w;
    const auto data = noise(1'000'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(10s, [&] { return b.done(); }));
    w.run(60s);
    CHECK(a.engine.deadline() == never);
    CHECK(b.engine.deadline() == never);
    CHECK(a.engine.uploads().empty());
    CHECK(b.engine.downloads().empty());
}
