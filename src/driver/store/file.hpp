#pragma once
// The few file operations that the store needs; store_file.cpp of src/driver/posix or windows implements
// them. Everything else of the store is portable.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "p2pdist/driver/file_store.hpp"

namespace p2pdist::detail {

/// Asked before each step on the disk; may be empty.
using io_fault = std::function<std::optional<errc>(const store_step&)>;

/// An open file, closed with the object. Reads and writes at an offset are safe from several threads.
class file {
public:
    enum class mode { read, read_write, create_new, create_or_open };

    /// `fault` (may be null) outlives the file.
    [[nodiscard]] static result<file> open(const std::filesystem::path& path, mode how, const io_fault* fault = nullptr);

    file() = default;
    file(file&& other) noexcept;
    file& operator=(file&& other) noexcept;
    ~file();

    /// Fills all of `out`; errc::io_failed where the file ends before.
    [[nodiscard]] result<void> read_at(std::uint64_t offset, mutable_byte_span out) const;
    /// errc::no_space where the volume or a quota is full.
    [[nodiscard]] result<void> write_at(std::uint64_t offset, byte_span data) const;
    /// Returns when data (and the size) are on the disk. After a failure the system may believe that they are: what matters is written
    /// again. errc::io_failed too where the file has been removed meanwhile.
    [[nodiscard]] result<void> sync() const;
    [[nodiscard]] result<void> resize(std::uint64_t size) const;
    [[nodiscard]] result<std::uint64_t> size() const;
    /// The first stretch at or after `from` that is not a hole; nothing where there is none.
    [[nodiscard]] std::optional<byte_range> next_data(std::uint64_t from) const;
    /// Nobody else can lock the same file until this object goes.
    [[nodiscard]] bool try_lock() const;

private:
    [[nodiscard]] std::optional<error> injected(store_io what, std::uint64_t offset = 0, std::uint64_t bytes = 0, byte_span data = {}) const;
    [[nodiscard]] error failed(const char* what) const;

    std::intptr_t handle_ = -1;  // a descriptor, or a HANDLE
    std::filesystem::path path_;
    const io_fault* fault_ = nullptr;
};

/// write_at, but leaves a hole where there is one and nothing but zeros would fill it. The file is large enough already.
[[nodiscard]] result<void> write_sparse(const file& out, std::uint64_t offset, byte_span data);

/// The file appears under its name whole, or not at all; synced when this returns.
[[nodiscard]] result<void> replace_file(const std::filesystem::path& path, byte_span data, const io_fault* fault = nullptr);
/// Puts `from` in the place of `to`, and syncs the directory.
[[nodiscard]] result<void> rename_synced(const std::filesystem::path& from, const std::filesystem::path& to, const io_fault* fault = nullptr);
[[nodiscard]] result<void> sync_directory(const std::filesystem::path& path, const io_fault* fault = nullptr);
/// The parent is synced by the caller. Good too where it is there.
[[nodiscard]] result<void> make_directory(const std::filesystem::path& path, const io_fault* fault = nullptr);
/// With what is missing on the way there; all of it is on the disk when this returns. Good too where it is there.
[[nodiscard]] result<void> make_directories(const std::filesystem::path& path, const io_fault* fault = nullptr);
/// A file, or a directory with all in it; what cannot be removed stays.
void remove_tree(const std::filesystem::path& path, const io_fault* fault = nullptr);
/// The error of a test's fault at this step.
[[nodiscard]] std::optional<error> injected_at(const io_fault* fault, const store_step& step);
/// What an output file is called beside its place until it is whole; where that would be longer than a name may be, a shorter one.
[[nodiscard]] std::string temporary_name(const std::filesystem::path& target);
[[nodiscard]] result<bytes> read_small_file(const std::filesystem::path& path, std::size_t size_max);

}  // namespace p2pdist::detail
