#include "journal.hpp"

#include <algorithm>

namespace p2pdist::detail {

namespace {

std::uint64_t check_value(const crypto_suite& crypto, const short_key& binding, std::uint64_t position, byte_span body) {
    bytes place;
    byte_writer(place).u64(position);
    return crypto.siphash(binding, {place, body});
}

}  // namespace

void journal::encode(bytes& out, const journal_record& record, std::uint64_t position) const {
    bytes body;
    byte_writer writer(body);
    writer.u8(static_cast<std::uint8_t>(record.event));
    writer.u8(0);
    writer.u16(0);
    writer.u32(record.first);
    writer.u64(record.count);
    writer.u64(check_value(*crypto_, binding_, position, byte_span(body).first(16)));
    out.insert(out.end(), body.begin(), body.end());
}

std::optional<journal_record> journal::decode(byte_span raw, std::uint64_t position) const {
    byte_reader in(raw);
    const auto event = in.u8();
    (void)in.raw(3);
    journal_record record{static_cast<journal_event>(event), in.u32(), in.u64()};
    const bool good = in.u64() == check_value(*crypto_, binding_, position, raw.first(16));
    if (!good || event < 1 || event > static_cast<std::uint8_t>(journal_event::whole)) return std::nullopt;
    return record;
}

result<void> journal::replay(const file& in, const std::function<void(const journal_record&)>& apply) {
    const auto size = in.size();
    if (!size) return size.error();
    end_ = 0;
    bytes buffer(record_bytes * 4096);
    bool good = true;
    while (good && end_ + record_bytes <= *size) {
        const auto records = std::min<std::uint64_t>(*size - end_, buffer.size()) / record_bytes;
        const auto part = mutable_byte_span(buffer).first(records * record_bytes);
        if (auto read = in.read_at(end_, part); !read) return read;
        for (std::size_t offset = 0; offset < part.size(); offset += record_bytes) {
            const auto record = decode(byte_span(part).subspan(offset, record_bytes), end_);
            good = record.has_value();
            if (!good) break;
            apply(*record);
            end_ += record_bytes;
        }
    }
    return end_ == *size ? result<void>{} : in.resize(end_);
}

result<void> journal::append(const file& out, std::span<const journal_record> records) {
    bytes raw;
    for (const auto& record : records) encode(raw, record, end_ + raw.size());
    auto done = out.write_at(end_, raw);
    if (done) done = out.sync();
    if (done) end_ += raw.size();
    else (void)out.resize(end_);  // and if that fails too, the next append writes over it
    return done;
}

result<void> journal::rewrite(const std::filesystem::path& path, std::span<const journal_record> records, const io_fault* fault) {
    bytes raw;
    for (const auto& record : records) encode(raw, record, raw.size());
    auto done = replace_file(path, raw, fault);
    std::error_code missing;  // the size it says then is no journal's
    if (done || std::filesystem::file_size(path, missing) == raw.size()) end_ = raw.size();
    return done;
}

}  // namespace p2pdist::detail
