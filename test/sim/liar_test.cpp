// An enrolled device that lies in every message it may send.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <set>

#include "p2pdist/base/random.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

/// Who blames whom, as the nodes' logs say it.
struct hearing {
    std::set<std::string> blamed_by_clients;                          ///< by authenticated bytes
    std::set<std::pair<std::string, std::string>> reported;           ///< at the server: whom, by whom

    log_sink sink() {
        return log_sink(log_level::info, [this](log_level, std::string_view line) {
            if (line.starts_with("event=peer_blamed ")) blamed_by_clients.insert(after(line, " peer="));
            if (line.find("served a bad chunk of '") != std::string_view::npos && line.starts_with("client="))
                reported.emplace(after(line, "client="), after(line, "says client="));
        });
    }
    static std::string after(std::string_view line, std::string_view what) {
        const auto at = line.find(what);
        return at == std::string_view::npos ? std::string() : std::string(line.substr(at + what.size(), 32));
    }
};

/// A central office, a branch with two children; the liar is in one of them, or in the centre.
/// Gives whether wrong bytes were found out.
bool live_with_a_liar(std::uint64_t seed, std::optional<hash_kind> only = std::nullopt) {
    random_source random(seed);
    hearing heard;
    auto options = demo_world::options_of(seed);
    options.heartbeat = 20s;
    options.log = heard.sink();
    options.events_per_second_max = 5'000'000;
    demo_world world(std::move(options));
    auto& w = world.w;
    const std::vector<std::string> places{"Central", "Boston", "Boston", "Delft", "Boston Wi-Fi"};
    w.add_liar({.office = places[random.below(places.size())]}, seed);
    w.set_up();

    const auto drawn = random.below(6) == 0 ? hash_kind::sha256 : hash_kind::sha256_tree;
    const auto kind = only.value_or(drawn);
    const auto content = w.make_content("app-1", 1 + random.below(6u << 20), kind);
    w.publish(content);
    const auto start = w.now();
    for (const auto& [office, members] : world.clients) {
        for (const auto who : members) {
            w.at(start + std::chrono::milliseconds(random.below(8000)), [&w, who, &content] { w.fetch(who, content); });
        }
    }
    w.run_for(8s);
    const bool done = w.run_until([&] { return w.all_fetched(); }, 20min);
    const auto liar = w.liars().front();
    CAPTURE(seed, liar.manner, content.info().size_bytes, to_string(kind));
    {
        INFO(unfinished(w));
        CHECK(done);
    }
    CHECK_FALSE(w.livelocked());
    for (std::size_t i = 0; i < w.clients(); ++i) CHECK(w.has_right_bytes({i}, content));
    w.run_for(5s);   // reports are under way

    for (const auto& peer : heard.blamed_by_clients) CHECK(peer == liar.id.to_string());
    for (const auto& [peer, by] : heard.reported) {
        INFO(peer << " by " << by);
        CHECK((peer == liar.id.to_string()) != (by == liar.id.to_string()));   // what the liar says of others is hearsay
    }
    // A whole region of wrong bytes that it has authenticated can't be missed.
    if (liar.always_wrong && liar.wrong_bytes_sent > 8 * chunk_bytes) CHECK(heard.blamed_by_clients.contains(liar.id.to_string()));
    for (const auto& peer : heard.blamed_by_clients) {
        CHECK(std::any_of(heard.reported.begin(), heard.reported.end(), [&](const auto& report) { return report.first == peer; }));
    }
    return !heard.blamed_by_clients.empty();
}

/// `first` to `last`, or what the environment says: "first-last".
std::pair<std::uint64_t, std::uint64_t> seeds(std::uint64_t first, std::uint64_t last) {
    const auto* range = std::getenv("P2PDIST_LIAR_SEEDS");
    if (range == nullptr) return {first, last};
    first = std::strtoull(range, nullptr, 10);
    const std::string_view text(range);
    return {first, text.find('-') == std::string_view::npos ? first : std::strtoull(range + text.find('-') + 1, nullptr, 10)};
}

}  // namespace

TEST_CASE("a device that lies in every message neither stops nor frames anybody, and is named", "[REQ-SEC-3][REQ-RVP-1]") {
    const auto [first, last] = seeds(1, std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 500 : 6);
    for (auto seed = first; seed <= last; ++seed) (void)live_with_a_liar(seed);
}

TEST_CASE("a liar does not stop a content that can only be verified as a whole, and is named", "[REQ-SEC-3][REQ-XFER-4]") {
    const auto [first, last] = seeds(1, std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 500 : 9);
    int named = 0;
    for (auto seed = first; seed <= last; ++seed) named += live_with_a_liar(seed, hash_kind::sha256) ? 1 : 0;
    if (std::getenv("P2PDIST_LIAR_SEEDS") == nullptr) CHECK(named > 0);
}
