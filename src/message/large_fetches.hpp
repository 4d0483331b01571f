#pragma once
// The large messages that we are fetching: what of each is there, and what it is for.

#include <cstdint>
#include <map>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

/// What a fetch is for: the reply to our request with this handle, or the request of a peer.
struct fetch_purpose {
    std::uint64_t handle = 0;
    bool is_reply = false;
};

/// A large message on its way to us.
class large_fetch {
public:
    large_fetch(const client_id& from, const path& over, const large_offer& what, fetch_purpose why)
        : peer(from), way(over), offer(what), purpose(why) {}

    /// Takes a piece, wherever it belongs. False where it lies outside the object.
    [[nodiscard]] bool add(std::uint64_t offset, byte_span piece);
    [[nodiscard]] bool complete() const noexcept { return covered_.size() == 1 && covered_.begin()->first == 0 && covered_.begin()->second == offer.size_bytes; }
    [[nodiscard]] const bytes& data() const noexcept { return data_; }
    /// Forgets what came, to start anew.
    void restart();

    client_id peer;
    path way;
    large_offer offer;
    fetch_purpose purpose;
    int attempts = 1;              ///< flows opened so far
    bool strict = false;           ///< after a hash that did not fit: tags cover the payload
    std::uint64_t flow = 0;        ///< 0: none, the next one is opened at a time that the layer keeps

private:
    bytes data_;                                      // grows with what comes, so that an announcement alone costs nothing
    std::map<std::uint64_t, std::uint64_t> covered_;  // first -> end, apart from each other
};

class large_fetches {
public:
    /// Why a further fetch of this size from the peer is not possible now; nothing where it is.
    [[nodiscard]] bool has_room(const client_id& peer, std::uint64_t size_bytes) const noexcept;
    /// The key names the fetch until erase().
    std::uint64_t add(large_fetch fetch);
    void set_flow(std::uint64_t key, std::uint64_t flow);
    [[nodiscard]] large_fetch* find(std::uint64_t key) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> key_of_flow(std::uint64_t flow) const noexcept;
    void erase(std::uint64_t key);

    [[nodiscard]] const std::map<std::uint64_t, large_fetch>& all() const noexcept { return fetches_; }

private:
    std::map<std::uint64_t, large_fetch> fetches_;
    std::map<std::uint64_t, std::uint64_t> by_flow_;
    std::map<client_id, std::size_t> of_peer_;
    std::uint64_t bytes_in_all_ = 0;
    std::uint64_t next_key_ = 1;
};

}  // namespace p2pdist
