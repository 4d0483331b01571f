#include "file.hpp"

#include <algorithm>

namespace p2pdist::detail {

namespace {

result<void> write_whole(const std::filesystem::path& path, byte_span data, const io_fault* fault) {
    auto out = file::open(path, file::mode::create_new, fault);
    if (!out) return out.error();
    if (auto written = out->write_at(0, data); !written) return written;
    return out->sync();
}

}  // namespace

result<void> write_sparse(const file& out, std::uint64_t offset, byte_span data) {
    if (std::ranges::all_of(data, [](std::uint8_t byte) { return byte == 0; })) {
        const auto next = out.next_data(offset);
        if (!next || next->offset >= offset + data.size()) return {};
    }
    return out.write_at(offset, data);
}

result<void> replace_file(const std::filesystem::path& path, byte_span data, const io_fault* fault) {
    auto temporary = path;
    temporary += ".new";
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);  // of an earlier crash
    auto done = write_whole(temporary, data, fault);
    if (done) done = rename_synced(temporary, path);
    if (!done) std::filesystem::remove(temporary, ignored);
    return done;
}

result<bytes> read_small_file(const std::filesystem::path& path, std::size_t size_max) {
    auto in = file::open(path, file::mode::read);
    if (!in) return in.error();
    const auto size = in->size();
    if (!size) return size.error();
    if (*size > size_max) return {errc::malformed, path.string() + ": too large"};
    bytes data(*size);
    if (auto read = in->read_at(0, data); !read) return read.error();
    return data;
}

}  // namespace p2pdist::detail
