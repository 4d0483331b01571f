#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "enrolment_frames.hpp"
#include "p2pdist/envelope/source_limit.hpp"

namespace p2pdist {

using namespace detail;

class enrolment_server::core {
public:
    core(const crypto_suite& crypto, entropy& random, enrolment_server_config config)
        : crypto_(&crypto),
          random_(&random),
          config_(std::move(config)),
          openings_(crypto, config_.bucket_key,
                    {limits::handshake_checks_per_address, limits::handshake_checks_per_network, limits::handshake_checks_per_second,
                     config_.rate_sources}),
          requests_(crypto, config_.bucket_key,
                    {limits::handshake_checks_per_address, limits::handshake_checks_per_network, limits::handshake_checks_per_second,
                     config_.rate_sources}),
          strangers_(crypto, config_.bucket_key,
                     {limits::handshake_answers_per_address, limits::handshake_answers_per_network,
                      limits::handshake_answers_per_second, config_.rate_sources}) {}

    void set_enrolment_key(const secret_key& key) {
        config_.enrolment_key = key;
        pending_.clear();
        ends_.clear();
        idle_.clear();
        handles_.clear();
    }

    void on_datagram(time_point now, const received_datagram& datagram) {
        const auto type = frame_type_of(datagram.payload);
        if (type == frame_type::enrol_hello) on_hello(now, datagram);
        if (type == frame_type::enrol_request) on_request(now, datagram);
    }

    bool answer(time_point now, std::uint64_t handle, const bytes& plain) {
        const auto at = handles_.find(handle);
        if (at == handles_.end()) return false;
        auto& entry = pending_.at(at->second);
        if (entry.ends <= now) return false;
        bytes out;
        encode(enrol_start{frame_type::enrol_grant, entry.version, at->second}, out);
        const auto sealed = seal_box(*crypto_, entry.grant_key, out, plain);
        out.insert(out.end(), sealed.begin(), sealed.end());
        entry.grant_key = {};
        entry.reply = std::move(out);
        entry.stage = progress::answered;
        entry.handle = 0;
        ends_.erase({entry.ends, at->second});
        entry.ends = now + limits::enrolment_linger;
        ends_.insert({entry.ends, at->second});
        idle_.insert({entry.ends, at->second});
        handles_.erase(at);
        put(entry.way, entry.reply);
        return true;
    }

    std::optional<enrolment_output> poll() {
        if (out_.empty()) return std::nullopt;
        auto next = std::move(out_.front());
        out_.pop_front();
        return next;
    }

    time_point deadline() const noexcept { return ends_.empty() ? never : ends_.begin()->first; }

    void on_timer(time_point now) {
        while (!ends_.empty() && ends_.begin()->first <= now) erase(ends_.begin()->second);
    }

    std::size_t pending() const noexcept { return pending_.size(); }

    enrolment_counters counters;

private:
    enum class progress { greeted, requested, answered };

    struct exchange {
        progress stage = progress::greeted;
        path way;
        time_point ends{};
        std::uint8_t version = 0;
        public_key client_ephemeral{};
        secret_key ephemeral{};
        std::optional<secret_key> ephemeral_shared;  // once a request came
        int wrong_requests = 0;
        bytes hello;
        bytes reply;       // the answer, later the grant
        digest request{};  // of the request that was accepted
        digest transcript{};
        secret_key grant_key{};
        std::uint64_t handle = 0;
    };

    void put(const path& way, bytes data) {
        if (out_.size() >= limits::envelope_output_datagrams_max) {
            ++counters.rate_limited;
            return;
        }
        out_.emplace_back(send_datagram::over(way, std::move(data)));
    }

    /// Small answers to those who have not shown the key.
    void put_limited(time_point now, const path& way, bytes data) {
        if (strangers_.allow(now, way.remote.address)) return put(way, std::move(data));
        ++counters.rate_limited;
    }

