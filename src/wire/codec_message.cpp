// The message around the body, and the dispatch between message_body and pb::Body.

#include "codec_bodies.hpp"

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace pb {
namespace {

struct body_writer {
    Body& to;

    void operator()(std::monostate) const {}
#define P2PDIST_WRITE(name, Pb) \
    void operator()(const name& body) const { to_pb(body, *to.mutable_##name()); }
    P2PDIST_BODIES_WITH_FIELDS(P2PDIST_WRITE)
    P2PDIST_BODIES_EMPTY(P2PDIST_WRITE)
#undef P2PDIST_WRITE
};

/// False: malformed, or a body that this program doesn't know.
bool body_from(const Body& from, message_body& to) {
    switch (from.body_case()) {
#define P2PDIST_READ(name, Pb) \
    case Body::k##Pb:          \
        return from_pb(from.name(), to.emplace<name>());
        P2PDIST_BODIES_WITH_FIELDS(P2PDIST_READ)
        P2PDIST_BODIES_EMPTY(P2PDIST_READ)
#undef P2PDIST_READ
        case Body::BODY_NOT_SET:
            break;
    }
    return false;
}

struct body_namer {
    const char* operator()(std::monostate) const noexcept { return "acknowledgement"; }
#define P2PDIST_NAME(name, Pb) \
    const char* operator()(const name&) const noexcept { return #name; }
    P2PDIST_BODIES_WITH_FIELDS(P2PDIST_NAME)
    P2PDIST_BODIES_EMPTY(P2PDIST_NAME)
#undef P2PDIST_NAME
};

bool message_from(const Message& from, message& to) {
    to.id = from.id();
    to.reply_to = from.reply_to();
    to.acknowledge = from.acknowledge();
    if (!from.has_body()) return to.id == 0 && to.reply_to != 0;
    if (to.id == 0) return false;
    return from.body().body_case() == Body::BODY_NOT_SET || body_from(from.body(), to.body);
}

}  // namespace
}  // namespace pb

bytes encode(const message& value) {
    pb::in_arena<pb::Message> arena;
    auto& out = *arena;
    out.set_id(value.id);
    out.set_reply_to(value.reply_to);
    out.set_acknowledge(value.acknowledge);
    const bool unknown = value.id != 0 && std::holds_alternative<std::monostate>(value.body);
    if (unknown || !std::holds_alternative<std::monostate>(value.body)) std::visit(pb::body_writer{*out.mutable_body()}, value.body);
    return pb::serialise(out);
}

bytes encode_body(const message_body& body) {
    P2PDIST_ASSERT(!std::holds_alternative<std::monostate>(body));
    pb::in_arena<pb::Body> arena;
    auto& out = *arena;
    std::visit(pb::body_writer{out}, body);
    return pb::serialise(out);
}

result<message> decode_message(byte_span data) {
    pb::in_arena<pb::Message> arena;
    auto& in = *arena;
    message out;
    if (!pb::parse(data, in) || !pb::message_from(in, out)) return {errc::malformed, "message: malformed"};
    return out;
}

result<message_body> decode_body(byte_span data) {
    pb::in_arena<pb::Body> arena;
    auto& in = *arena;
    message_body out;
    if (!pb::is_bounded(data) || !pb::parse(data, in) || !pb::body_from(in, out)) return {errc::malformed, "message body: malformed"};
    return out;
}

const char* name_of(const message_body& body) noexcept { return std::visit(pb::body_namer{}, body); }

}  // namespace p2pdist
