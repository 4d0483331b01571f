#include "support/frame_forge.hpp"

#include "p2pdist/wire/frame.hpp"
#include "unit/wire/random_value.hpp"

namespace p2pdist::fuzz {
namespace {

/// Puts familiar things into the places that are made for them.
class acquaintance {
public:
    acquaintance(fuzz_input& input, const familiar_things& known) : input_(input), known_(known) {}

    void walk(content_info& to) {
        if (const auto* one = pick(known_.contents)) to = *one;
    }
    void walk(content_key& to) {
        if (const auto* one = pick(known_.contents)) to = one->key();
    }
    void walk(content_id& to) {
        if (const auto* one = pick(known_.contents)) to = one->id;
    }
    void walk(peer_info& to) {
        if (const auto* one = pick(known_.peers)) to = *one;
    }
    void walk(client_id& to) {
        if (const auto* one = pick(known_.peers)) to = one->id;
    }
    void walk(ip_address& to) {
        if (const auto* one = pick(known_.peers)) to = one->address;
    }
    template <class T>
    void walk(std::vector<T>& to) {
        if constexpr (std::is_class_v<T>)
            for (auto& entry : to) walk(entry);
    }
    template <class T>
    void walk(std::optional<T>& to) {
        if (to) walk(*to);
    }
    template <class A, class B>
    void walk(std::pair<A, B>&) {}
    template <class... T>
    void walk(std::variant<T...>& to) {
        std::visit([this](auto& value) { this->walk(value); }, to);
    }
    template <class T>
    void walk(T& to) {
        if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_empty_v<T> && !std::is_same_v<T, flow_feedback> &&
                      !is_array<T>::value)
            std::apply([this](auto&... field) { (this->walk(field), ...); }, random_value::fields(to));
    }

private:
    template <class T>
    struct is_array : std::false_type {};
    template <class T, std::size_t N>
    struct is_array<std::array<T, N>> : std::true_type {};

    template <class T>
    const T* pick(const std::vector<T>& from) {
        const auto drawn = input_.below(from.size() + 1);
        return drawn < from.size() ? &from[drawn] : nullptr;
    }

    fuzz_input& input_;
    const familiar_things& known_;
};

bytes sealed_with(byte_span frame, byte_span payload) {
    auto out = to_bytes(frame.first(sealed_header::size_bytes));
    out.insert(out.end(), payload.begin(), payload.end());
    const auto tag = frame.last(sealed_tag_bytes);
    out.insert(out.end(), tag.begin(), tag.end());
    return out;
}

bytes other_message(fuzz_input& input, byte_span payload, const familiar_things& known) {
    auto said = decode_message(payload);
    if (!said || input.below(4) == 0) return mutated(input, to_bytes(payload));
    switch (input.below(4)) {
        case 0: said->reply_to = input.flag() ? 0 : input.u64(); break;
        case 1: said->id = input.u64() | 1; break;
        default: said->body = any_body(input, known); break;
    }
    if (std::holds_alternative<std::monostate>(said->body)) {
        said->id = 0;
        said->reply_to |= 1;
    }
    return encode(*said);
}

bytes other_signal(fuzz_input& input, byte_span payload, const familiar_things& known) {
    const auto said = decode_flow_control(payload);
    if (!said || input.below(4) == 0) return mutated(input, to_bytes(payload));
    auto other = any_signal(input, known);
    other.token = said->token;
    if (auto* feedback = std::get_if<flow_feedback>(&other.signal); feedback && input.flag()) {
        if (const auto* real = std::get_if<flow_feedback>(&said->signal)) feedback->sequence = real->sequence + 1;
    }
    return encode(other);
}

}  // namespace

message_body any_body(fuzz_input& input, const familiar_things& known) {
    if (input.below(4) == 0) {
        auto read = decode_body(input.piece(300));
        if (read) return *read;
    }
    random_source random(input.u32());
    message_body out;
    random_value::fill(random, out);
    acquaintance(input, known).walk(out);
    return out;
}

flow_control any_signal(fuzz_input& input, const familiar_things& known) {
    random_source random(input.u32());
    flow_control out;
    random_value::fill(random, out);
    if (auto* open = std::get_if<flow_open>(&out.signal)) acquaintance(input, known).walk(open->object);
    return out;
}

bytes forged(fuzz_input& input, const bytes& frame, const familiar_things& known) {
    const auto type = frame_type_of(frame);
    const byte_span all(frame);
    const bool sealed = (type == frame_type::message || type == frame_type::flow_control) && frame.size() >= sealed_overhead_bytes;
    if (!sealed || input.below(4) == 0) return mutated(input, frame);
    const auto payload = all.subspan(sealed_header::size_bytes, frame.size() - sealed_overhead_bytes);
    return sealed_with(all, type == frame_type::message ? other_message(input, payload, known) : other_signal(input, payload, known));
}

}  // namespace p2pdist::fuzz
