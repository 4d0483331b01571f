// Enrolled sources that promise and take a place: what they hold up, and for how long.

#include "puppet.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

constexpr auto above = source_kind::ancestor;

/// The status of who got this chunk after those before it. Numbers below 64 take a byte.
bytes one_more(std::uint8_t chunk) {
    return {1, 0, chunk, static_cast<std::uint8_t>(chunk + 1), 1, static_cast<std::uint8_t>(2 * chunk), 1, 0};
}

}  // namespace

TEST_CASE("sources that give nothing are left though they were given all the places for chunks", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    puppet liar(w);
    auto& honest = w.add();
    auto& b = w.add();
    std::vector<content_info> contents;
    std::vector<bytes> data;
    // So many downloads that each has room for as many chunks as one source is asked for at first.
    for (int i = 0; i < 24; ++i) {
        data.push_back(noise(2'000'000, 100 + static_cast<std::uint64_t>(i)));
        contents.push_back(tree_content(data.back(), ("package-" + std::to_string(i)).c_str()));
        honest.holds(contents.back(), data.back());
        b.gets(contents.back());
    }
    for (const auto& content : contents) b.from(content, liar.self);
    liar.each(1s, [&] {
        for (auto* one : liar.open()) liar.say(*one, flow_status{0, 0, false, puppet::all()});
    });
    w.run(2s);
    for (const auto& content : contents) b.from(content, honest);
    CHECK(w.until(60s, [&] { return b.all<transfer_finished>().size() == contents.size(); }));
}

TEST_CASE("downloads that are dripped into leave room for one that has a good source", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    puppet liar(w);
    auto& honest = w.add();
    auto& b = w.add();
    const auto data = noise(2'000'000);
    const chunk_geometry geometry(data.size());
    liar.knows(tree_content(data), data);
    // So many downloads that the shares of all together are as much as there is. Of each chunk it gives the beginning.
    liar.on_wants = [&](puppet::served& one) {
        for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
            const auto at = geometry.region(chunk).offset;
            const auto wanted = [at](const index_range& range) { return range.first <= at && at < range.end(); };
            if (std::ranges::any_of(one.wanted, wanted)) liar.give(one, at, 1000);
        }
    };
    for (int i = 0; i < 24; ++i) {
        const auto content = tree_content(data, ("package-" + std::to_string(i)).c_str());
        b.gets(content);
        b.from(content, liar.self);
    }
    liar.each(500ms, [&] {
        for (auto* one : liar.open()) {
            liar.say(*one, flow_status{++one->status, 0, false, puppet::all()});
            liar.give_wanted(*one, 300);
        }
    });
    w.run(3s);
    const auto content = tree_content(data, "package");
    honest.holds(content, data);
    b.gets(content);
    b.from(content, honest);
    CHECK(w.until(4s, [&] { return b.done(); }));
    CHECK(b.all<source_lost>().empty());
}

