// What can go wrong with a database, and what the administrator is told.

#include <catch2/catch.hpp>

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>
#include <future>

#include "sql_fixture.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

/// SQLite itself, as another program would use the file.
class other_program {
public:
    explicit other_program(const std::string& file) { REQUIRE(sqlite3_open(file.c_str(), &handle_) == SQLITE_OK); }
    ~other_program() { sqlite3_close(handle_); }
    other_program(const other_program&) = delete;
    other_program& operator=(const other_program&) = delete;

    void run(const char* statement) { REQUIRE(sqlite3_exec(handle_, statement, nullptr, nullptr, nullptr) == SQLITE_OK); }

private:
    sqlite3* handle_ = nullptr;
};

std::string bytes_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("other URLs are refused without showing a password", "[REQ-DB-2]") {
    for (const auto* url : {"postgresql://user:secret@db/p2pdist", "odbc://DSN", "", "file.db", "sqlite://", "sqlite://relative/x"}) {
        const auto catalogue = sql_catalogue::open(url);
        REQUIRE_FALSE(catalogue);
        CHECK(catalogue.error().code == errc::invalid_argument);
        CHECK_THAT(catalogue.error().message, Contains("sqlite:///PATH"));
        CHECK_THAT(catalogue.error().message, !Contains("secret"));
    }
}

TEST_CASE("a missing database is made only where that is wanted", "[REQ-DB-1]") {
    const temporary_directory place;
    sql_catalogue_options options;
    options.create = false;
    const auto missing = sql_catalogue::open(place.url(), options);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == errc::not_found);
    CHECK_FALSE(std::filesystem::exists(place.file()));
    { REQUIRE(sql_catalogue::open(place.url())); }
    CHECK(sql_catalogue::open(place.url(), options).has_value());
}

TEST_CASE("commits are on the disk when they are answered: the connection itself says so", "[REQ-DB-1][REQ-SRV-6]") {
    const temporary_directory place;
    {   // whatever the file was used with before
        other_program before(place.file());
        before.run("PRAGMA journal_mode=DELETE");
        before.run("PRAGMA synchronous=OFF");
    }
    auto catalogue = sql_catalogue::open(place.url()).value();
    CHECK(catalogue->durability().value() == "journal_mode=wal synchronous=full");
    REQUIRE(commit(*catalogue, {put_setting{"a", "1"}}));
    CHECK(catalogue->durability().value() == "journal_mode=wal synchronous=full");
}

TEST_CASE("a newer schema is refused and left untouched", "[REQ-DB-3]") {
    const temporary_directory place;
    { REQUIRE(sql_catalogue::open(place.url())); }
    {
        other_program newer(place.file());
        newer.run("PRAGMA journal_mode=DELETE");
        newer.run("UPDATE schema_version SET version_number = version_number + 1");
    }
    const auto before = bytes_of(place.file());
    const auto catalogue = sql_catalogue::open(place.url());
    REQUIRE_FALSE(catalogue);
    CHECK(catalogue.error().code == errc::version_unsupported);
    CHECK_THAT(catalogue.error().message, Contains("update this server"));
    CHECK(bytes_of(place.file()) == before);
    CHECK_FALSE(std::filesystem::exists(place.file() + "-wal"));
}

TEST_CASE("a database of the first version comes forward with all that it holds", "[REQ-DB-3]") {
    const temporary_directory place;
    const auto statements = bytes_of(P2PDIST_TEST_DIR "/golden/sql/version-1.sql");
    REQUIRE_FALSE(statements.empty());
    { other_program(place.file()).run(statements.c_str()); }
    for (int start = 1; start <= 2; ++start) {   // brought forward, then opened as it is
        auto catalogue = sql_catalogue::open(place.url()).value();
        const auto held = catalogue->load().value();
        REQUIRE(held.clients.size() == 1);
        CHECK(held.clients[0].host_name == "host4");
        CHECK(held.clients[0].profile.uptime == std::chrono::hours(1));
        CHECK_FALSE(held.clients[0].revoked);
        REQUIRE(held.contents.size() == 1);
        CHECK(held.contents[0].content == content("setup.msi"));
        REQUIRE(held.holdings.size() == 1);
        CHECK(held.holdings[0].what.state == holding_state::complete);
        REQUIRE(held.links.size() == 1);
        CHECK(held.links[0].bytes_in == 1000);
        CHECK(held.settings == std::vector<std::pair<std::string, std::string>>{{"cdn", "http://cdn.example/"}});
        CHECK(held.versions == state_versions{3, 4, 5, 1, true, 0});
        CHECK(held.licence == licence_record{"seal", 10, true});
        CHECK(held.epochs == epoch_record{});
        CHECK((held.removed.empty() && held.reports.empty() && held.link_marks.empty()));
    }
}

