#include "liar_words.hpp"

#include <array>
#include <utility>

#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist::sim {
namespace {

constexpr std::size_t rows_max = 3000;   // of a long answer: more than a datagram takes

template <std::size_t... Index>
message_body blank(std::size_t which, std::index_sequence<Index...>) {
    using make = message_body (*)();
    static constexpr std::array<make, sizeof...(Index)> all{[]() -> message_body { return std::variant_alternative_t<Index, message_body>{}; }...};
    return all[which]();
}

}  // namespace

/// Fills in a message. What it has no words for stays blank, which is not so either.
struct liar_words::writer {
    liar_words& of;
    const peer_info& victim;
    wall_time wall;

    random_source& random() const { return *of.random_; }
    bool chance() const { return random().below(2) == 0; }
    std::size_t rows() const { return random().below(8) == 0 ? rows_max : random().below(4); }

    template <class Other>
    void operator()(Other&) const {}

    void operator()(error_reply& out) const {
        out.code = static_cast<errc>(1 + random().below(20));
        out.text = of.name();
    }
    void operator()(large_offer& out) const {
        out.token = of.number();
        out.size_bytes = of.number() >> random().below(40);
        of.entropy_->fill(out.sha256);
        out.protocol = chance() ? transfer_protocol::background : transfer_protocol::foreground;
    }
    void operator()(revocations_request& out) const { out.list = of.some_list(); }
    void operator()(revocations_reply& out) const { out.list = of.forged_list(victim.id, wall); }
    void operator()(register_request& out) const {
        out.address = chance() ? victim.address : of.stranger().address;
        out.prefix_bits = static_cast<std::uint8_t>(random().below(33));
        out.host_name = of.name();
        out.software_version = of.name();
        out.list = of.some_list();
    }
    void operator()(register_reply& out) const {
        out.versions = versions();
        out.office = of.name();
        out.heartbeat_interval_ms = static_cast<std::uint32_t>(of.number());
        out.server_time_s = static_cast<std::int64_t>(of.number());
    }
    void operator()(heartbeat& out) const { out.list = of.some_list(); }
    void operator()(heartbeat_reply& out) const {
        out.versions = versions();
        out.known = chance();
    }
    void operator()(topology_view& out) const {
        out.version = of.number();
        out.spreadsheet = "Office,Type,Parent,Subnet\n" + of.name() + ",Default,,0.0.0.0/0\n";
    }
    void operator()(settings_reply& out) const {
        out.version = of.number();
        out.settings = {{"cdn", "http://192.0.2.1/"}, {of.name(), of.name()}};
    }
    void operator()(content_request& out) const { out.id = of.some_content().id; }
    void operator()(content_reply& out) const {
        out.content = of.some_content();
        out.server_has_it = chance();
    }
    void operator()(locate_request& out) const { out.content = of.some_content().key(); }
    void operator()(locate_reply& out) const {
        out.content = of.some_content();
        for (auto offices = random().below(4); offices > 0; --offices) {
            auto& office = out.path.emplace_back();
            office.office = of.name();
            office.roster.push_back({of.stranger(), {}});
            office.holders = {victim, of.stranger()};
            office.holders_elsewhere = static_cast<std::uint32_t>(of.number());
        }
    }
    void operator()(holdings_report& out) const {
        for (auto left = rows(); left > 0; --left) {
            auto& row = out.holdings.emplace_back();
            row.content = of.some_content().key();
            row.state = static_cast<holding_state>(random().below(3));
            row.acting = chance();
        }
        out.complete_list = chance();
    }
    void operator()(peer_report& out) const {
        out.peer = chance() ? victim.id : of.random_id();
        out.content = of.some_content().key();
        out.chunk = of.number();
        out.what = of.name();
    }
    void operator()(link_report& out) const {
        out.content = of.some_content().key();
        out.bytes_in_from_parent = of.number();
        out.bytes_out_to_child = of.number();
        out.child_office = of.name();
        out.boot = of.number();
        out.number = of.number();
    }
    void operator()(renew_request& out) const { of.entropy_->fill(out.ephemeral); }
    void operator()(renew_reply& out) const { out.sealed = of.noise(600); }
    void operator()(state_changed& out) const { out.versions = versions(); }
    void operator()(want_request& out) const {
        out.content = of.some_content();
        out.office = of.name();
        out.as_rendezvous_point = chance();
        out.revocations = of.number();
    }
    void operator()(want_reply& out) const {
        out.verdict = static_cast<want_verdict>(1 + random().below(6));
        if (chance()) out.acting_peer = chance() ? victim : of.stranger();
        for (auto left = random().below(4); left > 0; --left) out.others.push_back(of.stranger());
        out.text = of.name();
        out.revocations = of.number();
    }
    void operator()(discovery_request& out) const { out.content = of.some_content().key(); }
    void operator()(discovery_reply& out) const {
        out.content = of.some_content().key();
        out.state = static_cast<holding_state>(random().below(3));
        out.acting = chance();
        out.revocations = of.number();
    }
    void operator()(publish_request& out) const { out.contents.push_back(of.some_content()); }
    void operator()(contents_reply& out) const {
        for (auto left = rows(); left > 0; --left) out.rows.emplace_back().content = of.some_content();
    }
    void operator()(remove_content_request& out) const { out.id = of.some_content().id; }
    void operator()(holders_request& out) const { out.id = of.some_content().id; }
    void operator()(topology_import_request& out) const { out.spreadsheet = "Office,Type,Parent,Subnet\n" + of.name() + ",Default,,0.0.0.0/0\n"; }
    void operator()(settings_set_request& out) const {
        out.key = "cdn";
        out.value = "http://192.0.2.1/";
    }
    void operator()(revoke_request& out) const {
        out.id = victim.id;
        out.reason = of.name();
    }
    void operator()(rotate_epoch_request& out) const { out.at_once = true; }

