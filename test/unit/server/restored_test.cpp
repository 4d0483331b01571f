// A server whose database was set back to an older state learns from its clients what it has lost (SEC-2).

#include <catch2/catch.hpp>

#include "p2pdist/envelope/revocation_list.hpp"
#include "members.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Contains;

namespace {

revocation_list newest(server_world& world, test_client& from) {
    const auto reply = world.asked<revocations_reply>(from, revocations_request{});
    return decode_revocation_list(reply.list).value();
}

held_list held(const test_client& who) { return {who.seal.revocations().number, who.seal.revocations().oldest_epoch}; }

void take_newest(server_world& world, test_client& who) {
    REQUIRE(who.seal.take_revocations(world.asked<revocations_reply>(who, revocations_request{held(who)}).list) == list_verdict::taken);
}

/// A backup; then one more client, a new epoch, and two revocations. One member has the list of both, and they go on in epochs 2 and 3.
struct restored_world : server_world {
    restored_world() : member(join("10.0.0.5", 1)), other(join("10.0.0.6", 2)), lost(join("10.0.0.7", 3)), backup(durable) {
        auto& joined_later = join("10.0.0.8", 4);
        late = joined_later.identity.id;
        (void)administer<rotate_epoch_reply>(rotate_epoch_request{true});
        for (auto* one : {&member, &other, &lost, &joined_later}) renew(*this, *one);
        (void)administer<accepted>(revoke_request{lost.identity.id, ""});
        (void)administer<accepted>(revoke_request{late, ""});
        take_newest(*this, member);
        renew(*this, member);
        REQUIRE(member.seal.held()->key_epoch == 3);
        before = member.seal.revocations();
        REQUIRE(before.revoked.size() == 2);
        REQUIRE(before.oldest_epoch == 2);
        set_wall(wall_start + 3600);
        restore();
    }
    void restore() {
        durable = backup;
        restart_server();
        for (auto* one : {&member, &other, &lost}) (void)one->seal.start_anew();
    }
    [[nodiscard]] bool is_revoked_here(const client_id& id) const {
        return std::any_of(durable.clients.begin(), durable.clients.end(), [&](const auto& record) { return record.id == id && record.revoked; });
    }

    test_client &member, &other, &lost;
    client_id late;
    catalogue_snapshot backup;
    revocation_list before;
};

}  // namespace

TEST_CASE("a database that was set back: revocations and epochs come back from a client's list, and new ones act",
          "[hostile][REQ-SEC-2][REQ-SRV-6]") {
    restored_world world;
    CHECK(world.asked<heartbeat_reply>(world.lost, heartbeat{}).known);   // nobody has said anything yet
    const auto reply = world.asked<heartbeat_reply>(world.member, heartbeat{{}, held(world.member)});
    CHECK(reply.versions.key_epoch == 1);
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch == 3; }, 5s));
    CHECK(world.durable.epochs.oldest == 2);
    CHECK(world.durable.versions.revocations > world.before.number);
    CHECK(world.asked<error_reply>(world.lost, heartbeat{}).code == errc::revoked);
    CHECK(world.is_revoked_here(world.late));   // of whom the backup knows nothing
    CHECK_FALSE(world.enrol("10.0.0.8", 4));
    CHECK_THAT(findings(world), Contains("restored from an older state: 2 revocations and key epoch 3"));
    take_newest(world, world.member);
    CHECK(world.member.seal.revocations().revoked == world.before.revoked);

    (void)world.administer<accepted>(revoke_request{world.other.identity.id, ""});
    take_newest(world, world.member);
    CHECK(world.member.seal.revocations().revoked.size() == 3);
    // And it is in the database now.
    world.restart_server();
    CHECK(world.asked<error_reply>(world.lost, heartbeat{}).code == errc::revoked);
    CHECK(newest(world, world.member).revoked.size() == 3);
}

TEST_CASE("a revocation made before the server knows of its loss costs nobody the list that it lost", "[hostile][REQ-SEC-2]") {
    restored_world world;
    (void)world.administer<accepted>(revoke_request{world.other.identity.id, ""});
    REQUIRE(world.durable.versions.revocations > world.before.number);   // else clients ignored it
    // Epoch 1 still counts in it: not taken over from anybody.
    const auto list = newest(world, world.lost);
    CHECK(list.oldest_epoch == 1);
    CHECK(world.member.seal.take_revocations(encode(list)) == list_verdict::not_newer);
    // Asked for the new list, the server wants the client's first.
    CHECK(world.asked<error_reply>(world.member, revocations_request{held(world.member)}).code == errc::limit_reached);
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch == 3; }, 5s));
    take_newest(world, world.member);
    CHECK(world.member.seal.revocations().revoked.size() == 3);
}

