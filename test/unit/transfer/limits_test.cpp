// What hostile peers, or a slow disk, would have grow: each part at its limit and one beyond.

#include "../../../src/transfer/attempt_record.hpp"
#include "../../../src/transfer/chunk_picker.hpp"
#include "../../../src/transfer/region_pool.hpp"
#include "../../../src/transfer/source_state.hpp"
#include "../../../src/transfer/upload_hub.hpp"
#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::detail::transfer;
using p2pdist::test::peer;
using namespace std::chrono_literals;

namespace {

/// Uploads of one whole content, from a store that answers a read when it is told to.
struct hub_desk {
    explicit hub_desk(chunk_index chunks) : info{*content_id::parse("package"), chunks * chunk_bytes, {hash_kind::sha256_tree, digest{1}}} {
        share();
    }

    void share() {
        auto& local = contents.try_emplace(info.key(), ++numbers, info).first->second;
        local.serving = local.known = local.whole = true;
        local.held = chunk_set(local.geometry.chunk_count(), true);
        local.opens = 1;
    }
    flow_handle opens(std::uint8_t who) {
        const port_plan ports;
        const auto pair = content_pair(role::client, transfer_protocol::foreground);
        flow_requested asked;
        asked.flow = flow_handle{++flows};
        asked.peer = peer(who);
        asked.way = {ports[pair.to], {ip_address::v4(0x0a000001), ports[pair.from]}};
        asked.open.object = content_object{info};
        asked.open.protocol = transfer_protocol::foreground;
        hub.on_requested(now, asked);
        hub.admit(now, asked.flow);
        return asked.flow;
    }
    void wants(flow_handle flow, chunk_index first, std::size_t count) {
        const auto& geometry = contents.at(info.key()).geometry;
        const auto from = geometry.region(first).offset;
        hub.on_needs(now, {flow, {from, geometry.region(first + static_cast<chunk_index>(count) - 1).end() - from}});
    }
    /// Unanswered requests of that kind.
    [[nodiscard]] std::ptrdiff_t asked(store_task task) const {
        return std::ranges::count_if(context.requests, [task](const auto& item) { return item.second.task == task; });
    }
    void goes(flow_handle flow) { hub.on_ended(now, {flow, errc::cancelled, {}, {}}); }
    /// Chunks whose reads the store has not answered, in the order in which they were asked for.
    [[nodiscard]] std::vector<chunk_index> reads() const {
        std::vector<chunk_index> out;
        for (const auto& [id, purpose] : context.requests) {
            if (purpose.task == store_task::read) out.push_back(purpose.chunk);
        }
        return out;
    }
    void answer_one() {
        const auto next = std::ranges::find_if(context.requests, [](const auto& item) { return item.second.task == store_task::read; });
        REQUIRE(next != context.requests.end());
        const auto purpose = next->second;
        context.requests.erase(next);
        store_completion done;
        const auto size = static_cast<std::size_t>(chunk_geometry(info.size_bytes).region(purpose.chunk).length);
        done.value = store_region{purpose.chunk, shared_bytes(std::make_shared<const bytes>(size))};
        hub.on_read(now, {purpose.asker, purpose.chunk}, purpose.content, done);
    }

    test::world around;
    test::node& self = around.add();
    engine_context context{test::crypto(), self.random, self.seal, 1, {}};
    upload_hub::content_table contents;
    upload_hub hub{context, contents};
    content_info info;
    time_point now{1h};
    std::uint64_t flows = 0, numbers = 0;
};

}  // namespace