TEST_CASE("chunks that were begun by many and given up by all take nobody's place", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    puppet liar(w);
    const auto data = noise(60'000'000);
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    liar.knows(content, data);
    // A byte of each chunk that it is asked for, then it goes and comes again.
    liar.on_wants = [&](puppet::served& one) {
        if (one.closed || one.wanted.empty()) return;
        for (const auto& range : std::vector(one.wanted)) liar.give(one, range.first, 1);
    };
    b.gets(content);
    b.from(content, liar.self);
    for (int round = 0; round < 100; ++round) {
        w.run(100ms);
        for (auto* one : liar.open()) {
            one->closed = true;
            liar.say(*one, flow_close{errc::cancelled, "bye", 0});
        }
        w.run(20ms);
        b.from(content, liar.self);
    }
    b.from(content, honest);
    CHECK(w.until(60s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("who keeps saying something and never accepts does not take the one place of a WAN source", "[REQ-SEC-3][REQ-RVP-2]") {
    world w;
    puppet liar(w, {.site = 1});
    const auto data = noise(1'500'000);
    const auto content = tree_content(data);
    auto& honest = w.add({.site = 1});
    auto& b = w.add();
    honest.holds(content, data);
    bool nonsense = false;
    SECTION("not even that it accepts") {
        liar.on_open = [](puppet::served&) {};
    }
    SECTION("it accepts, and what it holds is no status") {
        nonsense = true;
        liar.on_open = [&](puppet::served& one) { liar.say(one, flow_accept{one.object_bytes, {9, 9, 9}}); };
    }
    liar.each(1s, [&] {
        for (auto* one : liar.open()) liar.say(*one, flow_status{++one->status, 0, false, nonsense ? bytes{9, 9} : puppet::all()});
    });
    b.gets(content);
    b.from(content, liar.self, above);
    w.run(1s);
    b.from(content, honest, above);
    CHECK(w.until(40s, [&] { return b.done(); }));
}

TEST_CASE("a WAN source that announces what is here already keeps its place for no longer", "[REQ-SEC-3][REQ-RVP-2]") {
    world w;
    puppet liar(w, {.site = 1});
    const auto data = noise(30'000'000);
    const auto content = tree_content(data);
    auto& honest = w.add({.site = 1});
    auto& b = w.add();
    honest.holds(content, data);
    liar.on_open = [&](puppet::served& one) { liar.say(one, flow_accept{one.object_bytes, {1, 0, 0, 1, 1, 0, 1, 0}}); };
    std::uint8_t told = 1;
    b.gets(content);
    b.from(content, honest, above);
    REQUIRE(w.until(30s, [&] { return b.held(content) >= 60; }));
    b.engine.remove_source(w.now, content.key(), honest.id());
    b.pump();
    const auto here = *b.engine.held(content.key());
    b.from(content, liar.self, above);
    w.run(1s);
    b.from(content, honest, above);
    liar.each(1s, [&] {
        for (auto* one : liar.open()) {
            if (told >= 59) continue;
            const auto next = told++;   // it is here
            liar.say(*one, flow_status{++one->status, 0, false, one_more(next)});
        }
    });
    REQUIRE(here.contains(58));
    CHECK(w.until(40s, [&] { return b.done(); }));
}

TEST_CASE("a neighbour that drips does not keep a WAN source from giving", "[REQ-SEC-3][REQ-RVP-2]") {
    world w;
    puppet liar(w);
    const auto data = noise(8'000'000);
    const auto content = tree_content(data);
    auto& honest = w.add({.site = 1});
    auto& b = w.add();
    honest.holds(content, data);
    liar.knows(content, data);
    liar.each(1s, [&] {
        for (auto* one : liar.open()) {
            liar.give_wanted(*one, 1172);
            liar.say(*one, flow_status{0, 0, false, puppet::all()});
        }
    });
    b.gets(content);
    b.from(content, liar.self);
    b.from(content, honest, above);
    CHECK(w.until(120s, [&] { return b.done(); }));
}

TEST_CASE("as many neighbours that drip as are asked at once do not keep the others from giving", "[REQ-SEC-3][REQ-RVP-4]") {
    world w;
    const auto data = noise(20'000'000);
    const auto content = tree_content(data);
    std::vector<std::unique_ptr<puppet>> liars;
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    b.gets(content);
    for (std::size_t i = 0; i < transfer_engine_config{}.office_sources_max; ++i) {
        liars.push_back(std::make_unique<puppet>(w));
        auto& liar = *liars.back();
        liar.knows(content, data);
        liar.each(1s, [&liar] {
            for (auto* one : liar.open()) {
                liar.give_wanted(*one, 1172);
                liar.say(*one, flow_status{0, 0, false, puppet::all()});
            }
        });
        b.from(content, liar.self);
    }
    b.from(content, honest);
    CHECK(w.until(120s, [&] { return b.done(); }));
    CHECK(b.all<source_lost>().empty());   // nor is it left because of what they owe
}

TEST_CASE("who helps to give a chunk is not left because its owner gives no more of it", "[REQ-SEC-3][REQ-RVP-4]") {
    world w;
    puppet liar(w);
    const auto data = noise(1'500'000);   // two chunks more than a source is asked for at first
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    liar.knows(content, data);
    bool goes = false;
    SECTION("it goes") { goes = true; }
    SECTION("it stays") {}
    bool begun = false;
    liar.on_wants = [&](puppet::served& one) {
        if (begun || one.wanted.empty()) return;
        begun = true;
        for (const auto& range : std::vector(one.wanted)) liar.give(one, range.first, 1172);
    };
    liar.each(1s, [&] {
        for (auto* one : liar.open()) {
            liar.give_wanted(*one, 1172);
            liar.say(*one, flow_status{0, 0, false, puppet::all()});
        }
    });
    b.gets(content);
    b.from(content, liar.self);
    w.run(300ms);
    b.from(content, honest);
    w.run(1s);
    CHECK(w.data_bytes[{honest.number, b.number}] > 3 * chunk_bytes);
    if (goes) {
        for (auto* one : liar.open()) {
            one->closed = true;
            liar.say(*one, flow_close{errc::cancelled, "bye", 0});
        }
    }
    CHECK(w.until(60s, [&] { return b.done(); }));
    for (const auto& lost : b.all<source_lost>()) CHECK(lost.source.peer == liar.self.id());
}

TEST_CASE("a suspect that stands aside for ever keeps its chunk from nobody", "[REQ-SEC-3]") {
    world w;
    puppet liar(w, {.site = 1});
    const auto data = noise(200'000);   // one chunk
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    liar.knows(content, data);
    auto& right = liar.object;
    right[right.size() - 1] ^= 0x55;
    int flows = 0;
    liar.on_wants = [&](puppet::served& one) {
        if (one.strict || one.wanted.empty() || flows > 0) {
            liar.say(one, flow_status{++one.status, 0, true, puppet::all()});
            return;
        }
        ++flows;
        liar.give_wanted(one, data.size());
    };
    liar.each(1s, [&] {
        for (auto* one : liar.open()) liar.say(*one, flow_status{++one->status, 0, true, puppet::all()});
    });
    b.gets(content);
    b.from(content, liar.self, above);
    w.run(3s);
    REQUIRE(flows > 0);
    b.from(content, honest);
    CHECK(w.until(40s, [&] { return b.done(); }));
}

TEST_CASE("a WAN source that stands aside keeps nothing that a neighbour has", "[REQ-SEC-3][REQ-RVP-2][REQ-XFER-4]") {
    world w;
    puppet liar(w, {.site = 1});
    const auto data = noise(3'000'000);
    const bool by_chunks = GENERATE(true, false);
    const auto content = by_chunks ? tree_content(data) : plain_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    liar.each(1s, [&] {
        for (auto* one : liar.open()) liar.say(*one, flow_status{++one->status, 0, true, puppet::all()});
    });
    b.gets(content);
    b.from(content, liar.self, above);
    w.run(3s);
    b.from(content, honest);
    CHECK(w.until(by_chunks ? 40s : 60s, [&] { return b.done(); }));
}

TEST_CASE("a WAN source that stands aside for long keeps nothing from a fallback source", "[REQ-SEC-3][REQ-SRC-2]") {
    world w;
    puppet liar(w, {.site = 1});
    const auto data = noise(3'000'000);
    const auto content = tree_content(data);
    auto& b = w.add();
    liar.each(1s, [&] {
        for (auto* one : liar.open()) liar.say(*one, flow_status{++one->status, 0, true, puppet::all()});
    });
    b.gets(content);
    b.from(content, liar.self, above);
    w.run(3s);
    CHECK_FALSE(b.engine.fallback_wants(content.key()));
    w.run(limits::transfer_watch_time);
    CHECK(b.engine.fallback_wants(content.key()));
}

TEST_CASE("a chunk that many began and left is given whole by the next", "[REQ-SEC-3][limits]") {
    world w;
    const auto data = noise(200'000);   // one chunk
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    b.gets(content);
    std::vector<std::unique_ptr<puppet>> liars;
    for (std::size_t i = 0; i < limits::transfer_contributors_max; ++i) {
        liars.push_back(std::make_unique<puppet>(w));
        auto& liar = *liars.back();
        liar.knows(content, data);
        liar.on_wants = [&liar](puppet::served& one) {
            if (one.closed || one.wanted.empty()) return;
            liar.give_wanted(one, 1);
            one.closed = true;
            liar.say(one, flow_close{errc::cancelled, "bye", 0});
        };
        b.from(content, liar.self);
        w.run(500ms);
        CHECK(liar.flows.size() == 1);
        CHECK(liar.open().empty());
    }
    b.from(content, honest);
    CHECK(w.until(4s, [&] { return b.done(); }));
    CHECK(b.all<source_lost>().size() == liars.size());
}

TEST_CASE("crumbs of a chunk cost the next source none of its packets", "[REQ-SEC-3][limits]") {
    world w;
    const auto data = noise(200'000);   // one chunk
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    puppet liar(w);
    honest.holds(content, data);
    liar.knows(content, data);
    bool given = false;
    liar.on_wants = [&](puppet::served& one) {
        if (given || one.closed || one.wanted.empty()) return;
        given = true;
        // A large hole first, then every second byte.
        for (std::uint64_t i = 0; i < limits::transfer_fragments_max - 1; ++i) liar.give(one, 150'000 + 2 * i, 1);
    };
    b.gets(content);
    b.from(content, liar.self);
    w.run(1s);
    REQUIRE(given);
    for (auto* one : liar.open()) {
        one->closed = true;
        liar.say(*one, flow_close{errc::cancelled, "bye", 0});
    }
    w.run(100ms);
    int packets = 0;
    w.tamper = [&](node& from, bytes& datagram) { return &from != &honest || !decode_data_header(datagram) || ++packets != 5; };
    b.from(content, honest);
    CHECK(w.until(4s, [&] { return b.done(); }));
    CHECK(b.all<source_lost>().size() == 1);
}

TEST_CASE("who gets more and more of a plain content, and never all, keeps no place", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    puppet liar(w);
    const auto data = noise(20'000'000);
    const auto content = plain_content(data);
    auto& b = w.add();
    std::uint8_t told = 0;
    liar.on_open = [&](puppet::served& one) { liar.say(one, flow_accept{one.object_bytes, {1, 0, 0, 0, 0, 0}}); };
    liar.each(1s, [&] {
        for (auto* one : liar.open()) {
            const auto next = told++;
            if (told > 60) continue;
            liar.say(*one, flow_status{++one->status, 0, false, one_more(next)});
        }
    });
    b.gets(content);
    b.from(content, liar.self);
    CHECK(w.until(20s, [&] { return !b.all<source_lost>().empty(); }));
}

TEST_CASE("whoever goes on naming others of the office that are not there keeps no plain content from those above", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    const auto data = noise(600'000);
    const auto content = plain_content(data);
    auto& parent = w.add({.site = 1});
    auto& b = w.add();
    parent.holds(content, data);
    b.gets(content);
    int named = 0;
    const std::function<void()> name = [&] {
        const auto made_up = make_identity(crypto(), b.random);
        REQUIRE(b.seal.add_peer(made_up.id, made_up.key));
        const auto where = ip_address::v4(0x0a090000u + static_cast<std::uint32_t>(++named));
        b.engine.add_source(w.now, content.key(), {made_up.id, role::client, where, source_kind::office, transfer_protocol::foreground});
        b.pump();
        if (named < 100) w.at(w.now + 1s, name);
    };
    for (int i = 0; i < 3; ++i) name();
    b.from(content, parent, source_kind::ancestor);
    REQUIRE(w.until(60s, [&] { return b.done(); }));
    CHECK(b.succeeded());
    CHECK(b.all<source_lost>().size() >= 2);   // the own office first, all the same
}

TEST_CASE("who was heard at its address and never answers for the content has broken its word", "[REQ-SEC-3]") {
    world w;
    const auto content = plain_content(noise(600'000));
    puppet liar(w);
    auto& b = w.add();
    b.gets(content);
    b.from(content, liar.self);
    REQUIRE(w.until(60s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(b.all<source_lost>().front().reason == errc::timed_out);
}

TEST_CASE("who was named with an address that is not his has not broken his word", "[REQ-SEC-3]") {
    world w;
    const auto data = noise(600'000);
    const auto content = tree_content(data);
    auto& honest = w.add();
    auto& b = w.add();
    honest.holds(content, data);
    b.gets(content);
    auto named = honest.as_source(source_kind::office);
    named.address = ip_address::v4(0x0a090909);   // by a liar
    b.engine.add_source(w.now, content.key(), named);
    b.pump();
    REQUIRE(w.until(60s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(b.all<source_lost>().front().reason == errc::unreachable);   // and not timed_out, for which it would be passed over
    w.run(10s);   // until its session is not tried there any more
    b.from(content, honest);
    CHECK(w.until(20s, [&] { return b.done(); }));
}
