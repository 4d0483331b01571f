#include "dtls/channel_set.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

constexpr auto idle_max = std::chrono::minutes(10);          // a connector that went without a word
constexpr auto handshake_max = std::chrono::seconds(15);
constexpr auto idle_enough = std::chrono::minutes(1);        // to give its place to another
constexpr auto check_period = std::chrono::milliseconds(100);
constexpr auto handshake_enough = std::chrono::seconds(1);   // without a step, to give its place to another of its pair or host

constexpr std::size_t handshakes_of_network_max = limits::server_channels_max / 2;   // of an IPv4 /24 or an IPv6 /48

/// Who can have as many addresses as it likes: an IPv4 address, or an IPv6 subnet.
ip_address host_of(const endpoint& from) {
    constexpr int subnet_bits = 64;
    return from.address.is_v4() ? from.address : subnet::of(from.address, subnet_bits).network();
}

ip_address network_of(const endpoint& from) {
    constexpr int v4_bits = 24, v6_bits = 48;
    return subnet::of(from.address, from.address.is_v4() ? v4_bits : v6_bits).network();
}

}  // namespace

channel_set::channel_set(const asio::any_io_executor& executor, const secret_key& psk, const secret_key& cookie_key, channel_handlers handlers,
                         std::function<clock::time_point()> now)
    : timer_(executor), psk_(psk), cookie_key_(cookie_key), listener_(std::make_unique<dtls_listener>(psk, cookie_key)),
      handlers_(std::move(handlers)), now_(std::move(now)) {}

void channel_set::on_datagram(const endpoint& from, byte_span datagram) {
    const auto now = now_();
    const auto found = pairs_.find(from);
    if (found != pairs_.end()) {
        auto& known = found->second;
        if (!is_dtls_client_hello(datagram)) {
            // While a new association is being made the old one still gets its records: each drops what is not its own.
            for (auto* which : {&known.current, &known.next}) {
                if (!which->association) continue;
                const bool answered = which->association->key_exchanged();
                which->association->on_datagram(datagram);
                if (!answered && which->association->key_exchanged()) which->advanced = now;
            }
            return settle(from);
        }
        // Another handshake than the one under way: that one may be of a connector that ended, or had a wrong key, and gets no further. The
        // hello of one of ours comes again where an answer got lost, which its timer repeats.
        const auto random = dtls_client_random(datagram);
        const auto is_of = [&](const channel& which) { return which.association && which.hello_random == random; };
        if (is_of(known.current) || is_of(known.next)) return;
    }
    auto heard = listener_->on_datagram(from, datagram, now, [&] { return make_room(from, now); });
    for (auto& answer : heard.datagrams) handlers_.send(from, std::move(answer));
    if (!heard.association) return;
    auto& entry = pairs_[from];
    auto& slot = entry.current.announced ? entry.next : entry.current;
    slot = {std::move(heard.association), channel_id{++last_id_}, false, now, now, now, 0, dtls_client_random(datagram)};
    settle(from);
    arm();
}

void channel_set::send(channel_id id, byte_span record) {
    for (auto& [from, entry] : pairs_) {
        if (entry.current.id != id) continue;
        entry.current.association->send(record);
        return drive(from, entry.current);
    }
}

void channel_set::close(channel_id id) {
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
        if (it->second.current.id != id) continue;
        it->second.current.association->close();
        drive(it->first, it->second.current);
        pairs_.erase(it);
        return;
    }
}

void channel_set::set_key(const secret_key& psk) {
    psk_ = psk;
    listener_ = std::make_unique<dtls_listener>(psk_, cookie_key_);
    for (auto& [from, entry] : std::exchange(pairs_, {})) {
        entry.current.association->close();
        drive(from, entry.current);
        if (entry.current.announced) handlers_.closed(entry.current.id);
    }
}

void channel_set::stop() {
    timer_.cancel();
    for (auto& [from, entry] : pairs_) {
        entry.current.association->close();
        for (auto& datagram : entry.current.association->take_datagrams()) handlers_.send(from, std::move(datagram));
    }
    pairs_.clear();
}

void channel_set::drive(const endpoint& from, channel& which) {
    for (auto& datagram : which.association->take_datagrams()) handlers_.send(from, std::move(datagram));
}

