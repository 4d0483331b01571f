#pragma once
// A directory of its own for each test, and the catalogue driven as if it were synchronous.

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "p2pdist/driver/sql_catalogue.hpp"

namespace p2pdist::test {

class temporary_directory {
public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "p2pdist sql.XXXXXX").string();  // with a space, as paths have
        path_ = ::mkdtemp(name.data());
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string file() const { return (path_ / "catalogue.sqlite").string(); }
    [[nodiscard]] std::string url() const { return "sqlite://" + file(); }

private:
    std::filesystem::path path_;
};

inline result<void> commit(sql_catalogue& catalogue, std::vector<catalogue_change> changes) {
    std::promise<result<void>> outcome;
    catalogue.submit({1, std::move(changes)}, [&](const catalogue_completion& done) { outcome.set_value(done.outcome); });
    return outcome.get_future().get();
}

inline content_id id(const std::string& text) { return content_id::parse(text).value(); }

inline content_info content(const std::string& name, std::uint8_t hash_byte = 1, std::uint64_t size = 1000) {
    content_info out{id(name), size, {}};
    out.hash.value.fill(hash_byte);
    return out;
}

inline client_record client(std::uint8_t number) {
    client_record out;
    out.id.value.fill(number);
    out.key.fill(number);
    out.address = ip_address::v4(0x0a000000u + number);
    out.prefix_bits = 24;
    out.host_name = "host" + std::to_string(number);
    out.software_version = "1.0";
    return out;
}

}  // namespace p2pdist::test
