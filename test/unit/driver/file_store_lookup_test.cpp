// Which file of a package directory stands for a content: none outside of it.

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <unistd.h>

#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/base/limits.hpp"
#include "source/package_finder.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;
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

TEST_CASE("a member that asks for many packages which are not there has the directory read once", "[driver][hostile][REQ-SRV-5]") {
    folders here;
    for (int i = 0; i < 100; ++i) folders::write(here.packages / ("file " + std::to_string(i)), std::string(100 + static_cast<std::size_t>(i), 'x'));
    package_index index(here.packages);
    const package_index::time start{};
    for (int i = 0; i < 10'000; ++i) CHECK_FALSE(index.find(start + std::chrono::microseconds(i), ten_bytes("absent " + std::to_string(i))));
    CHECK(index.scans() == 1);
    // What came meanwhile: by its name without a look, by its size since the directory has changed.
    folders::write(here.packages / "named", "0123456789");
    fs::last_write_time(here.packages, fs::last_write_time(here.packages) + 1s);  // however coarse the file system's clock is
    CHECK(index.find(start, ten_bytes("named")) == here.packages / "named");
    CHECK(index.scans() == 1);
    CHECK(index.find(start, ten_bytes("app")) == here.packages / "named");
    CHECK(index.scans() == 2);
    // What went meanwhile, or is another now, is not given; what was altered in place is seen a second later.
    folders::write(here.packages / "named", "another size");
    CHECK_FALSE(index.find(start, ten_bytes("app")));
    folders::write(here.packages / "file 3", "0123456789");
    CHECK_FALSE(index.find(start, ten_bytes("app")));
    CHECK(index.find(start + 1s, ten_bytes("app")) == here.packages / "file 3");
    fs::remove(here.packages / "file 3");
    const auto later = start + 1s + limits::file_store_index_age;
    fs::remove(here.packages / "named");
    fs::create_symlink(here.work / "secret", here.packages / "named");
    CHECK_FALSE(index.find(later, ten_bytes("app")));
    CHECK_FALSE(index.find(later + limits::file_store_index_age, ten_bytes("app")));
}

TEST_CASE("packages are looked for on another thread than the asker's", "[driver][REQ-SRV-5]") {
    folders here;
    folders::write(here.packages / "app", "0123456789");
    package_finder finder(here.packages);
    std::promise<std::pair<std::thread::id, std::optional<fs::path>>> found;
    finder.find(ten_bytes("app"), [&](std::optional<fs::path> path) { found.set_value({std::this_thread::get_id(), std::move(path)}); });
    const auto [thread, path] = found.get_future().get();
    CHECK(thread != std::this_thread::get_id());
    CHECK(path == here.packages / "app");
}
