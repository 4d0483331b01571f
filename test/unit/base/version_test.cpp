#include <catch2/catch.hpp>

#include <string>

#include "p2pdist/base/version.hpp"

TEST_CASE("the software has the version of its build", "[base]") {
    CHECK_THAT(std::string(p2pdist::software_version()), Catch::Matchers::Matches("[0-9]+\\.[0-9]+\\.[0-9]+"));
}
