#include "p2pdist/server/catalogue.hpp"

#include <algorithm>
#include <tuple>

namespace p2pdist {
namespace {

const client_id& key_of(const client_record& record) { return record.id; }
const content_id& key_of(const content_record& record) { return record.content.id; }
auto key_of(const holding_record& record) { return std::tie(record.client, record.what.content); }
auto key_of(const link_record& record) { return std::tie(record.office, record.content); }
auto key_of(const peer_report_record& record) { return std::tie(record.peer, record.reporter); }
const content_id& key_of(const content_info& content) { return content.id; }
const client_id& key_of(const link_mark& mark) { return mark.client; }
const std::string& key_of(const std::pair<std::string, std::string>& setting) { return setting.first; }

/// Where the record with this key is, or would be: the lists are ordered by key.
template <class List, class Key>
auto position(List& list, const Key& key) {
    return std::lower_bound(list.begin(), list.end(), key, [](const auto& record, const auto& wanted) { return key_of(record) < wanted; });
}

template <class List, class Key>
auto* entry_of(List& list, const Key& key) {
    const auto at = position(list, key);
    return at != list.end() && key_of(*at) == key ? &*at : nullptr;
}

template <class List, class Record>
void put(List& list, const Record& record) {
    const auto at = position(list, key_of(record));
    if (at != list.end() && key_of(*at) == key_of(record)) {
        *at = record;
    } else {
        list.insert(at, record);
    }
}

template <class List, class Key>
void take_out(List& list, const Key& key) {
    const auto at = position(list, key);
    if (at != list.end() && key_of(*at) == key) list.erase(at);
}

struct applier {
    catalogue_snapshot& state;

    void operator()(const put_client& change) const { put(state.clients, change.client); }
    void operator()(const remove_client& change) const {
        take_out(state.clients, change.id);
        take_out(state.link_marks, change.id);
        std::erase_if(state.holdings, [&](const holding_record& record) { return record.client == change.id; });
        std::erase_if(state.reports, [&](const peer_report_record& record) { return record.reporter == change.id; });
    }
    void operator()(const put_last_seen& change) const {
        for (const auto& [id, at] : change.seen) {
            if (auto* client = entry_of(state.clients, id)) client->last_seen = at;
        }
    }
    void operator()(const put_content& change) const {
        put(state.contents, change.content);
        take_out(state.removed, change.content.content.id);
    }
    void operator()(const remove_content& change) const {
        if (const auto* record = entry_of(state.contents, change.id)) put(state.removed, record->content);
        take_out(state.contents, change.id);
        std::erase_if(state.holdings, [&](const holding_record& record) { return record.what.content.id == change.id; });
    }
    void operator()(const put_holdings& change) const {
        if (change.replace_all) std::erase_if(state.holdings, [&](const holding_record& record) { return record.client == change.client; });
        for (const auto& what : change.holdings) {
            if (what.state == holding_state::none) {
                take_out(state.holdings, std::tie(change.client, what.content));
            } else {
                put(state.holdings, holding_record{change.client, what});
            }
        }
    }
    void operator()(const put_topology& change) const { state.topology = change.topology; }
    void operator()(const put_setting& change) const {
        if (change.value.empty()) {
            take_out(state.settings, change.key);
        } else {
            put(state.settings, std::pair{change.key, change.value});
        }
    }
    void operator()(const put_licence& change) const { state.licence = change.licence; }
    void operator()(const put_versions& change) const { state.versions = change.versions; }
    void operator()(const put_epochs& change) const { state.epochs = change.epochs; }
    void operator()(const add_link_bytes& change) const {
        if (change.report.number != 0) {
            const auto* mark = entry_of(state.link_marks, change.report.client);
            if (mark != nullptr && mark->boot == change.report.boot && mark->number >= change.report.number) return;
            put(state.link_marks, change.report);
        }
        auto* link = entry_of(state.links, key_of(change.delta));
        if (link == nullptr) return put(state.links, change.delta);
        link->bytes_in += change.delta.bytes_in;
        link->bytes_out += change.delta.bytes_out;
    }
    void operator()(const forget_link_bytes& change) const {
        std::erase_if(state.links, [&](const link_record& record) { return record.content == change.content; });
    }
    void operator()(const put_peer_report& change) const { put(state.reports, change.report); }
    void operator()(const forget_peer_reports& change) const {
        std::erase_if(state.reports, [&](const peer_report_record& record) { return record.peer == change.peer; });
    }
};

}  // namespace

void apply(catalogue_snapshot& state, const catalogue_change& change) { std::visit(applier{state}, change); }

}  // namespace p2pdist
