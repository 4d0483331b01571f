// What holds keys stays private: key files, data directories, the socket's directory, the process's memory.

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "local/passed_file.hpp"
#include "local/peer_credentials.hpp"
#include "node/secret_file.hpp"
#include "node/server_keys.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/local_service.hpp"
#include "p2pdist/driver/output_file.hpp"
#include "p2pdist/driver/server.hpp"

using namespace p2pdist;
namespace fs = std::filesystem;

namespace {

struct folder {
    folder() : path(fs::temp_directory_path() / ("p2pdist-private-" + std::to_string(::getpid()))) {
        fs::remove_all(path);
        fs::create_directory(path);
    }
    ~folder() { fs::remove_all(path); }
    [[nodiscard]] fs::path with_mode(const std::string& name, mode_t mode, bool directory = false) const {
        const auto out = path / name;
        if (directory) fs::create_directory(out);
        else std::ofstream(out) << "secret";
        ::chmod(out.c_str(), mode);
        return out;
    }
    fs::path path;
};

/// While it lives the test is a user whom modes bind, to whom the folder belongs.
struct common_user {
    explicit common_user(const folder& own) {
        if (::geteuid() != 0) return;
        constexpr uid_t nobody = 65534;
        REQUIRE(::chown(own.path.c_str(), nobody, nobody) == 0);
        REQUIRE(::seteuid(nobody) == 0);
        was_root = true;
    }
    ~common_user() {
        if (was_root && ::seteuid(0) != 0) std::abort();
#ifdef __linux__
        (void)::prctl(PR_SET_DUMPABLE, 1);  // the change of users took it away, and a leak checker needs it
#endif
    }
    bool was_root = false;
};

}  // namespace

TEST_CASE("a key that everybody may write is refused, one that others may read is warned of", "[driver][hostile][REQ-SEC-1]") {
    const folder here;
    CHECK(read_secret_file(here.with_mode("own", 0600)));
    CHECK(secret_file_exposure(here.path / "own").empty());
    CHECK(secret_file_exposure(here.path / "none").empty());
    CHECK(read_secret_file(here.with_mode("read", 0644)));
    CHECK(secret_file_exposure(here.path / "read").find("chmod 600") != std::string::npos);
    CHECK_FALSE(secret_file_exposure(here.with_mode("group", 0640)).empty());
    const auto planted = read_secret_file(here.with_mode("write", 0606));
    REQUIRE_FALSE(planted);
    CHECK(planted.error().code == errc::refused);
    CHECK(planted.error().message.find("chmod o-w") != std::string::npos);
}

TEST_CASE("a data directory that everybody may write is refused", "[driver][hostile][REQ-SEC-1]") {
    const folder here;
    CHECK(make_private_directory(here.path / "new" / "one"));
    CHECK((fs::status(here.path / "new" / "one").permissions() & fs::perms::others_all) == fs::perms::none);
    CHECK(make_private_directory(here.with_mode("usual", 0755, true)));
    const auto open = make_private_directory(here.with_mode("open", 0777, true));
    REQUIRE_FALSE(open);
    CHECK(open.error().code == errc::refused);
    CHECK_FALSE(make_private_directory(here.with_mode("sticky", 01777, true)));
}

