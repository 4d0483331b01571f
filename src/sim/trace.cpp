#include "p2pdist/sim/trace.hpp"

#include <bit>
#include <cstdio>
#include <cstring>
#include <string>

namespace p2pdist::sim {
namespace {

std::string time_text(time_point at) {
    const auto ns = at.time_since_epoch().count();
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(ns / 1'000'000'000), static_cast<long long>(ns % 1'000'000'000));
    return text;
}

std::uint64_t word_of(const endpoint& value) {
    return value.address.is_v4() ? std::uint64_t{value.address.v4_value()} << 16 | value.port : std::hash<endpoint>{}(value);
}

}  // namespace

void trace::mix(std::uint64_t word) noexcept { hash_ = std::rotl((hash_ ^ word) * 0x9fb21c651e98df25, 29); }

void trace::mix(byte_span data) noexcept {
    std::size_t at = 0;
    for (; at + 8 <= data.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data() + at, 8);
        mix(word);
    }
    std::uint64_t tail = data.size();
    for (; at < data.size(); ++at) tail = tail << 8 | data[at];
    mix(tail);
}

void trace::add(const datagram_note& note) {
    ++entries_;
    mix(static_cast<std::uint64_t>(note.at.time_since_epoch().count()) << 2 | static_cast<std::uint64_t>(note.what));
    mix(word_of(note.from));
    mix(word_of(note.to));
    mix(note.payload_bytes);
    mix(note.header);
    if (note.what == datagram_note::kind::dropped) mix(as_bytes(note.why));
    if (!sink_) return;
    static constexpr const char* names[] = {"send", "deliver", "drop"};
    std::string text = time_text(note.at) + ' ' + names[static_cast<std::size_t>(note.what)] + ' ' + note.from.to_string() + " > " +
                       note.to.to_string() + ' ' + std::to_string(note.payload_bytes) + ' ' + to_hex(note.header);
    if (note.what == datagram_note::kind::dropped) text.append(" at ").append(note.where).append(": ").append(note.why);
    sink_(text);
}

void trace::add(time_point at, std::string_view who, std::string_view what) {
    ++entries_;
    mix(static_cast<std::uint64_t>(at.time_since_epoch().count()) << 2 | 3);
    mix(as_bytes(who));
    mix(as_bytes(what));
    if (sink_) sink_(time_text(at).append(" event ").append(who).append(" ").append(what));
}

}  // namespace p2pdist::sim
