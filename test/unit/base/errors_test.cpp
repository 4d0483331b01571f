#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>

#include "p2pdist/base/log.hpp"
#include "p2pdist/base/result.hpp"

using namespace p2pdist;

TEST_CASE("the words of errors are those that docs/local-socket.md promises", "[base]") {
    std::ifstream file(P2PDIST_TEST_DIR "/../docs/local-socket.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    REQUIRE_FALSE(text.empty());
    int words = 0;
    for (int code = 1; make_error_code(static_cast<errc>(code)).message() != "unknown error"; ++code, ++words) {
        INFO(make_error_code(static_cast<errc>(code)).message());
        CHECK(text.find('`' + make_error_code(static_cast<errc>(code)).message() + '`') != std::string::npos);
    }
    CHECK(words == 19);
    CHECK(make_error_code(errc::revoked).message() == "revoked");
    CHECK(make_error_code(errc::no_space).message() == "no space");
}

TEST_CASE("what the standard has a word for compares equal to it") {
    CHECK(make_error_code(errc::cancelled) == std::errc::operation_canceled);
    CHECK(make_error_code(errc::timed_out) == std::errc::timed_out);
    CHECK(make_error_code(errc::not_found) == std::errc::no_such_file_or_directory);
    CHECK(make_error_code(errc::already_exists) == std::errc::file_exists);
    CHECK(make_error_code(errc::no_space) == std::errc::no_space_on_device);
    CHECK(make_error_code(errc::invalid_argument) == std::errc::invalid_argument);
    CHECK(make_error_code(errc::io_failed) == std::errc::io_error);
    CHECK_FALSE(make_error_code(errc::revoked) == std::errc::operation_canceled);
    CHECK(make_error_code(errc::revoked).default_error_condition().category() == error_category());
}

TEST_CASE("a log function that throws harms nobody who logs") {
    int calls = 0;
    const log_sink sink(log_level::info, [&](log_level, std::string_view) {
        ++calls;
        throw calls;
    });
    CHECK_NOTHROW(sink(log_level::error, "a line"));
    CHECK_NOTHROW(sink(log_level::debug, "below the threshold"));
    CHECK(calls == 1);
}
