#include "roll_out_verdict.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "roll_out_lines.hpp"

namespace p2pdist::sim {
namespace {

/// Of the time of the last.
constexpr double slow_from = 0.85;

constexpr std::array<std::string_view, 10> limit_names = {"none",   "line_down", "line_up", "lan",    "air",
                                                          "source", "loss",      "delay",   "jitter", "unfinished"};
constexpr std::array<std::string_view, 8> remedy_names = {"line_rate", "prepared", "lan_rate", "air_rate", "wired", "loss", "delay", "jitter"};

/// What those of the office who have it not say, and how many of them; what most say first.
std::string reasons_of(const prediction& of, const std::string& office) {
    constexpr std::size_t told_max = 3;
    std::map<std::string, int> counts;
    for (const auto& each : of.clients) {
        if (!each.complete && each.office == office) ++counts[each.failure];
    }
    std::vector<std::pair<std::string, int>> reasons(counts.begin(), counts.end());
    std::ranges::stable_sort(reasons, std::greater(), [](const auto& each) { return each.second; });
    std::string out;
    for (std::size_t i = 0; i < std::min(told_max, reasons.size()); ++i) {
        out += (i == 0 ? "; " : " | ") + std::to_string(reasons[i].second) + (reasons[i].second == 1 ? " client says: " : " clients say: ") +
               reasons[i].first;
    }
    return out;
}

/// What lines dropped for reasons that time does not mend.
std::string dropped_of(const prediction& of) {
    std::uint64_t too_long = 0, cut = 0;
    for (const auto& each : of.lines) {
        too_long += each.down.too_long + each.up.too_long;
        cut += each.down.down_dropped + each.up.down_dropped;
    }
    return (too_long > 0 ? "; " + std::to_string(too_long) + " datagrams were longer than a line's MTU" : std::string()) +
           (cut > 0 ? "; " + std::to_string(cut) + " datagrams came to a line that was cut" : std::string());
}

bool is_weather(remedy_kind kind) { return kind == remedy_kind::loss || kind == remedy_kind::delay || kind == remedy_kind::jitter; }
bool is_rate(remedy_kind kind) { return kind == remedy_kind::line_rate || kind == remedy_kind::lan_rate || kind == remedy_kind::air_rate; }

/// Other offices that end about as late and wait for a line, LAN or air of their own in the same way.
std::string and_others(const prediction& of, const office_prediction& last) {
    std::vector<std::string> others;
    for (const auto* each : slow_ones(of)) {
        const auto& limit = each->waits_for;
        const bool listed = std::ranges::find(others, limit.office) != others.end();
        if (!listed && limit.kind == last.waits_for.kind && limit.office != last.waits_for.office && !limit.office.empty())
            others.push_back(limit.office);
    }
    return others.empty() ? "" : "; " + list_of(others) + (others.size() == 1 ? " is" : " are") + " in the same state";
}

std::string sentence_of(const prediction& of, const office_prediction& last, const use_limit& limit) {
    const auto used = " was in use to " + percent(limit.use) + " until then";
    const auto line = std::ranges::find(of.lines, limit.office, &line_prediction::office);
    const auto inside = std::ranges::find(of.insides, limit.office, &inside_prediction::office);
    switch (limit.kind) {
        case limit_kind::line_down:
            return "the line of " + limit.office + " from its parent (down, " + rate_words(line->down_bytes_per_second) + ')' + used;
        case limit_kind::line_up:
            return "the line of " + limit.office + " to its parent (up, " + rate_words(line->up_bytes_per_second) + ')' + used +
                   (line->up.queue_dropped > 0
                        ? ", and dropped " + std::to_string(line->up.queue_dropped) + " datagrams: acknowledgements are late or lost"
                        : std::string());
        case limit_kind::lan:
            return "the LAN of " + limit.office + " (" + rate_words(inside->bytes_per_second) + " for each host): the line of its busiest host" +
                   used;
        case limit_kind::air:
            return "the air of " + limit.office + " (" + rate_words(inside->bytes_per_second) + ')' + used +
                   ": each byte crosses it once from the router, and twice for each further device";
        case limit_kind::source:
            return "the source gives one reader no more: it needs " + percent(limit.use) + " of that time to be read once";
        case limit_kind::none:
        case limit_kind::loss:
        case limit_kind::delay:
        case limit_kind::jitter:
        case limit_kind::unfinished:
            break;
    }
    const auto busiest = limit.use > 0 ? "no line, LAN or air was in use to more than " + percent(limit.use) : std::string("nothing was in use");
    return busiest + (last.last ? "; delays, losses and the start-up of each transfer count, not rates" : "");
}

/// What a trial has to change where this is what counts.
bool concerns(const remedy& what, const use_limit& limit) {
    if (std::ranges::find(what.offices, limit.office) == what.offices.end()) return false;
    switch (limit.kind) {
        case limit_kind::line_down: return what.kind == remedy_kind::line_rate && what.direction == "down";
        case limit_kind::line_up: return what.kind == remedy_kind::line_rate && what.direction == "up";
        case limit_kind::lan: return what.kind == remedy_kind::lan_rate;
        case limit_kind::air: return what.kind == remedy_kind::air_rate || what.kind == remedy_kind::wired;
        default: return false;
    }
}

/// The busiest is not always what counts: air that has little to send spends its time on overhead. Where wider it helps nobody, and wider
/// another one that was busy does, that one it is.
void prefer_what_helps(prediction& of, const office_prediction& last) {
    for (const auto& limit : last.busy) {
        if (std::ranges::none_of(of.remedies, [&](const auto& each) { return concerns(each, limit); })) continue;
        if (limit.kind == of.bottleneck.kind && limit.office == of.bottleneck.office) return;
        of.bottleneck = {limit.kind, limit.office, limit.use, last.office + " ends last: " + sentence_of(of, last, limit)};
        return;
    }
}

}  // namespace

std::string_view to_string(limit_kind kind) noexcept { return limit_names[static_cast<std::size_t>(kind)]; }
std::string_view to_string(remedy_kind kind) noexcept { return remedy_names[static_cast<std::size_t>(kind)]; }

const office_prediction* slowest(const prediction& of) {
    const office_prediction* out = nullptr;
    for (const auto& each : of.offices) {
        if (each.complete < each.clients) return &each;
        if (each.last && (!out || *each.last > *out->last)) out = &each;
    }
    return out;
}

std::vector<const office_prediction*> slow_ones(const prediction& of) {
    std::vector<const office_prediction*> out;
    for (const auto& each : of.offices) {
        const bool ends = each.complete == each.clients;
        const bool late = of.complete && each.last && static_cast<double>(each.last->count()) >= slow_from * static_cast<double>(of.took.count());
        if (!ends || late) out.push_back(&each);
    }
    return out;
}

bottleneck verdict_of(const prediction& of) {
    const auto* const last = slowest(of);
    if (!last) return {limit_kind::none, "", 0, "nobody wanted it"};
    const bool ends = last->complete == last->clients;
    const auto& limit = last->waits_for;
    if (ends) return {limit.kind, limit.office, limit.use, last->office + " ends last: " + sentence_of(of, *last, limit) + and_others(of, *last)};
    const auto who = last->office + " does not end: " +
                     (last->complete == 0 ? std::string("nobody there got it")
                                          : std::to_string(last->complete) + " of " + std::to_string(last->clients) + " got it");
    if (limit.kind != limit_kind::none) return {limit.kind, limit.office, limit.use, who + "; " + sentence_of(of, *last, limit)};
    return {limit_kind::unfinished, last->office, limit.use, who + reasons_of(of, last->office) + dropped_of(of)};
}

void refine_verdict(prediction& of) {
    const auto* const last = slowest(of);
    if (!last || !of.complete) return;
    if (of.bottleneck.kind != limit_kind::none) return prefer_what_helps(of, *last);
    const auto begin = last->office + " ends last: no line, LAN or air was in use to more than " + percent(last->waits_for.use) + "; ";
    const auto blamed = std::ranges::find_if(of.remedies, is_weather, &remedy::kind);
    if (blamed != of.remedies.end()) {
        of.bottleneck.kind = blamed->kind == remedy_kind::loss    ? limit_kind::loss
                             : blamed->kind == remedy_kind::delay ? limit_kind::delay
                                                                  : limit_kind::jitter;
        of.bottleneck.office = blamed->offices.front();
        of.bottleneck.text = begin + "what counts is the " + std::string(to_string(blamed->kind)) + " of the line" +
                             (blamed->offices.size() == 1 ? " of " : "s of ") + list_of(blamed->offices);
    } else if (std::ranges::any_of(of.remedies, is_rate, &remedy::kind)) {
        of.bottleneck.text = begin + "rates count for a part of the time all the same";
    } else if (std::ranges::any_of(of.in_vain, is_weather, &remedy::kind)) {
        of.bottleneck.text = begin + "less loss, jitter or delay was no faster: what counts is the hand-over from office to office and the start-up " +
                             "of each transfer";
    }
}

}  // namespace p2pdist::sim
