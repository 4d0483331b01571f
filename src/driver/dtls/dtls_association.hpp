#pragma once
// One DTLS 1.2 association keyed by a pre-shared key (CON-2), over datagrams that its owner carries. OpenSSL reads the clock for
// its handshake timers, which is why all of this stands below the purity line. No OpenSSL type shows here.
//
// Exactly ECDHE-PSK-CHACHA20-POLY1305, identity "p2pdist". The server half exchanges cookies before it keeps any state: see
// dtls_listener.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/bytes.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

class dtls_association {
public:
    enum class state { handshaking, open, closed, failed };

    /// A client that begins its handshake at once.
    [[nodiscard]] static std::unique_ptr<dtls_association> connect(const secret_key& psk);
    ~dtls_association();

    void on_datagram(byte_span datagram);
    /// When `retransmit` wants to be called, from now; nothing where no flight is under way.
    [[nodiscard]] std::optional<std::chrono::microseconds> retransmit_in() const;
    void retransmit();

    /// Encrypts one record; ignored unless open.
    void send(byte_span record);
    void close();   ///< sends close_notify

    [[nodiscard]] state status() const noexcept;
    /// Server: the client has answered the first flight. Anybody who can write from its address can, too.
    [[nodiscard]] bool key_exchanged() const noexcept;
    [[nodiscard]] const std::string& failure() const noexcept;   ///< of state::failed, for people
    /// Key material of this association alone (RFC 5705), equal on both sides; only while open.
    [[nodiscard]] secret_key exporter() const;

    [[nodiscard]] std::vector<bytes> take_datagrams();   ///< to the other side
    [[nodiscard]] std::vector<bytes> take_records();     ///< plaintext that arrived

private:
    friend class dtls_listener;
    class implementation;
    explicit dtls_association(std::unique_ptr<implementation> self);
    std::unique_ptr<implementation> self_;
};

/// Answers first ClientHellos with a cookie and keeps nothing; makes an association of one that returns its cookie.
class dtls_listener {
public:
    dtls_listener(const secret_key& psk, const secret_key& cookie_key);
    ~dtls_listener();

    struct outcome {
        std::unique_ptr<dtls_association> association;   ///< the cookie was right: the handshake goes on in here
        std::vector<bytes> datagrams;                    ///< answers, never larger than what came
    };
    /// `now`: a cookie is good for the hello and the address that it was made for, and for a minute or two. `admit` is asked once a
    /// cookie was right and before the handshake costs anything; where it says no nothing comes of it. Without it: always yes.
    [[nodiscard]] outcome on_datagram(const endpoint& from, byte_span datagram, std::chrono::steady_clock::time_point now,
                                      const std::function<bool()>& admit = {});

private:
    class implementation;
    std::unique_ptr<implementation> self_;
};

/// Whether a datagram is a ClientHello of a first handshake: epoch 0, so perhaps a new association on a known address pair.
[[nodiscard]] bool is_dtls_client_hello(byte_span datagram) noexcept;
/// The random value of a ClientHello, which its repetitions share (RFC 6347, 4.2.1); zeros where the datagram ends before it.
[[nodiscard]] std::array<std::uint8_t, 32> dtls_client_random(byte_span client_hello) noexcept;
/// Whether the first byte says DTLS (RFC 7983) rather than one of our frames.
[[nodiscard]] inline bool is_dtls(byte_span datagram) noexcept { return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63; }

}  // namespace p2pdist
