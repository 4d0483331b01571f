#pragma once
// result<T>: a value or an `error`. C++20 has no std::expected; this keeps the part of its interface that we use.

#include <type_traits>
#include <utility>
#include <variant>

#include "p2pdist/base/assert.hpp"
#include "p2pdist/base/errors.hpp"

namespace p2pdist {

template <class T>
class [[nodiscard]] result {
public:
    result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    result(p2pdist::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}
    result(errc code, std::string message) : result(p2pdist::error{code, std::move(message)}) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// The value; std::system_error with the error's sentence where there is none.
    [[nodiscard]] T& value() & { return check(), std::get<0>(state_); }
    [[nodiscard]] const T& value() const& { return check(), std::get<0>(state_); }
    [[nodiscard]] T&& value() && { return check(), std::get<0>(std::move(state_)); }

    /// The value; asking without one is a bug.
    [[nodiscard]] T& operator*() & { return *pointer(); }
    [[nodiscard]] const T& operator*() const& { return *pointer(); }
    [[nodiscard]] T&& operator*() && { return std::move(*pointer()); }
    [[nodiscard]] T* operator->() { return pointer(); }
    [[nodiscard]] const T* operator->() const { return pointer(); }

    [[nodiscard]] const p2pdist::error& error() const {
        P2PDIST_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }

private:
    void check() const {
        if (!has_value()) throw std::system_error(error().error_code(), error().message);
    }
    T* pointer() {
        P2PDIST_ASSERT(has_value());
        return std::get_if<0>(&state_);
    }
    const T* pointer() const {
        P2PDIST_ASSERT(has_value());
        return std::get_if<0>(&state_);
    }

    std::variant<T, p2pdist::error> state_;
};

/// The result of an operation that gives nothing back: success by default.
template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    result(p2pdist::error failure) : error_(std::move(failure)), ok_(false) {}
    result(errc code, std::string message) : result(p2pdist::error{code, std::move(message)}) {}

    [[nodiscard]] bool has_value() const noexcept { return ok_; }
    [[nodiscard]] explicit operator bool() const noexcept { return ok_; }
    void value() const {
        if (!ok_) throw std::system_error(error_.error_code(), error_.message);
    }
    [[nodiscard]] const p2pdist::error& error() const {
        P2PDIST_ASSERT(!ok_);
        return error_;
    }

private:
    p2pdist::error error_;
    bool ok_ = true;
};

}  // namespace p2pdist
