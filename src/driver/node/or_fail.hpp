#pragma once
// A façade's constructor has no other way than an exception to say that it cannot be made.

#include <system_error>
#include <utility>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

[[noreturn]] inline void fail(const error& why) { throw std::system_error(why.error_code(), why.message); }

template <class T>
T value_or_fail(result<T> outcome) {
    if (!outcome) fail(outcome.error());
    return std::move(*outcome);
}

}  // namespace p2pdist
