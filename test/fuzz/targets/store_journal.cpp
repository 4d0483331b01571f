// The journal of a stored content: whatever stands in the file, what is taken of it can be gone on with.

#include "driver/store/journal.hpp"
#include "support/fuzz_target.hpp"
#include "support/scratch.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;
using detail::journal_record;

namespace {

std::vector<journal_record> replayed(detail::journal& log, const std::filesystem::path& path) {
    std::vector<journal_record> out;
    const auto file = detail::file::open(path, detail::file::mode::read_write);
    fuzz::check(file.has_value() && log.replay(*file, [&](const journal_record& record) { out.push_back(record); }).has_value(),
                "a journal cannot be read");
    return out;
}
bool same(const journal_record& left, const journal_record& right) {
    return left.event == right.event && left.first == right.first && left.count == right.count;
}

}  // namespace

P2PDIST_FUZZ_TARGET(store_journal) {
    static const fuzz::toy_crypto crypto;
    static const fuzz::scratch here;
    const auto path = here.path() / "journal";
    const short_key binding{1, 2};
    std::vector<journal_record> written;
    for (auto count = input.below(8); count > 0; --count)
        written.push_back({static_cast<detail::journal_event>(1 + input.below(5)), static_cast<chunk_index>(input.u32()), input.u64()});
    std::filesystem::remove(path);
    {
        const auto file = detail::file::open(path, detail::file::mode::create_or_open);
        detail::journal log(crypto, binding);
        fuzz::check(log.append(*file, written).has_value(), "a journal cannot be written");
        bytes raw(written.size() * detail::journal::record_bytes);
        fuzz::check(file->read_at(0, raw).has_value(), "a journal cannot be read back");
        if (input.flag()) raw = fuzz::mutated(input, raw);
        const auto tail = input.piece(100);
        raw.insert(raw.end(), tail.begin(), tail.end());
        fuzz::check(file->resize(0).has_value() && file->write_at(0, raw).has_value(), "a journal cannot be altered");
    }
    detail::journal log(crypto, binding);
    const auto taken = replayed(log, path);
    for (std::size_t i = 0; i < taken.size(); ++i) fuzz::check(i < written.size() && same(taken[i], written[i]),
                                                               "a record that nobody wrote is taken");
    fuzz::check(std::filesystem::file_size(path) == taken.size() * detail::journal::record_bytes,
                "what follows the last good record is kept");

    const journal_record more{detail::journal_event::verified, 1, 2};
    {
        const auto file = detail::file::open(path, detail::file::mode::read_write);
        fuzz::check(log.append(*file, std::span(&more, 1)).has_value(), "a journal cannot be gone on with");
    }
    detail::journal fresh(crypto, binding);
    const auto again = replayed(fresh, path);
    fuzz::check(again.size() == taken.size() + 1 && same(again.back(), more), "what was appended is not there");
    detail::journal foreign(crypto, {9});
    fuzz::check(replayed(foreign, path).empty(), "another content's journal is taken for its own");
}
