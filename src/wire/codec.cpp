#include "codec.hpp"

namespace p2pdist::pb {

void text_to(const std::string& from, std::string& to, std::size_t size_max) {
    auto size = std::min(from.size(), size_max);
    while (size < from.size() && size > 0 && (static_cast<unsigned char>(from[size]) & 0xc0) == 0x80) --size;
    to.assign(from, 0, size);
    if (is_utf8(to)) return;
    for (auto& character : to) {
        if (static_cast<unsigned char>(character) >= 0x80) character = '?';
    }
}

bool document_from(const std::string& from, std::string& to, std::size_t size_max) {
    if (from.size() > size_max || !is_utf8(from)) return false;
    to = from;
    return true;
}

bool text_from(const std::string& from, std::string& to, std::size_t size_max) {
    if (!document_from(from, to, size_max)) return false;
    const auto byte = [&to](std::size_t at) { return static_cast<unsigned char>(to[at]); };
    for (std::size_t at = 0; at < to.size(); ++at) {
        if (byte(at) == '\t' || byte(at) == '\n' || byte(at) == '\r') {
            to[at] = ' ';
        } else if (byte(at) < 0x20 || byte(at) == 0x7f) {
            to[at] = '?';
        } else if (byte(at) == 0xc2 && byte(at + 1) < 0xa0) {  // U+0080 to U+009F; UTF-8 holds a second byte
            to.replace(at, 2, 1, '?');
        }
    }
    return true;
}

void address_to(const ip_address& from, std::string& to) { bytes_to(from.network_bytes(), to); }

bool address_from(const std::string& from, ip_address& to) {
    if (from.size() == 4) {
        byte_reader reader(as_bytes(from));
        to = ip_address::v4(reader.u32());
        return true;
    }
    std::array<std::uint8_t, 16> value{};
    if (!bytes_from(from, value)) return false;
    to = ip_address::v6(value);
    return true;
}

bool content_id_from(const std::string& from, content_id& to) {
    auto id = content_id::parse(from);
    if (!id) return false;
    to = *std::move(id);
    return true;
}

void to_pb(const content_key& from, pb::ContentKey& to) {
    *to.mutable_id() = from.id.text();
    to.set_hash_kind(static_cast<std::uint32_t>(from.hash.kind));
    bytes_to(from.hash.value, *to.mutable_hash());
}

bool from_pb(const pb::ContentKey& from, content_key& to) {
    return content_id_from(from.id(), to.id) && enum_from(from.hash_kind(), to.hash.kind, hash_kind::sha256_tree, hash_kind::sha256) &&
           bytes_from(from.hash(), to.hash.value);
}

void to_pb(const content_info& from, pb::ContentInfo& to) {
    to_pb(from.key(), *to.mutable_key());
    to.set_size_bytes(from.size_bytes);
}

bool from_pb(const pb::ContentInfo& from, content_info& to) {
    content_key key;
    if (!from_pb(from.key(), key) || from.size_bytes() > limits::content_bytes_max) return false;
    to.id = std::move(key.id);
    to.hash = key.hash;
    to.size_bytes = from.size_bytes();
    return true;
}

}  // namespace p2pdist::pb