    void on_hello(time_point now, const received_datagram& datagram) {
        const auto data = datagram.payload;
        const path way{datagram.local.port, datagram.from};
        const auto prefix = decode_hello_prefix(data);
        if (!prefix) {
            ++counters.malformed;
            return;
        }
        const auto version = common_version(config_.versions, prefix->versions);
        if (prefix->layout != handshake_layout || !version) {
            ++counters.version;
            return put_limited(now, way, encode(version_refusal{config_.versions, prefix->nonce}));
        }
        const auto hello = decode_enrol_hello(data);
        if (!hello) {
            ++counters.malformed;
            return;
        }
        if (!enrol_hello_authentic(*crypto_, config_.enrolment_key, data)) {
            ++counters.wrong_key;
            bytes hint;
            encode(enrol_start{frame_type::enrol_answer, 0, hello->nonce}, hint);
            return put_limited(now, way, std::move(hint));
        }
        if (const auto at = pending_.find(hello->nonce); at != pending_.end()) return on_repeated_hello(at->second, way, data);
        // All devices have the key, so a good tag says little: whoever opens exchanges without end shall not turn over the table faster
        // than others need to finish theirs.
        if (!openings_.allow(now, way.remote.address) || !make_room()) {
            ++counters.rate_limited;
            return;
        }
        open(now, way, *hello, *version, data);
    }

    void on_repeated_hello(const exchange& entry, const path& way, byte_span data) {
        ++counters.duplicates;
        if (entry.stage == progress::greeted && entry.way == way && std::ranges::equal(entry.hello, data)) put(way, entry.reply);
    }

    void open(time_point now, const path& way, const enrol_hello_fields& hello, std::uint8_t version, byte_span data) {
        exchange entry;
        entry.way = way;
        entry.ends = now + limits::enrolment_time;
        entry.version = version;
        entry.client_ephemeral = hello.ephemeral;
        entry.ephemeral = random_->array<32>();
        entry.hello = to_bytes(data);
        entry.reply =
            make_enrol_answer(*crypto_, config_.enrolment_key, data, version, hello.nonce, crypto_->x25519_public(entry.ephemeral));
        entry.transcript = crypto_->sha256({data, entry.reply});
        put(way, entry.reply);
        ends_.insert({entry.ends, hello.nonce});
        idle_.insert({entry.ends, hello.nonce});
        pending_.emplace(hello.nonce, std::move(entry));
    }

    /// Gives up the oldest exchange in which it is the device's turn, or that is over: a replay of recorded hellos then cannot block
    /// those who went on, and a whole organisation can renew its certificates at once.
    bool make_room() {
        if (pending_.size() < config_.pending_max) return true;
        if (idle_.empty()) return false;
        ++counters.displaced;
        erase(idle_.begin()->second);
        return true;
    }

    void erase(enrolment_nonce nonce) {
        const auto at = pending_.find(nonce);
        ends_.erase({at->second.ends, nonce});
        idle_.erase({at->second.ends, nonce});
        if (at->second.handle != 0) handles_.erase(at->second.handle);
        pending_.erase(at);
    }

    void on_request(time_point now, const received_datagram& datagram) {
        const auto data = datagram.payload;
        const auto start = decode_enrol_start(data, frame_type::enrol_request);
        const auto size_min = enrol_request_fixed_bytes + sealed_box_overhead_bytes;
        if (!start || data.size() < size_min || data.size() > size_min + limits::enrolment_opaque_bytes_max) {
            ++counters.malformed;
            return;
        }
        const auto at = pending_.find(start->nonce);
        // Bound to one address: a replayed request must not send the larger grant to somebody else.
        if (at == pending_.end() || at->second.way != path{datagram.local.port, datagram.from}) {
            ++counters.unknown;
            return;
        }
        auto& entry = at->second;
        if (entry.stage != progress::greeted) {
            if (crypto_->sha256({data}) != entry.request) {
                ++counters.bad_request;
                return;
            }
            ++counters.duplicates;
            if (entry.stage == progress::answered) put(entry.way, entry.reply);
            return;
        }
        // A request shows the key only when it decrypts, after two key agreements; and whoever recorded a hello can open an exchange with
        // it. So a wrong one costs its sender something: of its budget, and of its exchange.
        if (out_.size() >= limits::envelope_output_datagrams_max || !requests_.allow(now, datagram.from.address)) {
            ++counters.rate_limited;
            return;
        }
        if (accept(start->nonce, entry, *start, data)) return;
        ++counters.bad_request;
        if (++entry.wrong_requests < limits::enrolment_wrong_requests_max) return;
        ++counters.given_up;
        erase(start->nonce);
    }