/// After anything happened to a pair: sends what its associations have to say, announces, replaces, ends. A handshake that failed keeps
/// its place for as long as another would, or whoever lets his fail could begin them without end.
void channel_set::settle(const endpoint& from) {
    using state = dtls_association::state;
    const auto now = now_();
    const auto rests = [&](const channel& which) { return !which.announced && now - which.advanced < handshake_enough; };
    auto& entry = pairs_.at(from);
    if (entry.next.association) {
        drive(from, entry.next);
        if (entry.next.association->status() == state::open) {
            if (entry.current.announced) handlers_.closed(entry.current.id);
            entry.current = std::move(entry.next);
            entry.next = {};
        } else if (entry.next.association->status() != state::handshaking && !rests(entry.next)) {
            entry.next = {};
        }
    }
    auto& current = entry.current;
    drive(from, current);
    if (current.association->status() == state::open && !current.announced) {
        current.announced = true;
        current.last_heard = now;
        handlers_.opened(current.id, from, current.association->exporter());
    }
    const auto id = current.id;
    const bool announced = current.announced;
    const bool over = current.association->status() == state::closed || current.association->status() == state::failed;
    const auto records = current.association->take_records();
    if (!records.empty()) current.last_heard = now;
    for (const auto& record : records) handlers_.record(id, record);
    if (!over || rests(current)) return;
    pairs_.erase(from);
    if (announced) handlers_.closed(id);
}

/// Never put off by what comes meanwhile: whoever begins handshakes all the time would keep it from ever coming.
void channel_set::arm() {
    if (std::exchange(armed_, true)) return;
    timer_.expires_after(check_period);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](std::error_code failure) {
        if (alive.expired()) return;
        armed_ = false;
        if (!failure) check();
    });
}

void channel_set::check() {
    const auto now = now_();
    std::vector<endpoint> all;
    for (const auto& [from, entry] : pairs_) all.push_back(from);
    for (const auto& from : all) {
        auto& entry = pairs_.at(from);
        for (auto* which : {&entry.current, &entry.next}) {
            if (which->association) repeat_flight(from, *which);
        }
        const auto* const handshake = unfinished(entry);
        const bool unanswered = handshake && handshake->flight_repeats > limits::server_channel_flight_repeats_max;
        if (unanswered || (handshake && now - handshake->began > handshake_max)) {
            drop_unfinished(pairs_.find(from));
        } else if (entry.current.announced && now - entry.current.last_heard > idle_max) {
            drop(pairs_.find(from));
        } else {
            settle(from);
        }
    }
    if (!pairs_.empty()) arm();
}

/// Few times only: whoever showed a cookie hears what is sent to the address, and need not be who it is meant for.
void channel_set::repeat_flight(const endpoint& from, channel& which) {
    const auto left = which.association->retransmit_in();
    if (!left || left->count() > 0 || ++which.flight_repeats > limits::server_channel_flight_repeats_max) return;
    which.association->retransmit();
    drive(from, which);
}

channel_set::channel* channel_set::unfinished(pair& of) noexcept {
    auto& which = of.current.announced ? of.next : of.current;
    return which.association ? &which : nullptr;
}

/// Whether there is room for one more. Handshakes go first, since whoever has no key can begin them; an open channel goes only if it
/// was silent for a while. No pair, host or network may fill the table with handshakes, and nobody begin them without end: a new one takes
/// the place of one that makes no progress.
bool channel_set::make_room(const endpoint& newcomer, clock::time_point now) {
    const auto own = pairs_.find(newcomer);
    if (const auto* const before = own == pairs_.end() ? nullptr : unfinished(own->second)) return now - before->advanced >= handshake_enough;
    if (!make_room_among(now, limits::server_channel_handshakes_of_host_max, [host = host_of(newcomer)](const endpoint& from) { return host_of(from) == host; }) ||
        !make_room_among(now, handshakes_of_network_max, [network = network_of(newcomer)](const endpoint& from) { return network_of(from) == network; })) {
        return false;
    }
    if (own != pairs_.end() || pairs_.size() < limits::server_channels_max) return true;
    const auto rank = [](const auto& item) { return std::pair(item.second.current.announced, item.second.current.last_heard); };
    const auto least = std::ranges::min_element(pairs_, {}, rank);
    const auto& there = least->second.current;
    if (there.announced ? now - there.last_heard <= idle_enough : now - there.advanced < handshake_enough) return false;
    drop(least);
    return true;
}

/// Among those whose addresses fit, at most so many handshakes are under way.
bool channel_set::make_room_among(clock::time_point now, std::size_t most, const std::function<bool(const endpoint&)>& fits) {
    std::size_t count = 0;
    auto oldest = pairs_.end();
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
        const auto* const which = unfinished(it->second);
        if (!which || !fits(it->first)) continue;
        ++count;
        if (oldest == pairs_.end() || which->advanced < unfinished(oldest->second)->advanced) oldest = it;
    }
    if (count < most) return true;
    if (now - unfinished(oldest->second)->advanced < handshake_enough) return false;
    drop_unfinished(oldest);
    return true;
}

void channel_set::drop_unfinished(std::map<endpoint, pair>::iterator of) {
    if (of->second.current.announced) of->second.next = {};
    else drop(of);
}

void channel_set::drop(std::map<endpoint, pair>::iterator which) {
    const auto id = which->second.current.id;
    const bool announced = which->second.current.announced;
    pairs_.erase(which);
    if (announced) handlers_.closed(id);
}

}  // namespace p2pdist
