#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>

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
