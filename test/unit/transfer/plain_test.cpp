// Contents that can only be verified as a whole, among sources that drip, lie and run.

#include "../../../src/transfer/attempt_record.hpp"
#include "puppet.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

/// Gives the beginning, goes, and comes back as soon as somebody names it again.
struct hit_and_run {
    node& bad;
    std::uint64_t bytes_a_visit = 600'000;
    duration pause = 500ms;
    std::uint64_t seen = 0;
    bool away = false;
    time_point back_at{};

    void act(world& w, node& victim, const content_info& content) {
        const auto given = w.data_bytes[{bad.number, victim.number}];
        if (!away && given > seen + bytes_a_visit) {
            bad.engine.stop_serving(w.now, content.key());
            bad.pump();
            seen = given;
            away = true;
            back_at = w.now + pause;
        } else if (away && w.now > back_at) {
            bad.engine.serve(w.now, content);
            bad.pump();
            victim.from(content, bad);
            away = false;
        }
    }
};

std::uint64_t content_in(const world& w, const node& to) {
    std::uint64_t out = 0;
    for (const auto& [way, count] : w.data_bytes) out += way.second == to.number ? count : 0;
    return out;
}

}  // namespace

TEST_CASE("a source that drips a plain content keeps no good one away", "[REQ-SEC-3][REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 1200, .wan_queue_bytes = 4000});
    const auto data = noise(10'000'000);
    const auto content = plain_content(data);
    auto& dripper = w.add({.site = 1});   // behind a line of 1200 B/s: what a liar gives on purpose
    auto& good = w.add();
    auto& b = w.add();
    dripper.holds(content, data);
    good.holds(content, data);
    b.gets(content);
    b.from(content, dripper);
    b.from(content, good);
    REQUIRE(w.until(40s, [&] { return b.done(); }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
    CHECK(b.all<peer_blamed>().empty());   // it may be its line
}

TEST_CASE("others are looked for while the only source of a plain content drips", "[REQ-SEC-3][REQ-SRC-1]") {
    world w({.wan_bytes_per_second = 1200, .wan_queue_bytes = 4000});
    const auto data = noise(10'000'000);
    const auto content = plain_content(data);
    auto& dripper = w.add({.site = 1});
    auto& good = w.add();
    auto& b = w.add();
    dripper.holds(content, data);
    good.holds(content, data);
    b.gets(content);
    b.from(content, dripper);
    REQUIRE(w.until(90s, [&] { return !b.all<sources_wanted>().empty(); }));
    const auto asked = b.all<sources_wanted>().size();
    w.run(50s);
    CHECK(b.all<sources_wanted>().size() <= asked + 1);
    b.from(content, good);
    CHECK(w.until(40s, [&] { return b.done(); }));
}

TEST_CASE("a source that accepts a plain content and says nothing of it keeps no good one away", "[REQ-SEC-3][REQ-XFER-4]") {
    world w;
    const auto data = noise(3'000'000);
    const auto content = plain_content(data);
    auto& silent = w.add();
    auto& good = w.add();
    auto& b = w.add();
    silent.dead = true;
    good.holds(content, data);
    b.gets(content);
    b.from(content, silent);
    b.from(content, good);
    REQUIRE(w.until(4s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("of honest slow sources each is tried, and none is left for another that is as slow", "[REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 50e3, .wan_queue_bytes = 32 << 10});
    const auto data = noise(6'000'000);
    const auto content = plain_content(data);
    std::vector<node*> sources;
    for (int i = 0; i < 5; ++i) {
        sources.push_back(&w.add({.site = 1}));
        sources.back()->holds(content, data);
    }
    auto& b = w.add();
    b.gets(content);
    for (auto* one : sources) b.from(content, *one);
    REQUIRE(w.until(160s, [&] { return b.done(); }));
    CHECK(b.succeeded());
    CHECK(b.all<source_lost>().empty());
    CHECK(static_cast<double>(content_in(w, b)) < 1.25 * static_cast<double>(data.size()));
}

TEST_CASE("a source that was busy at first takes a slow one's place as soon as it is there again", "[REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 50e3, .wan_queue_bytes = 32 << 10});
    const auto data = noise(9'000'000);   // three minutes of the slow one
    const auto content = plain_content(data);
    auto& quick = w.add();
    auto& slow = w.add({.site = 1});
    auto& b = w.add();
    quick.holds(content, data);
    slow.holds(content, data);
    quick.admits = [&, asked = 0](const serve_request& request) mutable {
        if (asked++ == 0) quick.engine.deny(w.now, request.flow, {errc::limit_reached, "too many receivers at once", 3000});
        return asked > 1;
    };
    b.gets(content);
    b.from(content, quick);
    b.from(content, slow);
    REQUIRE(w.until(2s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(b.all<source_lost>().front().source.peer == quick.id());
    w.run(3s);
    b.from(content, quick);
    REQUIRE(w.until(limits::transfer_watch_time, [&] { return b.done(); }));
    CHECK(b.content(content) == data);
}

TEST_CASE("who takes a slow source's place, gives nothing and goes, does so no more in that attempt", "[REQ-SEC-3][REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 20e3, .wan_queue_bytes = 16 << 10});
    const auto data = noise(5'000'000);
    const auto content = plain_content(data);
    puppet liar(w);
    auto& slow = w.add({.site = 1});
    auto& b = w.add();
    slow.holds(content, data);
    liar.knows(content, data);
    const bool for_long = GENERATE(true, false);   // a short "not now" is believed once
    int turns = 0;
    liar.on_wants = [&](puppet::served& one) {
        if (one.closed || one.wanted.empty()) return;
        ++turns;
        if (!for_long) liar.give_wanted(one, 1000);
        one.closed = true;
        liar.say(one, flow_close{errc::limit_reached, "too many receivers at once", for_long ? 3000u : 1000u});
    };
    b.gets(content);
    b.from(content, slow);
    liar.each(1s, [&] { b.from(content, liar.self); });
    CHECK(w.until(320s, [&] { return b.done(); }));
    CHECK(turns == (for_long ? 1 : 2));
}

TEST_CASE("what comes of a plain content shows before it is verified", "[REQ-OBS-1]") {
    world w({.lan_bytes_per_second = 1e6});
    const auto data = noise(4'000'000);
    const auto content = plain_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.from(content, a);
    w.run(2s);
    const auto shown = b.engine.progress(content.key());
    REQUIRE(shown);
    CHECK(shown->verified_bytes == 0);
    CHECK(shown->unverified_bytes > 1'000'000);
    REQUIRE(w.until(60s, [&] { return b.done(); }));
}

TEST_CASE("a liar that gives the beginning of a plain content and goes spoils one attempt, and is named", "[REQ-SEC-3][REQ-XFER-4]") {
    const bool lower_id = GENERATE(false, true);
    world w({.lan_bytes_per_second = 5e6});
    const auto data = noise(6'000'000);
    const auto content = plain_content(data);
    auto& n1 = w.add();
    auto& n2 = w.add();
    auto& b = w.add();
    auto& bad = (n1.id() < n2.id()) == lower_id ? n1 : n2;
    auto& good = &bad == &n1 ? n2 : n1;
    spoil(bad, content, data);
    good.holds(content, data);
    b.gets(content);
    b.from(content, bad);
    b.from(content, good);
    hit_and_run liar{bad};
    REQUIRE(w.until(120s, [&] {
        liar.act(w, b, content);
        return b.done();
    }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
    REQUIRE(b.all<peer_blamed>().size() == 1);
    CHECK(b.all<peer_blamed>().front().peer == bad.id());
    CHECK(static_cast<double>(content_in(w, b)) < 2.3 * static_cast<double>(data.size()));
}

TEST_CASE("many liars that begin and go cost an attempt each at most, and never the download", "[REQ-SEC-3][REQ-XFER-4]") {
    const std::uint64_t seed = GENERATE(1, 2, 3, 4);
    world w({.lan_bytes_per_second = 10e6, .seed = seed});
    const auto data = noise(4'000'000);
    const auto content = plain_content(data);
    std::vector<hit_and_run> liars;
    for (int i = 0; i < 9; ++i) liars.push_back({w.add()});
    auto& good = w.add();
    auto& b = w.add();
    random_source random(seed);
    for (auto& one : liars) {
        spoil(one.bad, content, data);
        one.bytes_a_visit = 200'000 + random.below(3'000'000);
        one.pause = std::chrono::milliseconds(20 + random.below(300));
    }
    good.holds(content, data);
    b.gets(content);
    for (auto& one : liars) b.from(content, one.bad);
    b.from(content, good);
    REQUIRE(w.until(300s, [&] {
        for (auto& one : liars) one.act(w, b, content);
        return b.done();
    }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
    const auto blamed = b.all<peer_blamed>();
    CHECK_FALSE(blamed.empty());
    for (const auto& one : blamed) CHECK(one.peer != good.id());
    CHECK(content_in(w, b) < 11 * data.size());
}

TEST_CASE("a liar that leaves a gap, goes, and has an honest source fill it spoils one attempt only", "[REQ-SEC-3][REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 2e6});
    const auto data = noise(12 * chunk_bytes);
    const auto content = plain_content(data);
    const chunk_geometry geometry(data.size());
    auto& bad = w.add();
    auto& good = w.add({.site = 1});
    auto& b = w.add();
    spoil(bad, content, data);
    good.holds(content, data);
    bool gap_made = false;
    w.tamper = [&](node& from, bytes& datagram) {
        const auto header = &from == &bad ? decode_data_header(datagram) : std::nullopt;
        if (!header) return true;
        gap_made = gap_made || geometry.chunk_at_object_offset(header->offset) > 3;
        const auto gap = geometry.region(1).offset;
        return header->offset < gap || header->offset >= gap + 1000;
    };
    b.gets(content);
    b.from(content, bad);
    b.from(content, good, source_kind::ancestor);
    REQUIRE(w.until(300s, [&] {
        if (std::exchange(gap_made, false)) {
            for (const auto& asked : bad.all<serve_request>()) bad.engine.deny(w.now, asked.flow, {errc::not_found, "later", 1000});
            bad.pump();
        }
        return b.done();
    }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
    CHECK(static_cast<double>(content_in(w, b)) < 2.6 * static_cast<double>(data.size()));
}

TEST_CASE("a liar that spoiled an attempt does not take the place of an honest source that is merely slow", "[REQ-SEC-3][REQ-XFER-4]") {
    world w({.wan_bytes_per_second = 120e3, .wan_queue_bytes = 32 << 10});
    const auto data = noise(12'000'000);   // for longer than limits::transfer_plain_patience
    const auto content = plain_content(data);
    auto& bad = w.add();
    auto& good = w.add({.site = 1});
    auto& b = w.add();
    spoil(bad, content, data);
    good.holds(content, data);
    b.gets(content);
    b.from(content, bad);
    b.from(content, good, source_kind::ancestor);
    hit_and_run liar{bad};
    REQUIRE(w.until(1000s, [&] {
        liar.act(w, b, content);
        return b.done();
    }));
    CHECK(b.succeeded());
    CHECK(b.content(content) == data);
    CHECK(static_cast<double>(content_in(w, b)) < 2.3 * static_cast<double>(data.size()));
}

TEST_CASE("a plain content that nobody has right fails in the end", "[limits][REQ-SEC-3][REQ-XFER-4]") {
    world w({.lan_bytes_per_second = 20e6});
    const auto data = noise(2'000'000);
    const auto content = plain_content(data);
    std::vector<hit_and_run> liars;
    for (int i = 0; i < 2; ++i) liars.push_back({w.add()});
    auto& b = w.add();
    for (auto& one : liars) spoil(one.bad, content, data);
    b.gets(content);
    for (auto& one : liars) b.from(content, one.bad);
    // Either it fails, since who left limits::transfer_unfinished_max attempts keeps it alive no longer, or both are found out and it waits
    // for somebody else.
    REQUIRE(w.until(300s, [&] {
        for (auto& one : liars) one.act(w, b, content);
        return b.done() || b.all<peer_blamed>().size() == 2;
    }));
    CHECK_FALSE(b.succeeded());
}

TEST_CASE("who gives the missing chunk of a plain content is not blamed for what the disk altered of the others", "[REQ-SEC-3][REQ-CLI-4]") {
    world w;
    const auto data = noise(4 * chunk_bytes);
    const auto content = plain_content(data);
    node_options options;
    options.store.corrupt = [](const content_key&, chunk_index chunk) { return chunk == 0; };
    bool altered = true;   // another one, which shows with the whole
    options.store.fault = [&](const store_request& request) -> std::optional<error> {
        const bool shows = std::holds_alternative<store_finish>(request.operation) && std::exchange(altered, false);
        return shows ? std::optional(error{errc::integrity_failed, "the whole does not fit"}) : std::nullopt;
    };
    auto& a = w.add();
    auto& b = w.add(std::move(options));
    a.holds(content, data);
    b.store.files()["/in"] = data;
    REQUIRE(b.store.execute({1, store_import{content.id, content.hash, "/in"}}).ok());
    CHECK_FALSE(b.store.execute({2, store_read_chunk{content.key(), 0}}).ok());
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(10s, [&] { return b.done(); }));
    CHECK_FALSE(altered);
    CHECK(b.succeeded());
    CHECK(b.all<peer_blamed>().empty());
}

TEST_CASE("the record of attempts names who gave other bytes than the right ones", "[REQ-SEC-3]") {
    using p2pdist::detail::transfer::attempt_record;
    const auto right = noise(3 * chunk_bytes + 1000);
    auto wrong = right;
    wrong[chunk_bytes + 5] ^= 1;
    const auto who = [](std::uint8_t number) {
        attempt_record::giver out{source_kind::office, {}};
        out.peer.value[0] = number;
        return out;
    };
    const auto part = [](const bytes& of, std::size_t from, std::size_t to) { return byte_span(of).subspan(from, to - from); };
    attempt_record record(crypto(), short_key{1, 2, 3}, chunk_geometry(right.size()));
    const auto all_right = [&] {
        record.begin(0);
        for (std::size_t at = 0; at < right.size(); at += 100'000) record.note(at, part(right, at, std::min(right.size(), at + 100'000)), who(9), true);
        return record.liars();
    };
    record.begin(0);
    SECTION("a whole chunk of one giver's") {
        record.note(0, part(wrong, 0, 2 * chunk_bytes), who(1), true);
        record.note(2 * chunk_bytes, part(wrong, 2 * chunk_bytes, wrong.size()), who(2), true);
        record.failed();
        const auto liars = all_right();
        REQUIRE(liars.size() == 1);
        CHECK(liars.front().from == who(1));
        CHECK(liars.front().chunk == 1);
    }
    SECTION("not of two") {
        record.note(0, part(wrong, 0, chunk_bytes + 100), who(1), true);
        record.note(chunk_bytes + 100, part(wrong, chunk_bytes + 100, wrong.size()), who(2), true);
        record.failed();
        CHECK(all_right().empty());
    }
    SECTION("not without authentication") {
        record.note(0, wrong, who(1), false);
        record.failed();
        CHECK(all_right().empty());
    }
    SECTION("not what was here before") {
        record.begin(chunk_bytes + 3);
        record.note(chunk_bytes + 3, part(wrong, chunk_bytes + 3, wrong.size()), who(1), true);
        record.failed();
        CHECK(all_right().empty());
    }
    SECTION("not who gave right bytes behind what was here before") {
        record.note(0, part(right, 0, chunk_bytes), who(1), true);
        record.note(2 * chunk_bytes, part(right, 2 * chunk_bytes, right.size()), who(1), true);
        record.failed();   // whatever the reason
        CHECK(all_right().empty());
    }
    SECTION("who gave wrong bytes behind what was here before, part by part") {
        record.note(0, part(right, 0, 1000), who(1), true);
        record.note(chunk_bytes, part(wrong, chunk_bytes, chunk_bytes + 1000), who(1), true);
        record.note(chunk_bytes + 1000, part(wrong, chunk_bytes + 1000, 2 * chunk_bytes), who(1), true);
        record.failed();
        const auto liars = all_right();
        REQUIRE(liars.size() == 1);
        CHECK(liars.front().chunk == 1);
    }
    SECTION("of earlier attempts, too") {
        record.note(0, wrong, who(1), true);
        record.failed();
        record.begin(0);
        record.note(0, right, who(2), true);
        record.failed();   // whatever the reason
        const auto liars = all_right();
        REQUIRE(liars.size() == 1);
        CHECK(liars.front().from == who(1));
    }
}
