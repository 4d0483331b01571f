#pragma once
// The client's values as JSON, with the words of the command line's documentation.

#include <nlohmann/json.hpp>

#include "p2pdist/client/client_core.hpp"

namespace p2pdist {

using json = nlohmann::ordered_json;

[[nodiscard]] json sources_json(const source_split& split);
[[nodiscard]] json profile_json(const device_profile& profile);
[[nodiscard]] json transfer_json(const transfer_progress& progress);
[[nodiscard]] json upload_json(const upload_progress& progress);
[[nodiscard]] json status_json(const client_status& status);
[[nodiscard]] json peer_json(const peer_view& view);
[[nodiscard]] json explanation_json(const explanation& value);
[[nodiscard]] json entry_json(const store_entry& entry);
[[nodiscard]] json progress_event_json(const transfer_progress& progress);
[[nodiscard]] json done_event_json(const command_done& done);
[[nodiscard]] const char* holding_text(holding_state state) noexcept;

}  // namespace p2pdist
