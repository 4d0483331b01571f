// Looks at the raw bytes of a body before protobuf makes an object of each row: an empty row takes two bytes, its object fifty and more.

#include "codec_bodies.hpp"

namespace p2pdist::pb {
namespace {

constexpr std::size_t fields_max = 2 * limits::message_rows_max + 16;   // of one body: two lists and what stands beside them
constexpr std::size_t nested_lists_bytes_max = 64u << 10;               // of a body with lists in the rows of its list

/// Goes over the fields of one encoded message. Groups are no fields of ours.
class field_walk {
public:
    explicit field_walk(byte_span data) noexcept : data_(data) {}

    /// False at the end, and where the bytes make no sense.
    [[nodiscard]] bool next() noexcept {
        if (data_.empty() || !ok_) return false;
        const auto tag = varint();
        number_ = tag >> 3;
        content_ = {};
        switch (tag & 7) {
            case 0: (void)varint(); break;
            case 1: (void)take(8); break;
            case 2: content_ = take(varint()); break;
            case 5: (void)take(4); break;
            default: ok_ = false; break;
        }
        return ok_;
    }
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] byte_span content() const noexcept { return content_; }   ///< of a field with a length

private:
    std::uint64_t varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = take(1);
            if (byte.empty()) return 0;
            value |= std::uint64_t{byte[0] & 0x7fu} << shift;
            if (byte[0] < 0x80) return value;
        }
        ok_ = false;
        return 0;
    }
    byte_span take(std::uint64_t count) noexcept {
        if (!ok_ || count > data_.size()) {
            ok_ = false;
            return {};
        }
        const auto head = data_.first(static_cast<std::size_t>(count));
        data_ = data_.subspan(head.size());
        return head;
    }

    byte_span data_, content_;
    std::uint64_t number_ = 0;
    bool ok_ = true;
};

}  // namespace

bool is_bounded(byte_span body) noexcept {
    field_walk bodies(body);
    std::size_t fields = 0, nested_bytes = 0;
    while (bodies.next()) {
        // Of a field that is there more than once protobuf makes one.
        if (bodies.number() == Body::kLocateReplyFieldNumber) nested_bytes += bodies.content().size();
        if (nested_bytes > nested_lists_bytes_max) return false;
        field_walk rows(bodies.content());
        while (rows.next()) {
            if (++fields > fields_max) return false;
        }
        if (!rows.ok() || ++fields > fields_max) return false;
    }
    return bodies.ok();
}

}  // namespace p2pdist::pb
