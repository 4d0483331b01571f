#include "server_state.hpp"

#include <algorithm>

namespace p2pdist {
namespace {

template <class... Functions>
struct overloaded : Functions... {
    using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace

bool server_state::load(time_point now, wall_time wall, duration heartbeat_interval, const catalogue_snapshot& snapshot) {
    bool sane = true;
    if (snapshot.topology.version != 0) sane = topology.put(snapshot.topology);
    for (const auto& record : snapshot.clients) {
        apply(put_client{record});
        const std::chrono::seconds silent(wall.seconds - record.last_seen.seconds);
        if (silent >= std::chrono::seconds(0) && silent <= 3 * heartbeat_interval) clients.hear(record.id, now - silent, record.last_seen);
    }
    (void)clients.take_heard();  // what comes from the catalogue needs not go there
    for (const auto& record : snapshot.contents) apply(put_content{record});
    for (const auto& content : snapshot.removed) contents.remember(content);
    for (const auto& record : snapshot.holdings) apply(put_holdings{record.client, {record.what}, false});
    for (const auto& record : snapshot.links) enter(record);
    for (const auto& mark : snapshot.link_marks) links.set_mark(mark);
    for (const auto& record : snapshot.reports) blamed.put(record, clients.find(record.peer) != nullptr, wall);
    for (const auto& [key, value] : snapshot.settings) apply(put_setting{key, value});
    apply(put_licence{snapshot.licence});
    apply(put_versions{snapshot.versions});
    apply(put_epochs{snapshot.epochs});
    return sane;
}

void server_state::apply(const catalogue_change& change) {
    std::visit(overloaded{
                   [&](const put_client& put) {
                       const auto office = offices().office_of(put.client.address);
                       if (const auto* former = clients.find(put.client.id)) topology.forget(former->record);
                       clients.put(put.client, office);
                       blamed.on_registered(put.client.id);
                       holdings.move_client(put.client.id, office);
                       topology.learn(put.client);
                   },
                   [&](const remove_client& remove) {
                       if (const auto* former = clients.find(remove.id)) topology.forget(former->record);
                       clients.remove(remove.id);
                       links.forget(remove.id);
                       holdings.remove_client(remove.id);
                       blamed.on_left(remove.id);
                   },
                   [](const put_last_seen&) {},  // memory knew it first
                   [&](const put_content& put) {
                       contents.put(put.content);
                       links.on_published(put.content.content.key());
                   },
                   [&](const remove_content& remove) {
                       if (const auto* record = contents.find(remove.id)) links.on_removed(record->content.key());
                       contents.remove(remove.id);
                       holdings.remove_content(remove.id);
                       rosters.forget(remove.id);
                   },
                   [&](const put_holdings& put) {
                       const auto* client = clients.find(put.client);
                       if (client != nullptr) holdings.put(put.client, client->office, put.holdings, put.replace_all);
                   },
                   [&](const put_topology& put) {
                       topology.put(put.topology);
                       place_all();
                   },
                   [&](const put_setting& put) {
                       settings.put(put.key, put.value);
                       order = ranking::standard(settings.steps());
                       rosters.rank_anew();
                   },
                   [&](const put_licence& put) { licence = put.licence; },
                   [&](const put_versions& put) { versions = put.versions; },
                   [&](const put_epochs& put) { epochs = put.epochs; },
                   [&](const add_link_bytes& add) {
                       if (links.contains(add.report)) return;
                       enter(add.delta);
                       links.set_mark(add.report);
                   },
                   [&](const forget_link_bytes& forget) { links.forget(forget.content); },
                   [&](const put_peer_report& put) { blamed.put(put.report, clients.find(put.report.peer) != nullptr, put.report.at); },
                   [&](const forget_peer_reports& forget) { blamed.forget(forget.peer); },
               },
               change);
}

void server_state::enter(const link_record& delta) {
    links.add(delta);
    if (contents.find(delta.content) == nullptr) links.on_removed(delta.content);
}

void server_state::place_all() {
    clients.place_all(offices());
    holdings.place_all(clients);
}

bool server_state::in_central_office(const client_id& id) const {
    const auto* client = clients.find(id);
    return client != nullptr && client->office == offices().central();
}

const registered_client* server_state::member(const client_id& id) const {
    const auto* client = clients.find(id);
    return client != nullptr && !client->record.revoked ? client : nullptr;
}

}  // namespace p2pdist
