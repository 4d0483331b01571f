#include "dtls/dtls_association.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#ifdef _WIN32
#include <winsock2.h>  // timeval, of which OpenSSL speaks
#else
#include <sys/time.h>
#endif

#include "dtls/datagram_bio.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace {

constexpr const char* cipher = "ECDHE-PSK-CHACHA20-POLY1305";
constexpr const char* identity = "p2pdist";
constexpr std::string_view exporter_label = "EXPORTER-p2pdist-channel";
constexpr const char* groups = "X25519:P-256";        // with others the first flight would be longer still than a short hello
constexpr std::size_t record_bytes_max = 16384;
constexpr long message_bytes_max = 4096;               // of a handshake by PSK; OpenSSL keeps pieces of some that come out of order
constexpr auto cookie_period = std::chrono::minutes(1);
constexpr unsigned retransmit_first_us = 400'000;   // the standard's second is meant for paths that nobody knows
constexpr unsigned retransmit_max_us = 2'000'000;

struct context_deleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct ssl_deleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using context_pointer = std::unique_ptr<SSL_CTX, context_deleter>;
using ssl_pointer = std::unique_ptr<SSL, ssl_deleter>;

/// What the callbacks of one SSL object need.
struct callback_data {
    secret_key psk{};
    secret_key cookie_key{};
    endpoint from;
    bytes hello;                // the client's, but for its cookie
    std::uint64_t period = 0;   // in which a cookie is made or comes back
};

callback_data& data_of(SSL* ssl) { return *static_cast<callback_data*>(SSL_get_app_data(ssl)); }

unsigned on_psk_client(SSL* ssl, const char*, char* name, unsigned name_max, unsigned char* key, unsigned key_max) {
    const auto& psk = data_of(ssl).psk;
    if (std::strlen(identity) + 1 > name_max || psk.size() > key_max) return 0;
    std::strcpy(name, identity);
    std::ranges::copy(psk, key);
    return static_cast<unsigned>(psk.size());
}

unsigned on_psk_server(SSL* ssl, const char* name, unsigned char* key, unsigned key_max) {
    const auto& psk = data_of(ssl).psk;
    if (name == nullptr || std::strcmp(name, identity) != 0 || psk.size() > key_max) return 0;
    std::ranges::copy(psk, key);
    return static_cast<unsigned>(psk.size());
}

/// What a ClientHello says but for its cookie: the same in both of a handshake (RFC 6347, 4.2.1). Nothing where it is none, or in pieces.
bytes hello_but_cookie(byte_span datagram) {
    constexpr std::size_t record_head = 13, message_head = 12, version_and_random = 2 + 32;
    if (!is_dtls_client_hello(datagram) || datagram.size() < record_head + message_head) return {};
    const auto size = static_cast<std::size_t>(datagram[11]) << 8 | datagram[12];
    if (size < message_head || datagram.size() - record_head < size) return {};
    const auto body = datagram.subspan(record_head + message_head, size - message_head);
    byte_reader reader(body);
    (void)reader.raw(version_and_random);
    (void)reader.raw(reader.u8());   // session
    if (!reader.ok()) return {};
    const auto head = body.first(body.size() - reader.rest().size());
    (void)reader.raw(reader.u8());   // cookie
    if (!reader.ok()) return {};
    auto out = to_bytes(head);
    const auto rest = reader.rest();
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
}

/// Bound to the address and to the whole hello: who hears one on its way can begin nothing with it but that handshake.
std::array<std::uint8_t, 32> cookie_of(const callback_data& data, std::uint64_t period) {
    const auto text = std::to_string(period) + ' ' + data.from.to_string() + ' ';
    auto covered = to_bytes(as_bytes(text));
    covered.insert(covered.end(), data.hello.begin(), data.hello.end());
    std::array<std::uint8_t, 32> cookie{};
    unsigned size = 0;
    HMAC(EVP_sha256(), data.cookie_key.data(), static_cast<int>(data.cookie_key.size()), covered.data(), covered.size(), cookie.data(), &size);
    return cookie;
}

