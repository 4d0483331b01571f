#include "p2pdist/base/result.hpp"

namespace p2pdist {
namespace {

/// Programs compare these words (docs/local-socket.md): an old one stays as it is.
const char* describe(errc code) noexcept {
    switch (code) {
        case errc::invalid_argument: return "invalid argument";
        case errc::malformed: return "malformed input";
        case errc::not_found: return "not found";
        case errc::already_exists: return "already exists";
        case errc::not_activated: return "not activated";
        case errc::not_authorised: return "not authorised";
        case errc::version_unsupported: return "version not supported";
        case errc::timed_out: return "timed out";
        case errc::unreachable: return "unreachable";
        case errc::cancelled: return "cancelled";
        case errc::limit_reached: return "limit reached";
        case errc::no_space: return "no space";
        case errc::io_failed: return "input or output failed";
        case errc::integrity_failed: return "integrity check failed";
        case errc::database_failed: return "database failed";
        case errc::source_failed: return "fallback source failed";
        case errc::port_in_use: return "port in use";
        case errc::refused: return "refused";
        case errc::revoked: return "revoked";
    }
    return "unknown error";
}

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "p2pdist"; }
    /// What the standard has a word for, so that code may ask for std::errc.
    std::error_condition default_error_condition(int code) const noexcept override {
        switch (static_cast<errc>(code)) {
            case errc::invalid_argument: return std::errc::invalid_argument;
            case errc::not_found: return std::errc::no_such_file_or_directory;
            case errc::already_exists: return std::errc::file_exists;
            case errc::not_authorised: return std::errc::permission_denied;
            case errc::timed_out: return std::errc::timed_out;
            case errc::unreachable: return std::errc::host_unreachable;
            case errc::cancelled: return std::errc::operation_canceled;
            case errc::no_space: return std::errc::no_space_on_device;
            case errc::io_failed: return std::errc::io_error;
            case errc::port_in_use: return std::errc::address_in_use;
            default: return {code, *this};
        }
    }
    std::string message(int code) const override { return describe(static_cast<errc>(code)); }
};

}  // namespace

const std::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace p2pdist
