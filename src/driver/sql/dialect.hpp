#pragma once
// What differs between database products, in one place: how to connect, column types, settings of a connection, errors' meanings.
// All other SQL of this room is the common subset.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "p2pdist/base/result.hpp"
#include "soci_library.hpp"

namespace p2pdist {

class dialect {
public:
    virtual ~dialect() = default;

    /// Makes the database where there is none and `create` says so; gives a connection that has changed nothing yet.
    [[nodiscard]] virtual result<std::unique_ptr<soci::session>> connect(bool create, std::chrono::milliseconds lock_wait) = 0;
    /// Settings of the connection that make a commit durable; may change the database, so only after its schema was accepted.
    virtual void make_durable(soci::session& sql) = 0;
    /// What the database itself says of this connection: how much of a commit is on the disk when it is answered.
    [[nodiscard]] virtual std::string durability(soci::session& sql) const = 0;
    /// Replaces {id}, {name}, {text} and {number} in a statement by the product's column types.
    [[nodiscard]] virtual std::string with_types(std::string_view statement) const = 0;
    /// errc::database_failed: what was tried, the database's own sentence, and what to do.
    [[nodiscard]] virtual error explain(const soci::soci_error& failure, std::string_view doing) const = 0;
    /// Whether the same would happen to any other request now (no space, locked, gone), so that trying them one by one is vain.
    [[nodiscard]] virtual bool concerns_all(const soci::soci_error& failure) const = 0;
};

/// The dialect of a database URL; errc::invalid_argument says which forms are known.
[[nodiscard]] result<std::unique_ptr<dialect>> dialect_of(std::string_view url);

[[nodiscard]] std::unique_ptr<dialect> make_sqlite_dialect(std::string path);

}  // namespace p2pdist