TEST_CASE("a lost list of the same epochs is missed by its number, though newer ones were made since", "[hostile][REQ-SEC-2]") {
    server_world world;
    auto& member = world.join("10.0.0.5", 1);
    auto& other = world.join("10.0.0.6", 2);
    auto& lost = world.join("10.0.0.7", 3);
    (void)world.administer<accepted>(revoke_request{other.identity.id, ""});
    const auto backup = world.durable;
    world.set_wall(wall_start + 60);
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    take_newest(world, member);
    world.set_wall(wall_start + 120);
    world.durable = backup;
    world.restart_server();
    (void)member.seal.start_anew();
    (void)world.administer<accepted>(reinstate_request{other.identity.id});
    CHECK(newest(world, lost).oldest_epoch == member.seal.revocations().oldest_epoch);
    CHECK(world.asked<error_reply>(member, revocations_request{held(member)}).code == errc::limit_reached);
    world.run_for(1s);
    CHECK(member.lists_asked == 1);
    CHECK(newest(world, member).revoked.size() == 2);
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
    // What it has taken over it does not ask for again.
    (void)world.asked<heartbeat_reply>(member, heartbeat{{}, held(member)});
    world.run_for(5s);
    CHECK(member.lists_asked == 1);
}

TEST_CASE("whoever claims a list that the server never made gets nothing moved, and is asked once", "[hostile][REQ-SEC-2]") {
    restored_world world;
    auto& liar = world.other;
    const auto before = world.durable.versions;
    SECTION("it gives none") { liar.list = bytes{}; }
    SECTION("nobody signed it") {
        auto forged = world.before;
        forged.number = UINT64_MAX - 1;
        liar.list = encode(forged);
    }
    SECTION("another organisation's server signed it") {
        auto foreign = world.before;
        foreign.number = UINT64_MAX - 1;
        sign_revocations(crypto(), key_of_byte(0x99), foreign);
        liar.list = encode(foreign);
    }
    for (int i = 0; i < 50; ++i) {
        (void)world.asked<heartbeat_reply>(liar, heartbeat{{}, {UINT64_MAX, UINT16_MAX}});
        world.run_for(1s);
    }
    CHECK(liar.lists_asked == 1);
    CHECK(world.durable.versions == before);
    // It is not kept from the server's list for that, and does not stand in an honest one's way.
    (void)world.asked<heartbeat_reply>(world.member, heartbeat{{}, held(world.member)});
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch == 3; }, 5s));
    CHECK(newest(world, liar).revoked.size() == 2);
}

TEST_CASE("a certificate of a lost epoch alone brings the epoch back, after a while", "[REQ-SEC-2]") {
    restored_world world;
    (void)world.asked<heartbeat_reply>(world.member, heartbeat{});   // it says nothing of a list
    world.run_for(limits::lost_epoch_patience + 1s);
    CHECK(world.durable.versions.key_epoch == 1);
    world.set_wall(wall_start + 3600 + 60);
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch == 3; }, 5s));
    CHECK(world.durable.epochs.oldest == 2);
    CHECK_THAT(findings(world), Contains("restored from an older state"));
}

TEST_CASE("who was revoked so long ago that the lost list has forgotten him does not renew, and enrols with the key only", "[hostile][REQ-SEC-2]") {
    server_world world;
    auto& member = world.join("10.0.0.5", 1);
    auto& lost = world.join("10.0.0.6", 2);
    auto& away = world.join("10.0.0.7", 3);
    const auto backup = world.durable;
    (void)world.administer<accepted>(revoke_request{lost.identity.id, ""});
    renew(world, member);
    std::int64_t wall = wall_start;
    while (world.durable.epochs.oldest < 2) {
        REQUIRE(wall < wall_start + 10 * 24 * 3600);
        world.set_wall(wall += 3600);
        world.run_for(6s);
    }
    take_newest(world, member);
    REQUIRE(member.seal.revocations().revoked.empty());
    world.durable = backup;
    world.restart_server();
    for (auto* one : {&member, &lost, &away}) (void)one->seal.start_anew();
    (void)world.asked<heartbeat_reply>(member, heartbeat{{}, held(member)});
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch >= 2; }, 5s));
    CHECK(world.durable.epochs.renewable_from == 2);
    const auto refused = [&](test_client& who) { return world.asked<error_reply>(who, renew_request{}).code == errc::not_authorised; };
    CHECK(refused(lost));
    CHECK(refused(away));   // nobody can tell it from the other: it has the enrolment key
    renew(world, member);
    // Later epochs and a restart forget nothing of it.
    (void)world.administer<rotate_epoch_reply>(rotate_epoch_request{true});
    world.restart_server();
    CHECK(refused(lost));
    renew(world, member);
}