    state_versions versions() const {
        state_versions out;
        out.topology = of.number();
        out.settings = of.number();
        out.contents = of.number();
        out.key_epoch = static_cast<std::uint16_t>(of.number());
        out.activated = chance();
        out.revocations = of.number();
        return out;
    }
};

message_body liar_words::anything(const peer_info& victim, wall_time wall) {
    constexpr auto kinds = std::variant_size_v<message_body>;
    auto out = blank(1 + random_->below(kinds - 1), std::make_index_sequence<kinds>{});
    std::visit(writer{*this, victim, wall}, out);
    return out;
}

content_info liar_words::some_content() {
    content_info out{*content_id::parse("made-up-" + std::to_string(random_->below(5))), random_->below(1u << 26), {}};
    for (auto& byte : out.hash.value) byte = static_cast<std::uint8_t>((*random_)());
    if (known_.empty()) return out;
    const auto& real = known_[random_->below(known_.size())];
    switch (random_->below(6)) {
        case 0: return out;
        case 1: out.id = real.id; return out;                                             // another hash
        case 2: out = real; out.size_bytes = random_->below(1u << 26); return out;         // another size
        default: return real;
    }
}

peer_info liar_words::stranger() {
    const auto made_up = make_identity(*crypto_, *entropy_);
    auto address = own_address_;
    if (random_->below(2) == 0) address = ip_address::v4(static_cast<std::uint32_t>((*random_)()));
    return {made_up.id, made_up.key, address};
}

client_id liar_words::random_id() {
    client_id out;
    entropy_->fill(out.value);
    return out;
}

std::uint64_t liar_words::number() {
    const auto any = (*random_)();
    switch (any % 6) {
        case 0: return 0;
        case 1: return UINT64_MAX;
        case 2: return UINT64_MAX >> 1;
        case 3: return (std::uint64_t{1} << 32) - random_->below(3);
        default: return any >> random_->below(64);
    }
}

/// A line of its own in a log that takes it as it is.
std::string liar_words::name() {
    std::string out(random_->below(60), 'x');
    if (random_->below(4) == 0) out += "\nevent=made_up peer=nobody";
    return out;
}

bytes liar_words::noise(std::size_t most) {
    bytes out(random_->below(most + 1));
    for (auto& byte : out) byte = static_cast<std::uint8_t>((*random_)());
    return out;
}

held_list liar_words::some_list() {
    held_list out;
    out.number = number();
    out.oldest_epoch = static_cast<std::uint16_t>(number());
    return out;
}

bytes liar_words::forged_list(const client_id& victim, wall_time wall) {
    if (random_->below(3) == 0) return noise(200);
    revocation_list out;
    out.number = number() | 1;
    out.issued = wall;
    out.oldest_epoch = static_cast<std::uint16_t>(number());
    out.revoked = {victim};
    secret_key own{};
    entropy_->fill(own);
    sign_revocations(*crypto_, own, out);
    return encode(out);
}

}  // namespace p2pdist::sim