TEST_CASE("a receiver that wants more than it may loses its flow, and others' reads go on", "[limits][REQ-SEC-3]") {
    hub_desk desk(limits::transfer_needs_max + 1);
    const auto greedy = desk.opens(1);
    const auto honest = desk.opens(2);
    desk.wants(greedy, 0, limits::transfer_needs_max);
    CHECK(desk.hub.owns(greedy));
    CHECK(desk.reads().size() == limits::transfer_reads_max);
    const auto last = static_cast<chunk_index>(limits::transfer_needs_max);
    desk.wants(honest, last, 1);
    CHECK(desk.reads().size() == limits::transfer_reads_max);
    desk.wants(greedy, last, 1);
    CHECK_FALSE(desk.hub.owns(greedy));
    REQUIRE(desk.hub.owns(honest));
    // One answer is enough for the honest one's turn: nothing is read for who is gone.
    desk.answer_one();
    REQUIRE(desk.reads().size() == limits::transfer_reads_max);
    CHECK(desk.reads().back() == last);
    while (!desk.reads().empty()) desk.answer_one();
    CHECK(desk.hub.needs_kept() == 0);
    CHECK(desk.hub.owns(honest));
}

TEST_CASE("a receiver that wants, goes and comes again leaves nothing waiting at a slow disk", "[limits][REQ-SEC-3]") {
    hub_desk desk(limits::transfer_needs_max);
    const auto honest = desk.opens(1);
    desk.wants(honest, 0, limits::transfer_reads_max + 1);
    std::size_t most = 0;
    for (int visit = 0; visit < 200; ++visit) {
        const auto restless = desk.opens(2);
        desk.wants(restless, 0, limits::transfer_needs_max);   // some of it is being read, the rest is not
        most = std::max(most, desk.hub.needs_kept());
        desk.goes(restless);
    }
    CHECK(most <= 2 * (limits::transfer_reads_max + 1 + limits::transfer_needs_max) + limits::transfer_needs_max);
    for (std::size_t read = 0; read < limits::transfer_reads_max; ++read) desk.answer_one();
    CHECK(desk.reads() == std::vector{static_cast<chunk_index>(limits::transfer_reads_max)});   // the honest one's, and no other
    desk.answer_one();
    CHECK(desk.hub.needs_kept() == 0);
    CHECK(desk.hub.owns(honest));
}

TEST_CASE("reads of a content that is gone before they are answered give their places back", "[limits][REQ-SEC-3][REQ-CLI-3]") {
    hub_desk desk(limits::transfer_reads_max);
    const bool again = GENERATE(false, true);
    desk.wants(desk.opens(1), 0, limits::transfer_reads_max);
    desk.hub.close_all(desk.now, desk.info.key(), {errc::not_found, "gone", 0});
    desk.contents.clear();
    if (again) desk.share();   // under another number
    while (!desk.reads().empty()) desk.answer_one();
    if (!again) desk.share();
    desk.wants(desk.opens(1), 0, limits::transfer_reads_max);
    CHECK(desk.reads().size() == limits::transfer_reads_max);
}

TEST_CASE("a content of which nobody wants anything is not kept in the store's use", "[limits][REQ-SEC-3][REQ-CLI-3]") {
    hub_desk desk(4);
    const auto idle = desk.opens(1), other = desk.opens(2);
    const auto later = [&](duration time) {
        desk.now += time;
        if (desk.hub.deadline() <= desk.now) desk.hub.on_timer(desk.now);
    };
    later(50s);
    desk.wants(other, 0, 1);
    desk.answer_one();
    later(50s);
    CHECK(desk.contents.at(desk.info.key()).opens == 1);
    later(70s);
    later(70s);
    CHECK(desk.contents.at(desk.info.key()).opens == 0);
    CHECK(desk.asked(store_task::close) == 1);
    REQUIRE(desk.hub.owns(idle));
    REQUIRE(desk.hub.owns(other));
    // Whoever goes on gets what he wants, and it is in use again.
    desk.wants(idle, 2, 1);
    CHECK(desk.asked(store_task::open_upload) == 1);
    CHECK(desk.reads() == std::vector<chunk_index>{2});
    store_completion opened;
    opened.value = store_opened{chunk_set(4, true), 0, true, true, {}};
    desk.hub.on_opened(desk.now, desk.info.key(), opened);
    desk.answer_one();
    CHECK(desk.contents.at(desk.info.key()).opens == 1);
    desk.wants(other, 3, 1);
    CHECK(desk.asked(store_task::open_upload) == 1);   // the same
    desk.goes(idle);
    desk.goes(other);
    CHECK(desk.asked(store_task::close) == 2);
    later(70s);
    CHECK(desk.hub.deadline() == never);
}