int on_make_cookie(SSL* ssl, unsigned char* cookie, unsigned* size) {
    const auto made = cookie_of(data_of(ssl), data_of(ssl).period);
    std::ranges::copy(made, cookie);
    *size = static_cast<unsigned>(made.size());
    return 1;
}

int on_check_cookie(SSL* ssl, const unsigned char* cookie, unsigned size) {
    const auto& data = data_of(ssl);
    const auto fits = [&](std::uint64_t period) { return equal_constant_time({cookie, size}, cookie_of(data, period)); };
    return fits(data.period) || fits(data.period - 1) ? 1 : 0;
}

unsigned next_retransmission(SSL*, unsigned last_us) {
    return last_us == 0 ? retransmit_first_us : std::min(2 * last_us, retransmit_max_us);
}

context_pointer make_context(bool server) {
    context_pointer context(SSL_CTX_new(server ? DTLS_server_method() : DTLS_client_method()));
    if (!context) throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context.get(), DTLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), cipher);
    SSL_CTX_set1_groups_list(context.get(), groups);
    SSL_CTX_set_max_cert_list(context.get(), message_bytes_max);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(context.get(), 1);
    if (server) {
        SSL_CTX_set_options(context.get(), SSL_OP_COOKIE_EXCHANGE);
        SSL_CTX_set_psk_server_callback(context.get(), on_psk_server);
        SSL_CTX_set_cookie_generate_cb(context.get(), on_make_cookie);
        SSL_CTX_set_cookie_verify_cb(context.get(), on_check_cookie);
    } else {
        SSL_CTX_set_psk_client_callback(context.get(), on_psk_client);
    }
    return context;
}

/// One for all associations of a side: it holds nothing of any of them, and making it takes longer than a handshake.
SSL_CTX* shared_context(bool server) {
    static const auto client_side = make_context(false);
    static const auto server_side = make_context(true);
    return (server ? server_side : client_side).get();
}

/// The library's generator lives in the process, and a virtual machine that is resumed twice from one snapshot has two of it. Before
/// the keys of a handshake are drawn it takes from the kernel's anew, which a resume reseeds.
void reseed() { RAND_poll(); }

/// The records of a datagram that `plausible` says yes to, by type, epoch and size with the head.
template <class Plausible>
bytes records_that(byte_span datagram, Plausible plausible) {
    constexpr std::size_t head_bytes = 13;
    bytes out;
    while (!datagram.empty()) {
        byte_reader head(datagram);
        const auto type = head.u8();
        (void)head.u16();   // version
        const auto epoch = head.u16();
        (void)head.u48();   // sequence number
        const auto size = head_bytes + head.u16();
        if (!head.ok() || size > datagram.size()) break;
        const auto record = datagram.first(size);
        if (plausible(type, epoch, size)) out.insert(out.end(), record.begin(), record.end());
        datagram = datagram.subspan(size);
    }
    return out;
}

constexpr std::uint8_t change_cipher_spec = 20, handshake = 22;

/// What of a datagram an open association may see; the library is too strict with the rest. Everybody can write records of epoch 0: of these
/// only a peer's repeated flight has a meaning, while a plain alert would end the association (RFC 6347, 4.1.2.7). And some versions end it
/// at a record that is shorter than its tag.
bytes plausible_records(byte_span datagram) {
    constexpr std::size_t head_and_tag_bytes = 13 + 16;
    return records_that(datagram, [](std::uint8_t type, std::uint16_t epoch, std::size_t size) {
        return epoch == 0 ? type == change_cipher_spec || type == handshake : size >= head_and_tag_bytes;
    });
}

/// Datagrams with records under the new keys that a server's handshake sees: of a client one, and its repetitions.
constexpr int sealed_datagrams_max = 8;

/// What a server's handshake may see: the library would keep a hundred records that come before their time, 17 KB each, for whoever showed a
/// cookie. `early`: its client has not changed to the new keys yet; who lost the record before repeats both. `sealed` counts.
bytes timely_records(byte_span datagram, bool early, int& sealed) {
    bool changed = !early, any = false;
    auto out = records_that(datagram, [&](std::uint8_t type, std::uint16_t epoch, std::size_t) {
        changed = changed || (epoch == 0 && type == change_cipher_spec);
        if (epoch == 0) return true;
        const bool timely = epoch == 1 && changed && sealed < sealed_datagrams_max;
        any = any || timely;
        return timely;
    });
    sealed += any ? 1 : 0;
    return out;
}

}  // namespace