TEST_CASE("a data directory is private however its name is written", "[driver][REQ-SEC-1]") {
    const folder here;
    REQUIRE(make_private_directory(here.path / "data" / ""));
    struct stat about {};
    REQUIRE(::stat((here.path / "data").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    CHECK(plain_directory(here.path / "data" / "") == here.path / "data");
    CHECK(plain_directory(here.path / "data" / "." / "") == here.path / "data");
    CHECK(local_socket_path(here.path / "data" / "") == local_socket_path(here.path / "data"));
    const auto deep = here.path / std::string(120, 'd');
    CHECK(local_socket_path(deep / "") == local_socket_path(deep));
}

TEST_CASE("a data directory is kept only when the names that lead there are on the disk", "[driver][REQ-CLI-4]") {
    const folder here;
    const common_user user(here);
    for (const auto* name : {"data", "deep/data"}) {
        const auto parent = here.with_mode(std::string("of-") + name[0] + name[1], 0300, true);   // can be made into, and not be synced
        INFO(name);
        CHECK_FALSE(make_private_directory(parent / name));
        ::chmod(parent.c_str(), 0700);
        CHECK(make_private_directory(parent / name));
    }
}

TEST_CASE("a new key that counts is told, whatever the disk says of its name", "[driver][REQ-SEC-1]") {
    const folder here;
    const common_user user(here);
    REQUIRE(initialise_server(here.path / "data", {}, {}, std::nullopt));
    const auto keys = here.path / "data" / "keys";
    ::chmod(keys.c_str(), 0300);
    const auto key = rotate_server_key(here.path / "data", server_key::security);
    ::chmod(keys.c_str(), 0500);
    const auto kept = load_server_keys(here.path / "data");
    REQUIRE(kept);
    REQUIRE(key);
    CHECK(*key == kept->security);
    CHECK_FALSE(rotate_server_key(here.path / "data", server_key::security));   // nothing can be written now
    ::chmod(keys.c_str(), 0700);
    CHECK(load_server_keys(here.path / "data")->security == *key);
}

TEST_CASE("a key file that somebody else replaces stays that of who reads it", "[driver][REQ-SEC-1]") {
    if (::geteuid() != 0) SUCCEED("only the superuser can give files away");
    else {
        constexpr uid_t service = 65534, another = 65533;
        const folder here;
        const auto data = here.path / "data", keys = data / "keys", file = keys / "security.key";
        REQUIRE(initialise_server(data, {}, {}, std::nullopt));
        REQUIRE(::chown(file.c_str(), service, service) == 0);
        REQUIRE(rotate_server_key(data, server_key::security));
        struct stat about {};
        REQUIRE(::stat(file.c_str(), &about) == 0);
        CHECK(about.st_uid == service);
        CHECK((about.st_mode & 0777) == 0600);

        REQUIRE(::chown(file.c_str(), another, another) == 0);
        for (const auto& directory : {data, keys}) REQUIRE(::chown(directory.c_str(), service, service) == 0);
        const common_user user(here);
        const auto refused = rotate_server_key(data, server_key::security);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::refused);
        REQUIRE(::stat(file.c_str(), &about) == 0);
        CHECK(about.st_uid == another);
        CHECK_FALSE(fs::exists(file.string() + ".new"));
    }
}

TEST_CASE("an output file may have as long a name as any", "[driver][REQ-CLI-6]") {
    const folder here;
    const auto target = here.path / std::string(250, 'n');
    {
        auto output = output_file::create(target);
        REQUIRE(output);
        REQUIRE(::write(output->descriptor(), "bytes", 5) == 5);
        const auto published = output->publish(5);
        CHECK(published);
    }
    CHECK(fs::file_size(target) == 5);
    CHECK(std::distance(fs::directory_iterator(here.path), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that is passed along holds what is written to it and nothing else", "[driver][hostile][REQ-CLI-6]") {
    const folder here;
    const auto path = here.path / "out";
    std::ofstream(path) << std::string(1000, 'x');
    passed_file file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(file.is_writable_file());
    REQUIRE(file.resize(500));
    REQUIRE(file.write_at(100, as_bytes("new")));
    std::string expected(500, '\0');
    expected.replace(100, 3, "new");
    std::ifstream in(path, std::ios::binary);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == expected);
    const passed_file appends(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    CHECK_FALSE(appends.is_writable_file());   // the system would write all of it at the end
}

TEST_CASE("a socket directory that somebody else has made first is passed over", "[driver][hostile][REQ-SEC-1]") {
    const folder here;
    const auto usual = here.path / "p2pdist-1", runtime = here.path / "run";
    const auto own = static_cast<std::uint32_t>(::geteuid());
    CHECK(private_directory_of(own, usual, runtime) == usual);
    fs::create_directory(runtime);
    ::chmod(runtime.c_str(), 0700);
    CHECK(private_directory_of(own, usual, runtime) == usual);   // both ends come to it, whether the user is logged in or not
    CHECK(private_directory_of(own, here.with_mode("private", 0700, true), runtime) == here.path / "private");
    CHECK(private_directory_of(own, here.with_mode("taken", 0777, true), runtime) == runtime / "p2pdist");
    CHECK(private_directory_of(own, here.with_mode("file", 0600), runtime) == runtime / "p2pdist");
    fs::create_directory_symlink(here.path / "private", here.path / "link");
    CHECK(private_directory_of(own, here.path / "link", runtime) == runtime / "p2pdist");
    CHECK(private_directory_of(own + 1, here.path / "private", runtime) == here.path / "private");   // nothing better: it will be refused
}

#ifdef __linux__
TEST_CASE("a program that holds keys leaves no core, to whomever cores go", "[driver][hostile][REQ-SEC-1]") {
    // In a process of its own, since it cannot be taken back.
    const auto child = ::fork();
    if (child == 0) {
        forbid_core_files();
        ::_exit(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && ::access("/proc/self/fd", X_OK) == 0 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
#endif
