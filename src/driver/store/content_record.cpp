#include "content_record.hpp"

#include <charconv>
#include <map>

#include "p2pdist/content/content_checks.hpp"

namespace p2pdist::detail {

namespace {

std::string check_line(const crypto_suite& crypto, std::string_view body) { return "check=" + to_hex(crypto.sha256({as_bytes(body)})) + "\n"; }

template <class Number>
std::optional<Number> number(const std::string& text) {
    Number value{};
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

result<content_record> malformed(const char* why) { return {errc::malformed, std::string("info file: ") + why}; }

}  // namespace

bytes encode_record(const crypto_suite& crypto, const content_record& record) {
    std::string text = "format=1\nid=" + record.content.id.text() + "\nsize=" + std::to_string(record.content.size_bytes) +
                       "\nhash=" + record.content.hash.to_string() + "\npinned=" + (record.pinned ? "1" : "0") + "\n";
    if (!record.source.empty()) {
        text += "source=" + to_hex(as_bytes(record.source.string())) + "\nsource_changed=" + std::to_string(record.source_changed) + "\n";
    }
    text += check_line(crypto, text);
    return to_bytes(as_bytes(text));
}

result<content_record> decode_record(const crypto_suite& crypto, byte_span data) {
    auto text = as_text(data);
    const auto check_at = text.rfind("check=");
    if (check_at == std::string_view::npos || text.substr(check_at) != check_line(crypto, text.substr(0, check_at)))
        return malformed("damaged");
    std::map<std::string, std::string> values;
    for (text = text.substr(0, check_at); !text.empty();) {
        const auto line = text.substr(0, text.find('\n'));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) return malformed("a line without a value");
        values.emplace(line.substr(0, equals), line.substr(equals + 1));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    if (values["format"] != "1") return {errc::version_unsupported, "info file: written by a newer version"};
    const auto id = content_id::parse(values["id"]);
    const auto hash = content_hash::parse(values["hash"]);
    const auto size = number<std::uint64_t>(values["size"]);
    const auto source = from_hex(values["source"]);
    const auto changed = values.contains("source_changed") ? number<std::int64_t>(values["source_changed"]) : 0;
    if (!id || !hash || !size || !source || !changed) return malformed("a bad value");
    content_record record{{*id, *size, *hash}, values["pinned"] == "1", std::string(as_text(*source)), *changed};
    if (auto good = check(record.content); !good) return good.error();
    return record;
}

result<std::int64_t> changed_at(const std::filesystem::path& path) {
    std::error_code failed, unknown;
    const auto time = std::filesystem::last_write_time(path, failed);
    if (!failed) return static_cast<std::int64_t>(time.time_since_epoch().count());
    const bool missing = failed == std::errc::no_such_file_or_directory && !std::filesystem::is_empty(path.parent_path(), unknown) && !unknown;
    return {missing ? errc::not_found : errc::io_failed, path.string() + ": " + failed.message()};
}

std::string directory_name(const crypto_suite& crypto, const content_key& key) {
    const std::uint8_t separator[] = {0};
    return to_hex(byte_span(crypto.sha256({as_bytes(key.id.text()), separator, as_bytes(key.hash.to_string())})).first(directory_name_bytes));
}

}  // namespace p2pdist::detail
