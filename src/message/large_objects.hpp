#pragma once
// The large messages that we offer: each under a random token, to one peer, until whoever offered it takes it back.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

/// Who made an offer: the handle of our own request, or of the request that our reply answers.
struct large_offerer {
    std::uint64_t handle = 0;
    bool is_reply = false;
};

struct large_object {
    client_id peer;
    large_offerer by;
    digest hash{};
    std::shared_ptr<const bytes> data;  ///< shared by objects of the same content, as a server sends them to many
    transfer_protocol protocol = transfer_protocol::background;
    int flows = 0;                      ///< that fetch it now
    bool withdrawn = false;             ///< nobody needs it any more but the flows that fetch it
};

class large_objects {
public:
    /// Offers `data` to the peer; nothing where a limit is reached.
    [[nodiscard]] std::optional<large_offer> offer(const crypto_suite& crypto, entropy& random_bytes, const client_id& peer, large_offerer by,
                                                   bytes data, transfer_protocol protocol);
    /// The object, if it was offered to this peer.
    [[nodiscard]] large_object* find(const client_id& peer, std::uint64_t token) noexcept;
    [[nodiscard]] large_object* find(std::uint64_t token) noexcept;
    void withdraw(std::uint64_t token);  ///< now, or when its last flow has ended
    void flow_ended(std::uint64_t token);

    [[nodiscard]] std::size_t size() const noexcept { return objects_.size(); }

private:
    void erase(std::map<std::uint64_t, large_object>::iterator at);

    /// Counted once, however many objects it is of: who asks for the same again and again takes no more room with it.
    struct shared_data {
        std::shared_ptr<const bytes> data;
        std::size_t objects = 0;
    };
    std::map<std::uint64_t, large_object> objects_;
    std::map<client_id, std::size_t> of_peer_;
    std::map<digest, shared_data> by_hash_;
    std::uint64_t bytes_in_all_ = 0;
};

}  // namespace p2pdist
