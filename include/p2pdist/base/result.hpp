#pragma once
// What can go wrong, as a std::error_code category of our own; `error`: a code with a sentence that says what to do; and result<T>: a value
// or an `error`. C++20 has no std::expected; this keeps the part of its interface that we use.

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "p2pdist/base/export.hpp"

namespace p2pdist {

/// What can go wrong in operation. Programs print the sentence of `error`; other code decides by this value.
enum class errc {
    invalid_argument = 1,   ///< a value outside its documented range or form
    malformed,              ///< bytes or text that do not parse
    not_found,              ///< an id, file or row that does not exist
    already_exists,         ///< e.g. the same content id with another hash (CLI-6)
    not_activated,          ///< no licence yet (ACT-1)
    not_authorised,         ///< unknown, or outside what the role may do
    version_unsupported,    ///< MSG-6: the sentence names the side to update
    timed_out,              ///< no answer within the limit
    unreachable,            ///< nobody to fetch from, or no route
    cancelled,              ///< by the caller, or the object stopped
    limit_reached,          ///< a named limit of limits.hpp
    no_space,               ///< the store's limit or the volume's free space
    io_failed,              ///< disk, socket or process
    integrity_failed,       ///< bytes that do not fit their hash
    database_failed,        ///< the catalogue could not commit
    source_failed,          ///< CDN or file store
    port_in_use,            ///< a bind failed; the sentence names port and holder
    refused,                ///< the other side said no; the sentence says why
    revoked,                ///< this client was shut out by the administrator (SEC-2)
};

[[nodiscard]] P2PDIST_API const std::error_category& error_category() noexcept;
/// Lets an errc be a std::error_code.
[[nodiscard]] P2PDIST_API std::error_code make_error_code(errc code) noexcept;

/// A code to decide by and a sentence to show.
struct P2PDIST_API error {
    errc code = errc::invalid_argument;
    std::string message;

    [[nodiscard]] std::error_code error_code() const noexcept { return make_error_code(code); }
    friend bool operator==(const error&, const error&) = default;
};

namespace detail {
/// Whoever asked a result for what it does not hold has a bug: says so on standard error and aborts.
[[noreturn]] P2PDIST_API void result_misused(const char* what) noexcept;
}  // namespace detail

/// A value, or an `error` that says why there is none. Distinct objects: safe from any thread. Shared: unsafe.
template <class T>
class [[nodiscard]] result {
public:
    /// Success.
    result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    /// Failure.
    result(p2pdist::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}
    /// Failure, by code and sentence.
    result(errc code, std::string message) : result(p2pdist::error{code, std::move(message)}) {}

    /// Whether there is a value; otherwise there is an error.
    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    /// As has_value().
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// The value; std::system_error with the error's sentence where there is none.
    [[nodiscard]] T& value() & { return check(), std::get<0>(state_); }
    [[nodiscard]] const T& value() const& { return check(), std::get<0>(state_); }
    [[nodiscard]] T&& value() && { return check(), std::get<0>(std::move(state_)); }

    /// The value; asking without one is a bug.
    [[nodiscard]] T& operator*() & { return *pointer(); }
    /// The same of a constant one.
    [[nodiscard]] const T& operator*() const& { return *pointer(); }
    /// The same, moved out.
    [[nodiscard]] T&& operator*() && { return std::move(*pointer()); }
    /// As operator*().
    [[nodiscard]] T* operator->() { return pointer(); }
    /// As operator*().
    [[nodiscard]] const T* operator->() const { return pointer(); }

    [[nodiscard]] const p2pdist::error& error() const {
        if (has_value()) detail::result_misused("the error of a result that has a value");
        return *std::get_if<1>(&state_);
    }

private:
    void check() const {
        if (!has_value()) throw std::system_error(error().error_code(), error().message);
    }
    T* pointer() {
        if (!has_value()) detail::result_misused("the value of a result that has none");
        return std::get_if<0>(&state_);
    }
    const T* pointer() const {
        if (!has_value()) detail::result_misused("the value of a result that has none");
        return std::get_if<0>(&state_);
    }

    std::variant<T, p2pdist::error> state_;
};

/// The result of an operation that gives nothing back: success by default. Distinct objects: safe from any thread. Shared: unsafe.
template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    /// Failure.
    result(p2pdist::error failure) : error_(std::move(failure)), ok_(false) {}
    /// Failure, by code and sentence.
    result(errc code, std::string message) : result(p2pdist::error{code, std::move(message)}) {}

    /// Whether it succeeded; otherwise there is an error.
    [[nodiscard]] bool has_value() const noexcept { return ok_; }
    /// As has_value().
    [[nodiscard]] explicit operator bool() const noexcept { return ok_; }
    /// Nothing on success; otherwise std::system_error with the error's sentence.
    void value() const {
        if (!ok_) throw std::system_error(error_.error_code(), error_.message);
    }
    [[nodiscard]] const p2pdist::error& error() const {
        if (ok_) detail::result_misused("the error of a result that has none");
        return error_;
    }

private:
    p2pdist::error error_;
    bool ok_ = true;
};

}  // namespace p2pdist

template <>
struct std::is_error_code_enum<p2pdist::errc> : std::true_type {};
