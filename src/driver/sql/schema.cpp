#include "schema.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace p2pdist {
namespace {

// Identifiers and hashes are text (hexadecimal, as people read them elsewhere), numbers of 64 bits unsigned are stored as signed,
// durations in nanoseconds, wall-clock times in seconds since 1970. No NULLs.
constexpr std::array first_schema{
    "CREATE TABLE clients (id {id} NOT NULL PRIMARY KEY, public_key {id} NOT NULL, address {id} NOT NULL, prefix_bits {number} NOT NULL, "
    "host_name {name} NOT NULL, software_version {name} NOT NULL, free_storage {number} NOT NULL, usable_storage {number} NOT NULL, "
    "preferred {number} NOT NULL, device_model {number} NOT NULL, os_kind {number} NOT NULL, uptime_ns {number} NOT NULL, "
    "profile_version {number} NOT NULL, registered_at {number} NOT NULL, last_seen_at {number} NOT NULL, revoked {number} NOT NULL)",
    "CREATE TABLE contents (id {name} NOT NULL PRIMARY KEY, size_bytes {number} NOT NULL, hash {id} NOT NULL, published_at {number} NOT "
    "NULL)",
    "CREATE TABLE holdings (client_id {id} NOT NULL, content_id {name} NOT NULL, hash {id} NOT NULL, holding_state {number} NOT NULL, "
    "acting {number} NOT NULL, PRIMARY KEY (client_id, content_id, hash))",
    "CREATE INDEX holdings_by_content ON holdings (content_id)",
    "CREATE TABLE office_links (office {name} NOT NULL, content_id {name} NOT NULL, hash {id} NOT NULL, bytes_in {number} NOT NULL, "
    "bytes_out {number} NOT NULL, PRIMARY KEY (office, content_id, hash))",
    "CREATE TABLE settings (setting_key {name} NOT NULL PRIMARY KEY, setting_value {text} NOT NULL)",
    // One row each.
    "CREATE TABLE topology (topology_version {number} NOT NULL, spreadsheet {text} NOT NULL, imported {number} NOT NULL)",
    "CREATE TABLE licence (licence_key {name} NOT NULL, seats {number} NOT NULL, activated {number} NOT NULL)",
    "CREATE TABLE state_versions (topology {number} NOT NULL, settings {number} NOT NULL, contents {number} NOT NULL, "
    "key_epoch {number} NOT NULL, activated {number} NOT NULL)",
    "INSERT INTO topology (topology_version, spreadsheet, imported) VALUES (0, '', 0)",
    "INSERT INTO licence (licence_key, seats, activated) VALUES ('', 0, 0)",
    "INSERT INTO state_versions (topology, settings, contents, key_epoch, activated) VALUES (0, 0, 0, 0, 0)",
};

constexpr std::array second_schema{
    "CREATE TABLE peer_reports (peer_id {id} NOT NULL, reporter_id {id} NOT NULL, content_id {name} NOT NULL, reported_at {number} NOT NULL, "
    "PRIMARY KEY (peer_id, reporter_id))",
};

constexpr std::array third_schema{
    "CREATE TABLE removed_contents (id {name} NOT NULL PRIMARY KEY, size_bytes {number} NOT NULL, hash {id} NOT NULL)",
    "CREATE TABLE link_marks (client_id {id} NOT NULL PRIMARY KEY, boot {number} NOT NULL, report_number {number} NOT NULL)",
};

// Revocation and key epochs.
constexpr std::array fourth_schema{
    "ALTER TABLE clients ADD COLUMN revoked_at {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE clients ADD COLUMN revoked_epoch {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE clients ADD COLUMN revocation_reason {text} DEFAULT '' NOT NULL",
    "ALTER TABLE state_versions ADD COLUMN revocations {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE state_versions ADD COLUMN oldest_epoch {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE state_versions ADD COLUMN epoch_since {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE state_versions ADD COLUMN listed_at {number} DEFAULT 0 NOT NULL",
};

// What a database that was set back, or another version of the program, would lose.
constexpr std::array fifth_schema{
    "ALTER TABLE state_versions ADD COLUMN renewable_from {number} DEFAULT 0 NOT NULL",
    "ALTER TABLE topology ADD COLUMN unread_spreadsheet {text} DEFAULT '' NOT NULL",
};

// migrations[i] leads from version i to i + 1.
constexpr std::array migrations{std::span<const char* const>(first_schema), std::span<const char* const>(second_schema),
                                std::span<const char* const>(third_schema), std::span<const char* const>(fourth_schema),
                                std::span<const char* const>(fifth_schema)};

}  // namespace

int newest_schema() noexcept { return static_cast<int>(migrations.size()); }

result<int> accepted_schema(soci::session& sql) {
    std::vector<std::string> tables;
    std::string name;
    soci::statement listing = (sql.prepare_table_names(), soci::into(name));
    listing.execute();
    while (listing.fetch()) tables.push_back(name);
    if (tables.empty()) return 0;
    if (std::find(tables.begin(), tables.end(), "schema_version") == tables.end()) {
        return {errc::database_failed, "the database holds tables of something else; name an empty one"};
    }
    int version = 0;
    sql << "SELECT version_number FROM schema_version", soci::into(version);
    if (version > newest_schema()) {
        return {errc::version_unsupported, "the database was written by a newer server (its schema is version " + std::to_string(version) +
                                               ", this program knows up to " + std::to_string(newest_schema()) +
                                               "); update this server. Nothing was changed"};
    }
    if (version < 1) return {errc::database_failed, "the database has no valid schema version"};
    return version;
}

void migrate(soci::session& sql, const dialect& words, int version) {
    if (version == newest_schema()) return;
    soci::transaction whole(sql);
    if (version == 0) {
        sql << words.with_types("CREATE TABLE schema_version (version_number {number} NOT NULL)");
        sql << "INSERT INTO schema_version (version_number) VALUES (0)";
    }
    for (; version < newest_schema(); ++version) {
        for (const auto* statement : migrations[static_cast<std::size_t>(version)]) sql << words.with_types(statement);
    }
    sql << "UPDATE schema_version SET version_number = :version", soci::use(version);
    whole.commit();
}

}  // namespace p2pdist
