#include "snapshot_reader.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "stored.hpp"

namespace p2pdist {
namespace {

using soci::into;

client_id read_id(const std::string& text) {
    const auto id = client_id::parse(text);
    if (!id) throw senseless_row("'" + text + "' is no client id");
    return *id;
}

content_key read_key(const std::string& id, const std::string& hash) {
    auto parsed_id = content_id::parse(id);
    auto parsed_hash = content_hash::parse(hash);
    if (!parsed_id || !parsed_hash) throw senseless_row("'" + id + "' with '" + hash + "' is no content");
    return {std::move(*parsed_id), *parsed_hash};
}

ip_address read_address(const std::string& text) {
    const auto address = ip_address::parse(text);
    if (!address) throw senseless_row("'" + text + "' is no address");
    return *address;
}

/// A number that has to lie within a type's values.
template <class Type>
Type read_small(sql_number value, Type greatest = std::numeric_limits<Type>::max()) {
    if (value < 0 || value > static_cast<sql_number>(greatest))
        throw senseless_row(std::to_string(value) + " is outside its column's range");
    return static_cast<Type>(value);
}

void read_clients(soci::session& sql, std::vector<client_record>& out) {
    std::string id, key, address, host, software, reason;
    sql_number prefix = 0, free = 0, usable = 0, preferred = 0, model = 0, os = 0, uptime = 0, version = 0, registered = 0, seen = 0,
               revoked = 0, revoked_at = 0, revoked_epoch = 0;
    soci::statement rows =
        (sql.prepare
             << "SELECT id, public_key, address, prefix_bits, host_name, software_version, free_storage, usable_storage, preferred, "
                "device_model, os_kind, uptime_ns, profile_version, registered_at, last_seen_at, revoked, revoked_at, "
                "revoked_epoch, revocation_reason FROM clients",
         into(id), into(key), into(address), into(prefix), into(host), into(software), into(free), into(usable), into(preferred),
         into(model), into(os), into(uptime), into(version), into(registered), into(seen), into(revoked),
         into(revoked_at), into(revoked_epoch), into(reason));
    rows.execute();
    while (rows.fetch()) {
        client_record client;
        client.id = read_id(id);
        const auto key_bytes = from_hex(key);
        if (!key_bytes || key_bytes->size() != client.key.size()) throw senseless_row("client " + id + " has no valid key");
        std::copy(key_bytes->begin(), key_bytes->end(), client.key.begin());
        client.address = read_address(address);
        client.prefix_bits = read_small<std::uint8_t>(prefix);
        client.host_name = host;
        client.software_version = software;
        client.profile.free_storage_bytes = number(free);
        client.profile.usable_storage_bytes = number(usable);
        client.profile.preferred = preferred != 0;
        client.profile.model = static_cast<device_model>(read_small<std::uint8_t>(model, 1));
        client.profile.os = static_cast<os_kind>(read_small<std::uint8_t>(os, 1));
        client.profile.uptime = duration(uptime);
        client.profile.version = read_small<std::uint32_t>(version);
        client.registered = {registered};
        client.last_seen = {seen};
        if (revoked != 0) client.revoked = revocation_record{{revoked_at}, read_small<std::uint16_t>(revoked_epoch), reason};
        out.push_back(std::move(client));
    }
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) { return left.id < right.id; });
}

void read_contents(soci::session& sql, std::vector<content_record>& out) {
    std::string id, hash;
    sql_number size = 0, published = 0;
    soci::statement rows =
        (sql.prepare << "SELECT id, size_bytes, hash, published_at FROM contents", into(id), into(size), into(hash), into(published));
    rows.execute();
    while (rows.fetch()) {
        auto key = read_key(id, hash);
        out.push_back({{std::move(key.id), number(size), key.hash}, {published}});
    }
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) { return left.content.id < right.content.id; });
}

void read_removed(soci::session& sql, std::vector<content_info>& out) {
    std::string id, hash;
    sql_number size = 0;
    soci::statement rows = (sql.prepare << "SELECT id, size_bytes, hash FROM removed_contents", into(id), into(size), into(hash));
    rows.execute();
    while (rows.fetch()) {
        auto key = read_key(id, hash);
        out.push_back({std::move(key.id), number(size), key.hash});
    }
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) { return left.id < right.id; });
}

void read_link_marks(soci::session& sql, std::vector<link_mark>& out) {
    std::string client;
    sql_number boot = 0, newest = 0;
    soci::statement rows = (sql.prepare << "SELECT client_id, boot, report_number FROM link_marks", into(client), into(boot), into(newest));
    rows.execute();
    while (rows.fetch()) out.push_back({read_id(client), number(boot), number(newest)});
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) { return left.client < right.client; });
}

