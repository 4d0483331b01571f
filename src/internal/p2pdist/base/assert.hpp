#pragma once
// Assertions for bugs: conditions that no input can make false. What can happen is a result<T>; hostile bytes are counted.
// They are on in every test build and, since they are cheap, in release as well unless P2PDIST_NO_ASSERT is defined.

#include "p2pdist/base/export.hpp"

namespace p2pdist::detail {

/// Prints the failed expression to standard error and aborts. Never returns.
[[noreturn]] P2PDIST_INTERNAL void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace p2pdist::detail

#ifdef P2PDIST_NO_ASSERT
#define P2PDIST_ASSERT(expression) ((void)sizeof(!(expression)))
#else
#define P2PDIST_ASSERT(expression) \
    ((expression) ? (void)0 : ::p2pdist::detail::assertion_failed(#expression, __FILE__, __LINE__))
#endif
