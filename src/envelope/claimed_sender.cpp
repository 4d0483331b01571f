#include "p2pdist/envelope/claimed_sender.hpp"

#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/wire/frame.hpp"
#include "session_frames.hpp"

namespace p2pdist {

std::optional<client_id> claimed_sender(const crypto_suite& crypto, byte_span datagram) {
    if (const auto header = decode_sealed_header(datagram)) return header->sender;
    const auto hello = detail::decode_greeting(datagram);
    if (!hello || hello->type != frame_type::session_hello) return std::nullopt;
    return id_of(crypto, hello->cert.key);
}

}  // namespace p2pdist