TEST_CASE("a database of something else is refused", "[REQ-DB-1]") {
    const temporary_directory place;
    { other_program(place.file()).run("CREATE TABLE payroll (x INTEGER)"); }
    const auto catalogue = sql_catalogue::open(place.url());
    REQUIRE_FALSE(catalogue);
    CHECK(catalogue.error().code == errc::database_failed);
    CHECK_THAT(catalogue.error().message, Contains("something else"));
}

TEST_CASE("a file that is no database is refused with advice", "[REQ-DB-1]") {
    const temporary_directory place;
    std::ofstream(place.file()) << std::string(8192, 'x');
    const auto catalogue = sql_catalogue::open(place.url());
    REQUIRE_FALSE(catalogue);
    CHECK(catalogue.error().code == errc::database_failed);
    CHECK_THAT(catalogue.error().message, Contains("restore a backup"));
}

TEST_CASE("a directory that is not there or not writable is named", "[REQ-DB-1]") {
    const temporary_directory place;
    const auto nowhere = sql_catalogue::open("sqlite://" + (place.path() / "no" / "x.db").string());
    REQUIRE_FALSE(nowhere);
    CHECK_THAT(nowhere.error().message, Contains("create its directory") && Contains("/no/x.db"));

    if (::geteuid() == 0) return;  // the superuser writes everywhere
    std::filesystem::permissions(place.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto forbidden = sql_catalogue::open(place.url());
    REQUIRE_FALSE(forbidden);
    CHECK_THAT(forbidden.error().message, Contains("let this user write"));
}

TEST_CASE("a database that another program holds fails with advice, and works again afterwards", "[REQ-DB-1][REQ-SRV-6]") {
    const temporary_directory place;
    sql_catalogue_options options;
    options.lock_wait = std::chrono::milliseconds(50);
    auto catalogue = sql_catalogue::open(place.url(), options).value();
    {
        other_program holder(place.file());
        holder.run("BEGIN IMMEDIATE");
        const auto outcome = commit(*catalogue, {put_setting{"a", "1"}});
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().code == errc::database_failed);
        CHECK_THAT(outcome.error().message, Contains("another program holds it"));
        holder.run("ROLLBACK");
    }
    CHECK(commit(*catalogue, {put_setting{"b", "2"}}));
    const auto settings = catalogue->load().value().settings;
    REQUIRE(settings.size() == 1);  // nothing of the failed request was kept
    CHECK(settings[0].first == "b");
}

