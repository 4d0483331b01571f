#pragma once
// Where a content is, as seen from a client's office upwards (SRC-1, OFF-2).

#include "server_state.hpp"

namespace p2pdist {

/// The answer to a locate_request for a published content. Lists are as long as fit one datagram where that is possible, since a reply
/// that has to be fetched over a busy WAN would wait behind its traffic.
[[nodiscard]] locate_reply locate(time_point now, server_state& state, const registered_client& asker, const content_info& content,
                                  bool server_has_it);

}  // namespace p2pdist
