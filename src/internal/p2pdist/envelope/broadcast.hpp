#pragma once
// Broadcast discovery (MSG-3): a request to everybody in the subnet under the epoch's group key, answered pairwise.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/envelope/source_limit.hpp"

namespace p2pdist {

using broadcast_nonce = std::array<std::uint8_t, 16>;

/// Every request is padded to at least this, and no answer is larger: asking in another's name gains nothing (SEC-1).
inline constexpr std::size_t broadcast_request_bytes_min = 480;
inline constexpr std::size_t broadcast_request_payload_max = limits::datagram_bytes_max - 4 - 16 - 8 - certificate::size_bytes - 2 - 16;
inline constexpr std::size_t broadcast_answer_payload_max = broadcast_request_bytes_min - 4 - 16 - certificate::size_bytes - 16;

/// Answers to open questions that cost a key agreement. Their tag is under a key that anybody can make, in a name that nobody signed.
inline constexpr std::uint32_t broadcast_answers_per_host = 2 * limits::broadcast_questions_max;  ///< a second: a member has one for each question
inline constexpr std::uint32_t broadcast_answers_per_second = 500;  ///< a tenth of a second of work; a question that many answer is asked again

/// A request of a member of the organisation. `payload` borrows from the datagram.
struct broadcast_request {
    client_id from;
    public_key key{};
    broadcast_nonce nonce{};
    std::uint16_t epoch = 0;  ///< whose group key it is under
    wall_time sent_at;
    byte_span payload;
};

/// An answer of the member named. `payload` borrows from the datagram.
struct broadcast_answer {
    client_id from;
    public_key key{};  ///< certified: envelope::add_peer may be given it
    broadcast_nonce nonce{};
    byte_span payload;
};

/// The stateless halves. A payload above its maximum is a bug. open_* give nothing for anything that is not authentic, of a member by
/// `revocations`, and in date; a request's date must be within broadcast_clock_skew of ours. A request leaves under the group key of
/// the oldest epoch that is accepted, so that members who have not renewed yet hear it too.
[[nodiscard]] P2PDIST_INTERNAL bytes seal_broadcast_request(const crypto_suite& crypto, const credentials& held, const revocation_list& revocations,
                                           wall_time now, const broadcast_nonce& nonce, byte_span payload);
[[nodiscard]] P2PDIST_INTERNAL std::optional<broadcast_request> open_broadcast_request(const crypto_suite& crypto, const credentials& held,
                                                                      const revocation_list& revocations, wall_time now,
                                                                      byte_span datagram);
/// Empty where no key can be agreed with the asker's (a small-order point).
[[nodiscard]] P2PDIST_INTERNAL bytes seal_broadcast_answer(const crypto_suite& crypto, const credentials& held, const node_identity& self,
                                          const broadcast_request& request, byte_span payload);
[[nodiscard]] P2PDIST_INTERNAL std::optional<broadcast_answer> open_broadcast_answer(const crypto_suite& crypto, const credentials& held,
                                                                    const revocation_list& revocations, const node_identity& self,
                                                                    wall_time now, byte_span datagram);

struct broadcast_counters {
    std::uint64_t refused = 0;   ///< not authentic, of no member, out of date, or malformed
    std::uint64_t own = 0;       ///< our own request, heard back
    std::uint64_t replayed = 0;  ///< a request or an answer for the second time
    std::uint64_t stale = 0;     ///< an answer to nothing that we asked
    std::uint64_t limited = 0;   ///< more requests or answers than a source may send, or requests than a member may within twice the clock skew
};

/// What a node remembers of broadcasts: its own questions that still take answers, and others' requests, each answered once. Of those
/// each member has a share, whatever addresses it claims to be at; where many use theirs up, the oldest go, which are out of date soonest.
/// Distinct objects: safe. Shared: unsafe. The crypto suite and the entropy must outlive it.
class P2PDIST_INTERNAL broadcast_exchange {
public:
    broadcast_exchange(const crypto_suite& crypto, entropy& random, node_identity self);

    struct question {
        broadcast_nonce nonce{};
        bytes datagram;
    };
    /// A new request; answers to it are accepted for broadcast_answer_time. The oldest question is dropped at broadcast_questions_max.
    [[nodiscard]] question ask(time_point now, wall_time wall, const credentials& held, const revocation_list& revocations,
                               byte_span payload);
    /// Takes frame_type::broadcast_request. The caller has checked that the sender's address is in the own subnet (MSG-3).
    [[nodiscard]] std::optional<broadcast_request> on_request(time_point now, wall_time wall, const credentials& held,
                                                              const revocation_list& revocations, const ip_address& from,
                                                              byte_span datagram);
    /// Takes frame_type::broadcast_answer: one from each member for each question. `from` is the address that it came from.
    [[nodiscard]] std::optional<broadcast_answer> on_answer(time_point now, wall_time wall, const credentials& held,
                                                            const revocation_list& revocations, const ip_address& from,
                                                            byte_span datagram);

    [[nodiscard]] const broadcast_counters& counters() const noexcept { return counters_; }

private:
    struct open_question {
        time_point until;
        std::set<client_id> answered;
    };

    struct heard_request {
        broadcast_nonce nonce{};
        client_id from;
        time_point until;
    };
    struct heard_member {
        certificate cert;  // whose signature was checked
        std::size_t requests = 0;
    };

    void forget_oldest();

    const crypto_suite* crypto_;
    entropy* random_;
    node_identity self_;
    std::map<broadcast_nonce, open_question> questions_;
    std::deque<heard_request> heard_;         // others' requests, oldest first
    std::set<broadcast_nonce> seen_;          // their nonces
    std::map<client_id, heard_member> members_;   // who sent them
    source_limit requests_;                   // signatures of those who are not among them
    source_limit answers_;                    // key agreements
    broadcast_counters counters_;
};

}  // namespace p2pdist