class dtls_association::implementation {
public:
    explicit implementation(bool is_server, const secret_key& psk) : server(is_server), ssl_(SSL_new(shared_context(is_server))) {
        if (!ssl_) throw std::bad_alloc();
        data.psk = psk;
        SSL_set_app_data(ssl_.get(), &data);
        auto* bio = make_datagram_bio(queues);
        SSL_set_bio(ssl_.get(), bio, bio);
        DTLS_set_timer_cb(ssl_.get(), next_retransmission);
        DTLS_set_link_mtu(ssl_.get(), static_cast<long>(limits::datagram_bytes_max));
        is_server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    }
    ~implementation() {
        OPENSSL_cleanse(data.psk.data(), data.psk.size());
        OPENSSL_cleanse(data.cookie_key.data(), data.cookie_key.size());
    }
    implementation(const implementation&) = delete;
    implementation& operator=(const implementation&) = delete;

    void advance() {
        if (status == state::handshaking) {
            ERR_clear_error();
            const int outcome = SSL_do_handshake(ssl_.get());
            if (outcome == 1) status = state::open;
            else judge(outcome);
        }
        while (status == state::open) {
            bytes record(record_bytes_max);
            ERR_clear_error();
            const int size = SSL_read(ssl_.get(), record.data(), static_cast<int>(record.size()));
            if (size <= 0) return judge(size);
            record.resize(static_cast<std::size_t>(size));
            records.push_back(std::move(record));
        }
    }

    void send(byte_span record) {
        if (status != state::open || record.empty()) return;
        ERR_clear_error();
        const int outcome = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
        if (outcome <= 0) judge(outcome);
    }

    SSL* ssl() const noexcept { return ssl_.get(); }

    const bool server;
    datagram_queues queues;
    callback_data data;
    state status = state::handshaking;
    std::string failure;
    std::vector<bytes> records;
    int sealed = 0;   // datagrams with records under the new keys that the handshake has seen

private:
    void judge(int outcome) {
        const int why = SSL_get_error(ssl_.get(), outcome);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
        if (why == SSL_ERROR_ZERO_RETURN) {
            status = state::closed;
            return;
        }
        status = state::failed;
        const auto code = ERR_peek_last_error();
        const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
        failure = reason == nullptr ? "the handshake failed" : reason;
    }

    ssl_pointer ssl_;
};

dtls_association::dtls_association(std::unique_ptr<implementation> self) : self_(std::move(self)) {}
dtls_association::~dtls_association() = default;

std::unique_ptr<dtls_association> dtls_association::connect(const secret_key& psk) {
    auto self = std::make_unique<implementation>(false, psk);
    reseed();
    self->advance();
    return std::unique_ptr<dtls_association>(new dtls_association(std::move(self)));
}

void dtls_association::on_datagram(byte_span datagram) {
    const bool early = SSL_get_state(self_->ssl()) != TLS_ST_SR_CHANGE;
    const bool shakes_hands = self_->server && self_->status == state::handshaking;
    auto heard = self_->status == state::open ? plausible_records(datagram)
                 : shakes_hands               ? timely_records(datagram, early, self_->sealed)
                                              : to_bytes(datagram);
    if (heard.empty()) return;  // to OpenSSL it would be the end of everything
    self_->queues.incoming.push_back(std::move(heard));
    self_->advance();
    self_->queues.incoming.clear();
}

