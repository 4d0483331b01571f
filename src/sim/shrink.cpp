// Makes a failing script small: drops what the failure does not need, in halves, quarters and so on (delta debugging), until nothing more
// can go or the budget is used up.

#include <algorithm>
#include <set>

#include "p2pdist/base/amount.hpp"
#include "p2pdist/sim/fuzz.hpp"
#include "script_rules.hpp"

namespace p2pdist::sim {
namespace {

/// Something that can go on its own.
struct part {
    enum class kind : std::uint8_t { line, client, office, word };
    kind what = kind::line;
    std::size_t line = 0;   // where it stands
    std::size_t word = 0;
};

const std::string& name_in(const script& what, const part& which) { return what.lines[which.line].words[1]; }

void drop_lines_with(script& what, const std::string& name) {
    std::erase_if(what.lines, [&](const script_line& line) {
        return std::find(line.words.begin() + 1, line.words.end(), name) != line.words.end();
    });
}

/// Its clients go with it; the offices below it are below its parent from then on.
void drop_office(script& what, const std::string& name) {
    std::string parent;
    std::set<std::string> clients;
    for (const auto& line : what.lines) {
        const auto below = std::find(line.words.begin(), line.words.end(), "below");
        if (line.verb() == "office" && line.words[1] == name && below != line.words.end()) parent = *(below + 1);
        if (line.verb() == "add" && line.words[2] == name) clients.insert(line.words[1]);
    }
    std::erase_if(what.lines, [&](const script_line& line) { return line.verb() == "office" && line.words[1] == name; });
    for (auto& line : what.lines) {
        const auto below = line.verb() == "office" ? std::find(line.words.begin(), line.words.end(), "below") : line.words.end();
        if (below != line.words.end() && *(below + 1) == name) *(below + 1) = parent;
    }
    drop_lines_with(what, name);
    for (const auto& each : clients) drop_lines_with(what, each);
}

script without(const script& what, std::span<const part> gone) {
    script out = what;
    for (const auto& each : gone) {
        if (each.what == part::kind::word) out.lines[each.line].words[each.word].clear();
        if (each.what == part::kind::line) out.lines[each.line].words = {"run", "0s"};
    }
    for (auto& line : out.lines) std::erase(line.words, std::string());
    for (const auto& each : gone) {
        if (each.what == part::kind::client) drop_lines_with(out, name_in(what, each));
        if (each.what == part::kind::office) drop_office(out, name_in(what, each));
    }
    std::erase_if(out.lines, [](const script_line& line) { return line.verb() == "run" && line.words[1] == "0s"; });
    return out;
}

/// All but the first office and the first device: with nobody in the central office nobody below gets anything from the server, which is
/// no failure. What a device fetches goes with the device: one that everybody expects something of would fail for not having asked.
std::vector<part> parts_of(const script& what, part::kind kind) {
    std::vector<part> out;
    bool central = true;
    std::string first;
    for (const auto& line : what.lines) {
        if (line.verb() == "add" && first.empty()) first = line.words[1];
    }
    for (std::size_t i = 0; i < what.lines.size(); ++i) {
        const auto& line = what.lines[i];
        const bool office = line.verb() == "office";
        if (kind == part::kind::line && line.after && line.verb() != "fetch") out.push_back({kind, i, 0});
        if (kind == part::kind::client && line.verb() == "add" && !line.after && line.words[1] != first) out.push_back({kind, i, 0});
        if (kind == part::kind::office && office && !std::exchange(central, false)) out.push_back({kind, i, 0});
        if (kind != part::kind::word || !(office || line.verb() == "world" || line.verb() == "add")) continue;
        for (std::size_t word = 2; word < line.words.size(); ++word) {
            const bool setting = line.words[word].find('=') != std::string::npos && !line.words[word].starts_with("liar=");
            if (setting || line.words[word] == "vpn" || line.words[word] == "wi-fi") out.push_back({kind, i, word});
        }
    }
    return out;
}

class shrinking {
public:
    shrinking(const script& failing, std::string broken, const std::function<bool()>& go_on)
        : smallest_(failing), broken_(std::move(broken)), go_on_(go_on) {}

    shrunk_script run() {
        using enum part::kind;
        for (bool smaller = true; smaller;) {
            smaller = false;
            for (const auto kind : {part::kind::office, client, line, word}) smaller = drop_parts(kind) || smaller;
            smaller = halve_content() || smaller;
        }
        return {smallest_, runs_};
    }

private:
    bool still_fails(const script& candidate) {
        // What was dropped may have been needed for the rest to make sense.
        auto parsed = parse_script(to_text(candidate));
        if (!parsed || !go_on_()) return false;
        ++runs_;
        if (play(*parsed).broken != broken_) return false;
        smallest_ = std::move(*parsed);
        return true;
    }

    bool drop_parts(part::kind kind) {
        bool any = false;
        auto parts = parts_of(smallest_, kind);
        for (auto size = parts.size(); size > 0 && go_on_(); size /= 2) {
            for (std::size_t at = 0; at < parts.size() && go_on_();) {
                const auto count = std::min(size, parts.size() - at);
                if (still_fails(without(smallest_, std::span(parts).subspan(at, count)))) {
                    any = true;
                    parts = parts_of(smallest_, kind);   // those behind have moved here
                } else {
                    at += count;
                }
            }
        }
        return any;
    }

    bool halve_content() {
        bool any = false;
        for (bool smaller = true; smaller && go_on_();) {
            smaller = false;
            auto candidate = smallest_;
            for (auto& line : candidate.lines) {
                if (line.verb() != "content") continue;
                const auto size = line.words[2] == "0" ? 0 : parse_size(line.words[2]).value_or(0);
                line.words[2] = std::to_string(size / 2);
                smaller = size > 0 && still_fails(candidate);
            }
            any = any || smaller;
        }
        return any;
    }

    script smallest_;
    std::string broken_;
    const std::function<bool()>& go_on_;
    int runs_ = 0;
};

}  // namespace

shrunk_script shrink(const script& failing, const std::string& broken, const std::function<bool()>& go_on) {
    return shrinking(failing, broken, go_on).run();
}

}  // namespace p2pdist::sim
