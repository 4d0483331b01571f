// What an engine has at one time, at its limits and one beyond.

#include "p2pdist/content/tree_file.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

content_info numbered_content(std::size_t number) {
    return {*content_id::parse("content-" + std::to_string(number)), 1000, {hash_kind::sha256_tree, digest{1, 2, 3}}};
}

/// Gives pieces from `offset` on, as long as `wanted` says so; what it gave.
template <class Condition>
std::uint64_t pour_into(node& one, const content_info& content, const std::shared_ptr<const bytes>& data, std::uint64_t offset, Condition wanted) {
    constexpr std::uint64_t step = 4 * chunk_bytes;
    std::uint64_t given = 0;
    while (offset + given < data->size() && wanted()) {
        const auto size = std::min<std::uint64_t>(step, data->size() - offset - given);
        one.engine.give(one.in.now, content.key(), source_kind::cdn, offset + given,
                        shared_bytes(data, byte_span(*data).subspan(static_cast<std::size_t>(offset + given), static_cast<std::size_t>(size))));
        one.pump();
        given += size;
    }
    return given;
}

}  // namespace

TEST_CASE("downloads beyond the limit are refused in words, and one that ends makes room", "[limits]") {
    world w;
    const auto data = noise(1000);
    const auto last = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(last, data);
    for (std::size_t number = 0; number < limits::transfer_downloads_max; ++number) b.engine.download(w.now, numbered_content(number));
    b.pump();
    CHECK_FALSE(b.done());
    b.gets(last);
    REQUIRE(b.all<transfer_finished>().size() == 1);
    CHECK(b.all<transfer_finished>().front().failure->code == errc::limit_reached);
    CHECK(b.engine.downloads().size() == limits::transfer_downloads_max);
    b.events.clear();
    b.engine.cancel(w.now, numbered_content(0).key());
    b.gets(last);
    b.from(last, a);
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("contents beyond the limit are not served, and whoever serves so many can still download", "[limits]") {
    world w;
    const auto data = noise(1000);
    const auto last = tree_content(data), other = tree_content(data, "other");
    auto& a = w.add();
    auto& b = w.add();
    for (std::size_t number = 0; number < limits::transfer_served_max; ++number) a.engine.serve(w.now, numbered_content(number));
    a.holds(last, data);
    b.gets(last);
    b.from(last, a);
    REQUIRE(w.until(5s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(b.all<source_lost>().front().reason == errc::not_found);
    b.holds(other, data);
    a.gets(other);
    a.from(other, b);
    REQUIRE(w.until(5s, [&] { return a.done(); }));
    CHECK(a.succeeded());
    // One that is not served any more makes room for another.
    a.engine.stop_serving(w.now, numbered_content(0).key());
    a.engine.stop_serving(w.now, other.key());
    a.holds(last, data);
    b.from(last, a);
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("receivers beyond the limit are sent away, and served when there is room", "[limits][REQ-SEC-3]") {
    world w;
    const auto data = noise(100'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    a.holds(content, data);
    const port_plan ports;
    const auto pair = content_pair(role::client, transfer_protocol::foreground);
    const path way{ports[pair.from], {a.address, ports[pair.to]}};
    flow_open request;
    request.object = content_object{content};
    request.protocol = transfer_protocol::foreground;
    const auto opens = [&](node& liar, std::size_t count) {
        for (std::size_t flow = 0; flow < count; ++flow) {
            const auto token = static_cast<std::uint32_t>(100 + flow);
            (void)liar.seal.send(w.now, a.id(), way, frame_type::flow_control, encode(flow_control{token, true, request}));
            liar.pump();
            if (flow == 0) w.run(50ms);   // a session first
        }
        w.run(10ms);
    };
    for (std::size_t liar = 0; liar < limits::transfer_uploads_max / limits::flows_of_peer_max; ++liar) opens(w.add(), limits::flows_of_peer_max);
    CHECK(a.engine.uploads().size() == limits::transfer_uploads_max);
    opens(w.add(), 1);
    CHECK(a.engine.uploads().size() == limits::transfer_uploads_max);
    auto& b = w.add();
    b.gets(content);
    b.from(content, a);
    REQUIRE(w.until(2s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(b.all<source_lost>().front().reason == errc::limit_reached);
    REQUIRE(w.until(60s, [&] { return a.engine.uploads().empty(); }));   // who says nothing more is forgotten
    b.from(content, a);
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("invented sources fill a download's table, and go when they are found lost", "[limits][REQ-SEC-3]") {
    world w;
    const auto data = noise(600'000);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    for (std::size_t number = 0; number < limits::transfer_sources_max; ++number) {
        const auto who = static_cast<std::uint8_t>(number + 1);
        b.engine.add_source(w.now, content.key(),
                            {peer(who), role::client, ip_address::v4(0x0a090000u + who), source_kind::office, transfer_protocol::foreground});
    }
    b.pump();
    b.from(content, a);
    const auto all_lost = [&] { return b.all<source_lost>().size() >= limits::transfer_sources_max; };
    REQUIRE(w.until(300s, all_lost));
    CHECK(b.all<source_lost>().size() == limits::transfer_sources_max);
    w.run(5s);
    CHECK(w.data_bytes[{a.number, b.number}] == 0);   // it was one too many
    CHECK_FALSE(b.all<sources_wanted>().empty());
    b.from(content, a);
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("before a WAN is used so many of the office are asked, and no more", "[limits][REQ-RVP-2][REQ-RVP-3]") {
    world w;
    const auto data = noise(1'500'000);
    const auto content = tree_content(data);
    std::vector<node*> office;
    for (std::size_t number = 0; number < limits::transfer_status_sources_max + 2; ++number) {
        office.push_back(&w.add());
        office.back()->gets(content);   // and has nothing of it
    }
    auto& parent = w.add({.site = 1});
    parent.holds(content, data);
    auto& b = w.add();
    w.run(100ms);
    b.gets(content);
    for (const auto* one : office) b.from(content, *one);
    const auto asked = [&] {
        const auto shown = b.engine.progress(content.key());
        if (!shown) return std::ptrdiff_t{0};
        return std::ranges::count_if(shown->sources, [](const source_progress& one) { return one.source.kind == source_kind::office; });
    };
    w.run(1s);
    CHECK(asked() == static_cast<std::ptrdiff_t>(transfer_engine_config{}.office_sources_max));
    b.from(content, parent, source_kind::ancestor);
    std::ptrdiff_t most = 0;
    REQUIRE(w.until(20s, [&] {
        most = std::max(most, asked());
        return b.done();
    }));
    CHECK(most == static_cast<std::ptrdiff_t>(limits::transfer_status_sources_max));
    CHECK(b.succeeded());
}

TEST_CASE("a source that always asks to come back soon is left in the end", "[limits][REQ-SEC-3][REQ-XFER-4]") {
    world w;
    const auto data = noise(600'000);
    const auto content = plain_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.gets(content);   // says "not yet, come back in a second": it cannot share a part
    b.gets(content);
    w.run(100ms);
    const auto begun = w.now;
    b.from(content, a);
    REQUIRE(w.until(60s, [&] { return !b.all<source_lost>().empty(); }));
    CHECK(w.now - begun >= limits::transfer_retries_max * 1s);
    CHECK(w.now - begun < (limits::transfer_retries_max + 1) * 1500ms);
    // Named again when it has it, it is asked again.
    a.engine.cancel(w.now, content.key());
    a.holds(content, data);
    b.from(content, a);
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("a plain content that fails its hash so often fails, and not before", "[limits][REQ-SEC-3][REQ-XFER-4]") {
    world w;
    const auto data = noise(1000);
    auto wrong = data;
    wrong[500] ^= 1;
    const auto content = plain_content(data);
    auto& b = w.add();
    b.gets(content);
    const auto comes = [&](const bytes& what) {
        REQUIRE(w.until(1s, [&] { return b.engine.fallback_wants(content.key()).has_value(); }));
        b.engine.give(w.now, content.key(), source_kind::cdn, 0, shared_bytes(std::make_shared<const bytes>(what)));
        b.pump();
        w.run(100ms);
    };
    for (int attempt = 1; attempt < limits::transfer_integrity_attempts_max; ++attempt) comes(wrong);
    REQUIRE_FALSE(b.done());
    SECTION("the last attempt fits") {
        comes(data);
        CHECK(b.succeeded());
        CHECK(b.content(content) == data);
    }
    SECTION("nor does the last one") {
        comes(wrong);
        REQUIRE(b.done());
        CHECK(b.all<transfer_finished>().front().failure->code == errc::integrity_failed);
        CHECK(b.all<source_lost>().size() == static_cast<std::size_t>(limits::transfer_integrity_attempts_max));
    }
}

TEST_CASE("a fallback source that gives on while the disk hangs fills no memory", "[limits][REQ-XFER-4][REQ-SRC-3]") {
    const auto kind = GENERATE(hash_kind::sha256, hash_kind::sha256_tree);
    const bool by_chunks = kind == hash_kind::sha256_tree;
    const std::uint64_t most = by_chunks ? limits::transfer_verify_bytes_max : limits::transfer_fallback_bytes_max;
    const auto data = std::make_shared<const bytes>(static_cast<std::size_t>(2 * most + 12 * chunk_bytes), std::uint8_t{7});
    const auto content = by_chunks ? tree_content(*data) : plain_content(*data);
    world w;
    auto& b = w.add();
    b.gets(content);
    w.run(100ms);
    if (by_chunks) {
        b.engine.give_tree(w.now, content.key(), shared_bytes(std::make_shared<const bytes>(encode_tree_file(make_tree(crypto(), *data)))));
        b.pump();
        w.run(100ms);
    }
    const auto wants = [&] { return b.engine.fallback_wants(content.key()); };
    REQUIRE(wants());
    CHECK(*wants() == byte_range{0, limits::transfer_fallback_bytes_max});
    b.options.store_delay = 5s;
    const auto given = pour_into(b, content, data, 0, [&] { return wants().has_value(); });
    CHECK(given == most);
    const auto gives_on = pour_into(b, content, data, given, [] { return true; });
    CHECK(given + gives_on == data->size());
    b.options.store_delay = 2ms;
    REQUIRE(w.until(10s, [&] { return wants().has_value(); }));
    const auto next = wants()->offset;
    CHECK(next >= most);
    CHECK(next <= 2 * most + 4 * chunk_bytes);
    CHECK(next < data->size());
    // What was not taken is wanted, and comes.
    (void)pour_into(b, content, data, next, [] { return true; });
    REQUIRE(w.until(5s, [&] { return b.done(); }));
    CHECK(b.succeeded());
}

TEST_CASE("from where somebody reads so many chunks come first, and others after them", "[limits][REQ-XFER-4]") {
    world w;
    const auto data = noise(60 * chunk_bytes);
    const auto content = tree_content(data);
    auto& a = w.add();
    auto& b = w.add();
    a.holds(content, data);
    b.gets(content);
    b.engine.read_at(content.key(), 30);
    b.from(content, a);
    REQUIRE(w.until(20s, [&] { return b.done(); }));
    REQUIRE(b.written.size() == 60);
    std::vector<chunk_index> first(b.written.begin(), b.written.begin() + limits::transfer_read_ahead_chunks);
    std::ranges::sort(first);
    CHECK(first.front() == 30);
    CHECK(first.back() == 30 + limits::transfer_read_ahead_chunks - 1);
    CHECK(b.written[limits::transfer_read_ahead_chunks] != 30 + limits::transfer_read_ahead_chunks);
}
