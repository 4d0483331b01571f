// Scripts as text.

#include <string>

#include "script_rules.hpp"

namespace p2pdist::sim {
namespace {

/// The words of a line; nothing where a quotation does not end.
std::optional<std::vector<std::string>> split(std::string_view line) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < line.size()) {
        if (line[at] == '#') break;
        if (line[at] == ' ' || line[at] == '\t' || line[at] == '\r') {
            ++at;
        } else if (line[at] == '"') {
            const auto end = line.find('"', at + 1);
            if (end == std::string_view::npos) return std::nullopt;
            out.emplace_back(line.substr(at + 1, end - at - 1));
            at = end + 1;
        } else if (line.substr(at).starts_with("->")) {
            out.emplace_back("->");
            at += 2;
        } else {
            auto end = at;
            while (end < line.size() && line.find_first_of(" \t\r\"#", end) != end && !line.substr(end).starts_with("->")) ++end;
            out.emplace_back(line.substr(at, end - at));
            at = end;
        }
    }
    return out;
}

std::string quoted(const std::string& word) {
    const bool plain = !word.empty() && word.find_first_of(" \t#\"") == std::string::npos;
    return plain ? word : '"' + word + '"';
}

/// Whether the statement may stand where it does.
std::string misplaced(const script_line& line, const script_rule& rule, bool declaring) {
    if (rule.place == script_place::before && !declaring) return "'" + line.verb() + "' comes before everything that happens";
    if (!line.after) return {};
    if (rule.place != script_place::any || line.verb() == "content") return "'" + line.verb() + "' can't come later";
    return {};
}

/// Of these there is nothing yet that could happen.
bool declares(const script_line& line) { return !line.after && (line.verb() == "add" || line.verb() == "content"); }

}  // namespace

result<script> parse_script(std::string_view text) {
    script out;
    script_names names;
    bool declaring = true;
    const auto wrong = [](int number, const std::string& why) { return error{errc::malformed, "line " + std::to_string(number) + ": " + why}; };
    for (int number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        auto words = split(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!words) return wrong(number, "a quotation does not end");
        if (words->empty()) continue;
        script_line line{number, std::nullopt, std::move(*words)};
        if (line.verb() == "after") {
            line.after = line.words.size() > 2 ? read_time(line.words[1]) : std::nullopt;
            if (!line.after) return wrong(number, "after TIME STATEMENT, as in: after 3s kill ann");
            line.words.erase(line.words.begin(), line.words.begin() + 2);
        }
        const auto matched = match(line, names);
        if (!matched) return wrong(number, matched.error().message);
        if (auto why = misplaced(line, *matched->rule, declaring); !why.empty()) return wrong(number, why);
        declaring = declaring && (matched->rule->place == script_place::before || declares(line));
        out.lines.push_back(std::move(line));
    }
    if (names.offices.empty()) return wrong(1, "there is no office");
    return out;
}

std::string to_text(const script& what) {
    std::string out;
    for (const auto& line : what.lines) {
        if (line.after) out += "after " + write_time(*line.after) + ' ';
        for (std::size_t i = 0; i < line.words.size(); ++i) out += (i > 0 ? " " : "") + quoted(line.words[i]);
        out += '\n';
    }
    return out;
}

std::string script_help() {
    std::string out;
    for (const auto& rule : script_rules()) {
        out += std::string(rule.verb) + (rule.pattern.empty() ? "" : " ") + std::string(rule.pattern) + '\n';
        if (rule.pattern.find("SETTINGS") != std::string_view::npos) out += "    " + settings_usage(rule.verb) + '\n';
    }
    return out;
}

}  // namespace p2pdist::sim
