#include "p2pdist/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

#include "p2pdist/base/result.hpp"

namespace p2pdist::detail {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "p2pdist: bug: %s is false at %s:%d\n", expression, file, line);
    std::abort();
}

void result_misused(const char* what) noexcept {
    std::fprintf(stderr, "p2pdist: bug: somebody asked for %s\n", what);
    std::abort();
}

}  // namespace p2pdist::detail
