#include "file.hpp"

#include <algorithm>
#include <utility>

namespace p2pdist::detail {

namespace {

result<void> write_whole(const std::filesystem::path& path, byte_span data, const io_fault* fault) {
    auto out = file::open(path, file::mode::create_new, fault);
    if (!out) return out.error();
    if (auto written = out->write_at(0, data); !written) return written;
    return out->sync();
}

}  // namespace

file::file(file&& other) noexcept
    : handle_(std::exchange(other.handle_, -1)), path_(std::move(other.path_)), fault_(std::exchange(other.fault_, nullptr)) {}

file& file::operator=(file&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(path_, other.path_);
    std::swap(fault_, other.fault_);
    return *this;
}

std::optional<error> file::injected(store_io what, std::uint64_t offset, std::uint64_t bytes, byte_span data) const {
    return injected_at(fault_, {what, path_, offset, bytes, data});
}

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
    remove_tree(temporary, fault);  // of an earlier crash
    auto done = write_whole(temporary, data, fault);
    if (done) done = rename_synced(temporary, path, fault);
    if (!done) remove_tree(temporary, fault);
    return done;
}

std::optional<error> injected_at(const io_fault* fault, const store_step& step) {
    if (!fault || !*fault) return std::nullopt;
    if (const auto code = (*fault)(step)) return error{*code, step.path.string() + ": " + make_error_code(*code).message()};
    return std::nullopt;
}

result<void> make_directory(const std::filesystem::path& path, const io_fault* fault) {
    if (auto failure = injected_at(fault, {store_io::make_directory, path})) return *failure;
    std::error_code failed;
    std::filesystem::create_directory(path, failed);
    if (failed) return {errc::io_failed, path.string() + ": cannot make the directory: " + failed.message()};
    return {};
}

result<void> make_directories(const std::filesystem::path& path, const io_fault* fault) {
    std::error_code missing;
    if (path.empty() || std::filesystem::exists(path, missing)) return {};
    const auto parent = path.parent_path();  // of a volume that is not there: itself
    if (parent == path) return make_directory(path, fault);
    if (auto done = make_directories(parent, fault); !done) return done;
    if (auto done = make_directory(path, fault); !done) return done;
    return sync_directory(parent, fault);
}

void remove_tree(const std::filesystem::path& path, const io_fault* fault) {
    if (injected_at(fault, {store_io::remove, path})) return;
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

std::string temporary_name(const std::filesystem::path& target) {
    const std::string before = ".", after = ".p2pdist-part";
    auto name = target.filename().string();
    constexpr std::size_t name_bytes_max = 255;   // of nearly every file system
    if (before.size() + name.size() + after.size() > name_bytes_max) name = std::to_string(std::hash<std::string>{}(name));
    return before + name + after;
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
