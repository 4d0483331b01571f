// The small classes of the room, each alone.

#include "../../../src/transfer/append_line.hpp"
#include "../../../src/transfer/chunk_assembler.hpp"
#include "../../../src/transfer/chunk_picker.hpp"
#include "../../../src/transfer/engine_context.hpp"
#include "../../../src/transfer/holdings_log.hpp"
#include "../../../src/transfer/holdings_status.hpp"
#include "../../../src/transfer/rate_meter.hpp"
#include "../../../src/transfer/region_cache.hpp"
#include "../../../src/transfer/source_state.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::detail::transfer;
using p2pdist::test::noise;
using p2pdist::test::peer;
using namespace std::chrono_literals;

namespace {

chunk_set set_of(chunk_index count, std::initializer_list<chunk_range> ranges) {
    chunk_set out(count);
    for (const auto& range : ranges) out.insert(range);
    return out;
}

shared_bytes piece(std::size_t size) { return shared_bytes(std::make_shared<const bytes>(size)); }

}  // namespace

TEST_CASE("a holdings status says the same after its journey", "[REQ-RVP-4]") {
    holdings_status status;
    status.log_from = 7;
    status.log_to = 7 + 3 + 1 + 100;
    status.acquired = {{50, 3}, {2, 1}, {1000, 100}};
    status.fetching = {{9, 2}};
    status.tree_root = digest{1, 2, 3};
    CHECK(decode_holdings_status(encode(status), 2000) == status);

    holdings_status complete;
    complete.complete = true;
    complete.log_to = 400'000;
    CHECK(encode(complete).size() < 16);
    CHECK(decode_holdings_status(encode(complete), 400'000) == complete);

    CHECK(decode_receiver_status(encode(receiver_status{123'456})) == receiver_status{123'456});
    CHECK_FALSE(decode_receiver_status({}));
    CHECK_FALSE(decode_receiver_status(bytes{1, 0xff, 0xff, 0xff, 0xff, 0x7f}));
}

TEST_CASE("a status never exceeds what a flow carries; the rest follows", "[REQ-RVP-4]") {
    holdings_log log;
    constexpr chunk_index count = 60'000'000;
    for (chunk_index i = 0; i < 2000; ++i) log.append((i * 7919 * 3571) % count);
    chunk_index seen = 0;
    chunk_set heard(count);
    int statuses = 0;
    while (seen < log.size()) {
        holdings_status status;
        status.log_from = seen;
        status.log_to = log.read(seen, 350, status.acquired);
        status.fetching.assign(8, {count - 1, 1});
        const auto text = encode(status);
        REQUIRE(text.size() <= flow_status_bytes_max);
        const auto told = decode_holdings_status(text, count);
        REQUIRE(told);
        REQUIRE(told->log_from == seen);
        REQUIRE(told->log_to > seen);
        for (const auto& range : told->acquired) heard.insert(range);
        seen = told->log_to;
        ++statuses;
    }
    CHECK(heard.count() == 2000);
    CHECK(statuses < 40);
}

TEST_CASE("hostile statuses are void", "[REQ-SEC-2]") {
    holdings_status status;
    status.log_to = 10;
    status.acquired = {{5, 10}};
    const auto good = encode(status);
    REQUIRE(decode_holdings_status(good, 15));
    CHECK_FALSE(decode_holdings_status(good, 14));   // beyond the content
    status.log_to = 9;
    CHECK_FALSE(decode_holdings_status(encode(status), 15));  // the sum does not fit
    status.log_to = 10;
    status.complete = true;
    CHECK_FALSE(decode_holdings_status(encode(status), 15));  // complete, and yet ranges
    for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(decode_holdings_status(byte_span(good).first(size), 15));

    random_source random(5);
    for (int i = 0; i < 20'000; ++i) {
        auto text = random.below(2) == 0 ? good : noise(random.below(60), random());
        if (!text.empty()) text[random.below(text.size())] = static_cast<std::uint8_t>(random());
        if (!text.empty()) text[0] = 1;
        const auto heard = decode_holdings_status(text, 15);
        if (!heard) continue;
        std::uint64_t sum = 0;
        for (const auto& range : heard->acquired) {
            REQUIRE(range.end() <= 15);
            sum += range.count;
        }
        REQUIRE((heard->complete || sum == heard->log_to - heard->log_from));
        for (const auto& range : heard->fetching) REQUIRE(range.end() <= 15);
    }
}

TEST_CASE("the log tells what is new since a position", "[REQ-RVP-4]") {
    holdings_log log;
    log.reset(set_of(20, {{3, 2}, {10, 1}}));
    log.append(11);
    log.append(0);
    CHECK(log.size() == 5);
    std::vector<chunk_range> told;
    CHECK(log.read(0, 10, told) == 5);
    CHECK(told == std::vector<chunk_range>{{3, 2}, {10, 2}, {0, 1}});
    told.clear();
    CHECK(log.read(1, 2, told) == 4);
    CHECK(told == std::vector<chunk_range>{{4, 1}, {10, 2}});
    told.clear();
    CHECK(log.read(3, 10, told) == 5);
    CHECK(told == std::vector<chunk_range>{{11, 1}, {0, 1}});
    told.clear();
    CHECK(log.read(99, 10, told) == 5);
    CHECK(told.empty());
}

TEST_CASE("an office source is asked for the rarest chunk, from a place of one's own", "[REQ-RVP-4]") {
    const auto source = set_of(100, {{0, 100}});
    const auto other = set_of(100, {{0, 60}});
    const std::array<const chunk_set*, 2> holders{&source, &other};
    chunk_set blocked(100);
    CHECK(pick_rarest(source, blocked, holders, 10) == 60u);
    CHECK(pick_rarest(source, blocked, holders, 70) == 70u);
    blocked.insert({60, 40});
    CHECK(pick_rarest(source, blocked, holders, 70) == 0u);
    CHECK(pick_rarest(source, blocked, holders, 30) == 30u);
    CHECK_FALSE(pick_rarest(set_of(100, {{60, 3}}), blocked, holders, 0));
    CHECK_FALSE(pick_rarest(chunk_set(0), chunk_set(0), {}, 0));
}

TEST_CASE("a WAN source is asked for the lowest chunk that the office lacks", "[REQ-RVP-2]") {
    const auto source = set_of(100, {{0, 50}});
    const auto office = set_of(100, {{0, 5}, {6, 4}});
    const auto claimed = set_of(100, {{5, 1}, {10, 2}});
    const std::array<const chunk_set*, 2> elsewhere{&office, &claimed};
    chunk_set blocked(100);
    CHECK(pick_first(source, blocked, elsewhere) == 12u);
    blocked.insert({12, 8});
    CHECK(pick_first(source, blocked, elsewhere) == 20u);
    blocked.insert({20, 30});
    CHECK_FALSE(pick_first(source, blocked, elsewhere));
    CHECK(first_absent(blocked, elsewhere) == 50u);
    blocked.insert({50, 50});
    CHECK_FALSE(first_absent(blocked, elsewhere));
}

TEST_CASE("an assembler takes every byte once and remembers who gave it", "[REQ-OBS-1][REQ-SEC-3]") {
    const chunk_geometry geometry(3 * chunk_bytes);
    region_pool pool;
    const auto data = noise(geometry.region(1).length);
    random_source random(3);
    chunk_assembler assembler(geometry, 1, pool);
    std::uint64_t fresh = 0;
    for (int i = 0; !assembler.complete(); ++i) {
        REQUIRE(i < 100'000);
        const auto offset = random.below((data.size() + 499) / 500) * 500;
        const auto size = std::min<std::size_t>(1172, data.size() - offset);
        fresh += assembler.add(offset, byte_span(data).subspan(offset, size), peer(static_cast<std::uint8_t>(i % 2)), i % 2 == 0);
    }
    CHECK(fresh == data.size());
    std::uint64_t content_bytes = 0;
    for (const auto& from : assembler.contributions()) {
        CHECK(from.authenticated == (from.peer == peer(0)));
        content_bytes += from.content_bytes;
    }
    CHECK(content_bytes == geometry.chunk(1).length);
    auto buffer = assembler.take();
    CHECK(*buffer == data);
    pool.give_back(std::move(buffer));
    CHECK(pool.spare() == 1);
    auto held = pool.take(10);
    const auto reference = held;
    pool.give_back(std::move(held));  // somebody still reads it
    CHECK(pool.spare() == 0);
}

TEST_CASE("bytes of a region that is known already are compared and not kept, until others come", "[REQ-SEC-3]") {
    const chunk_geometry geometry(3 * chunk_bytes);
    region_pool pool;
    const auto known = std::make_shared<const bytes>(noise(geometry.region(1).length));
    const auto& data = *known;
    chunk_assembler assembler(geometry, 1, pool);
    assembler.compare_with(known);
    const bool lie = GENERATE(false, true);
    CHECK(assembler.add(0, byte_span(data).first(1000), peer(1), true) == 1000);
    CHECK(assembler.add(500, byte_span(data).subspan(500, 1000), peer(2), true) == 500);
    CHECK(assembler.borrowed());
    CHECK_FALSE(assembler.contradicts(0, byte_span(data).first(2000)));
    auto other = data;
    other[5000] ^= 1;
    CHECK_FALSE(assembler.contradicts(4000, byte_span(other).subspan(4000, 2000)));   // not here yet
    if (lie) {
        CHECK(assembler.add(4000, byte_span(other).subspan(4000, 2000), peer(2), true) == 2000);
        CHECK_FALSE(assembler.borrowed());
        CHECK(assembler.contradicts(4000, byte_span(data).subspan(4000, 2000)));
        CHECK_FALSE(assembler.contradicts(0, byte_span(data).first(1500)));
    }
    CHECK(assembler.add(0, data, peer(1), true) == data.size() - (lie ? 3500 : 1500));
    REQUIRE(assembler.complete());
    auto givers = assembler.contributions();
    const auto whole = assembler.take();
    CHECK(*whole == (lie ? other : data));
    CHECK((whole == known) == !lie);
    CHECK(liars_of({whole, givers}, data).size() == (lie ? 1U : 0U));
}

TEST_CASE("bytes that came twice are compared", "[REQ-SEC-3]") {
    const chunk_geometry geometry(3 * chunk_bytes);
    region_pool pool;
    const auto data = noise(geometry.region(1).length);
    chunk_assembler assembler(geometry, 1, pool);
    CHECK_FALSE(assembler.contradicts(0, byte_span(data).first(1000)));
    (void)assembler.add(1000, byte_span(data).subspan(1000, 2000), peer(1), false);
    CHECK_FALSE(assembler.contradicts(0, byte_span(data).first(5000)));   // what is not here contradicts nothing
    auto other = data;
    other[999] ^= 1;
    other[3000] ^= 1;
    CHECK_FALSE(assembler.contradicts(0, byte_span(other).first(5000)));
    other[2999] ^= 1;
    CHECK(assembler.contradicts(0, byte_span(other).first(5000)));
    CHECK(assembler.contradicts(2999, byte_span(other).subspan(2999, 1)));
    CHECK_FALSE(assembler.contradicts(data.size(), byte_span(other).first(10)));
}

TEST_CASE("right bytes tell who altered his part, and only what he authenticated", "[REQ-SEC-3]") {
    const chunk_geometry geometry(3 * chunk_bytes);
    region_pool pool;
    const auto data = noise(geometry.region(1).length);
    const auto give = [&](chunk_assembler& to, std::size_t from, std::size_t end, std::uint8_t who, bool authenticated, bool right) {
        bytes part(data.begin() + static_cast<std::ptrdiff_t>(from), data.begin() + static_cast<std::ptrdiff_t>(end));
        if (!right) part[part.size() / 2] ^= 1;
        (void)to.add(from, part, peer(who), authenticated);
    };
    const auto liars = [&](bool second_authenticated, bool second_right, bool third_right) {
        chunk_assembler assembler(geometry, 1, pool);
        give(assembler, 0, 1000, 1, true, true);
        give(assembler, 1000, 5000, 2, second_authenticated, second_right);
        give(assembler, 5000, data.size(), 3, true, third_right);
        auto givers = assembler.contributions();
        return liars_of({assembler.take(), std::move(givers)}, data);
    };
    CHECK(liars(true, false, true) == std::vector{peer(2)});
    CHECK(liars(false, false, true).empty());                 // somebody on the way may have done that
    CHECK(liars(false, false, false) == std::vector{peer(3)});
    CHECK(liars(true, true, true).empty());
}

TEST_CASE("blame lasts for a named time", "[REQ-SEC-3]") {
    blame_list blamed(limits::transfer_blame_time);
    const time_point now{1h};
    blamed.add(now, peer(1));
    CHECK(blamed.contains(now + 23h, peer(1)));
    CHECK_FALSE(blamed.contains(now, peer(2)));
    CHECK_FALSE(blamed.contains(now + limits::transfer_blame_time, peer(1)));
    CHECK(blamed.all(now) == std::vector{peer(1)});
    CHECK(blamed.all(now + limits::transfer_blame_time).empty());
}

TEST_CASE("a chunk that is claimed for ever is believed to be under way for a while only", "[REQ-SEC-3][REQ-RVP-2]") {
    source_state source({}, 100, 1);
    time_point now{1h};
    source.hear_claims(now, {{10, 5}});
    CHECK(source.claimed.count() == 5);
    now += limits::transfer_claim_age;
    source.hear_claims(now, {{10, 6}});
    CHECK(source.claimed.count() == 1);   // the sixth is new
    source.held.insert(12);
    source.hear_claims(now, {{12, 1}});
    source.held.clear();
    source.hear_claims(now, {{12, 1}});   // it had it, so its word counts anew
    CHECK(source.claimed.count() == 1);
}

TEST_CASE("hostile pieces cannot make an assembler grow", "[REQ-SEC-3]") {
    const chunk_geometry geometry(chunk_bytes);
    region_pool pool;
    chunk_assembler assembler(geometry, 0, pool);
    const bytes one{1};
    for (std::uint64_t offset = 0; offset < chunk_bytes; offset += 2) (void)assembler.add(offset, one, peer(1), true);
    CHECK(assembler.missing().ranges().size() == limits::transfer_fragments_max);
    CHECK(assembler.add(chunk_bytes, one, peer(1), true) == 0);
    CHECK(assembler.add(UINT64_MAX, one, peer(1), true) == 0);
    std::size_t taken = 0;
    for (std::uint8_t i = 1; i < 50; ++i) taken += assembler.add(static_cast<std::uint64_t>(i) * 2 - 1, one, peer(i), true);
    CHECK(taken == limits::transfer_contributors_max);
}

TEST_CASE("the region cache forgets the least recently used", "[REQ-XFER-1]") {
    region_cache cache(1000);
    cache.put({1, 0}, piece(400));
    cache.put({1, 1}, piece(400));
    CHECK(cache.find({1, 0}).view.size() == 400);
    cache.put({2, 0}, piece(400));
    CHECK(cache.bytes_used() == 800);
    CHECK(cache.find({1, 1}).view.empty());
    CHECK(cache.find({1, 0}).view.size() == 400);
    cache.put({3, 0}, piece(2000));
    CHECK(cache.find({3, 0}).view.empty());
    cache.erase_content(1);
    CHECK(cache.bytes_used() == 400);
    cache.put({2, 0}, piece(100));
    CHECK(cache.bytes_used() == 100);
}

TEST_CASE("the blame list is bounded", "[REQ-SEC-3]") {
    blame_list blamed(limits::transfer_blame_time);
    client_id id;
    time_point now{1h};
    for (std::size_t i = 0; i < limits::transfer_blamed_max + 10; ++i) {
        id.value[0] = static_cast<std::uint8_t>(i);
        id.value[1] = static_cast<std::uint8_t>(i >> 8);
        now += 1s;
        blamed.add(now, id);
        blamed.add(now, id);
    }
    CHECK(blamed.all(now).size() == limits::transfer_blamed_max);
    CHECK(blamed.contains(now, id));
    CHECK_FALSE(blamed.contains(now, client_id{}));
}

TEST_CASE("an append line hands on bytes in order, one request at a time", "[REQ-XFER-4]") {
    const content_key key;
    append_line line;
    line.reset(0);
    CHECK_FALSE(line.give(10, piece(5), {source_kind::cdn, {}}, true));
    CHECK(line.give(0, piece(limits::store_append_bytes_max + 5), {source_kind::office, peer(1)}, true));
    CHECK(line.give(0, piece(10), {source_kind::office, peer(2)}, true));  // here already
    auto first = line.next(key);
    REQUIRE(first);
    CHECK(first->data.view.size() == limits::store_append_bytes_max);
    CHECK_FALSE(line.next(key));
    CHECK(line.on_appended(limits::store_append_bytes_max));
    REQUIRE(line.sole_giver());
    CHECK(line.sole_giver()->peer == peer(1));
    auto second = line.next(key);
    REQUIRE(second);
    CHECK(second->offset == limits::store_append_bytes_max);
    CHECK(line.on_appended(limits::store_append_bytes_max + 5));
    CHECK(line.waiting_bytes() == 0);
    CHECK(line.split()[static_cast<std::size_t>(source_kind::office)] == limits::store_append_bytes_max + 5);
    line.reset(100);
    CHECK_FALSE(line.sole_giver());
    CHECK(line.split()[static_cast<std::size_t>(source_kind::store)] == 100);
    // The disk lost something before: it goes on from there.
    CHECK(line.give(100, piece(50), {source_kind::cdn, {}}, true));
    REQUIRE(line.next(key));
    CHECK(line.give(150, piece(50), {source_kind::cdn, {}}, true));
    CHECK_FALSE(line.on_appended(30));
    CHECK(line.queued_to() == 30);
    CHECK_FALSE(line.next(key));
    CHECK(line.give(0, piece(40), {source_kind::cdn, {}}, true));
    const auto again = line.next(key);
    REQUIRE(again);
    CHECK(again->offset == 30);
}

TEST_CASE("a rate settles within seconds and decays", "[REQ-OBS-1]") {
    rate_meter meter;
    time_point now{};
    for (int i = 0; i < 40; ++i) {
        meter.add(now, 250'000);
        now += 250ms;
        meter.update(now);
        if (i == 1) CHECK(meter.bytes_per_second() == Approx(1e6).epsilon(0.01));
    }
    CHECK(meter.bytes_per_second() == Approx(1e6).epsilon(0.01));
    for (int i = 0; i < 80; ++i) meter.update(now += 250ms);
    CHECK(meter.bytes_per_second() < 5e3);
}
