#include "link_ledger.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist::client_room {
namespace {
constexpr duration report_interval = std::chrono::seconds(30);
}

link_ledger::link_ledger(node& shared, membership& server, office_view& offices)
    : server_(&server), offices_(&offices), requests_(shared) {}

void link_ledger::note_time(time_point now) { next_ = std::min(next_, now + report_interval); }

void link_ledger::received(const content_key& content, std::uint64_t count) {
    auto& counted = received_[content];
    if (count <= counted) return;
    unreported_[{content, {}}] += count - counted;
    counted = count;
}

void link_ledger::received_all(time_point now, const content_key& content, std::uint64_t count) {
    received(content, count);
    received_.erase(content);
    next_ = std::min(next_, now);
}

void link_ledger::add_sent(const content_key& content, const ip_address& to, std::uint64_t count) {
    const auto child = offices_->child_towards(to);
    if (count != 0 && !child.empty()) unreported_[{content, child}] += count;
}

void link_ledger::sent_all(time_point now, const upload_ended& upload) {
    if (upload.protocol != transfer_protocol::background) return;
    add_sent(upload.content, upload.to.address, upload.sent_bytes);
    next_ = std::min(next_, now);
}

void link_ledger::on_timer(time_point now) {
    if (next_ > now) return;
    next_ = never;
    flush(now);
}

void link_ledger::flush(time_point now) {
    if (!server_->registered()) {
        if (!unreported_.empty()) next_ = now + report_interval;
        return;
    }
    const auto lines = std::exchange(unreported_, {});
    for (const auto& [where, count] : lines) {
        link_report report;
        report.content = where.first;
        if (where.second.empty()) {
            report.bytes_in_from_parent = count;
        } else {
            report.bytes_out_to_child = count;
            report.child_office = where.second;
        }
        requests_.ask(now, server_->server(), report, [this, where = where, count = count](time_point at, const answer& got) {
            if (got.reached) return;
            unreported_[where] += count;
            next_ = std::min(next_, at + report_interval);
        });
    }
}

}  // namespace p2pdist::client_room
