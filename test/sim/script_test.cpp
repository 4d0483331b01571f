// Worlds written as text: how they are read, and all that lie in test/sim.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "p2pdist/sim/fuzz.hpp"
#include "p2pdist/sim/script.hpp"

using namespace p2pdist;

namespace {

std::string refusal(const std::string& text) {
    const auto parsed = sim::parse_script(text);
    return parsed ? std::string() : parsed.error().message;
}

std::string contents_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void play_all_in(const std::string& folder) {
    std::set<std::filesystem::path> files;
    for (const auto& each : std::filesystem::directory_iterator(std::filesystem::path(P2PDIST_TEST_DIR) / "sim" / folder)) {
        if (each.path().extension() == ".txt") files.insert(each.path());
    }
    CHECK(!files.empty());
    for (const auto& path : files) {
        const auto parsed = sim::parse_script(contents_of(path));
        INFO("p2pdist-sim play test/sim/" << folder << '/' << path.filename().string());
        REQUIRE(refusal(contents_of(path)) == "");
        const auto outcome = sim::play(*parsed);
        INFO("line " << outcome.line);
        CHECK(outcome.broken + outcome.failure == "");
    }
}

}  // namespace

TEST_CASE("a script that is wrong is refused with its line") {
    CHECK(refusal("office Central\n\nadd ann Boston\n") == "line 3: there is no office 'Boston' (add NEW-CLIENT OFFICE [SETTINGS])");
    CHECK(refusal("office Central\nadd ann Central\nfetch ann app-1\n").starts_with("line 3: there is no content 'app-1'"));
    CHECK(refusal("office Central\nadd ann Central\nkill ann for ever\n").starts_with("line 3: 'ever' is no time"));
    CHECK(refusal("office Central\nadd ann Central\nkill ann now\n").starts_with("line 3: 'now' is one word too many"));
    CHECK(refusal("office Central\nadd ann Central store=much\n").starts_with("line 2: 'much' is no value for store"));
    CHECK(refusal("office Central\nadd ann Central speed=3\n").starts_with("line 2: there is no setting 'speed' here"));
    CHECK(refusal("office Central\nadd ann Central\nadd ann Central\n").starts_with("line 3: 'ann' is there already"));
    CHECK(refusal("office Central\nrun 1s\noffice Boston\n") == "line 3: 'office' comes before everything that happens");
    CHECK(refusal("office Central\nafter 3s run 1s\n") == "line 2: 'run' can't come later");
    CHECK(refusal("office Central\nafter soon run 1s\n").starts_with("line 2: after TIME STATEMENT"));
    CHECK(refusal("office \"Central\n") == "line 1: a quotation does not end");
    CHECK(refusal("office Central\noffice Boston preset=fast\n").starts_with("line 2: 'fast' is no value for preset"));
    CHECK(refusal("office Central\noffice Boston aqm=red\n").starts_with("line 2: 'red' is no value for aqm"));
    CHECK(refusal("office Central\nrival vegas Central Central\n").starts_with("line 2: 'vegas' is no kind of rival"));
    CHECK(refusal("office Central\nrival web Central Central at 0\n").starts_with("line 2: '0' is no rate in Mbit/s"));
    CHECK(refusal("office Central\ndance\n") == "line 2: there is no statement 'dance'");
    CHECK(refusal("office Central\nadd ann Central\nexpect ann\n").starts_with("line 3: something is missing"));
    CHECK(refusal("# nothing\n") == "line 1: there is no office");
}

TEST_CASE("a script is the same when it was written and read again") {
    const std::string text = "office Central\noffice \"Boston Wi-Fi\" wi-fi below Central down=20\nadd ann Central   # a comment\nadd bob \"Boston Wi-Fi\"\n"
                             "after 2500ms drop ann->bob for 3s\nrun 1s\n";
    const auto first = sim::parse_script(text);
    REQUIRE(first);
    const auto again = sim::to_text(*first);
    CHECK(again == "office Central\noffice \"Boston Wi-Fi\" wi-fi below Central down=20\nadd ann Central\nadd bob \"Boston Wi-Fi\"\n"
                   "after 2500ms drop ann -> bob for 3s\nrun 1s\n");
    CHECK(sim::to_text(*sim::parse_script(again)) == again);
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        const auto random = sim::to_text(sim::random_script(seed));
        INFO(random);
        REQUIRE(refusal(random) == "");
        REQUIRE(sim::to_text(*sim::parse_script(random)) == random);
    }
}

TEST_CASE("what is expected and does not come is reported with its line") {
    const auto outcome = sim::play(*sim::parse_script("office Central\nadd ann Central\ncontent app-1 1MiB\nexpect ann has app-1 within 3s\nrun 1h\n"));
    CHECK(outcome.broken == "expect");
    CHECK(outcome.line == 4);
    CHECK(outcome.failure.starts_with("not within 3s: ann at 10.0.0."));
}

TEST_CASE("conversations come out as they are written", "[REQ-RVP-3][REQ-SRV-6][REQ-CLI-3][REQ-CLI-4][REQ-MSG-6][REQ-SEC-3][REQ-SRC-5]") { play_all_in("scenarios"); }

TEST_CASE("golden scenarios stay within their budgets", "[REQ-RVP-2]") { play_all_in("golden"); }

TEST_CASE("worlds in which something went wrong once go right") { play_all_in("seeds"); }

TEST_CASE("a failing world is made small") {
    // A budget that nobody can keep: all that is left is who it is about.
    auto text = sim::to_text(sim::random_script(8));
    text.insert(text.find("run "), "expect not c0 registered\n");
    const auto failing = sim::parse_script(text);
    REQUIRE(failing);
    REQUIRE(sim::play(*failing).broken == "expect");
    const auto small = sim::shrink(*failing, "expect", [] { return true; });
    INFO(sim::to_text(small.smallest));
    CHECK(sim::play(small.smallest).broken == "expect");
    std::size_t added = 0, offices = 0, later = 0;
    for (const auto& line : small.smallest.lines) {
        added += line.verb() == "add" ? 1u : 0u;
        offices += line.verb() == "office" ? 1u : 0u;
        later += line.after ? 1u : 0u;
    }
    CHECK(added == 1);
    CHECK(offices == 1);
    CHECK(later <= 1);
}
