#pragma once
// The tools of the codec: one pair of overloads for every struct,
//   void to_pb(const STRUCT&, pb::STRUCT&)   writes all fields (the pb message is empty before),
//   bool from_pb(const pb::STRUCT&, STRUCT&) reads and judges; false: malformed.
// They live beside the generated classes, where argument-dependent lookup finds them. Private to this room: protobuf is seen
// nowhere else.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <google/protobuf/arena.h>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/wire/port_plan.hpp"
#include "words.pb.h"

namespace p2pdist::pb {

// ---- plain values

/// Signed numbers near zero become small unsigned ones, modulo 2^64.
[[nodiscard]] constexpr std::uint64_t zigzag(std::uint64_t two_complement) noexcept {
    return (two_complement << 1) ^ (two_complement >> 63 ? ~std::uint64_t{0} : 0);
}
[[nodiscard]] constexpr std::uint64_t unzigzag(std::uint64_t coded) noexcept {
    return (coded >> 1) ^ (coded & 1 ? ~std::uint64_t{0} : 0);
}

/// `from` as a smaller integer; false where it does not fit.
template <class Small, class Wide>
[[nodiscard]] bool narrow(Wide from, Small& to) noexcept {
    to = static_cast<Small>(from);
    return std::in_range<Small>(from);
}

/// An enumeration whose values are contiguous from `First` to `Last`.
template <class Enum>
[[nodiscard]] bool enum_from(std::uint32_t from, Enum& to, Enum first, Enum last) noexcept {
    to = static_cast<Enum>(from);
    return from >= static_cast<std::uint32_t>(first) && from <= static_cast<std::uint32_t>(last);
}
/// A code that a newer program invented reads as errc::refused, since its sentence still says what happened.
[[nodiscard]] inline errc errc_from(std::uint32_t from) noexcept {
    auto code = errc::refused;
    return enum_from(from, code, errc::invalid_argument, errc::revoked) ? code : errc::refused;
}

inline void bytes_to(byte_span from, std::string& to) { to.assign(as_text(from)); }
[[nodiscard]] inline bool bytes_from(const std::string& from, bytes& to, std::size_t size_max) {
    if (from.size() > size_max) return false;
    to = to_bytes(as_bytes(from));
    return true;
}
template <std::size_t Size>
[[nodiscard]] bool bytes_from(const std::string& from, std::array<std::uint8_t, Size>& to) noexcept {
    if (from.size() != Size) return false;
    std::copy(from.begin(), from.end(), to.begin());
    return true;
}

/// Text that is too long is cut at a character and foreign encodings become '?', so that no sentence of ours (which may quote
/// somebody's file or host name) makes a message unreadable.
void text_to(const std::string& from, std::string& to, std::size_t size_max = limits::message_text_bytes_max);
/// Text ends in logs and on terminals, so control characters of a peer don't pass: line ends and tabulators become spaces, others '?'.
[[nodiscard]] bool text_from(const std::string& from, std::string& to, std::size_t size_max = limits::message_text_bytes_max);
/// Text that a program reads: as it is.
[[nodiscard]] bool document_from(const std::string& from, std::string& to, std::size_t size_max);

/// A name: like text, of message_name_bytes_max.
inline void name_to(const std::string& from, std::string& to) { text_to(from, to, limits::message_name_bytes_max); }
[[nodiscard]] inline bool name_from(const std::string& from, std::string& to) { return text_from(from, to, limits::message_name_bytes_max); }

void address_to(const ip_address& from, std::string& to);
[[nodiscard]] bool address_from(const std::string& from, ip_address& to);

[[nodiscard]] bool content_id_from(const std::string& from, content_id& to);

// ---- words

void to_pb(const content_key& from, pb::ContentKey& to);
[[nodiscard]] bool from_pb(const pb::ContentKey& from, content_key& to);
void to_pb(const content_info& from, pb::ContentInfo& to);
[[nodiscard]] bool from_pb(const pb::ContentInfo& from, content_info& to);

/// Structs without a field.
template <class Struct, class Pb>
    requires std::is_empty_v<Struct>
void to_pb(const Struct&, Pb&) {}
template <class Pb, class Struct>
    requires std::is_empty_v<Struct>
[[nodiscard]] bool from_pb(const Pb&, Struct&) { return true; }

// ---- lists and bytes

template <class Struct, class PbList>
void list_to(const std::vector<Struct>& from, PbList& to, std::size_t count_max = limits::message_rows_max) {
    const auto count = std::min(from.size(), count_max);
    to.Reserve(static_cast<int>(count));
    for (std::size_t i = 0; i < count; ++i) to_pb(from[i], *to.Add());
}
template <class PbList, class Struct>
[[nodiscard]] bool list_from(const PbList& from, std::vector<Struct>& to, std::size_t count_max = limits::message_rows_max) {
    if (static_cast<std::size_t>(from.size()) > count_max) return false;
    to.resize(static_cast<std::size_t>(from.size()));
    auto out = to.begin();
    return std::all_of(from.begin(), from.end(), [&out](const auto& entry) { return from_pb(entry, *out++); });
}

/// A message with all that hangs on it in one arena. protobuf's own destructors trip over what a failed allocation leaves half made; an
/// arena lets go of its blocks whatever is in them. For the same reason strings are assigned to (mutable_x), never set (set_x).
template <class Pb>
class in_arena {
public:
    in_arena() : arena_(room_.data(), room_.size()), value_(google::protobuf::Arena::CreateMessage<Pb>(&arena_)) {}

    [[nodiscard]] Pb& operator*() noexcept { return *value_; }

private:
    alignas(std::max_align_t) std::array<char, 4096> room_;   // most messages need no more
    google::protobuf::Arena arena_;
    Pb* value_;
};

template <class Pb>
[[nodiscard]] bytes serialise(const Pb& from) {
    bytes out(from.ByteSizeLong());
    from.SerializeWithCachedSizesToArray(out.data());
    return out;
}
template <class Pb>
[[nodiscard]] bool parse(byte_span data, Pb& to) {
    return data.size() <= std::size_t{std::numeric_limits<int>::max()} && to.ParseFromArray(data.data(), static_cast<int>(data.size()));
}

}  // namespace p2pdist::pb