    bool accept(const enrolment_nonce& nonce, exchange& entry, const enrol_start& start, byte_span data) {
        byte_reader reader(data.subspan(enrol_grant_fixed_bytes));
        const auto key = read_array<32>(reader);
        if (start.version != entry.version) return false;
        if (!entry.ephemeral_shared) entry.ephemeral_shared = crypto_->x25519_shared(entry.ephemeral, entry.client_ephemeral);
        if (!entry.ephemeral_shared) return false;
        const auto static_shared = crypto_->x25519_shared(entry.ephemeral, key);
        if (!static_shared) return false;
        const auto keys = derive_enrolment(*crypto_, config_.enrolment_key, *entry.ephemeral_shared, *static_shared, entry.transcript);
        auto info = open_box(*crypto_, keys.request, data.first(enrol_request_fixed_bytes), data.subspan(enrol_request_fixed_bytes));
        if (!info) return false;
        entry.ephemeral_shared.reset();
        entry.ephemeral = {};  // from here on a recording cannot be decrypted, whatever leaks
        entry.hello.clear();
        entry.stage = progress::requested;
        entry.request = crypto_->sha256({data});
        entry.grant_key = keys.grant;
        idle_.erase({entry.ends, nonce});
        entry.handle = ++last_handle_;
        handles_[entry.handle] = nonce;
        out_.emplace_back(enrolment_request{entry.handle, key, id_of(*crypto_, key), entry.way, std::move(*info)});
        return true;
    }

    const crypto_suite* crypto_;
    entropy* random_;
    enrolment_server_config config_;
    std::map<enrolment_nonce, exchange> pending_;
    std::set<std::pair<time_point, enrolment_nonce>> ends_;
    std::set<std::pair<time_point, enrolment_nonce>> idle_;  // those that don't wait for grant() or refuse()
    std::map<std::uint64_t, enrolment_nonce> handles_;  // requests that wait for grant() or refuse()
    std::uint64_t last_handle_ = 0;
    std::deque<enrolment_output> out_;
    source_limit openings_;
    source_limit requests_;
    source_limit strangers_;
};

enrolment_server::enrolment_server(const crypto_suite& crypto, entropy& random, enrolment_server_config config)
    : core_(std::make_unique<core>(crypto, random, std::move(config))) {}
enrolment_server::~enrolment_server() = default;
enrolment_server::enrolment_server(enrolment_server&&) noexcept = default;
enrolment_server& enrolment_server::operator=(enrolment_server&&) noexcept = default;

void enrolment_server::set_enrolment_key(const secret_key& key) { core_->set_enrolment_key(key); }
void enrolment_server::on_datagram(time_point now, const received_datagram& datagram) { core_->on_datagram(now, datagram); }
bool enrolment_server::grant(time_point now, std::uint64_t handle, const enrolment_grant& what) {
    if (what.opaque.size() > limits::enrolment_opaque_bytes_max || !core_->answer(now, handle, encode_grant(what))) return false;
    ++core_->counters.granted;
    return true;
}
bool enrolment_server::refuse(time_point now, std::uint64_t handle, std::string_view reason) {
    if (!core_->answer(now, handle, encode_refusal(reason))) return false;
    ++core_->counters.refused;
    return true;
}
std::optional<enrolment_output> enrolment_server::poll() { return core_->poll(); }
time_point enrolment_server::deadline() const noexcept { return core_->deadline(); }
void enrolment_server::on_timer(time_point now) { core_->on_timer(now); }
const enrolment_counters& enrolment_server::counters() const noexcept { return core_->counters; }
std::size_t enrolment_server::pending() const noexcept { return core_->pending(); }

}  // namespace p2pdist