TEST_CASE("a database that is full fails with advice and keeps nothing of the request", "[REQ-DB-1][REQ-SRV-6]") {
    const temporary_directory place;
    auto catalogue = sql_catalogue::open(place.url()).value();
    {
        other_program(place.file())
            .run("CREATE TRIGGER no_room BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
    }
    const auto outcome = commit(*catalogue, {put_client{client(1)}, put_setting{"a", "1"}});
    REQUIRE_FALSE(outcome);
    CHECK_THAT(outcome.error().message, Contains("make room"));
    CHECK(catalogue->load().value().clients.empty());
    CHECK(commit(*catalogue, {put_client{client(2)}}));
}

TEST_CASE("a file that can't grow loses nothing that was acknowledged", "[REQ-DB-1][REQ-SRV-6]") {
    const temporary_directory place;
    { REQUIRE(sql_catalogue::open(place.url())); }
    const auto child = ::fork();
    if (child == 0) {  // the limit stays with its process
        auto catalogue = sql_catalogue::open(place.url()).value();
        if (!commit(*catalogue, {put_setting{"before", "1"}})) ::_exit(1);
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{200'000, 200'000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
        const auto outcome = commit(*catalogue, {put_setting{"small", "1"}, put_setting{"big", std::string(1'000'000, 'x')}});
        if (outcome) ::_exit(3);
        if (outcome.error().message.find("room") == std::string::npos) ::_exit(4);
        ::_exit(commit(*catalogue, {put_setting{"after", "1"}}) ? 0 : 5);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    const auto settings = sql_catalogue::open(place.url()).value()->load().value().settings;
    CHECK(settings == std::vector<std::pair<std::string, std::string>>{{"after", "1"}, {"before", "1"}});
}

TEST_CASE("a database that is damaged while it is open fails with advice, and nothing is acknowledged", "[REQ-DB-1][REQ-SRV-6]") {
    const temporary_directory place;
    {
        auto catalogue = sql_catalogue::open(place.url()).value();
        for (std::uint8_t number = 1; number < 200; ++number) REQUIRE(commit(*catalogue, {put_client{client(number)}}));
    }
    auto catalogue = sql_catalogue::open(place.url()).value();
    {
        std::fstream disk(place.file(), std::ios::in | std::ios::out | std::ios::binary);
        const auto size = std::filesystem::file_size(place.file());
        for (std::uint64_t page = 4096; page < size; page += 4096) {
            disk.seekp(static_cast<std::streamoff>(page));
            disk << std::string(4096, 'x');
        }
    }
    const auto outcome = commit(*catalogue, {put_client{client(250)}, put_content{{content("a"), {}}}});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::database_failed);
    CHECK_THAT(outcome.error().message, Contains("restore a backup"));
    const auto loaded = catalogue->load();
    REQUIRE_FALSE(loaded);
    CHECK_THAT(loaded.error().message, Contains("restore a backup"));
}

TEST_CASE("a database that became read-only fails with advice, and what was acknowledged stays", "[REQ-DB-1][REQ-SRV-6]") {
    if (::geteuid() == 0) return;  // the superuser writes everywhere
    const temporary_directory place;
    {
        auto catalogue = sql_catalogue::open(place.url()).value();
        REQUIRE(commit(*catalogue, {put_setting{"a", "1"}}));
    }
    std::filesystem::permissions(place.file(), std::filesystem::perms::owner_read);
    const auto again = sql_catalogue::open(place.url());
    REQUIRE_FALSE(again);
    CHECK_THAT(again.error().message, Contains("let this user write"));
    std::filesystem::permissions(place.file(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    CHECK(sql_catalogue::open(place.url()).value()->load().value().settings.size() == 1);
}

TEST_CASE("a request that can't be written does not hurt those of its group", "[REQ-SRV-6]") {
    const temporary_directory place;
    auto catalogue = sql_catalogue::open(place.url()).value();
    {
        other_program(place.file())
            .run("CREATE TRIGGER picky BEFORE INSERT ON settings WHEN NEW.setting_key = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END");
    }
    std::promise<void> held, all;
    std::vector<bool> good;
    catalogue->submit({0, {}}, [&](const catalogue_completion&) { held.get_future().wait(); });
    for (const auto* key : {"a", "bad", "c"}) {
        catalogue->submit({1, {put_setting{key, "1"}}}, [&](const catalogue_completion& done) {
            good.push_back(done.outcome.has_value());
            if (good.size() == 3) all.set_value();
        });
    }
    held.set_value();
    all.get_future().wait();
    CHECK(good == std::vector{true, false, true});
    CHECK(catalogue->load().value().settings.size() == 2);
}

TEST_CASE("a row that makes no sense is reported, not believed", "[REQ-DB-1]") {
    const temporary_directory place;
    auto catalogue = sql_catalogue::open(place.url()).value();
    { other_program(place.file()).run("INSERT INTO contents (id, size_bytes, hash, published_at) VALUES ('a', 1, 'sha1:00', 0)"); }
    const auto loaded = catalogue->load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == errc::database_failed);
    CHECK_THAT(loaded.error().message, Contains("sha1:00"));
}