std::optional<std::chrono::microseconds> dtls_association::retransmit_in() const {
    timeval left{};
    if (self_->status != state::handshaking || DTLSv1_get_timeout(self_->ssl(), &left) != 1) return std::nullopt;
    return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

void dtls_association::retransmit() {
    DTLSv1_handle_timeout(self_->ssl());
    self_->advance();
}

void dtls_association::send(byte_span record) { self_->send(record); }

void dtls_association::close() {
    if (self_->status != state::open) return;
    SSL_shutdown(self_->ssl());
    self_->status = state::closed;
}

dtls_association::state dtls_association::status() const noexcept { return self_->status; }
bool dtls_association::key_exchanged() const noexcept {
    const auto at = SSL_get_state(self_->ssl());
    return self_->status == state::open || at == TLS_ST_SR_KEY_EXCH || at == TLS_ST_SR_CHANGE;
}
const std::string& dtls_association::failure() const noexcept { return self_->failure; }

secret_key dtls_association::exporter() const {
    secret_key key{};
    SSL_export_keying_material(self_->ssl(), key.data(), key.size(), exporter_label.data(), exporter_label.size(), nullptr, 0, 0);
    return key;
}

std::vector<bytes> dtls_association::take_datagrams() { return std::exchange(self_->queues.outgoing, {}); }
std::vector<bytes> dtls_association::take_records() { return std::exchange(self_->records, {}); }

class dtls_listener::implementation {
public:
    implementation(const secret_key& key, const secret_key& cookies) : psk(key), cookie_key(cookies) {}
    ~implementation() {
        OPENSSL_cleanse(psk.data(), psk.size());
        OPENSSL_cleanse(cookie_key.data(), cookie_key.size());
    }
    implementation(const implementation&) = delete;
    implementation& operator=(const implementation&) = delete;

    secret_key psk;
    secret_key cookie_key;
    std::unique_ptr<dtls_association::implementation> next;   // used for as many cookies as it takes until one comes back
};

dtls_listener::dtls_listener(const secret_key& psk, const secret_key& cookie_key)
    : self_(std::make_unique<implementation>(psk, cookie_key)) {}
dtls_listener::~dtls_listener() = default;

dtls_listener::outcome dtls_listener::on_datagram(const endpoint& from, byte_span datagram, std::chrono::steady_clock::time_point now,
                                                  const std::function<bool()>& admit) {
    struct address_deleter {
        void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
    };
    outcome out;
    if (datagram.empty()) return out;
    auto& next = self_->next;
    if (!next) next = std::make_unique<dtls_association::implementation>(true, self_->psk);
    next->data.cookie_key = self_->cookie_key;
    next->data.from = from;
    next->data.hello = hello_but_cookie(datagram);
    next->data.period = static_cast<std::uint64_t>(now.time_since_epoch() / cookie_period);
    next->queues.incoming.push_back(to_bytes(datagram));
    const std::unique_ptr<BIO_ADDR, address_deleter> peer(BIO_ADDR_new());
    ERR_clear_error();
    const int heard = DTLSv1_listen(next->ssl(), peer.get());
    if (heard == 1 && admit && !admit()) {
        next.reset();
        return out;
    }
    if (heard == 1) {
        reseed();
        next->advance();
        next->queues.incoming.clear();
        out.association.reset(new dtls_association(std::move(next)));
        return out;
    }
    next->queues.incoming.clear();
    out.datagrams = std::exchange(next->queues.outgoing, {});
    std::erase_if(out.datagrams, [&](const bytes& answer) { return answer.size() > datagram.size(); });
    if (heard < 0) next.reset();
    return out;
}

bool is_dtls_client_hello(byte_span datagram) noexcept {
    constexpr std::uint8_t client_hello = 1;
    byte_reader reader(datagram);
    const bool is_handshake = reader.u8() == handshake;
    (void)reader.u16();   // version
    const bool first_epoch = reader.u16() == 0;
    (void)reader.u48();   // sequence number
    (void)reader.u16();   // length
    return is_handshake && first_epoch && reader.u8() == client_hello && reader.ok();
}

std::array<std::uint8_t, 32> dtls_client_random(byte_span client_hello) noexcept {
    constexpr std::size_t start = 13 + 12 + 2;  // heads of record and handshake message, version
    std::array<std::uint8_t, 32> random{};
    if (client_hello.size() >= start + random.size()) std::ranges::copy(client_hello.subspan(start, random.size()), random.begin());
    return random;
}

}  // namespace p2pdist
