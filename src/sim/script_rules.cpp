#include "script_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "p2pdist/base/amount.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/sim/link_model.hpp"
#include "p2pdist/sim/rival.hpp"

namespace p2pdist::sim {
namespace {

using enum script_place;

constexpr std::array rules = {
    // What there is.
    script_rule{"seed", "INTEGER", before},
    script_rule{"world", "SETTINGS", before},
    script_rule{"office", "NEW-OFFICE [wi-fi|vpn] [below PARENT] [SETTINGS]", before},
    script_rule{"insist", "", before},
    script_rule{"add", "NEW-CLIENT OFFICE [SETTINGS]"},
    script_rule{"content", "NEW-CONTENT SIZE [sha256|sha256-tree] [from ORIGIN]"},
    // What people do.
    script_rule{"fetch", "CLIENT CONTENT"},
    script_rule{"import", "CLIENT CONTENT"},
    // What befalls a device.
    script_rule{"kill", "NODE [for TIME]"},
    script_rule{"restart", "NODE"},
    script_rule{"sleep", "NODE [for TIME]"},
    script_rule{"stall", "NODE [for TIME]"},
    script_rule{"wake", "NODE"},
    script_rule{"drift", "NODE PPM"},
    script_rule{"jump", "NODE TIME"},
    script_rule{"wall", "NODE INTEGER"},
    script_rule{"freeze", "NODE [for TIME]"},
    script_rule{"full", "NODE [for TIME]"},
    script_rule{"slow", "NODE FACTOR [for TIME]"},
    script_rule{"failing", "NODE SHARE [for TIME]"},
    script_rule{"corrupt", "NODE SHARE [for TIME]"},
    script_rule{"move", "CLIENT OFFICE"},
    // What befalls the network.
    script_rule{"cut", "OFFICE up|down|both [for TIME]"},
    script_rule{"fade", "OFFICE SHARE [for TIME]"},
    script_rule{"block", "FROM-OFFICE TO-OFFICE [for TIME]"},
    script_rule{"drop", "FROM-NODE -> TO-NODE [for TIME]"},
    script_rule{"unplug", "NODE [for TIME]"},
    script_rule{"rival", "KIND FROM-OFFICE TO-OFFICE [at MBITS] [for TIME]"},
    // What the script does.
    script_rule{"run", "TIME", now},
    script_rule{"expect", "[not] everybody has CONTENT [within TIME]", now},
    script_rule{"expect", "[not] CLIENT has CONTENT [within TIME]", now},
    script_rule{"expect", "[not] CLIENT failed CONTENT [within TIME]", now},
    script_rule{"expect", "[not] CLIENT registered [within TIME]", now},
    script_rule{"expect", "[not] CLIENT in OFFICE [within TIME]", now},
    script_rule{"expect", "[not] CLIENT acts CONTENT [within TIME]", now},
    script_rule{"expect", "CLIENT took SHARE of CONTENT from SOURCE", now},
    script_rule{"expect", "finished CONTENT <= TIME", now},
    script_rule{"expect", "copies OFFICE CONTENT <= FACTOR", now},
    script_rule{"expect", "data OFFICE CONTENT <= FACTOR", now},
    script_rule{"expect", "read SOURCE CONTENT <= FACTOR", now},
    script_rule{"expect", "duplicates CONTENT <= SHARE", now},
    script_rule{"expect", "one-copy CONTENT", now},
    script_rule{"expect", "quiet", now},
};

constexpr std::array<std::string_view, 6> sources = {"store", "office", "ancestor", "server", "cdn", "file_store"};
constexpr std::array<std::string_view, 3> origins = {"server", "cdn", "file_store"};

template <class Number>
std::optional<Number> read_whole(std::string_view text) {
    Number out{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

std::vector<std::string_view> words_of(std::string_view pattern) {
    std::vector<std::string_view> out;
    while (!pattern.empty()) {
        const auto end = std::min(pattern.find(' '), pattern.size());
        if (end > 0) out.push_back(pattern.substr(0, end));
        pattern.remove_prefix(std::min(end + 1, pattern.size()));
    }
    return out;
}

bool is_placeholder(std::string_view word) { return !word.empty() && word.front() >= 'A' && word.front() <= 'Z'; }

/// Whether the value is of the kind that the pattern asks for; an empty sentence, or what is wrong.
std::string check_value(std::string_view kind, const std::string& value, const script_names& names) {
    const auto one_of = [&](const auto& known, std::string_view what) { return known.contains(value) ? std::string() : "there is no " + std::string(what) + " '" + value + "'"; };
    const auto unless = [&](bool fits, std::string_view what) { return fits ? std::string() : "'" + value + "' is no " + std::string(what); };
    const auto new_name = [&](const auto& known) {
        if (known.contains(value)) return "'" + value + "' is there already";
        return unless(!value.empty() && value.find('=') == std::string::npos, "name");
    };
    if (kind == "NEW-OFFICE") return new_name(names.offices);
    if (kind == "NEW-CLIENT") return value == "server" || value == "everybody" ? "'" + value + "' has a meaning already" : new_name(names.clients);
    if (kind == "NEW-CONTENT") return content_id::parse(value).has_value() ? new_name(names.contents) : unless(false, "content id");
    if (kind == "OFFICE" || kind == "FROM-OFFICE" || kind == "TO-OFFICE" || kind == "PARENT") return one_of(names.offices, "office");
    if (kind == "CLIENT") return one_of(names.clients, "client");
    if (kind == "NODE" || kind == "FROM-NODE" || kind == "TO-NODE") return value == "server" ? std::string() : one_of(names.clients, "client");
    if (kind == "CONTENT") return one_of(names.contents, "content");
    if (kind == "ORIGIN") return std::ranges::find(origins, value) != origins.end() ? std::string() : one_of(names.clients, "source");
    if (kind == "SOURCE") return unless(std::ranges::find(sources, value) != sources.end(), "source of bytes");
    if (kind == "TIME") return unless(read_time(value).has_value(), "time, as 3s or 250ms");
    if (kind == "SIZE") return unless(value == "0" || parse_size(value).has_value(), "size, as 4MiB");
    if (kind == "INTEGER") return unless(read_whole<std::int64_t>(value).has_value(), "whole number");
    if (kind == "PPM") return unless(read_whole<std::int64_t>(value).value_or(1'000'000) < 1'000'000 && read_whole<std::int64_t>(value).value_or(0) > -1'000'000, "rate in millionths");
    if (kind == "KIND") return unless(parse_rival_kind(value).has_value(), "kind of rival");
    if (kind == "MBITS") return unless(read_number(value).value_or(0) > 0, "rate in Mbit/s");
    if (kind == "FACTOR") return unless(read_number(value).value_or(-1) >= 0, "factor");
    return unless(read_number(value).value_or(-1) >= 0 && *read_number(value) <= 1, "share, as 0.05 or 5%");   // SHARE
}

enum class setting_kind : std::uint8_t { time, number, size, share, integer, versions, preset, discipline };
const std::map<std::string_view, setting_kind, std::less<>>& settings_of(std::string_view verb) {
    using enum setting_kind;
    static const std::map<std::string_view, setting_kind, std::less<>> of_world = {
        {"heartbeat", time}, {"commit", time}, {"sync", time}, {"lan", number}, {"lan-delay", time}, {"lan-loss", share}, {"versions", versions}};
    static const std::map<std::string_view, setting_kind, std::less<>> of_office = {
        {"preset", preset},  {"down", number}, {"up", number},       {"delay", time},   {"queue", time},      {"aqm", discipline}, {"mtu", integer},
        {"policer", number}, {"loss", share},  {"bursts", share},    {"fades", time},   {"reorder", share},   {"duplicate", share}, {"jitter", time},
        {"lan", number}};
    static const std::map<std::string_view, setting_kind, std::less<>> of_device = {{"versions", versions}, {"store", size}, {"preferred", integer}, {"liar", integer}};
    return verb == "world" ? of_world : verb == "office" ? of_office : of_device;
}

bool fits(setting_kind kind, const std::string& value) {
    switch (kind) {
        case setting_kind::time: return read_time(value).has_value();
        case setting_kind::number: return read_number(value).value_or(-1) >= 0;
        case setting_kind::size: return parse_size(value).has_value();
        case setting_kind::share: return read_number(value).value_or(-1) >= 0 && *read_number(value) <= 1;
        case setting_kind::integer: return read_whole<std::int64_t>(value).has_value();
        case setting_kind::preset: return line_preset(value).has_value();
        case setting_kind::discipline: return parse_queue_kind(value).has_value();
        case setting_kind::versions: return value.size() == 3 && value[1] == '-' && value[0] >= '1' && value[2] <= '9' && value[0] <= value[2];
    }
    return false;
}

/// Goes along the pattern and the words at once.
class matching {
public:
    matching(const script_rule& rule, const std::vector<std::string>& words, const script_names& names)
        : rule_(rule), words_(words), names_(names), pattern_(words_of(rule.pattern)) {}

    /// How far it came: of several rules the one that came farthest says what is wrong.
    [[nodiscard]] std::size_t reached() const noexcept { return at_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] script_values take() && { return std::move(values_); }

    bool run() {
        for (std::size_t i = 0; i < pattern_.size(); ++i) {
            auto word = pattern_[i];
            if (!word.starts_with('[')) {
                if (!take_word(word)) return false;
                continue;
            }
            word.remove_prefix(1);
            auto last = i;
            while (!pattern_[last].ends_with(']')) ++last;
            if (word == "SETTINGS]") {
                if (!take_settings()) return false;
            } else if (at_ < words_.size() && opens(strip(word))) {
                for (auto j = i; j <= last; ++j) {
                    if (!take_word(strip(j == i ? word : pattern_[j]))) return false;
                }
            }
            i = last;
        }
        if (at_ < words_.size()) return fail("'" + words_[at_] + "' is one word too many");
        return true;
    }

private:
    static std::string_view strip(std::string_view word) { return word.ends_with(']') ? word.substr(0, word.size() - 1) : word; }
    bool fail(std::string why) {
        why_ = std::move(why);
        return false;
    }
    /// The literal that begins an optional part.
    [[nodiscard]] bool opens(std::string_view word) const { return is_literal(word, words_[at_]); }
    static bool is_literal(std::string_view alternatives, std::string_view word) {
        while (!alternatives.empty()) {
            const auto end = std::min(alternatives.find('|'), alternatives.size());
            if (alternatives.substr(0, end) == word) return true;
            alternatives.remove_prefix(std::min(end + 1, alternatives.size()));
        }
        return false;
    }
    bool take_word(std::string_view wanted) {
        if (wanted == "SETTINGS") return take_settings();
        if (at_ >= words_.size()) return fail("something is missing");
        const auto& word = words_[at_];
        if (is_placeholder(wanted)) {
            auto wrong = check_value(wanted, word, names_);
            if (!wrong.empty()) return fail(std::move(wrong));
            values_.set(wanted, word);
        } else {
            if (!is_literal(wanted, word)) return fail("'" + word + "' stands where " + std::string(wanted) + " should");
            values_.set(wanted, word);
        }
        ++at_;
        return true;
    }
    bool take_settings() {
        const auto& known = settings_of(rule_.verb);
        for (; at_ < words_.size(); ++at_) {
            const auto& word = words_[at_];
            const auto equals = word.find('=');
            if (equals == std::string::npos) return true;
            const auto key = word.substr(0, equals);
            const auto found = known.find(key);
            if (found == known.end()) return fail("there is no setting '" + key + "' here");
            if (!fits(found->second, word.substr(equals + 1))) return fail("'" + word.substr(equals + 1) + "' is no value for " + key);
            values_.set(key, word.substr(equals + 1));
        }
        return true;
    }

    const script_rule& rule_;
    const std::vector<std::string>& words_;
    const script_names& names_;
    std::vector<std::string_view> pattern_;
    std::size_t at_ = 1;   // behind the verb
    script_values values_;
    std::string why_;
};

}  // namespace

std::span<const script_rule> script_rules() { return rules; }

std::string settings_usage(std::string_view verb) {
    static constexpr std::array<std::string_view, 8> values = {"TIME", "NUMBER", "SIZE", "SHARE", "INTEGER", "OLDEST-NEWEST", "NAME", "tail_drop|codel|fq_codel"};
    std::string out;
    for (const auto& [key, kind] : settings_of(verb)) {
        if (!out.empty()) out += ' ';
        out.append(key).append("=").append(values[static_cast<std::size_t>(kind)]);
    }
    return out;
}

result<matched_line> match(const script_line& line, script_names& names) {
    std::size_t farthest = 0;
    std::string why = "there is no statement '" + line.verb() + "'", usage;
    for (const auto& rule : rules) {
        if (rule.verb != line.verb()) continue;
        matching attempt(rule, line.words, names);
        if (attempt.run()) {
            matched_line out{&rule, std::move(attempt).take()};
            if (out.values.has("NEW-OFFICE")) names.offices.insert(out.values.text("NEW-OFFICE"));
            if (out.values.has("NEW-CLIENT")) names.clients.insert(out.values.text("NEW-CLIENT"));
            if (out.values.has("NEW-CONTENT")) names.contents.insert(out.values.text("NEW-CONTENT"));
            return out;
        }
        if (attempt.reached() > farthest) {
            farthest = attempt.reached();
            why = attempt.why() + " (" + std::string(rule.verb) + ' ' + std::string(rule.pattern) + ')';
        }
    }
    return {errc::malformed, std::move(why)};
}

std::optional<duration> read_time(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, double>, 6> units = {
        {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
    for (const auto& [unit, nanoseconds] : units) {
        if (!text.ends_with(unit)) continue;
        const auto number = read_number(text.substr(0, text.size() - unit.size()));
        if (!number || *number < 0 || *number * nanoseconds > 1e17) continue;
        return duration(static_cast<duration::rep>(*number * nanoseconds + 0.5));
    }
    return std::nullopt;
}

std::string write_time(duration time) {
    const auto count = time.count();
    if (count % 1'000'000'000 == 0) return std::to_string(count / 1'000'000'000) + "s";
    if (count % 1'000'000 == 0) return std::to_string(count / 1'000'000) + "ms";
    return std::to_string(count) + "ns";
}

std::optional<double> read_number(std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    double out = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return percent ? out / 100 : out;
}

duration script_values::time(std::string_view name) const { return *read_time(text(name)); }
double script_values::number(std::string_view name) const { return *read_number(text(name)); }
std::uint64_t script_values::size(std::string_view name) const { return text(name) == "0" ? 0 : *parse_size(text(name)); }
std::int64_t script_values::integer(std::string_view name) const { return *read_whole<std::int64_t>(text(name)); }

}  // namespace p2pdist::sim