TEST_CASE("two lists that have no room in one begin an epoch that counts alone", "[limits][REQ-SEC-2]") {
    restored_world world;
    auto full = world.before;
    for (std::uint32_t n = 0; full.revoked.size() < limits::revoked_clients_max; ++n) {
        client_id id;
        for (std::size_t byte = 0; byte < 4; ++byte) id.value[byte] = static_cast<std::uint8_t>(n >> 8 * byte);
        full.revoked.push_back(id);
    }
    sign_revocations(crypto(), server_world::default_config().signing, full);
    world.member.list = encode(full);
    for (auto& record : world.backup.clients) {
        if (record.id == world.other.identity.id) record.revoked = revocation_record{world.wall(), 3, ""};
    }
    world.restore();
    (void)world.asked<heartbeat_reply>(world.member, heartbeat{{}, held(world.member)});
    REQUIRE(world.run_until([&] { return world.durable.versions.key_epoch == 4; }, 10s));
    CHECK(world.durable.epochs.oldest == 4);
    renew(world, world.member);
    CHECK(newest(world, world.member).revoked.empty());
    CHECK(world.asked<error_reply>(world.lost, heartbeat{}).code == errc::revoked);
}

TEST_CASE("clients that claim a lost list, acknowledge and are silent keep an honest one waiting for their time, and no longer",
          "[hostile][REQ-SEC-2][limits]") {
    restored_world world;
    const held_list claimed{UINT64_MAX, UINT16_MAX};
    std::vector<test_client*> liars;
    for (std::uint8_t n = 0; n <= limits::lost_lists_asked_max; ++n) {
        liars.push_back(&world.join(("10.0.0." + std::to_string(20 + n)).c_str(), static_cast<std::uint8_t>(20 + n)));
        liars.back()->silent = true;
        (void)world.asked<heartbeat_reply>(*liars.back(), heartbeat{{}, claimed});
    }
    world.run_for(1s);
    for (std::size_t n = 0; n < liars.size(); ++n) CHECK(liars[n]->lists_asked == (n < limits::lost_lists_asked_max ? 1 : 0));
    liars.pop_back();
    (void)world.asked<heartbeat_reply>(world.member, heartbeat{{}, held(world.member)});
    world.run_for(1s);
    CHECK(world.member.lists_asked == 0);   // its turn comes
    const auto adopted = [&] { return world.durable.versions.key_epoch == 3; };
    for (int minute = 0; minute < 10 && !adopted(); ++minute) {
        for (auto* liar : liars) (void)world.asked<heartbeat_reply>(*liar, heartbeat{{}, claimed});
        (void)world.asked<heartbeat_reply>(world.member, heartbeat{{}, held(world.member)});
        (void)world.run_until(adopted, 60s);
    }
    CHECK(adopted());
    CHECK(world.member.lists_asked == 1);
    for (const auto* liar : liars) CHECK(liar->lists_asked == 1);
    CHECK(world.asked<error_reply>(world.lost, heartbeat{}).code == errc::revoked);
}

TEST_CASE("a running server that was set back with its database misses a lost list by its number, too", "[hostile][REQ-SEC-2]") {
    server_world world;
    auto& member = world.join("10.0.0.5", 1);
    auto& first = world.join("10.0.0.6", 2);
    auto& lost = world.join("10.0.0.7", 3);
    auto& later = world.join("10.0.0.8", 4);
    world.server().on_wall_clock(world.now(), world.wall());
    (void)world.administer<accepted>(revoke_request{first.identity.id, ""});
    take_newest(world, member);
    // A minute later it was made, and nobody at the server remembers.
    auto list = member.seal.revocations();
    list.number += 60;
    list.revoked.push_back(lost.identity.id);
    std::sort(list.revoked.begin(), list.revoked.end());
    sign_revocations(crypto(), server_world::default_config().signing, list);
    REQUIRE(member.seal.take_revocations(encode(list)) == list_verdict::taken);
    world.server().on_wall_clock(world.now() + 1s, {wall_start + 7200});
    world.run_for(1s);
    auto& admin = world.connect();
    REQUIRE(std::holds_alternative<accepted>(world.ask(admin, revoke_request{later.identity.id, ""})));
    REQUIRE(world.durable.versions.revocations > list.number);
    (void)world.asked<heartbeat_reply>(member, heartbeat{{}, held(member)});
    world.run_for(1s);
    CHECK(member.lists_asked == 1);
    CHECK(world.asked<error_reply>(lost, heartbeat{}).code == errc::revoked);
    CHECK(newest(world, member).revoked.size() == 3);
}
