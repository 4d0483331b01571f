// The info file of a stored content.

#include "driver/store/content_record.hpp"
#include "p2pdist/base/limits.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(content_record) {
    static const fuzz::toy_crypto crypto;
    detail::content_record record;
    const auto id = content_id::parse(as_text(input.piece(130)));
    record.content = {id ? *id : *content_id::parse("app"),
                      input.u64() % (limits::content_bytes_max + 1),
                      {input.flag() ? hash_kind::sha256 : hash_kind::sha256_tree, {}}};
    record.pinned = input.flag();
    record.source = std::string(as_text(input.piece(100)));
    record.source_changed = record.source.empty() ? 0 : static_cast<std::int64_t>(input.u64());
    const auto written = detail::encode_record(crypto, record);
    const auto again = detail::decode_record(crypto, written);
    fuzz::check(again && again->content == record.content && again->pinned == record.pinned && again->source == record.source &&
                    again->source_changed == record.source_changed, "an info file is another one when it is written and read again");

    // What somebody wrote who knows how to make the check line.
    auto text = input.flag() ? fuzz::mutated(input, written) : to_bytes(input.rest());
    const auto line = as_text(text).rfind("check=");
    if (line != std::string_view::npos) text.resize(line);
    const auto check_line = "check=" + to_hex(crypto.sha256({text})) + "\n";
    text.insert(text.end(), check_line.begin(), check_line.end());
    if (const auto forged = detail::decode_record(crypto, text)) {
        fuzz::check(forged->content.size_bytes <= limits::content_bytes_max && !forged->content.id.empty(), "a content that may not be");
        const auto name = detail::directory_name(crypto, forged->content.key());
        fuzz::check(name.size() == 40 && name.find_first_not_of("0123456789abcdef") == std::string::npos,
                    "a directory's name leads elsewhere");
    }
}
