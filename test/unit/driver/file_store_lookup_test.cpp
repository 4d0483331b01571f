// Which file of a package directory stands for a content: none outside of it.

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "p2pdist/content/content_checks.hpp"
#include "source/fallback_reader.hpp"

using namespace p2pdist;
namespace fs = std::filesystem;

namespace {

struct folders {
    folders() : work(fs::temp_directory_path() / ("p2pdist-lookup-" + std::to_string(::getpid()))), packages(work / "packages") {
        fs::remove_all(work);
        fs::create_directories(packages);
        write(work / "secret", "0123456789");
    }
    ~folders() { fs::remove_all(work); }
    static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

    fs::path work, packages;
};

content_info ten_bytes(const std::string& id) { return {content_id::parse(id).value(), 10, {}}; }

}  // namespace

TEST_CASE("a package is found by id, by hash, by size", "[driver][REQ-SRC-2]") {
    folders here;
    const auto content = ten_bytes("app 1.0");
    CHECK_FALSE(find_in_file_store(here.packages, content));
    folders::write(here.packages / "setup.exe", "abcdefghij");
    CHECK(find_in_file_store(here.packages, content) == here.packages / "setup.exe");
    folders::write(here.packages / to_hex(content.hash.value), "abcdefghij");
    CHECK(find_in_file_store(here.packages, content) == here.packages / to_hex(content.hash.value));
    folders::write(here.packages / "app 1.0", "abcdefghij");
    CHECK(find_in_file_store(here.packages, content) == here.packages / "app 1.0");
}

TEST_CASE("no name and no link leads out of the package directory", "[driver][hostile][REQ-SRC-2]") {
    folders here;
    for (const auto* name : {"..", ".", "../secret", "/etc/passwd", "a/b"}) CHECK_FALSE(content_id::parse(name));
    fs::create_symlink(here.work / "secret", here.packages / "app");
    CHECK_FALSE(find_in_file_store(here.packages, ten_bytes("app")));
    fs::create_directory_symlink(here.work, here.packages / "out");
    CHECK_FALSE(find_in_file_store(here.packages, ten_bytes("out")));
    fs::create_directory(here.packages / "folder");
    CHECK_FALSE(find_in_file_store(here.packages, ten_bytes("folder")));
}
