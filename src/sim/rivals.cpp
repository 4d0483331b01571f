#include "rivals.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chance.hpp"
#include "queue_discipline.hpp"

namespace p2pdist::sim {
namespace {

constexpr std::uint64_t headers = 52;         // IPv4, TCP and its timestamps
constexpr std::uint64_t hello_bytes = 60, request_bytes = headers + 400;
constexpr duration hello_again = std::chrono::seconds(1);
constexpr double page_shape = 1.5, page_cut = 50;
constexpr std::string_view rival_names[] = {"cubic", "reno", "bbr", "bbr3", "web", "constant", "on_off"};   // as rival_kind has them
constexpr unsigned event_bits = 4, slot_bits = 28;

bool is_tcp(rival_kind kind) { return kind != rival_kind::constant && kind != rival_kind::on_off; }

void merge(rival_report& into, const rival_report& more) {
    into.sent_packets += more.sent_packets;
    into.resent_packets += more.resent_packets;
    into.lost_packets += more.lost_packets;
    into.congestion_events += more.congestion_events;
    into.timeouts += more.timeouts;
    into.delays += more.delays;
    into.delay_sum += more.delay_sum;
    into.delay_min = std::min(into.delay_min, more.delay_min);
    into.delay_max = std::max(into.delay_max, more.delay_max);
}

}  // namespace

std::string_view to_string(rival_kind kind) noexcept { return rival_names[static_cast<std::size_t>(kind)]; }

std::optional<rival_kind> parse_rival_kind(std::string_view text) noexcept {
    const auto found = std::find(std::begin(rival_names), std::end(rival_names), text);
    return found == std::end(rival_names) ? std::nullopt : std::optional(static_cast<rival_kind>(found - std::begin(rival_names)));
}

void rivals::schedule(time_point when, event what, std::size_t which, std::uint32_t life) {
    queue_.at(when, *this, std::uint64_t{life} << (event_bits + slot_bits) | std::uint64_t{which} << event_bits | what);
}

rival_index rivals::add(const rival_options& what, std::uint32_t from, std::uint32_t to) {
    const auto which = actors_.size();
    actors_.push_back({what, from, to, random_source(what.seed ^ 0x726976616c), {}, false, 0, 0, {}});
    schedule(queue_.now() + what.starts, begin, which);
    if (what.stops) schedule(queue_.now() + *what.stops, end, which);
    return {which};
}

void rivals::on_event(time_point now, std::uint64_t what) {
    const auto which = static_cast<std::size_t>(what >> event_bits & ((std::uint64_t{1} << slot_bits) - 1));
    switch (static_cast<event>(what & ((1U << event_bits) - 1))) {
        case begin: return begin_actor(now, which);
        case end: return stop({which});
        case next_datagram: return send_datagram(now, which);
        case next_page: return open_page(now, which);
        case timer:
            if (connections_[which].open && connections_[which].life == what >> (event_bits + slot_bits)) on_timer(now, which);
    }
}

void rivals::begin_actor(time_point now, std::size_t which) {
    auto& who = actors_[which];
    who.running = true;
    if (who.options.kind == rival_kind::web) {
        const auto gap = std::chrono::duration_cast<duration>(
            std::chrono::duration<double>(who.options.page_bytes / (who.options.megabits_per_second * 125'000)));
        schedule(now + exponential(gap, who.random), next_page, which);
    } else if (is_tcp(who.options.kind)) {
        open(now, which, who.options.bytes, std::nullopt);
    } else {
        if (who.options.kind == rival_kind::on_off) who.on_until = now + exponential(who.options.on, who.random);
        send_datagram(now, which);
    }
}

void rivals::stop(rival_index which) {
    actors_[which.value].running = false;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i].open && connections_[i].owner == which.value) close(queue_.now(), i);
    }
}

void rivals::send_datagram(time_point now, std::size_t which) {
    auto& who = actors_[which];
    if (!who.running) return;
    rival_packet packet;
    packet.slot = static_cast<std::uint32_t>(which);
    packet.number = who.next_number++;
    packet.sent = now;
    ++who.report.sent_packets;
    const auto bits = static_cast<double>(who.options.packet_bytes) * 8;
    auto next = now + duration(static_cast<duration::rep>(bits * 1000 / who.options.megabits_per_second));
    if (who.options.kind == rival_kind::on_off && next > who.on_until) {
        next += exponential(who.options.off, who.random);
        who.on_until = next + exponential(who.options.on, who.random);
    }
    schedule(next, next_datagram, which);
    carry_({who.from, who.to, who.options.packet_bytes, 0, random_source(which)(), packet});
}

void rivals::open_page(time_point now, std::size_t which) {
    auto& who = actors_[which];
    if (!who.running) return;
    const auto& options = who.options;
    const auto least = options.page_bytes * (page_shape - 1) / page_shape;
    const auto size = std::min(page_cut * options.page_bytes, least * std::pow(1 - who.random.unit(), -1 / page_shape));
    if (free_pages_.empty()) {
        free_pages_.push_back(pages_.size());
        pages_.emplace_back();
    }
    const auto number = free_pages_.back();
    free_pages_.pop_back();
    pages_[number] = {which, now, options.flows_per_page};
    const auto gap = std::chrono::duration_cast<duration>(std::chrono::duration<double>(options.page_bytes / (options.megabits_per_second * 125'000)));
    schedule(now + exponential(gap, who.random), next_page, which);
    // A break of the whole into as many parts: exponential ones, put to scale.
    std::vector<double> parts(static_cast<std::size_t>(std::max(1, options.flows_per_page)));
    double sum = 0;
    for (auto& each : parts) sum += each = 0.05 - std::log(1 - who.random.unit());
    for (const auto each : parts) open(now, which, static_cast<std::uint64_t>(size * each / sum) + 1, number);
}

void rivals::open(time_point now, std::size_t owner, std::uint64_t bytes, std::optional<std::size_t> of_page) {
    if (free_connections_.empty()) {
        free_connections_.push_back(connections_.size());
        connections_.emplace_back();
    }
    const auto slot = free_connections_.back();
    free_connections_.pop_back();
    const auto life = connections_[slot].life;
    connections_[slot] = {};
    auto& made = connections_[slot];
    made.owner = owner;
    made.of_page = of_page;
    made.life = life;
    made.open = true;
    const auto payload = actors_[owner].options.packet_bytes - headers;
    made.segments = bytes == UINT64_MAX ? UINT64_MAX : (bytes + payload - 1) / payload;
    ++actors_[owner].report.open_flows;
    greet(now, slot);
}

void rivals::close(time_point now, std::size_t slot) {
    auto& gone = connections_[slot];
    auto& who = actors_[gone.owner];
    if (gone.sender) merge(who.report, gone.sender->report());
    --who.report.open_flows;
    gone.open = false;
    ++gone.life;
    free_connections_.push_back(slot);
    if (!gone.of_page) return;
    auto& of = pages_[*gone.of_page];
    if (--of.open > 0) return;
    free_pages_.push_back(*gone.of_page);
    if (!who.running) return;
    ++who.report.pages;
    who.report.page_time_sum += now - of.began;
    who.report.page_time_max = std::max(who.report.page_time_max, now - of.began);
}

void rivals::send(bool forward, std::size_t slot, std::uint64_t ip_bytes, std::uint8_t ecn, rival_packet packet) {
    const auto& who = actors_[connections_[slot].owner];
    packet.slot = static_cast<std::uint32_t>(slot);
    packet.life = connections_[slot].life;
    packet.sent = queue_.now();
    const auto flow = random_source(std::uint64_t{packet.life} << 33 | std::uint64_t{packet.slot} << 1 | forward)();
    carry_({forward ? who.from : who.to, forward ? who.to : who.from, ip_bytes, ecn, flow, packet});
}

/// The one who wants the bytes begins.
void rivals::greet(time_point now, std::size_t slot) {
    connections_[slot].hello_due = now + hello_again;
    rival_packet packet;
    packet.what = rival_packet::kind::hello;
    send(false, slot, hello_bytes, 0, packet);
    arm(slot);
}

void rivals::arrive(time_point now, const rival_packet& what, std::uint8_t ecn) {
    if (what.what == rival_packet::kind::datagram) return take_datagram(now, what);
    const std::size_t slot = what.slot;
    auto& to = connections_[slot];
    if (!to.open || to.life != what.life) return;
    switch (what.what) {
        case rival_packet::kind::hello: {
            to.answered_at = now;
            rival_packet answer;
            answer.what = rival_packet::kind::hello_answer;
            return send(true, slot, hello_bytes, 0, answer);
        }
        case rival_packet::kind::hello_answer: {
            rival_packet request;
            request.what = rival_packet::kind::request;
            return send(false, slot, request_bytes, 0, request);
        }
        case rival_packet::kind::request: return serve(now, slot);
        case rival_packet::kind::data: return take_data(now, what, ecn);
        case rival_packet::kind::acknowledgement:
            if (!to.sender) return;
            to.sender->on_ack(now, what.ack);
            if (to.sender->done()) return close(now, slot);
            return pump(now, slot);
        case rival_packet::kind::datagram: return;
    }
}

void rivals::serve(time_point now, std::size_t slot) {
    auto& from = connections_[slot];
    if (from.sender) return;
    const auto& options = actors_[from.owner].options;
    from.sender.emplace(make_law(options.kind, options.packet_bytes, options.seed + slot));
    from.sender->on_first_rtt(now, now - from.answered_at);
    from.sender->add(from.segments);
    pump(now, slot);
}

void rivals::pump(time_point now, std::size_t slot) {
    const auto& options = actors_[connections_[slot].owner].options;
    while (const auto number = connections_[slot].sender->next(now)) {
        rival_packet packet;
        packet.what = rival_packet::kind::data;
        packet.number = *number;
        send(true, slot, options.packet_bytes, options.ecn ? ect0 : 0, packet);
    }
    arm(slot);
}

void rivals::take_data(time_point now, const rival_packet& what, std::uint8_t ecn) {
    auto& to = connections_[what.slot];
    auto& who = actors_[to.owner];
    to.hello_due = never;
    const auto before = to.receiver.distinct();
    const auto ack = to.receiver.on_segment(now, what.number, ecn == congestion_experienced);
    who.report.delivered_bytes += (to.receiver.distinct() - before) * who.options.packet_bytes;
    if (ack) acknowledge(now, what.slot, *ack);
    arm(what.slot);
}

void rivals::acknowledge(time_point, std::size_t slot, const tcp_ack& ack) {
    rival_packet packet;
    packet.what = rival_packet::kind::acknowledgement;
    packet.ack = ack;
    send(false, slot, headers + (ack.selective_count > 0 ? 4 + 8 * std::uint64_t{ack.selective_count} : 0), 0, packet);
}

void rivals::take_datagram(time_point now, const rival_packet& what) {
    auto& who = actors_[what.slot];
    auto& report = who.report;
    report.delivered_bytes += who.options.packet_bytes;
    if (what.number >= who.expected) {
        report.lost_packets += what.number - who.expected;
        who.expected = what.number + 1;
    } else if (report.lost_packets > 0) {
        --report.lost_packets;
    }
    const auto delay = now - what.sent;
    ++report.delays;
    report.delay_sum += delay;
    report.delay_min = std::min(report.delay_min, delay);
    report.delay_max = std::max(report.delay_max, delay);
}

void rivals::on_timer(time_point now, std::size_t slot) {
    auto& which = connections_[slot];
    if (which.armed_for > now) return;   // an earlier one came since
    which.armed_for = never;
    if (which.hello_due <= now) return greet(now, slot);
    if (const auto ack = which.receiver.on_timer(now)) acknowledge(now, slot, *ack);
    if (!which.sender) return arm(slot);
    which.sender->on_timer(now);
    pump(now, slot);
}

/// One event is under way for the earliest deadline; where that has moved away, it arms the next.
void rivals::arm(std::size_t slot) {
    auto& which = connections_[slot];
    auto when = std::min(which.hello_due, which.receiver.deadline());
    if (which.sender) when = std::min(when, which.sender->deadline());
    if (when >= which.armed_for || when == never) return;
    which.armed_for = when;
    schedule(when, timer, slot, which.life);
}

rival_report rivals::report(rival_index which) const {
    auto out = actors_[which.value].report;
    for (const auto& each : connections_) {
        if (!each.open || each.owner != which.value || !each.sender) continue;
        merge(out, each.sender->report());
        out.window += each.sender->window();
    }
    return out;
}

}  // namespace p2pdist::sim
