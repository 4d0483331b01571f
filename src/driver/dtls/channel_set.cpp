#include "dtls/channel_set.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

constexpr auto idle_max = std::chrono::minutes(10);          // a connector that went without a word
constexpr auto handshake_max = std::chrono::seconds(15);
constexpr auto idle_enough = std::chrono::minutes(1);        // to give its place to another
constexpr auto check_period = std::chrono::milliseconds(100);
constexpr auto handshake_enough = std::chrono::seconds(1);   // to give its place to another of the same host

/// Who can have as many addresses as it likes: an IPv4 address, or an IPv6 subnet.
ip_address host_of(const endpoint& from) {
    constexpr int subnet_bits = 64;
    return from.address.is_v4() ? from.address : subnet::of(from.address, subnet_bits).network();
}

}  // namespace

channel_set::channel_set(const asio::any_io_executor& executor, const secret_key& psk, const secret_key& cookie_key, channel_handlers handlers)
    : timer_(executor), psk_(psk), cookie_key_(cookie_key), listener_(std::make_unique<dtls_listener>(psk, cookie_key)), handlers_(std::move(handlers)) {}

void channel_set::on_datagram(const endpoint& from, byte_span datagram) {
    const auto now = std::chrono::steady_clock::now();
    const auto found = pairs_.find(from);
    if (found != pairs_.end()) {
        auto& known = found->second;
        // Another handshake than the one under way: that one may be of a connector that ended, or had a wrong key, and gets no further.
        const auto is_of = [random = dtls_client_random(datagram)](const channel& which) { return which.association && which.hello_random == random; };
        const bool handshake_restarts = is_dtls_client_hello(datagram) && !is_of(known.current) && !is_of(known.next);
        if (!handshake_restarts) {
            // While a new association is being made the old one still gets its records: each drops what is not its own.
            known.current.last_heard = now;
            known.current.association->on_datagram(datagram);
            if (known.next.association) known.next.association->on_datagram(datagram);
            settle(from);
            return;
        }
    }
    auto heard = listener_->on_datagram(from, datagram, now);
    for (auto& answer : heard.datagrams) handlers_.send(from, std::move(answer));
    if (!heard.association) return;
    if (found == pairs_.end() && !make_room(from, now)) return;
    auto& entry = pairs_[from];
    auto& slot = entry.current.announced ? entry.next : entry.current;
    slot = {std::move(heard.association), channel_id{++last_id_}, false, now, now, dtls_client_random(datagram)};
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

/// After anything happened to a pair: sends what its associations have to say, announces, replaces, ends.
void channel_set::settle(const endpoint& from) {
    using state = dtls_association::state;
    auto& entry = pairs_.at(from);
    if (entry.next.association) {
        drive(from, entry.next);
        if (entry.next.association->status() == state::open) {
            if (entry.current.announced) handlers_.closed(entry.current.id);
            entry.current = std::move(entry.next);
            entry.next = {};
        } else if (entry.next.association->status() != state::handshaking) {
            entry.next = {};
        }
    }
    auto& current = entry.current;
    drive(from, current);
    if (current.association->status() == state::open && !current.announced) {
        current.announced = true;
        handlers_.opened(current.id, from, current.association->exporter());
    }
    const auto id = current.id;
    const bool announced = current.announced;
    const bool over = current.association->status() == state::closed || current.association->status() == state::failed;
    for (const auto& record : current.association->take_records()) handlers_.record(id, record);
    if (!over) return;
    pairs_.erase(from);
    if (announced) handlers_.closed(id);
}

void channel_set::arm() {
    timer_.expires_after(check_period);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](std::error_code failure) {
        if (!failure && !alive.expired()) on_timer();
    });
}

void channel_set::on_timer() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<endpoint> all;
    for (const auto& [from, entry] : pairs_) all.push_back(from);
    for (const auto& from : all) {
        auto& entry = pairs_.at(from);
        for (auto* which : {&entry.current, &entry.next}) {
            if (!which->association) continue;
            const auto left = which->association->retransmit_in();
            if (left && left->count() <= 0) which->association->retransmit();
            drive(from, *which);
        }
        if (entry.next.association && now - entry.next.began > handshake_max) entry.next = {};
        const bool open = entry.current.association->status() == dtls_association::state::open;
        if (open ? now - entry.current.last_heard > idle_max : now - entry.current.began > handshake_max) {
            drop(pairs_.find(from));
        } else {
            settle(from);
        }
    }
    if (!pairs_.empty()) arm();
}

/// Whether there is room for one more. Handshakes go first, since whoever has no key can begin them; an open channel goes only if it
/// was silent for a while. No host may fill the table with handshakes: its newest takes the place of its oldest.
bool channel_set::make_room(const endpoint& newcomer, std::chrono::steady_clock::time_point now) {
    const auto host = host_of(newcomer);
    std::size_t count = 0;
    auto oldest = pairs_.end();
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
        if (it->second.current.announced || host_of(it->first) != host) continue;
        ++count;
        if (oldest == pairs_.end() || it->second.current.began < oldest->second.current.began) oldest = it;
    }
    if (count >= limits::server_channel_handshakes_of_host_max) {
        if (now - oldest->second.current.began < handshake_enough) return false;
        drop(oldest);
    }
    if (pairs_.size() < limits::server_channels_max) return true;
    const auto rank = [](const auto& item) { return std::pair(item.second.current.announced, item.second.current.last_heard); };
    const auto least = std::ranges::min_element(pairs_, {}, rank);
    if (least->second.current.announced && now - least->second.current.last_heard <= idle_enough) return false;
    drop(least);
    return true;
}

void channel_set::drop(std::map<endpoint, pair>::iterator which) {
    const auto id = which->second.current.id;
    const bool announced = which->second.current.announced;
    pairs_.erase(which);
    if (announced) handlers_.closed(id);
}

}  // namespace p2pdist
