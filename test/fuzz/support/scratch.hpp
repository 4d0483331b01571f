#pragma once
// A directory of this process, gone at its end.

#include <filesystem>
#include <random>
#include <string>

namespace p2pdist::fuzz {

class scratch {
public:
    scratch() : path_(base() / ("p2pdist-fuzz-" + std::to_string(std::random_device{}()))) { std::filesystem::create_directories(path_); }
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    /// In memory where the system has such a place: thousands of syncs a second.
    static std::filesystem::path base() {
        std::error_code ignored;
        return std::filesystem::is_directory("/dev/shm", ignored) ? std::filesystem::path("/dev/shm")
                                                                  : std::filesystem::temp_directory_path();
    }
    std::filesystem::path path_;
};

}  // namespace p2pdist::fuzz
