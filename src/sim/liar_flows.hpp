#pragma once
// The liar's flows: what it sends to those who fetch from it, and what it says to those from whom it pretends to fetch.

#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/sim/generated_content.hpp"
#include "p2pdist/wire/flow_control.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::sim {

class liar_flows {
public:
    /// What it does to whoever fetches from it.
    enum class manner : std::uint8_t {
        wrong_bytes,    ///< all of it
        some_wrong,     ///< one chunk in eight
        wrong_proof,    ///< right bytes with a proof of another tree
        silence,        ///< accepts, holds all, gives nothing
        drip,           ///< a byte now and then
        aside,          ///< says that it stands aside for other traffic, for ever
        claims,         ///< says that it is getting all of it just now, for ever
        other_size,     ///< accepts an object of another size
        nonsense,       ///< accepts with a status that makes no sense
        refuses,        ///< with whatever reason
        never_answers,
        unsealed,       ///< wrong bytes, never authenticated whatever was asked
        outside,        ///< bytes beyond the object, empty ones, ones nobody asked for
        honest,
        count_
    };

    liar_flows(const crypto_suite& crypto, envelope& seal, random_source& random);

    void learn(const generated_content& content);
    void on_control(time_point now, const opened& frame);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return served_.empty() && pretended_.empty() ? never : next_; }
    [[nodiscard]] std::optional<send_datagram> poll();
    /// Begins to fetch from the peer, and lies about what arrives.
    void pretend_to_fetch(time_point now, const peer_info& from, const content_info& content);

    [[nodiscard]] const std::vector<content_info>& contents() const noexcept { return known_; }
    [[nodiscard]] std::string_view manner_text() const;
    /// Bytes that are not the content's, in authenticated frames.
    [[nodiscard]] std::uint64_t wrong_bytes_sent() const noexcept { return wrong_bytes_; }
    [[nodiscard]] bool always_wrong() const noexcept { return fixed_ && (*fixed_ == manner::wrong_bytes || *fixed_ == manner::wrong_proof); }

private:
    struct content_object_bytes {
        chunk_geometry geometry;
        bytes right;   ///< the proven object
    };
    struct served {
        client_id peer;
        path way;
        std::uint32_t token = 0;
        short_key key{};
        manner how = manner::silence;
        content_key content;
        bool strict = false;
        std::vector<index_range> wanted;
        std::map<std::uint64_t, time_point> sent;   ///< offset: when
        std::uint32_t next_number = 0;
        std::uint32_t status = 1;
        std::uint32_t status_seen = 0;
        time_point status_at{};
        time_point heard_at{};
    };
    struct pretended {
        client_id peer;
        path way;
        std::uint32_t token = 0;
        std::uint64_t object_bytes = 0;
        std::uint32_t sequence = 0;
        time_point until{};
    };

    void on_open(time_point now, const opened& frame, std::uint32_t token, const flow_open& request);
    void say(time_point now, const client_id& peer, const path& way, const flow_control& what);
    void serve(time_point now, served& one);
    void send_frames(time_point now, served& one);
    void send_frame(time_point now, served& one, std::uint64_t offset, bytes payload, bool strict);
    [[nodiscard]] bytes payload_for(const served& one, std::uint64_t offset, std::uint64_t length);
    [[nodiscard]] bytes status_of(const served& one, const content_object_bytes& content);
    void lie_of_reception(time_point now, pretended& one);

    const crypto_suite* crypto_;
    envelope* seal_;
    random_source* random_;
    port_plan ports_;
    std::optional<manner> fixed_;
    std::vector<content_info> known_;
    std::map<content_key, content_object_bytes> objects_;
    std::map<std::pair<client_id, std::uint32_t>, served> served_;
    std::vector<pretended> pretended_;
    std::deque<send_datagram> out_;
    std::uint64_t wrong_bytes_ = 0;
    std::uint64_t wrong_in_payload_ = 0;
    time_point next_{};
};

}  // namespace p2pdist::sim
