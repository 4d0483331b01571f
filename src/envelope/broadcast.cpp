#include "p2pdist/envelope/broadcast.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"
#include "pair_key.hpp"
#include "session_frames.hpp"

namespace p2pdist {
namespace {

using detail::handshake_layout;
using detail::read_array;

constexpr std::size_t tag_bytes = sealed_tag_bytes;
constexpr std::size_t request_fixed_bytes = 4 + 16 + 8 + certificate::size_bytes + 2;  // before the payload
constexpr std::size_t answer_fixed_bytes = 4 + 16 + certificate::size_bytes;

void put_start(byte_writer& writer, frame_type type, std::uint16_t epoch, const broadcast_nonce& nonce) {
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u8(handshake_layout);
    writer.u16(epoch);
    writer.raw(nonce);
}

struct frame_start {
    frame_type type{};
    std::uint8_t layout = 0;
    std::uint16_t epoch = 0;
    broadcast_nonce nonce{};
};

frame_start take_start(byte_reader& reader) noexcept {
    frame_start start;
    start.type = static_cast<frame_type>(reader.u8());
    start.layout = reader.u8();
    start.epoch = reader.u16();
    start.nonce = read_array<16>(reader);
    return start;
}

/// The group key of an epoch, where that is accepted and known.
const secret_key* group_key_of(const credentials& held, const revocation_list& revocations, std::uint16_t epoch) noexcept {
    if (epoch < oldest_accepted(revocations, held.key_epoch)) return nullptr;
    if (epoch == held.key_epoch) return &held.group_key;
    return epoch + 1 == held.key_epoch && held.former_group_key != secret_key{} ? &held.former_group_key : nullptr;
}

bool expected(const frame_start& start, frame_type type) noexcept { return start.type == type && start.layout == handshake_layout; }

/// The standing first: it costs nothing, and whoever was shut out may still have a group key.
bool good(const crypto_suite& crypto, const credentials& held, const revocation_list& revocations, const certificate& cert,
          const client_id& id, wall_time now) {
    return standing_of(revocations, held.key_epoch, id, cert.key_epoch) == standing::member &&
           verify_certificate(crypto, held.signing_key, cert, now, cert.key_epoch) == certificate_verdict::good;
}

/// The one-time key of one answer; it names the answerer, so that nothing can be sent back to where it came from.
std::optional<secret_key> answer_key(const crypto_suite& crypto, std::uint16_t epoch, const node_identity& self, const public_key& other,
                                     const client_id& other_id, const broadcast_nonce& nonce, const client_id& answerer) {
    const auto shared = crypto.x25519_shared(self.secret, other);
    if (!shared) return std::nullopt;
    const auto pair = detail::pair_key(crypto, *shared, epoch, self.id, other_id);
    return derive_key(crypto, as_bytes("p2pdist broadcast answer"), pair, {nonce, answerer.value});
}

/// A request under the group key, whose certificate's signature nobody has looked at: the tag is cheap, a signature is not.
struct tagged_request {
    broadcast_request request;
    certificate cert;
};

std::optional<tagged_request> open_tagged(const crypto_suite& crypto, const credentials& held, const revocation_list& revocations,
                                          wall_time now, byte_span datagram) {
    if (datagram.size() < broadcast_request_bytes_min || datagram.size() > limits::datagram_bytes_max) return std::nullopt;
    const auto body = datagram.first(datagram.size() - tag_bytes);
    byte_reader reader(body);
    const auto start = take_start(reader);
    broadcast_request request;
    request.nonce = start.nonce;
    request.epoch = start.epoch;
    request.sent_at.seconds = static_cast<std::int64_t>(reader.u64());
    const auto cert = decode_certificate(reader.raw(certificate::size_bytes));
    request.payload = reader.raw(reader.u16());
    const auto* group = group_key_of(held, revocations, start.epoch);
    if (!reader.ok() || !cert || group == nullptr || !expected(start, frame_type::broadcast_request)) return std::nullopt;
    if (!detail::tag_fits(crypto, *group, {body}, datagram.last(tag_bytes))) return std::nullopt;
    const auto skew = limits::broadcast_clock_skew.count();
    if (request.sent_at.seconds < now.seconds - skew || request.sent_at.seconds > now.seconds + skew) return std::nullopt;
    request.key = cert->key;
    request.from = id_of(crypto, cert->key);
    return tagged_request{request, *cert};
}

/// An answer of a member by its date and epoch, which nobody has proven to be its: that takes a key agreement and a signature.
struct named_answer {
    broadcast_answer answer;
    certificate cert;
    std::uint16_t epoch = 0;  ///< of the pair's key
};

std::optional<named_answer> read_answer(const crypto_suite& crypto, const credentials& held, const revocation_list& revocations, wall_time now,
                                        byte_span datagram) {
    if (datagram.size() < answer_fixed_bytes + tag_bytes || datagram.size() > broadcast_request_bytes_min) return std::nullopt;
    byte_reader reader(datagram.first(datagram.size() - tag_bytes));
    const auto start = take_start(reader);
    const auto cert = decode_certificate(reader.raw(certificate::size_bytes));
    if (!cert || !expected(start, frame_type::broadcast_answer)) return std::nullopt;
    const auto id = id_of(crypto, cert->key);
    if (now > cert->not_after || standing_of(revocations, held.key_epoch, id, cert->key_epoch) != standing::member) return std::nullopt;
    return named_answer{{id, cert->key, start.nonce, reader.rest()}, *cert, start.epoch};
}

bool genuine(const crypto_suite& crypto, const credentials& held, const node_identity& self, wall_time now, const named_answer& named,
             byte_span datagram) {
    const auto& answer = named.answer;
    const auto key = answer_key(crypto, named.epoch, self, answer.key, answer.from, answer.nonce, answer.from);
    const auto body = datagram.first(datagram.size() - tag_bytes);
    return key && detail::tag_fits(crypto, *key, {body}, datagram.last(tag_bytes)) &&
           verify_certificate(crypto, held.signing_key, named.cert, now, named.cert.key_epoch) == certificate_verdict::good;
}

}  // namespace

bytes seal_broadcast_request(const crypto_suite& crypto, const credentials& held, const revocation_list& revocations, wall_time now,
                             const broadcast_nonce& nonce, byte_span payload) {
    P2PDIST_ASSERT(payload.size() <= broadcast_request_payload_max);
    const auto former = static_cast<std::uint16_t>(held.key_epoch - 1);
    const auto* former_key = held.key_epoch > 0 ? group_key_of(held, revocations, former) : nullptr;
    const auto epoch = former_key != nullptr ? former : held.key_epoch;
    bytes out;
    out.reserve(std::max(broadcast_request_bytes_min, request_fixed_bytes + payload.size() + tag_bytes));
    byte_writer writer(out);
    put_start(writer, frame_type::broadcast_request, epoch, nonce);
    writer.u64(static_cast<std::uint64_t>(now.seconds));
    encode(held.own, out);
    writer.u16(static_cast<std::uint16_t>(payload.size()));
    writer.raw(payload);
    out.resize(std::max(out.size(), broadcast_request_bytes_min - tag_bytes));
    writer.raw(detail::tag_of(crypto, former_key != nullptr ? *former_key : held.group_key, {out}));
    return out;
}

std::optional<broadcast_request> open_broadcast_request(const crypto_suite& crypto, const credentials& held,
                                                        const revocation_list& revocations, wall_time now, byte_span datagram) {
    const auto tagged = open_tagged(crypto, held, revocations, now, datagram);
    if (!tagged || !good(crypto, held, revocations, tagged->cert, tagged->request.from, now)) return std::nullopt;
    return tagged->request;
}

bytes seal_broadcast_answer(const crypto_suite& crypto, const credentials& held, const node_identity& self,
                            const broadcast_request& request, byte_span payload) {
    P2PDIST_ASSERT(payload.size() <= broadcast_answer_payload_max);
    const auto key = answer_key(crypto, request.epoch, self, request.key, request.from, request.nonce, self.id);
    if (!key) return {};
    bytes out;
    out.reserve(answer_fixed_bytes + payload.size() + tag_bytes);
    byte_writer writer(out);
    put_start(writer, frame_type::broadcast_answer, request.epoch, request.nonce);
    encode(held.own, out);
    writer.raw(payload);
    writer.raw(detail::tag_of(crypto, *key, {out}));
    return out;
}

std::optional<broadcast_answer> open_broadcast_answer(const crypto_suite& crypto, const credentials& held,
                                                      const revocation_list& revocations, const node_identity& self, wall_time now,
                                                      byte_span datagram) {
    const auto named = read_answer(crypto, held, revocations, now, datagram);
    if (!named || !genuine(crypto, held, self, now, *named, datagram)) return std::nullopt;
    return named->answer;
}

broadcast_exchange::broadcast_exchange(const crypto_suite& crypto, entropy& random, node_identity self)
    : crypto_(&crypto),
      random_(&random),
      self_(std::move(self)),
      requests_(crypto, source_limit::key_from(crypto, self_.secret, {as_bytes("broadcast")}),
                {limits::broadcast_requests_per_address, limits::broadcast_requests_per_second, limits::broadcast_requests_per_second}),
      answers_(crypto, source_limit::key_from(crypto, self_.secret, {as_bytes("broadcast answers")}),
               {broadcast_answers_per_second, broadcast_answers_per_second, broadcast_answers_per_second, limits::rate_sources,
                broadcast_answers_per_host}) {}

broadcast_exchange::question broadcast_exchange::ask(time_point now, wall_time wall, const credentials& held,
                                                     const revocation_list& revocations, byte_span payload) {
    std::erase_if(questions_, [&](const auto& entry) { return entry.second.until <= now; });
    if (questions_.size() >= limits::broadcast_questions_max) {
        questions_.erase(std::min_element(questions_.begin(), questions_.end(),
                                          [](const auto& left, const auto& right) { return left.second.until < right.second.until; }));
    }
    question made{random_->array<16>(), {}};
    made.datagram = seal_broadcast_request(*crypto_, held, revocations, wall, made.nonce, payload);
    questions_[made.nonce].until = now + limits::broadcast_answer_time;
    return made;
}

std::optional<broadcast_request> broadcast_exchange::on_request(time_point now, wall_time wall, const credentials& held,
                                                                const revocation_list& revocations, const ip_address& from,
                                                                byte_span datagram) {
    const auto drop = [](std::uint64_t& reason) {
        ++reason;
        return std::nullopt;
    };
    // What costs least comes first: a nonce that is known, a tag, and only then a signature.
    while (!heard_.empty() && heard_.front().until <= now) forget_oldest();
    byte_reader reader(datagram);
    const auto nonce = take_start(reader).nonce;
    if (reader.ok() && seen_.contains(nonce)) return drop(counters_.replayed);
    const auto tagged = open_tagged(*crypto_, held, revocations, wall, datagram);
    if (!tagged) return drop(counters_.refused);
    const auto& [request, cert] = *tagged;
    if (request.key == self_.key) return drop(counters_.own);
    const auto known = members_.find(request.from);
    if (known != members_.end() && known->second.requests >= limits::broadcast_requests_of_member_max) return drop(counters_.limited);
    // Members that were heard lately need nothing of what all strangers share.
    const bool checked = known != members_.end() && known->second.cert == cert && cert.not_after >= wall;
    if (standing_of(revocations, held.key_epoch, request.from, cert.key_epoch) != standing::member) return drop(counters_.refused);
    if (!checked && !requests_.allow(now, from)) return drop(counters_.limited);
    if (!checked && !good(*crypto_, held, revocations, cert, request.from, wall)) return drop(counters_.refused);
    if (heard_.size() >= limits::broadcast_nonces_max) forget_oldest();
    auto& member = members_[request.from];
    member.cert = cert;
    ++member.requests;
    seen_.insert(nonce);
    // Twice the skew: from "sent in our future" to "sent too long ago"; and dates are whole seconds.
    heard_.push_back({nonce, request.from, now + 2 * limits::broadcast_clock_skew + std::chrono::seconds(1)});
    return request;
}

void broadcast_exchange::forget_oldest() {
    const auto& oldest = heard_.front();
    seen_.erase(oldest.nonce);
    const auto member = members_.find(oldest.from);
    if (--member->second.requests == 0) members_.erase(member);
    heard_.pop_front();
}

std::optional<broadcast_answer> broadcast_exchange::on_answer(time_point now, wall_time wall, const credentials& held,
                                                              const revocation_list& revocations, const ip_address& from,
                                                              byte_span datagram) {
    const auto drop = [](std::uint64_t& reason) {
        ++reason;
        return std::nullopt;
    };
    // Looked up before any key agreement: what we did not ask costs us nothing.
    byte_reader reader(datagram);
    const auto at = questions_.find(take_start(reader).nonce);
    if (!reader.ok() || at == questions_.end() || at->second.until <= now) return drop(counters_.stale);
    auto& answered = at->second.answered;
    if (answered.size() >= limits::broadcast_answers_max) return drop(counters_.limited);
    const auto named = read_answer(*crypto_, held, revocations, wall, datagram);
    if (!named) return drop(counters_.refused);
    if (answered.contains(named->answer.from)) return drop(counters_.replayed);
    // The question went to everybody in the clear, so that anybody can answer it under a certificate that nobody signed.
    if (!answers_.allow(now, from)) return drop(counters_.limited);
    if (!genuine(*crypto_, held, self_, wall, *named, datagram)) return drop(counters_.refused);
    answered.insert(named->answer.from);
    return named->answer;
}

}  // namespace p2pdist
