// What a script expects of its world.

#include <algorithm>
#include <cstdio>

#include "p2pdist/base/limits.hpp"
#include "script_run.hpp"

namespace p2pdist::sim {
namespace {

using namespace std::chrono_literals;

constexpr duration settling = 45s;   // uploads to those who went, claims and stalls have an end by then
constexpr duration resting = 60s;

std::string rounded(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

/// How far it is and by whom, for whoever looks for what is wrong.
std::string describe(const transfer_progress& progress) {
    auto out = std::string(to_string(progress.state)) + ", " + std::to_string(progress.verified_bytes) + " bytes" + (progress.reason.empty() ? "" : ", ") + progress.reason;
    for (const auto& each : progress.sources) {
        out += ", " + each.source.address.to_string() + (each.answering ? " holds " : " may hold ") + std::to_string(each.chunks_held) + " chunks and gave " +
               std::to_string(each.verified_bytes) + " bytes";
    }
    return out;
}

}  // namespace

void script_run::expect_state(const script_values& what) {
    const auto holds = condition(what);
    const bool wanted = !what.has("not");
    bool found = holds();
    if (found != wanted && what.has("TIME")) found = world_->run_until([&] { return holds() == wanted || !out_.ok(); }, what.time("TIME")) ? holds() : !wanted;
    if (found == wanted) return;
    fail("expect", std::string(what.has("TIME") ? "not within " + what.text("TIME") : "it is not so") +
                       (what.has("CONTENT") ? ": " + state_of_all(content_of(what.text("CONTENT")).info()) : std::string()));
}

std::function<bool()> script_run::condition(const script_values& what) {
    const auto* content = what.has("CONTENT") ? &content_of(what.text("CONTENT")) : nullptr;
    if (what.has("everybody")) {
        return [this, content] {
            return std::ranges::all_of(members_, [&](const auto& each) {
                return !counts(each.second) || !world_->fetch_of(*each.second.client, content->info()) || has(each.second, content->info());
            });
        };
    }
    const auto who = client_of(what.text("CLIENT"));
    if (what.has("has")) return [this, content, name = what.text("CLIENT")] { return has(member_of(name), content->info()); };
    if (what.has("failed")) {
        return [this, content, who] {
            const auto* record = world_->fetch_of(who, content->info());
            return record && record->failure;
        };
    }
    if (what.has("registered")) return [this, who] { return world_->is_up(who) && world_->core(who).status().registered; };
    if (what.has("in")) return [this, who, office = what.text("OFFICE")] { return world_->is_up(who) && world_->core(who).status().office == office; };
    return [this, content, who] {
        const auto told = world_->is_up(who) ? world_->core(who).explain(content->info().id) : std::nullopt;
        return told && told->acting_is_self;
    };
}

/// Whoever can have what everybody shall have who has asked for it.
bool script_run::counts(const member& who) {
    if (!who.client || who.stranger || !world_->is_up(*who.client)) return false;
    auto& device = world_->controls(*who.client);
    return !device.paused() && !device.disk_troubles()->any();
}

bool script_run::has(const member& who, const content_info& content) {
    if (!who.client) return false;
    const auto* record = world_->fetch_of(*who.client, content);
    return record ? record->complete() : world_->imported(*who.client, content.key());
}

std::string script_run::state_of_all(const content_info& content) {
    std::string out, holders;
    for (const auto& [name, who] : members_) {
        if (!who.client) continue;
        if (has(who, content)) {
            holders += ' ' + name;
            continue;
        }
        if (!counts(who)) {
            out += name + " cannot; ";
            continue;
        }
        const auto* record = world_->fetch_of(*who.client, content);
        out += name + " at " + world_->address_of(*who.client).to_string();
        const auto progress = world_->is_up(*who.client) ? world_->core(*who.client).progress(content.id) : std::nullopt;
        if (!world_->is_up(*who.client)) out += " (down)";
        else if (record && record->failure) out += " (" + record->failure->message + ")";
        else if (progress) out += " (" + describe(*progress) + ")";
        else out += record ? " (it knows nothing of the content yet: no word from the server)" : " (it never asked)";
        out += "; ";
    }
    return out + (holders.empty() ? "no device has it" : "these have it:" + holders);
}

double script_run::measure(const script_values& what) {
    const auto& content = content_of(what.text("CONTENT")).info();
    const auto size = static_cast<double>(std::max<std::uint64_t>(1, content.size_bytes));
    if (what.has("copies")) return world_->wan(what.text("OFFICE")).copies(content.size_bytes);
    if (what.has("data")) return static_cast<double>(world_->wan(what.text("OFFICE")).down.data_bytes) / size;
    if (what.has("read")) return static_cast<double>(world_->fallback_bytes(what.text("SOURCE") == "cdn" ? source_kind::cdn : source_kind::file_store)) / size;
    double complete = 0;
    duration last{};
    for (const auto& each : world_->fetches()) {
        if (!each.complete() || each.content != content) continue;
        complete += 1;
        last = std::max(last, *each.ended - *first_ask_);
    }
    if (what.has("finished")) return to_seconds(last);
    // Frames have headers of 29 bytes, and chunks have proofs: both count as duplicates, the same each time.
    return complete == 0 ? 0 : static_cast<double>(watch_->data_delivered()) / (complete * size) - 1;
}

void script_run::expect_bound(const script_values& what) {
    const bool of_time = what.has("finished");
    const auto most = of_time ? to_seconds(what.time("TIME")) : what.number(what.has("SHARE") ? "SHARE" : "FACTOR");
    const auto found = measure(what);
    const auto subject = of_time ? std::string("finished") : what.has("copies") ? "copies " + what.text("OFFICE")
                         : what.has("data") ? "data " + what.text("OFFICE") : what.has("read") ? "read " + what.text("SOURCE") : std::string("duplicates");
    out_.measured.push_back("line " + std::to_string(out_.line) + ": " + subject + ' ' + what.text("CONTENT") + " = " + rounded(found) + (of_time ? "s" : ""));
    if (found > most) fail("expect", subject + ' ' + what.text("CONTENT") + " is " + rounded(found) + ", of at most " + rounded(most));
}

void script_run::expect_took(const script_values& what) {
    const auto* record = world_->fetch_of(client_of(what.text("CLIENT")), content_of(what.text("CONTENT")).info());
    if (!record || !record->complete()) return fail("expect", what.text("CLIENT") + " has not fetched " + what.text("CONTENT"));
    for (std::size_t i = 0; i < source_kind_count; ++i) {
        if (to_string(static_cast<source_kind>(i)) != what.text("SOURCE")) continue;
        const auto share = static_cast<double>(record->split[i]) / static_cast<double>(std::max<std::uint64_t>(1, record->content.size_bytes));
        if (share < what.number("SHARE")) fail("expect", rounded(100 * share) + "% came from there");
    }
}

void script_run::expect_one_copy(const script_values& what) {
    const auto size = content_of(what.text("CONTENT")).info().size_bytes;
    for (const auto& wan : world_->wans()) {
        if (!world_->offices().shares(*world_->offices().find(wan.office))) continue;
        if (auto why = oracles::one_copy(wan, size); !why.empty()) fail("one copy", why);
    }
    const auto read = world_->fallback_bytes(source_kind::cdn) + world_->fallback_bytes(source_kind::file_store);
    if (auto why = oracles::read_once(read, size); !why.empty()) fail("one copy", why);
}

void script_run::expect_quiet() {
    watch_->rest(settling, resting, settings_.has("heartbeat") ? settings_.time("heartbeat") : duration(20s), [this](client_index who) {
        return std::ranges::any_of(members_, [&](const auto& each) { return each.second.client == who && counts(each.second); });
    });
}

}  // namespace p2pdist::sim
