// The tables of the message room at their limits.

#include "../../../src/message/answer_table.hpp"
#include "../../../src/message/large_fetches.hpp"
#include "../../../src/message/large_objects.hpp"
#include "message_world.hpp"

using namespace test_message;

namespace {

client_id peer(std::size_t number) {
    client_id out;
    out.value[0] = static_cast<std::uint8_t>(number);
    out.value[1] = static_cast<std::uint8_t>(number >> 8);
    return out;
}

std::optional<large_offer> offer(large_objects& objects, seeded_entropy& random, std::size_t of, std::size_t size) {
    return objects.offer(crypto(), random, peer(of), {1, true}, bytes(size), transfer_protocol::background);
}

large_fetch fetch(std::size_t of, std::uint64_t size, bool is_reply = false) {
    large_offer what;
    what.size_bytes = size;
    return {peer(of), role::client, {}, what, {0, is_reply}};
}

}  // namespace

TEST_CASE("so many large messages are on offer, to one peer and to all", "[message][limits]") {
    seeded_entropy random(1);
    large_objects objects;
    constexpr auto peers = limits::large_objects_max / limits::large_objects_of_peer_max;
    std::optional<large_offer> last;
    for (std::size_t of = 0; of < peers; ++of) {
        for (std::size_t i = 0; i < limits::large_objects_of_peer_max; ++i) {
            last = offer(objects, random, of, 10);
            REQUIRE(last);
        }
        REQUIRE_FALSE(offer(objects, random, of, 10));
    }
    CHECK(objects.size() == limits::large_objects_max);
    CHECK_FALSE(offer(objects, random, peers, 10));
    objects.withdraw(last->token);
    CHECK(offer(objects, random, peers, 10));
}

TEST_CASE("the bytes of large messages on offer are counted", "[message][limits]") {
    seeded_entropy random(1);
    large_objects objects;
    constexpr auto most = static_cast<std::size_t>(limits::large_object_bytes_max);
    constexpr auto each = static_cast<std::size_t>(limits::large_message_bytes_max);
    const auto other = [&](std::size_t of, std::size_t size) {
        bytes data(size);
        data[0] = static_cast<std::uint8_t>(of);
        return objects.offer(crypto(), random, peer(of), {1, true}, std::move(data), transfer_protocol::background);
    };
    for (std::size_t i = 0; i < most / each; ++i) REQUIRE(other(i, each));
    CHECK_FALSE(other(99, 1));
}

TEST_CASE("so many large messages are fetched, from one peer and from all", "[message][limits]") {
    const bool is_reply = GENERATE(false, true);
    constexpr std::uint64_t most = 1'000'000, everything = limits::large_fetch_bytes_max, small = limits::large_fetch_small_bytes;
    large_fetches fetches;
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < limits::large_fetches_max; ++i) {
        const auto of = i / limits::large_fetches_of_peer_max;
        REQUIRE(fetches.peer_has_room(peer(of), 100, is_reply, most));
        REQUIRE(fetches.has_room(100, is_reply));
        key = fetches.add(fetch(of, 100, is_reply));
        REQUIRE(fetches.peer_has_room(peer(of), 100, is_reply, most) == ((i + 1) % limits::large_fetches_of_peer_max != 0));
    }
    CHECK_FALSE(fetches.has_room(1, is_reply));
    CHECK(fetches.has_room(1, !is_reply));
    fetches.erase(key);
    CHECK(fetches.has_room(1, is_reply));
    // Large ones are counted by their bytes, too; small ones find room beside them.
    fetches.erase(key - 1);
    CHECK(fetches.has_room(everything, is_reply));
    CHECK_FALSE(fetches.has_room(everything + 1, is_reply));
    (void)fetches.add(fetch(999, everything, is_reply));
    CHECK_FALSE(fetches.peer_has_room(peer(999), 1, is_reply, everything));
    CHECK(fetches.peer_has_room(peer(999), 1, is_reply, everything + 1));
    CHECK(fetches.has_room(small, is_reply));
    CHECK_FALSE(fetches.has_room(small + 1, is_reply));
}

TEST_CASE("others' requests and the answers to them have their room", "[message][limits]") {
    answer_table table(limits::message_answers_max, limits::message_answer_bytes_max);
    const auto request = [](std::uint64_t id) {
        handled_request out;
        out.peer = peer(id % 500);
        out.id = id;
        return out;
    };
    std::uint64_t handle = 1;
    for (; handle <= limits::message_answers_max; ++handle) REQUIRE(table.add(handle, request(handle), never));
    CHECK_FALSE(table.add(handle, request(handle), never));
    CHECK(table.size() == limits::message_answers_max);
    // Answered ones make room, the oldest first; and their bytes are counted.
    const time_point now{1s};
    constexpr std::size_t answer_bytes = 1000;
    std::size_t answered = 0, forgotten = 0;
    for (std::uint64_t i = 1; i <= limits::message_answers_max; ++i) {
        table.set_answer(i, bytes(answer_bytes), now + std::chrono::nanoseconds(i));
        ++answered;
        while (const auto oldest = table.next_to_forget(now)) {
            REQUIRE(*oldest == ++forgotten);
            table.erase(*oldest);
        }
        REQUIRE((answered - forgotten) * answer_bytes <= limits::message_answer_bytes_max);
    }
    CHECK(forgotten > 0);
    CHECK(table.add(handle, request(handle), never));
}

TEST_CASE("one peer's requests that wait for their answer leave room for the others'", "[hostile][message][limits]") {
    answer_table table(limits::message_answers_max, limits::message_answer_bytes_max);
    const auto request = [](std::size_t of, std::uint64_t id) {
        handled_request out;
        out.peer = peer(of);
        out.id = id;
        return out;
    };
    std::uint64_t taken = 0;
    for (std::uint64_t id = 1; id <= limits::message_answers_max; ++id) taken += table.add(id, request(1, id), never) ? 1 : 0;
    CHECK(taken == answer_table::open_of_peer_max);
    constexpr std::uint64_t next = limits::message_answers_max + 1;
    CHECK(table.add(next, request(2, next), never));
    // Those that are answered, or forgotten, make room for more of it.
    table.set_answer(1, bytes(10), never);
    table.set_answer(1, bytes(20), never);
    table.erase(1);
    table.erase(2);
    CHECK(table.add(next + 1, request(1, next + 1), never));
    CHECK(table.add(next + 2, request(1, next + 2), never));
    CHECK_FALSE(table.add(next + 3, request(1, next + 3), never));
}

TEST_CASE("so many requests of ours are open", "[message][limits]") {
    message_world world;
    message_node a(world, 1), b(world, 2);
    a.known[b.identity.id] = b.identity.key;
    REQUIRE(a.seal->add_peer(b.identity.id, b.identity.key));
    world.nodes.erase(b.address());
    for (std::size_t i = 0; i < limits::message_requests_max; ++i) (void)a.layer->request(a.now(), b.peer(), ping{});
    CHECK(a.layer->open_requests() == limits::message_requests_max);
    const auto extra = a.request(b, ping{});
    REQUIRE(a.failed[extra].size() == 1);
    CHECK(a.failed[extra][0].code == errc::limit_reached);
}
