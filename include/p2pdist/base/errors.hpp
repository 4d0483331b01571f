#pragma once
// The errors that can happen, as a std::error_code category of our own, and `error`: a code with a sentence that says what to do.

#include <string>
#include <system_error>

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

[[nodiscard]] const std::error_category& error_category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

/// A code to decide by and a sentence to show.
struct error {
    errc code = errc::invalid_argument;
    std::string message;

    [[nodiscard]] std::error_code error_code() const noexcept { return make_error_code(code); }
    friend bool operator==(const error&, const error&) = default;
};

}  // namespace p2pdist

template <>
struct std::is_error_code_enum<p2pdist::errc> : std::true_type {};
