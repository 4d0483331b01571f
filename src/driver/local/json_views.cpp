#include "local/json_views.hpp"

namespace p2pdist {
namespace {

/// The three words that scripts know, beside the two ends.
const char* download_state(transfer_state state) {
    switch (state) {
        case transfer_state::opening:
        case transfer_state::waiting: return "waiting";
        case transfer_state::paused: return "paused";
        case transfer_state::downloading:
        case transfer_state::finishing: return "downloading";
        case transfer_state::complete: return "complete";
        case transfer_state::failed: return "failed";
    }
    return "waiting";
}

const char* protocol_text(transfer_protocol protocol) { return protocol == transfer_protocol::foreground ? "foreground" : "background"; }

}  // namespace

const char* holding_text(holding_state state) noexcept {
    return state == holding_state::complete ? "complete" : state == holding_state::partial ? "partial" : "none";
}

json sources_json(const source_split& split) {
    json out = json::object();
    for (std::size_t i = 0; i < source_kind_count; ++i) out[std::string(to_string(static_cast<source_kind>(i)))] = split[i];
    return out;
}

json profile_json(const device_profile& profile) {
    return {{"free_storage", profile.free_storage_bytes},
            {"usable_storage", profile.usable_storage_bytes},
            {"preferred", profile.preferred},
            {"model", profile.model == device_model::desktop ? "desktop" : "laptop"},
            {"os", profile.os == os_kind::server ? "server" : "workstation"},
            {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(profile.uptime).count()}};
}

json transfer_json(const transfer_progress& progress) {
    json sources = json::array();
    for (const auto& source : progress.sources) {
        sources.push_back({{"peer", source.source.peer.to_string()},
                           {"address", source.source.address.to_string()},
                           {"kind", to_string(source.source.kind)},
                           {"protocol", protocol_text(source.source.protocol)},
                           {"verified", source.verified_bytes},
                           {"bytes_per_second", static_cast<std::uint64_t>(source.bytes_per_second)},
                           {"chunks_held", source.chunks_held},
                           {"answering", source.answering},
                           {"paused", source.paused}});
    }
    return {{"content", progress.content.id.text()},
            {"hash", progress.content.hash.to_string()},
            {"size", progress.content.size_bytes},
            {"verified", progress.verified_bytes},
            {"bytes_per_second", static_cast<std::uint64_t>(progress.bytes_per_second)},
            {"state", download_state(progress.state)},
            {"reason", progress.reason},
            {"sources", sources_json(progress.split)},
            {"peers", std::move(sources)}};
}

json upload_json(const upload_progress& progress) {
    return {{"content", progress.content.id.text()},
            {"peer", progress.peer.to_string()},
            {"protocol", protocol_text(progress.protocol)},
            {"sent", progress.sent_bytes},
            {"bytes_per_second", static_cast<std::uint64_t>(progress.bytes_per_second)},
            {"paused", progress.paused}};
}

json status_json(const client_status& status) {
    json downloads = json::array();
    for (const auto& download : status.downloads) downloads.push_back(transfer_json(download));
    json uploads = json::array();
    for (const auto& upload : status.uploads) uploads.push_back(upload_json(upload));
    return {{"id", status.id.to_string()},
            {"enrolled", status.enrolled},
            {"registered", status.registered},
            {"activated", status.activated},
            {"revoked", status.revoked},
            {"key_epoch", status.key_epoch},
            {"revocations", status.revocations},
            {"server", status.server.to_string()},
            {"server_reachable", status.server_reachable},
            {"problem", status.problem},
            {"paused", status.paused},
            {"office", status.office},
            {"office_type", status.office_type},
            {"path", status.path},
            {"profile", profile_json(status.profile)},
            {"store",
             {{"used", status.store.used_bytes},
              {"limit", status.store.limit_bytes},
              {"usable", status.store.usable_bytes},
              {"volume_free", status.store.volume_free_bytes},
              {"contents", status.store.contents}}},
            {"downloads", std::move(downloads)},
            {"uploads", std::move(uploads)}};
}

json peer_json(const peer_view& view) {
    return {{"id", view.peer.id.to_string()}, {"address", view.peer.address.to_string()}, {"office", view.office},
            {"relation", view.relation},      {"state", holding_text(view.state)},        {"acting", view.acting}};
}

json explanation_json(const explanation& value) {
    json ranking = json::array();
    for (const auto& line : value.ranking) {
        ranking.push_back({{"office", line.office},
                           {"position", line.position},
                           {"id", line.peer.id.to_string()},
                           {"address", line.peer.address.to_string()},
                           {"decided_by", line.decided_by},
                           {"state", holding_text(line.state)},
                           {"acting", line.acting},
                           {"reachable", line.reachable}});
    }
    return {{"content", value.content.id.text()},
            {"hash", value.content.hash.to_string()},
            {"size", value.content.size_bytes},
            {"acting", value.acting},
            {"acting_is_self", value.acting_is_self},
            {"ranking", std::move(ranking)},
            {"notes", value.notes}};
}

json entry_json(const store_entry& entry) {
    return {{"content", entry.content.id.text()}, {"hash", entry.content.hash.to_string()}, {"size", entry.content.size_bytes},
            {"verified", entry.verified_bytes},   {"whole", entry.whole},                   {"pinned", entry.pinned},
            {"in_use", entry.use_count > 0}};
}

json progress_event_json(const transfer_progress& progress) {
    json out = {{"event", "progress"}};
    out.update(transfer_json(progress));
    out.erase("hash");
    out.erase("peers");
    const std::string state = download_state(progress.state);
    if (state == "complete" || state == "failed") out["state"] = "downloading";
    return out;
}

json done_event_json(const command_done& done) {
    json out = {{"event", done.failure ? "failed" : "complete"},
                {"content", done.content.id.text()},
                {"size", done.content.size_bytes},
                {"hash", done.content.hash.to_string()},
                {"seconds", to_seconds(done.took)},
                {"sources", sources_json(done.split)}};
    if (done.failure) {
        out["code"] = done.failure->error_code().message();
        out["error"] = done.failure->message;
    }
    return out;
}

}  // namespace p2pdist
