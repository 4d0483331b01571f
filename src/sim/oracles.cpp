#include "oracles.hpp"

#include <algorithm>
#include <numeric>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim::oracles {
namespace {

constexpr double overhead = 1.1;
constexpr double small = 256 * 1024;   // messages of many clients, beside a content that may be tiny

std::string above(std::string_view what, std::uint64_t value, std::uint64_t limit) {
    if (value <= limit) return {};
    return std::to_string(value) + ' ' + std::string(what) + ", of at most " + std::to_string(limit);
}

std::string first_of(std::initializer_list<std::string> findings) {
    for (const auto& each : findings) {
        if (!each.empty()) return each;
    }
    return {};
}

bool is_data(const datagram_note& note) {
    const auto type = frame_type_of(note.header);
    return type == frame_type::data || type == frame_type::data_strict;
}

std::string wrong_chunk(memory_store& store, const generated_content& content, const store_opened& has) {
    const auto& info = content.info();
    const chunk_geometry geometry(info.size_bytes);
    for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
        if (!has.verified.contains(chunk)) continue;
        const auto place = geometry.chunk(chunk);
        const auto read = store.execute({0, store_read_chunk{info.key(), chunk}});
        const auto* region = read.ok() ? std::get_if<store_region>(&read.value) : nullptr;
        const auto right = byte_span(*content.data()).subspan(place.offset, place.length);
        if (!region || !std::ranges::equal(region->region.view.subspan(geometry.proof_bytes(chunk)), right))
            return "chunk " + std::to_string(chunk) + " of " + info.id.text() + " counts as verified and is wrong";
    }
    return {};
}

}  // namespace

std::string fits_the_path(const datagram_note& sent) {
    return above("bytes in a datagram to " + sent.to.to_string(), sent.payload_bytes, limits::datagram_bytes_max);
}

std::string follows_the_hierarchy(const datagram_note& sent, const topology& offices, const ip_address& server) {
    static const port_plan ports;
    const bool of_content = sent.to.port == ports[port_use::content_fg] || sent.to.port == ports[port_use::content_bg];
    if (!of_content || !is_data(sent)) return {};
    const auto from = offices.office_of(sent.from.address);
    const auto to = offices.office_of(sent.to.address);
    const bool right = to && (sent.from.address == server ? *to == offices.central()
                                                          : from && offices.shares(*from) && offices.is_ancestor_or_self(*from, *to));
    return right ? std::string() : "content goes from " + sent.from.to_string() + " to " + sent.to.to_string() + ", against the hierarchy";
}

std::string only_right_bytes(memory_store& store, const generated_content& content, const std::string& output) {
    if (!output.empty()) {
        const auto file = store.files().find(output);
        if (file != store.files().end() && file->second != *content.data()) return output + " has other bytes than were published";
    }
    const auto opened = store.execute({0, store_open{content.info(), false}});
    const auto* has = opened.ok() ? std::get_if<store_opened>(&opened.value) : nullptr;
    if (!has) return {};
    auto wrong = wrong_chunk(store, content, *has);
    (void)store.execute({0, store_close{content.info().key()}});
    return wrong;
}

std::string split_adds_up(const fetch_record& fetched) {
    const auto sum = std::accumulate(fetched.split.begin(), fetched.split.end(), std::uint64_t{0});
    if (!fetched.complete() || sum == fetched.content.size_bytes) return {};
    return "a fetch of " + std::to_string(fetched.content.size_bytes) + " bytes accounts for " + std::to_string(sum);
}

std::string fetched_once(std::uint64_t chunks_fetched_again) { return above("chunks were fetched again that were there", chunks_fetched_again, 0); }

std::string within_limits(const client_status& status, std::size_t peers) {
    return first_of({above("downloads", status.downloads.size(), limits::client_jobs_max),
                     above("uploads", status.uploads.size(), limits::transfer_uploads_max), above("peers", peers, limits::client_peers_max),
                     above("contents", status.store.contents, limits::client_contents_max)});
}

std::string within_limits(const server_statistics& statistics) {
    return first_of({above("requests wait for the catalogue", statistics.catalogue_pending, limits::server_commits_pending_max),
                     above("registered clients", statistics.clients_registered, limits::server_clients_max),
                     above("contents", statistics.contents, limits::server_contents_max)});
}

std::string queue_is_bounded(const link_settings& settings, const link_counters& counters) {
    if (settings.queue_bytes == UINT64_MAX) return {};
    return above("bytes in a line's queue", counters.queue_bytes_max, settings.queue_bytes + limits::datagram_bytes_receive_max);
}

std::string events_are_bounded(std::size_t pending, std::size_t devices) {
    constexpr std::size_t for_all = 20'000, of_device = 20'000;   // a window of 16 MiB is 14,000 datagrams
    return above("events are under way", pending, for_all + of_device * devices);
}

std::string no_livelock(std::uint64_t events, std::uint64_t limit) { return above("events in one simulated second", events, limit); }

std::string ledger_adds_up(const network_ledger& all) {
    if (all.sent + all.injected + all.copied == all.delivered + all.dropped + all.spread + all.under_way) return {};
    return std::to_string(all.sent + all.injected) + " datagrams sent and " + std::to_string(all.copied) + " copies made, but " +
           std::to_string(all.delivered) + " delivered, " + std::to_string(all.dropped) + " dropped, " + std::to_string(all.spread) +
           " spread and " + std::to_string(all.under_way) + " under way";
}

std::string came_over_the_network(std::uint64_t from_peers, std::uint64_t data_delivered) {
    return above("bytes are said to have come from peers", from_peers, data_delivered);
}

std::string line_adds_up(const link_counters& counters) {
    const auto gone = counters.carried + counters.queue_dropped + counters.early_dropped + counters.policed + counters.too_long + counters.down_dropped;
    if (counters.offered >= gone && counters.lost <= counters.carried && counters.data_bytes <= counters.carried_bytes) return {};
    return std::to_string(counters.offered) + " datagrams came to a line, and " + std::to_string(gone) + " left it";
}

std::string one_copy(const wan_traffic& wan, std::uint64_t content_bytes) {
    const auto most = static_cast<std::uint64_t>(overhead * static_cast<double>(content_bytes) + small);
    return above("bytes of data went to " + wan.office, wan.down.data_bytes, most);
}

std::string read_once(std::uint64_t bytes_read, std::uint64_t content_bytes) {
    return above("bytes were read from the fallback source", bytes_read, static_cast<std::uint64_t>(overhead * static_cast<double>(content_bytes) + small));
}

std::string nothing_left(const client_status& status) {
    if (!status.downloads.empty()) return "a download of " + status.downloads.front().content.id.text() + " is left (" + std::string(to_string(status.downloads.front().state)) + ")";
    if (!status.uploads.empty()) return "an upload of " + status.uploads.front().content.id.text() + " is left";
    return {};
}

std::string at_rest(std::uint64_t datagrams, std::uint64_t data_frames, std::size_t clients, duration time, duration heartbeat) {
    constexpr std::uint64_t of_heartbeat = 6, for_all = 40;
    if (data_frames > 0) return std::to_string(data_frames) + " frames of data were sent, of nothing that is under way";
    const auto beats = static_cast<std::uint64_t>(time / heartbeat) + 1;
    return above("datagrams in " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s of rest", datagrams,
                 for_all + of_heartbeat * beats * clients);
}

}  // namespace p2pdist::sim::oracles
