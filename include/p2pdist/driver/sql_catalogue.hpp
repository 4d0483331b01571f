#pragma once
// The catalogue in an SQL database (DB-1): the driver's answer to the server core's catalogue_request. The embedded default is SQLite
// in one file, in WAL mode and with synchronous=FULL, so that what was completed survives a power cut (SRV-6).

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

/// How the database is opened.
struct sql_catalogue_options {
    bool create = true;  ///< make the database where there is none (mode 0600); otherwise errc::not_found
    std::size_t group_max = limits::catalogue_group_requests_max;   ///< requests that share one transaction
    std::chrono::milliseconds lock_wait = std::chrono::seconds(5);  ///< for another program that holds the database
};

/// Commits on a thread of its own: all requests that wait, up to group_max, share one transaction and one sync to disk.
/// submit() may be called from any thread; everything else from the thread that opened it.
class P2PDIST_API sql_catalogue {
public:
    /// Takes the answer to a request.
    using completion_handler = std::function<void(catalogue_completion)>;

    /// `url`: sqlite:///PATH. Brings an older schema forward; a newer one is refused and left untouched (DB-3).
    /// errc::invalid_argument for a URL of another form, errc::not_found, errc::version_unsupported,
    /// errc::database_failed with the database's sentence and what to do.
    [[nodiscard]] static result<std::unique_ptr<sql_catalogue>> open(std::string_view url, const sql_catalogue_options& options = {});

    /// Commits what was submitted, then ends the thread.
    ~sql_catalogue();
    sql_catalogue(const sql_catalogue&) = delete;
    sql_catalogue& operator=(const sql_catalogue&) = delete;

    /// All that was committed. errc::database_failed, also for a database whose contents make no sense.
    [[nodiscard]] result<catalogue_snapshot> load();

    /// What the database says of the connection that commits, e.g. "journal_mode=wal synchronous=full". errc::database_failed.
    [[nodiscard]] result<std::string> durability();

    /// `done` is called on the catalogue's thread, in the order of submission, after the commit; errc::database_failed where nothing
    /// of the request was kept. It must not throw, nor destroy the catalogue.
    void submit(catalogue_request request, completion_handler done);

    /// Transactions committed so far; for tests and metrics.
    [[nodiscard]] std::uint64_t commits() const noexcept;

    /// The newest schema that this program knows.
    [[nodiscard]] static int schema_version() noexcept;

private:
    class P2PDIST_LOCAL implementation;
    explicit sql_catalogue(std::unique_ptr<implementation> self);

    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
