#include "locator.hpp"

#include <algorithm>
#include <array>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/envelope.hpp"

namespace p2pdist {
namespace {

/// A point in the order of ids that differs from asker to asker, so that not all of them are sent to the same few holders (RVP-4).
client_id starting_point(const client_id& asker, const content_key& content) {
    client_id out;
    for (std::size_t index = 0; index < out.value.size(); ++index) {
        out.value[index] = static_cast<std::uint8_t>(asker.value[index] ^ content.hash.value[index]);
    }
    return out;
}

/// Complete holders of an office that are active, at most limits::locate_holders_max, best in rank first.
std::vector<peer_info> holders_of(time_point now, const server_state& state, const client_id& asker, const content_key& content,
                                  office_index office) {
    const auto& ids = state.holdings.complete(content, office);
    std::vector<candidate> found;
    const auto take = [&](auto first, auto last) {
        for (; first != last && found.size() < limits::locate_holders_max; ++first) {
            const auto* client = state.clients.find(*first);
            if (*first == asker || client == nullptr || !state.clients.active(*client, now)) continue;
            found.push_back({*first, ranked_profile(client->record, state.offices())});
        }
    };
    const auto start = ids.lower_bound(starting_point(asker, content));
    take(start, ids.end());
    take(ids.begin(), start);
    state.order.sort(found);
    std::vector<peer_info> out;
    for (const auto& one : found) out.push_back(reach_of(state.clients.find(one.id)->record));
    return out;
}

/// Complete holders of an office, without the asker.
std::uint32_t holder_count(const server_state& state, const client_id& asker, const content_key& content, office_index office) {
    const auto& ids = state.holdings.complete(content, office);
    return static_cast<std::uint32_t>(ids.size() - ids.count(asker));
}

office_sources sources_of(time_point now, server_state& state, const client_id& asker, const content_key& content, office_index office) {
    office_sources out;
    out.office = state.offices()[office].name;
    const auto count = holder_count(state, asker, content, office);
    if (state.offices().shares(office)) {
        out.roster = state.rosters.roster(now, content, {state.offices(), state.clients, state.order, office, asker});
        out.holders = holders_of(now, state, asker, content, office);
    }
    out.holders_elsewhere = count - static_cast<std::uint32_t>(out.holders.size());
    return out;
}

/// How many entries of the own office's and of the upper offices' lists to send.
struct lengths {
    std::size_t own_roster, own_holders, upper_roster, upper_holders;
};

void cut(office_sources& sources, std::size_t roster, std::size_t holders) {
    sources.roster.resize(std::min(sources.roster.size(), roster));
    const auto kept = std::min(sources.holders.size(), holders);
    sources.holders_elsewhere += static_cast<std::uint32_t>(sources.holders.size() - kept);
    sources.holders.resize(kept);
}

void fit_datagram(locate_reply& reply) {
    constexpr std::size_t frame_bytes = 24;  // of the message around the body
    constexpr std::array<lengths, 5> steps{{{6, 6, 4, 4}, {5, 4, 3, 2}, {4, 3, 2, 1}, {3, 2, 2, 1}, {2, 1, 1, 1}}};
    for (const auto& step : steps) {
        if (encode_body(reply).size() + frame_bytes <= envelope::payload_bytes_max) return;
        for (auto& sources : reply.path) {
            const bool own = &sources == &reply.path.front();
            cut(sources, own ? step.own_roster : step.upper_roster, own ? step.own_holders : step.upper_holders);
        }
    }
}

}  // namespace

locate_reply locate(time_point now, server_state& state, const registered_client& asker, const content_info& content, bool server_has_it) {
    const auto& id = asker.record.id;
    const auto key = content.key();
    const auto& offices = state.offices();
    locate_reply out;
    out.content = content;
    out.server_has_it = server_has_it;
    if (!asker.office) {  // an office of its own below the central one (OFF-1)
        office_sources alone;
        alone.roster.push_back({reach_of(asker.record), ranked_profile(asker.record, offices)});
        out.path.push_back(std::move(alone));
    }
    std::uint32_t on_path = 0;
    for (const auto office : offices.path_to_central(asker.office.value_or(offices.central()))) {
        on_path += holder_count(state, id, key, office);
        if (out.path.size() == limits::locate_path_max) out.path.pop_back();  // the central office is always the last
        out.path.push_back(sources_of(now, state, id, key, office));
    }
    const auto own = state.holdings.of_client(id).find(key);
    const bool holds_it = own != state.holdings.of_client(id).end() && own->second.state == holding_state::complete;
    out.holders_outside = static_cast<std::uint32_t>(state.holdings.complete_count(key)) - on_path - (holds_it ? 1 : 0);
    fit_datagram(out);
    return out;
}

}  // namespace p2pdist