void read_holdings(soci::session& sql, std::vector<holding_record>& out) {
    std::string client, content, hash;
    sql_number state = 0, acting = 0;
    soci::statement rows = (sql.prepare << "SELECT client_id, content_id, hash, holding_state, acting FROM holdings", into(client),
                            into(content), into(hash), into(state), into(acting));
    rows.execute();
    while (rows.fetch()) {
        const auto kind = static_cast<holding_state>(read_small<std::uint8_t>(state, 2));
        out.push_back({read_id(client), {read_key(content, hash), kind, acting != 0}});
    }
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) {
        return std::tie(left.client, left.what.content) < std::tie(right.client, right.what.content);
    });
}

void read_links(soci::session& sql, std::vector<link_record>& out) {
    std::string office, content, hash;
    sql_number entered = 0, left_office = 0;
    soci::statement rows = (sql.prepare << "SELECT office, content_id, hash, bytes_in, bytes_out FROM office_links", into(office),
                            into(content), into(hash), into(entered), into(left_office));
    rows.execute();
    while (rows.fetch()) out.push_back({office, read_key(content, hash), number(entered), number(left_office)});
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) {
        return std::tie(left.office, left.content) < std::tie(right.office, right.content);
    });
}

void read_reports(soci::session& sql, std::vector<peer_report_record>& out) {
    std::string peer, reporter, content;
    sql_number at = 0;
    soci::statement rows = (sql.prepare << "SELECT peer_id, reporter_id, content_id, reported_at FROM peer_reports", into(peer), into(reporter),
                            into(content), into(at));
    rows.execute();
    while (rows.fetch()) {
        auto id = content_id::parse(content);
        if (!id) throw senseless_row("'" + content + "' is no content id");
        out.push_back({read_id(peer), read_id(reporter), std::move(*id), {at}});
    }
    std::sort(out.begin(), out.end(), [](const auto& left, const auto& right) {
        return std::tie(left.peer, left.reporter) < std::tie(right.peer, right.reporter);
    });
}

void read_settings(soci::session& sql, std::vector<std::pair<std::string, std::string>>& out) {
    std::string key, value;
    soci::statement rows = (sql.prepare << "SELECT setting_key, setting_value FROM settings", into(key), into(value));
    rows.execute();
    while (rows.fetch()) out.emplace_back(key, value);
    std::sort(out.begin(), out.end());
}

void read_single_rows(soci::session& sql, catalogue_snapshot& out) {
    sql_number version = 0, imported = 0, seats = 0, activated = 0, topology = 0, settings = 0, contents = 0, epoch = 0, open = 0;
    sql << "SELECT topology_version, spreadsheet, imported, unread_spreadsheet FROM topology", into(version), into(out.topology.spreadsheet),
        into(imported), into(out.topology.unread);
    out.topology.version = number(version);
    out.topology.imported = imported != 0;
    sql << "SELECT licence_key, seats, activated FROM licence", into(out.licence.key), into(seats), into(activated);
    out.licence.seats = read_small<std::uint32_t>(seats);
    out.licence.activated = activated != 0;
    sql_number list = 0, oldest = 0, since = 0, listed = 0, renewable_from = 0;
    sql << "SELECT topology, settings, contents, key_epoch, activated, revocations, oldest_epoch, epoch_since, listed_at, renewable_from "
           "FROM state_versions",
        into(topology), into(settings), into(contents), into(epoch), into(open), into(list), into(oldest), into(since), into(listed),
        into(renewable_from);
    out.versions = {number(topology), number(settings), number(contents), read_small<std::uint16_t>(epoch), open != 0, number(list)};
    out.epochs = {read_small<std::uint16_t>(oldest), {since}, {listed}, read_small<std::uint16_t>(renewable_from)};
}

}  // namespace

catalogue_snapshot read_snapshot(soci::session& sql) {
    catalogue_snapshot out;
    soci::transaction one_state(sql);  // all tables as of one moment
    read_clients(sql, out.clients);
    read_contents(sql, out.contents);
    read_removed(sql, out.removed);
    read_holdings(sql, out.holdings);
    read_links(sql, out.links);
    read_link_marks(sql, out.link_marks);
    read_reports(sql, out.reports);
    read_settings(sql, out.settings);
    read_single_rows(sql, out);
    one_state.commit();
    return out;
}

}  // namespace p2pdist
