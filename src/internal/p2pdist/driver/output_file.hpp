#pragma once
// The file that a program wants a content in, opened with that program's own rights (CLI-6): a running client gets its descriptor and
// writes what it verified; nobody but the program itself ever opens or names it. It stands under its name whole, or not at all.

#include <cstdint>
#include <filesystem>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

class output_file {
public:
    /// Makes a file without a name in the target's directory, or where the system has no such thing one under another name.
    /// errc::invalid_argument: something stands there that is no file; errc::not_found, io_failed: the directory is not there, or is
    /// not ours to write to.
    [[nodiscard]] static result<output_file> create(const std::filesystem::path& target);
    output_file(output_file&& other) noexcept;
    output_file& operator=(output_file&&) = delete;
    /// What was not published is gone.
    ~output_file();

    [[nodiscard]] int descriptor() const noexcept { return file_; }
    /// Gives it its name, replacing the file or symbolic link that had it. errc::integrity_failed where it has another size.
    [[nodiscard]] result<void> publish(std::uint64_t size_bytes);

private:
    output_file() = default;

    std::filesystem::path target_;
    int directory_ = -1;
    int file_ = -1;
    bool named_ = false;  ///< it stands under a temporary name
    [[nodiscard]] result<void> make_temporary();
};

}  // namespace p2pdist
