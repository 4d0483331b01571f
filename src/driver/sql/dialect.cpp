#include "dialect.hpp"

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

result<std::unique_ptr<dialect>> dialect_of(std::string_view url) {
    constexpr std::string_view sqlite = "sqlite://";
    if (url.substr(0, sqlite.size()) == sqlite) {
        const auto path = url.substr(sqlite.size());
        if (path.size() < 2 || path.front() != '/') {
            return {errc::invalid_argument, "the database URL needs an absolute path: sqlite:///PATH"};
        }
        // The connection string of the library has no way to write these.
        if (path.find_first_of(std::string_view("\"\0", 2)) != std::string_view::npos || !is_utf8(path)) {
            return {errc::invalid_argument, "the path of the database must be UTF-8 without quotation marks"};
        }
        return make_sqlite_dialect(std::string(path));
    }
    // The rest of the URL is not repeated: it may hold a password.
    const auto scheme = url.substr(0, std::min(url.find(':'), std::size_t{20}));
    return {errc::invalid_argument,
            "this program can't use a database of the kind '" + std::string(scheme) + "'; it supports the embedded SQLite: sqlite:///PATH"};
}

}  // namespace p2pdist
