// Addresses, subnets and amounts as people write them, and the texts of hashes and ids.

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/amount.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/limits.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(address) {
    const auto text = input.rest_text();
    if (const auto address = ip_address::parse(text)) {
        const auto again = ip_address::parse(address->to_string());
        fuzz::check(again && *again == *address, "an address is another one when it is written and read again");
        static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        fuzz::check(address->is_v4() || !std::ranges::equal(address->network_bytes().first(12), mapped),
                    "a mapped address is not taken for IPv4");
        fuzz::check(address->next() >= *address, "the next address comes before");
    }
    if (const auto block = subnet::parse(text)) {
        const auto again = subnet::parse(block->to_string());
        fuzz::check(again && *again == *block, "a subnet is another one when it is written and read again");
        fuzz::check(block->contains(block->network()) && block->contains(block->broadcast()), "a subnet does not hold its own ends");
        fuzz::check(subnet::of(block->broadcast(), block->prefix_bits()) == *block, "a subnet's last address is in another");
    }
    if (const auto size = parse_size(text)) fuzz::check(*size >= 1 && *size <= std::uint64_t{1} << 50, "a size outside its range");
    if (const auto time = parse_duration(text)) fuzz::check(*time >= std::chrono::seconds(1) && *time <= std::chrono::hours(24 * 366),
                                                            "a time outside its range");
    if (const auto hash = content_hash::parse(text)) fuzz::check(content_hash::parse(hash->to_string()).value() == *hash, "a hash changes");
    if (const auto id = client_id::parse(text)) fuzz::check(client_id::parse(id->to_string()) == id, "a client's id changes");
    if (const auto id = content_id::parse(text)) {
        fuzz::check(id->text() == text && is_utf8(text) && text.size() <= limits::content_id_bytes_max, "a content's id that may not be");
        fuzz::check(text.find('/') == std::string::npos && text != "." && text != "..", "a content's id that leads elsewhere");
    }
    if (const auto raw = from_hex(text)) fuzz::check(raw->size() * 2 == text.size(), "digits are lost");
}