TEST_CASE("a source that claims to be getting everything is believed of a few chunks", "[limits][REQ-SEC-3][REQ-RVP-2]") {
    constexpr chunk_index count = 1'000'000;
    source_state source({}, count, 1);
    time_point now{1h};
    source.hear_claims(now, {{0, limits::transfer_claims_max}});
    CHECK(source.claimed.count() == limits::transfer_claims_max);
    source.hear_claims(now, {{0, count}});
    CHECK(source.claimed.count() == limits::transfer_claims_max);
    // Ever others: what is remembered of them is bounded, and what is not remembered is not believed.
    for (chunk_index first = 0; first < 20'000; first += 100) source.hear_claims(now, {{first, 100}});
    CHECK(source.claim_began.size() == 4 * limits::transfer_claims_max);
    CHECK(source.claimed.empty());
    // One that gets what it claimed goes on to be believed.
    source.held.insert({0, 1000});
    source.hear_claims(now, {{30'000, 10}});
    CHECK(source.claimed.count() == 10);
}

TEST_CASE("a burst of regions does not keep its memory", "[limits]") {
    region_pool pool;
    std::vector<std::shared_ptr<bytes>> burst;
    for (std::size_t number = 0; number <= limits::transfer_spare_regions_max; ++number) burst.push_back(pool.take(100));
    const std::weak_ptr<bytes> last = burst.back();
    for (auto& one : burst) pool.give_back(std::exchange(one, nullptr));
    CHECK(pool.spare() == limits::transfer_spare_regions_max);
    CHECK(last.expired());
    CHECK(pool.take(200)->size() == 200);
    CHECK(pool.spare() == limits::transfer_spare_regions_max - 1);
}

TEST_CASE("the rarest chunk is looked for among so many, whatever a source holds", "[limits][REQ-RVP-4]") {
    constexpr auto most = static_cast<chunk_index>(limits::transfer_pick_candidates_max);
    constexpr chunk_index count = 4 * most;
    constexpr chunk_index start = count - most / 2;
    const chunk_set source(count, true), blocked(count);
    const auto picked_where_rare = [&](chunk_index rare) {
        chunk_set other(count, true);
        other.erase(rare);
        const std::array<const chunk_set*, 2> holders{&source, &other};
        return pick_rarest(source, blocked, holders, start);
    };
    CHECK(picked_where_rare(start + 1) == start + 1);
    CHECK(picked_where_rare(most / 2 - 1) == most / 2 - 1);   // the last candidate, wrapped round
    CHECK(picked_where_rare(most / 2) == start);              // not compared: one is given all the same
}

TEST_CASE("failed attempts at a plain content are remembered up to a limit, the newest", "[limits][REQ-SEC-3]") {
    constexpr auto each = static_cast<chunk_index>(limits::transfer_attempt_claims_max / 2);   // all that is noted of one attempt
    const bool noted = GENERATE(true, false);
    const chunk_index chunk = noted ? each - 1 : each;
    attempt_record record(test::crypto(), short_key{1}, chunk_geometry(std::uint64_t{each + 10} * chunk_bytes));
    const auto attempt = [&](std::uint8_t fill, std::uint8_t who) {
        record.begin(chunk * chunk_bytes);
        record.note(chunk * chunk_bytes, bytes(chunk_bytes, fill), {source_kind::office, peer(who)}, true);
    };
    for (std::uint8_t liar = 1; liar <= 3; ++liar) {
        attempt(liar, liar);
        record.failed();
    }
    attempt(0, 9);
    std::vector<client_id> liars;
    for (const auto& lie : record.liars()) liars.push_back(lie.from.peer);
    CHECK(liars == (noted ? std::vector{peer(2), peer(3)} : std::vector<client_id>{}));
}
