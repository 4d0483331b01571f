#pragma once
// The journal of one content: what is durably known of it. Append only; a torn tail is cut off at the next start.

#include <cstdint>
#include <functional>
#include <span>

#include "file.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail {

enum class journal_event : std::uint8_t {
    verified = 1,  ///< `count` chunks from `first` on are verified and on disk
    lost = 2,      ///< they are not any more
    appended = 3,  ///< `count` bytes from the start are there, unverified
    tree = 4,      ///< all nodes of the tree are in the tree file
    whole = 5,     ///< the whole fits the content's hash
};

struct journal_record {
    journal_event event = journal_event::verified;
    chunk_index first = 0;
    std::uint64_t count = 0;
};

class journal {
public:
    static constexpr std::uint64_t record_bytes = 24;

    /// `binding` is peculiar to the content, so that another's journal is not taken for its own.
    journal(const crypto_suite& crypto, short_key binding) : crypto_(&crypto), binding_(binding) {}

    /// Calls `apply` for each good record in order, and cuts off what follows the last.
    [[nodiscard]] result<void> replay(const file& in, const std::function<void(const journal_record&)>& apply);
    /// Durable when this returns without error.
    [[nodiscard]] result<void> append(const file& out, std::span<const journal_record> records);
    /// A new journal with these records in the place of the old; open files of the old one are useless after. Where it fails, either
    /// stands there and can be gone on with; the new one's name is perhaps not on the disk yet.
    [[nodiscard]] result<void> rewrite(const std::filesystem::path& path, std::span<const journal_record> records, const io_fault* fault);
    [[nodiscard]] std::uint64_t records() const noexcept { return end_ / record_bytes; }

private:
    void encode(bytes& out, const journal_record& record, std::uint64_t position) const;
    [[nodiscard]] std::optional<journal_record> decode(byte_span raw, std::uint64_t position) const;

    const crypto_suite* crypto_;
    short_key binding_;
    std::uint64_t end_ = 0;
};

}  // namespace p2pdist::detail
