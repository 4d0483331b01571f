#include "change_writer.hpp"

#include "stored.hpp"

namespace p2pdist {
namespace {

using soci::use;

// Replacing is DELETE, then INSERT: the only upsert that every database product understands.
struct writer {
    soci::session& sql;

    void operator()(const put_client& change) const {
        const auto& client = change.client;
        const auto id = client.id.to_string(), key = to_hex(client.key), address = client.address.to_string();
        const sql_number prefix = client.prefix_bits, free = stored(client.profile.free_storage_bytes);
        const sql_number usable = stored(client.profile.usable_storage_bytes), preferred = client.profile.preferred ? 1 : 0;
        const sql_number model = static_cast<int>(client.profile.model), os = static_cast<int>(client.profile.os);
        const sql_number uptime = client.profile.uptime.count(), version = client.profile.version;
        const sql_number registered = client.registered.seconds, seen = client.last_seen.seconds, revoked = client.revoked ? 1 : 0;
        const auto revocation = client.revoked.value_or(revocation_record{});
        const sql_number revoked_at = revocation.at.seconds, revoked_epoch = revocation.key_epoch;
        sql << "DELETE FROM clients WHERE id = :id", use(id);
        sql << "INSERT INTO clients (id, public_key, address, prefix_bits, host_name, software_version, free_storage, usable_storage, "
               "preferred, "
               "device_model, os_kind, uptime_ns, profile_version, registered_at, last_seen_at, revoked, revoked_at, "
               "revoked_epoch, revocation_reason) "
               "VALUES (:id, :pk, :address, :prefix, :host, :software, :free, :usable, :preferred, :model, :os, :uptime, :version, "
               ":registered, "
               ":seen, :revoked, :since, :epoch, :reason)",
            use(id), use(key), use(address), use(prefix), use(client.host_name), use(client.software_version), use(free), use(usable),
            use(preferred), use(model), use(os), use(uptime), use(version), use(registered), use(seen), use(revoked), use(revoked_at), use(revoked_epoch),
            use(revocation.reason);
    }
    void operator()(const remove_client& change) const {
        const auto id = change.id.to_string();
        sql << "DELETE FROM holdings WHERE client_id = :id", use(id);
        sql << "DELETE FROM peer_reports WHERE reporter_id = :id", use(id);
        sql << "DELETE FROM link_marks WHERE client_id = :id", use(id);
        sql << "DELETE FROM clients WHERE id = :id", use(id);
    }
    void operator()(const put_last_seen& change) const {
        std::string id;
        sql_number at = 0;
        soci::statement update = (sql.prepare << "UPDATE clients SET last_seen_at = :at WHERE id = :id", use(at), use(id));
        for (const auto& [client, seen] : change.seen) {
            id = client.to_string();
            at = seen.seconds;
            update.execute(true);
        }
    }
    void operator()(const put_content& change) const {
        const auto& content = change.content.content;
        const auto hash = content.hash.to_string();
        const sql_number size = stored(content.size_bytes), published = change.content.published.seconds;
        sql << "DELETE FROM removed_contents WHERE id = :id", use(content.id.text());
        sql << "DELETE FROM contents WHERE id = :id", use(content.id.text());
        sql << "INSERT INTO contents (id, size_bytes, hash, published_at) VALUES (:id, :size, :hash, :published)", use(content.id.text()),
            use(size), use(hash), use(published);
    }
    void operator()(const remove_content& change) const {
        sql << "DELETE FROM holdings WHERE content_id = :id", use(change.id.text());
        remember_removed(change.id.text());
        sql << "DELETE FROM contents WHERE id = :id", use(change.id.text());
    }
    void operator()(const put_holdings& change) const {
        const auto client = change.client.to_string();
        if (change.replace_all) sql << "DELETE FROM holdings WHERE client_id = :id", use(client);
        for (const auto& what : change.holdings) put_holding(client, what);
    }
    void operator()(const put_topology& change) const {
        const auto& topology = change.topology;
        const sql_number version = stored(topology.version), imported = topology.imported ? 1 : 0;
        sql << "UPDATE topology SET topology_version = :version, spreadsheet = :spreadsheet, imported = :imported, "
               "unread_spreadsheet = :unread",
            use(version), use(topology.spreadsheet), use(imported), use(topology.unread);
    }
    void operator()(const put_setting& change) const {
        sql << "DELETE FROM settings WHERE setting_key = :setting", use(change.key);
        if (change.value.empty()) return;
        sql << "INSERT INTO settings (setting_key, setting_value) VALUES (:setting, :content)", use(change.key), use(change.value);
    }
    void operator()(const put_licence& change) const {
        const sql_number seats = change.licence.seats, activated = change.licence.activated ? 1 : 0;
        sql << "UPDATE licence SET licence_key = :licence, seats = :seats, activated = :activated", use(change.licence.key), use(seats),
            use(activated);
    }
    void operator()(const put_versions& change) const {
        const auto& versions = change.versions;
        const sql_number topology = stored(versions.topology), settings = stored(versions.settings), contents = stored(versions.contents);
        const sql_number epoch = versions.key_epoch, activated = versions.activated ? 1 : 0, list = stored(versions.revocations);
        sql << "UPDATE state_versions SET topology = :topology, settings = :settings, contents = :contents, key_epoch = :epoch, "
               "activated = :activated, revocations = :list",
            use(topology), use(settings), use(contents), use(epoch), use(activated), use(list);
    }
    void operator()(const put_epochs& change) const {
        const sql_number oldest = change.epochs.oldest, since = change.epochs.since.seconds, listed = change.epochs.listed.seconds;
        const sql_number renewable_from = change.epochs.renewable_from;
        sql << "UPDATE state_versions SET oldest_epoch = :oldest, epoch_since = :since, listed_at = :listed, renewable_from = :renewable",
            use(oldest), use(since), use(listed), use(renewable_from);
    }
    void operator()(const add_link_bytes& change) const {
        if (change.report.number != 0 && !mark(change.report)) return;
        const auto& delta = change.delta;
        const auto hash = delta.content.hash.to_string();
        const auto& content = delta.content.id.text();
        const sql_number in = stored(delta.bytes_in), out = stored(delta.bytes_out);
        soci::statement update = (sql.prepare << "UPDATE office_links SET bytes_in = bytes_in + :entered, bytes_out = bytes_out + :left "
                                                 "WHERE office = :office AND content_id = :content AND hash = :hash",
                                  use(in), use(out), use(delta.office), use(content), use(hash));
        update.execute(true);
        if (update.get_affected_rows() > 0) return;
        sql << "INSERT INTO office_links (office, content_id, hash, bytes_in, bytes_out) VALUES (:office, :content, :hash, :entered, "
               ":left)",
            use(delta.office), use(content), use(hash), use(in), use(out);
    }
    void operator()(const forget_link_bytes& change) const {
        const auto hash = change.content.hash.to_string();
        sql << "DELETE FROM office_links WHERE content_id = :content AND hash = :hash", use(change.content.id.text()), use(hash);
    }
    void operator()(const put_peer_report& change) const {
        const auto peer = change.report.peer.to_string(), reporter = change.report.reporter.to_string();
        const sql_number at = change.report.at.seconds;
        sql << "DELETE FROM peer_reports WHERE peer_id = :peer AND reporter_id = :reporter", use(peer), use(reporter);
        sql << "INSERT INTO peer_reports (peer_id, reporter_id, content_id, reported_at) VALUES (:peer, :reporter, :content, :at)", use(peer),
            use(reporter), use(change.report.content.text()), use(at);
    }
    void operator()(const forget_peer_reports& change) const {
        const auto peer = change.peer.to_string();
        sql << "DELETE FROM peer_reports WHERE peer_id = :peer", use(peer);
    }

private:
    /// What the id of a content meant.
    void remember_removed(const std::string& id) const {
        int published = 0;
        sql << "SELECT COUNT(*) FROM contents WHERE id = :id", use(id), soci::into(published);
        if (published == 0) return;
        sql << "DELETE FROM removed_contents WHERE id = :id", use(id);
        sql << "INSERT INTO removed_contents (id, size_bytes, hash) SELECT id, size_bytes, hash FROM contents WHERE id = :id", use(id);
    }
    /// False where this report is counted already.
    [[nodiscard]] bool mark(const link_mark& report) const {
        const auto client = report.client.to_string();
        const sql_number boot = stored(report.boot), number = stored(report.number);
        int counted = 0;
        sql << "SELECT COUNT(*) FROM link_marks WHERE client_id = :client AND boot = :boot AND report_number >= :number", use(client), use(boot),
            use(number), soci::into(counted);
        if (counted > 0) return false;
        sql << "DELETE FROM link_marks WHERE client_id = :client", use(client);
        sql << "INSERT INTO link_marks (client_id, boot, report_number) VALUES (:client, :boot, :number)", use(client), use(boot), use(number);
        return true;
    }
    void put_holding(const std::string& client, const holding& what) const {
        const auto hash = what.content.hash.to_string();
        const auto& content = what.content.id.text();
        const sql_number state = static_cast<int>(what.state), acting = what.acting ? 1 : 0;
        sql << "DELETE FROM holdings WHERE client_id = :client AND content_id = :content AND hash = :hash", use(client), use(content),
            use(hash);
        if (what.state == holding_state::none) return;
        sql << "INSERT INTO holdings (client_id, content_id, hash, holding_state, acting) VALUES (:client, :content, :hash, :state, "
               ":acting)",
            use(client), use(content), use(hash), use(state), use(acting);
    }
};

}  // namespace

void write_change(soci::session& sql, const catalogue_change& change) { std::visit(writer{sql}, change); }

}  // namespace p2pdist
