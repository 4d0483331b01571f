#include "p2pdist/sim/trace.hpp"

#include <cstdio>
#include <string>

#include "p2pdist/wire/frame.hpp"
#include "word_mixer.hpp"

namespace p2pdist::sim {
namespace {

std::string time_text(time_point at) {
    const auto ns = at.time_since_epoch().count();
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(ns / 1'000'000'000), static_cast<long long>(ns % 1'000'000'000));
    return text;
}

/// What a datagram is, as far as its header tells anybody.
std::string kind_of(byte_span header) {
    const auto type = frame_type_of(header);
    if (!type) return to_hex(header);
    switch (*type) {
        case frame_type::message: return "message";
        case frame_type::flow_control: return "flow_control";
        case frame_type::session_hello: return "session_hello";
        case frame_type::session_welcome: return "session_welcome";
        case frame_type::session_unknown: return "session_unknown";
        case frame_type::version_refused: return "version_refused";
        case frame_type::broadcast_request: return "broadcast_request";
        case frame_type::broadcast_answer: return "broadcast_answer";
        case frame_type::enrol_hello: return "enrol_hello";
        case frame_type::enrol_answer: return "enrol_answer";
        case frame_type::enrol_request: return "enrol_request";
        case frame_type::enrol_grant: return "enrol_grant";
        case frame_type::session_cookie: return "session_cookie";
        case frame_type::session_moved: return "session_moved";
        case frame_type::data:
        case frame_type::data_strict: break;
    }
    const auto data = decode_data_header(header);
    std::string out = *type == frame_type::data ? "data" : "data_strict";
    if (data) out += " flow " + std::to_string(data->token) + " packet " + std::to_string(data->packet_number) + " offset " + std::to_string(data->offset);
    return out;
}

std::uint64_t word_of(const endpoint& value) {
    return value.address.is_v4() ? std::uint64_t{value.address.v4_value()} << 16 | value.port : std::hash<endpoint>{}(value);
}

}  // namespace

void trace::mix(std::uint64_t word) noexcept {
    word_mixer over(hash_);
    over.add(word);
    hash_ = over.state();
}

void trace::mix(byte_span data) noexcept {
    word_mixer over(hash_);
    over.add(data);
    hash_ = over.state();
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
                       note.to.to_string() + ' ' + std::to_string(note.payload_bytes) + ' ' + kind_of(note.header);
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

void trace::remark(time_point at, std::string_view who, std::string_view what) {
    if (sink_) sink_(time_text(at).append(" log ").append(who).append(" ").append(what));
}

}  // namespace p2pdist::sim
