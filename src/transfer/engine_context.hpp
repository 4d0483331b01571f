#pragma once
// What downloads and uploads of one engine share: flows, memory, requests to the store, outputs, and who was blamed.

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string_view>

#include "local_content.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "region_cache.hpp"
#include "region_pool.hpp"

namespace p2pdist::detail::transfer {

/// What a request to the store was for.
enum class store_task : std::uint8_t { open_download, open_upload, write, append, finish, install_tree, read, close };
struct store_purpose {
    store_task task = store_task::close;
    content_key content;
    std::uint64_t asker = 0;     ///< the serial number of the download that asked, if any; of a read local_content::number
    chunk_index chunk = 0;
    time_point asked_at{};
};

/// Peers that were found out, for the given time each. Bounded: the oldest goes.
class blame_list {
public:
    explicit blame_list(duration time) : time_(time) {}

    [[nodiscard]] bool contains(time_point now, const client_id& peer) const {
        const auto found = since_.find(peer);
        return found != since_.end() && now < found->second + time_;
    }
    void add(time_point now, const client_id& peer) {
        since_[peer] = now;
        if (since_.size() <= limits::transfer_blamed_max) return;
        since_.erase(std::ranges::min_element(since_, {}, [](const auto& entry) { return entry.second; }));
    }
    [[nodiscard]] std::vector<client_id> all(time_point now) const {
        std::vector<client_id> out;
        for (const auto& [peer, since] : since_) {
            if (now < since + time_) out.push_back(peer);
        }
        return out;
    }

private:
    duration time_;
    std::map<client_id, time_point> since_;
};

struct engine_context {
    engine_context(const crypto_suite& suite, entropy& random_bytes, sealed_link& peers, std::uint64_t jitter_seed,
                   transfer_engine_config given)
        : config(std::move(given)),
          crypto(suite),
          secrets(random_bytes),
          link(peers),
          flows(suite, random_bytes, peers, jitter_seed, flow_config(config)),
          random(jitter_seed ^ 0x7472616e73666572u),
          cache(config.serve_cache_bytes) {}

    /// Sends a request to the store and remembers what for.
    template <class Operation>
    void ask_store(store_purpose purpose, Operation operation) {
        const auto id = transfer_store_request_bit | ++request_count;
        requests.emplace(id, std::move(purpose));
        outputs.push_back(store_request{id, std::move(operation)});
    }
    void close_store(local_content& content) {
        const auto key = content.info.key();
        for (; content.opens > 0; --content.opens) ask_store({store_task::close, key, 0, 0, {}}, store_close{key});
    }
    /// Somebody forges data frames, or a peer lies: what is asked for from now on is authenticated, of whatever download.
    void suspect_forgery(time_point now) {
        guard_news = guard_news || !guarded(now);
        guarded_until = now + limits::transfer_guard_time;
    }
    [[nodiscard]] bool guarded(time_point now) const noexcept { return now < guarded_until; }
    void say(log_level level, std::string_view line) const { config.log(level, line); }

    transfer_engine_config config;
    const crypto_suite& crypto;
    entropy& secrets;
    const sealed_link& link;
    flow_endpoint flows;
    random_source random;
    region_pool pool;
    region_cache cache;
    blame_list blamed{limits::transfer_blame_time};   ///< who sent bad chunks
    blame_list refused{limits::transfer_refusal_time};  ///< who acknowledged what was never sent
    std::vector<client_id> newly_blamed;  ///< to be dropped by every download
    time_point guarded_until{};           ///< strict mode for every flow until then
    bool guard_news = false;              ///< the downloads have not heard of it
    std::deque<transfer_output> outputs;
    std::map<store_request_id, store_purpose> requests;
    std::uint64_t request_count = 0;

    std::size_t regions_in_use = 0;       ///< arriving or being verified, of all downloads
    std::uint64_t verifying_bytes = 0;    ///< handed to the store, unanswered
    std::size_t downloads_running = 0;

private:
    static flow_endpoint_config flow_config(const transfer_engine_config& config) {
        flow_endpoint_config flow;
        flow.foreground = config.foreground;
        flow.background = config.background;
        return flow;
    }
};

}  // namespace p2pdist::detail::transfer
