#include "random_changes.hpp"

namespace p2pdist::test {

client_id random_changes::some_client() {
    client_id out;
    out.value.fill(static_cast<std::uint8_t>(random_.below(12) * 21));
    return out;
}

content_key random_changes::some_content() {
    content_key out;
    out.id =
        content_id::parse("content " + std::string(1, static_cast<char>('a' + random_.below(8))) + (random_.below(2) != 0 ? "" : "É'\""))
            .value();
    out.hash.kind = random_.below(2) != 0 ? hash_kind::sha256_tree : hash_kind::sha256;
    out.hash.value.fill(static_cast<std::uint8_t>(random_.below(2)));
    return out;
}

std::string random_changes::some_text() {
    static const char* const texts[] = {
        "", "plain", "O'Brien; DROP TABLE clients", "\xc3\xa9\xe2\x82\xac", "a:b \"c\" %d ?1 :id", "two\r\nlines"};
    return texts[random_.below(std::size(texts))];
}

holding random_changes::some_holding() { return {some_content(), static_cast<holding_state>(random_.below(3)), random_.below(2) != 0}; }

client_record random_changes::some_record() {
    client_record out;
    out.id = some_client();
    for (auto& byte : out.key) byte = static_cast<std::uint8_t>(random_());
    out.address =
        random_.below(2) != 0 ? ip_address::v4(static_cast<std::uint32_t>(random_())) : ip_address::parse("2001:db8::1:5").value();
    out.prefix_bits = static_cast<std::uint8_t>(random_());
    out.host_name = some_text();
    out.software_version = some_text();
    out.profile = {random_(),
                   random_(),
                   random_.below(2) != 0,
                   static_cast<device_model>(random_.below(2)),
                   static_cast<os_kind>(random_.below(2)),
                   duration(static_cast<std::int64_t>(random_() >> 1)),
                   static_cast<std::uint32_t>(random_())};
    out.registered = {static_cast<std::int64_t>(random_.below(1u << 31))};
    out.last_seen = {static_cast<std::int64_t>(random_.below(1u << 31))};
    if (random_.below(2) != 0) out.revoked = revocation_record{{static_cast<std::int64_t>(random_.below(1u << 31))}, static_cast<std::uint16_t>(random_()), some_text()};
    return out;
}

catalogue_change random_changes::next() {
    switch (random_.below(13)) {
        case 0:
            return put_client{some_record()};
        case 1:
            return remove_client{some_client()};
        case 2: {
            put_last_seen out;
            for (auto left = random_.below(4); left > 0; --left)
                out.seen.emplace_back(some_client(), wall_time{static_cast<std::int64_t>(random_.below(1000))});
            return out;
        }
        case 3: {
            const auto key = some_content();
            return put_content{{{key.id, random_(), key.hash}, {static_cast<std::int64_t>(random_.below(1000))}}};
        }
        case 4:
            return remove_content{some_content().id};
        case 5:
            return put_topology{{random_(), some_text(), random_.below(2) != 0, some_text()}};
        case 6:
            return put_setting{some_text() + "k", some_text()};
        case 7:
            return put_licence{{some_text(), static_cast<std::uint32_t>(random_()), random_.below(2) != 0}};
        case 8:
            return put_versions{{random_(), random_(), random_(), static_cast<std::uint16_t>(random_()), random_.below(2) != 0, random_()}};
        case 11:
            return put_epochs{{static_cast<std::uint16_t>(random_()),
                               {static_cast<std::int64_t>(random_.below(1u << 31))},
                               {static_cast<std::int64_t>(random_.below(1u << 31))},
                               static_cast<std::uint16_t>(random_())}};
        case 9:
            if (random_.below(6) == 0) return forget_link_bytes{some_content()};
            return add_link_bytes{{some_text(), some_content(), random_.below(1u << 30), random_.below(1u << 30)},
                                  {some_client(), random_.below(3), random_.below(6)}};
        case 10:
            if (random_.below(4) == 0) return forget_peer_reports{some_client()};
            return put_peer_report{{some_client(), some_client(), some_content().id, {static_cast<std::int64_t>(random_.below(1000))}}};
        default: {
            put_holdings out{some_client(), {}, random_.below(3) == 0};
            for (auto left = random_.below(6); left > 0; --left) out.holdings.push_back(some_holding());
            return out;
        }
    }
}

}  // namespace p2pdist::test
