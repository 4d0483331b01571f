#include "link_ledger.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist::client_room {
namespace {
constexpr duration report_interval = std::chrono::seconds(30);
}

link_ledger::link_ledger(node& shared, membership& member, office_view& offices)
    : member_(&member), offices_(&offices), random_bytes_(shared.random_bytes), requests_(shared), boot_(random_bytes_->u64()) {}

void link_ledger::note_time(time_point now) { next_ = std::min(next_, now + report_interval); }

void link_ledger::received(const content_key& content, std::uint64_t count) {
    if (count == 0) return;   // it may never be downloaded: nothing would be forgotten of it
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

void link_ledger::start_anew() {
    boot_ = random_bytes_->u64();
    reports_ = 0;
}

void link_ledger::on_timer(time_point now) {
    if (next_ > now) return;
    next_ = never;
    flush(now);
}

/// One report at a time, since the server counts them by their number.
void link_ledger::flush(time_point now) {
    if (!sending_ && unreported_.empty()) return;
    if (!member_->registered()) {
        next_ = now + report_interval;
        return;
    }
    if (sending_) return send(now);
    auto due = unreported_.extract(unreported_.begin());
    auto& report = sending_.emplace();
    report.content = due.key().first;
    report.child_office = due.key().second;
    (report.child_office.empty() ? report.bytes_in_from_parent : report.bytes_out_to_child) = due.mapped();
    report.boot = boot_;
    report.number = ++reports_;
    send(now);
}

void link_ledger::send(time_point now) {
    if (under_way_) return;
    under_way_ = true;
    requests_.ask(now, member_->server(), *sending_, [this](time_point at, const answer& got) {
        under_way_ = false;
        if (!got.settled()) {
            next_ = std::min(next_, at + report_interval);
            return;
        }
        sending_.reset();
        flush(at);
    });
}

}  // namespace p2pdist::client_room
