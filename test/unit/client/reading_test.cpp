// read(): the verified prefix, one piece after another; and stop().

#include <catch2/catch.hpp>

#include "client_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

world_options slow_branch() {
    world_options out;
    out.topology = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\nBoston,Default,Central,10.1.0.0/16\n";
    out.wan_bits_per_second = 16e6;
    return out;
}

/// A device that reads a content.
struct piecewise_reader {
    piecewise_reader(client_world& in, device& on, const std::string& id)
        : world(in), one(on), command(one.with([&](client_core& core) { return core.read(world.now(), id_of_text(id)); })) {}

    void ask() {
        one.with([&](client_core& core) { return core.read_on(world.now(), command), 0; });
    }
    /// Asks for one piece; false where the end came instead.
    bool next() {
        const auto before = one.pieces.size();
        ask();
        REQUIRE(world.run_until([&] { return one.pieces.size() > before || one.done(command); }));
        if (one.pieces.size() == before) return false;
        const auto& piece = one.pieces.back();
        CHECK(piece.command == command);
        CHECK(piece.offset == got.size());
        got.insert(got.end(), piece.data.view.begin(), piece.data.view.end());
        return true;
    }

    client_world& world;
    device& one;
    command_handle command;
    bytes got;
};

std::uint32_t uses_of_store(device& one) {
    const auto listing = one.store.execute({0, store_list{}});
    std::uint32_t count = 0;
    for (const auto& entry : std::get<store_listing>(listing.value).entries) count += entry.use_count;
    return count;
}

}  // namespace

TEST_CASE("a content is read while it arrives, and only as far as it was asked for", "[client][REQ-XFER-4]") {
    client_world world(slow_branch());
    const auto data = some_bytes(3 * mib + 12'345, 5);
    world.publish("app", data);
    world.add("10.0.0.20");   // brings it to the branch
    auto& one = world.add("10.1.0.20");
    REQUIRE(world.run_until_registered());
    piecewise_reader reading(world, one, "app");
    for (int piece = 0; piece < 4; ++piece) REQUIRE(reading.next());
    CHECK(one.core().progress(id_of_text("app"))->verified_bytes < data.size());   // what is read comes first
    world.run_for(20s);                       // all of it is here by then
    CHECK(one.pieces.size() == 4);
    CHECK_FALSE(one.done(reading.command));   // but was not read
    CHECK(uses_of_store(one) == 1);                    // and so is kept
    while (reading.next()) {}
    REQUIRE(one.complete(reading.command));
    CHECK(reading.got == data);
    world.run_for(1s);
    CHECK(uses_of_store(one) == 0);

    piecewise_reader again(world, one, "app");          // from the store
    while (again.next()) {}
    CHECK(again.got == data);
    CHECK(one.share(again.command, source_kind::store) == data.size());
}

TEST_CASE("contents of any kind and size can be read", "[client][REQ-XFER-4]") {
    client_world world(slow_branch());
    const auto data = some_bytes(mib, 6);
    world.publish("plain", data, true, hash_kind::sha256);
    world.publish("empty", {});
    world.add("10.0.0.20");   // brings it to the branch
    auto& one = world.add("10.1.0.20");
    REQUIRE(world.run_until_registered());
    piecewise_reader plain(world, one, "plain"), empty(world, one, "empty");
    CHECK_FALSE(empty.next());
    CHECK(one.complete(empty.command));
    while (plain.next()) {}
    CHECK(one.complete(plain.command));
    CHECK(plain.got == data);
    piecewise_reader nothing(world, one, "nothing");
    CHECK_FALSE(nothing.next());
    CHECK(one.done(nothing.command)->failure->code == errc::not_found);
    CHECK(uses_of_store(one) == 0);
}

TEST_CASE("what the disk altered while it was read is fetched again", "[client][REQ-CLI-4]") {
    client_world world(slow_branch());
    const auto data = some_bytes(2 * mib, 7);
    world.publish("app", data);
    world.add("10.0.0.20");   // brings it to the branch
    auto& one = world.add("10.1.0.20");
    bool damage = false;
    memory_store_options options;
    options.corrupt = [&](const content_key&, chunk_index chunk) { return chunk == 3 && std::exchange(damage, false); };
    one.stop();
    one.store = memory_store(crypto(), std::move(options));
    one.start();
    REQUIRE(world.run_until_registered());
    REQUIRE(world.run_until([&, fetched = one.fetch("app")] { return one.complete(fetched); }));
    piecewise_reader reading(world, one, "app");
    REQUIRE(reading.next());
    damage = true;
    while (reading.next()) {}
    CHECK_FALSE(damage);
    CHECK(one.complete(reading.command));
    CHECK(reading.got == data);
    world.run_for(1s);
    CHECK(uses_of_store(one) == 0);
}

TEST_CASE("a client that is stopped ends every command, and then says so", "[client]") {
    client_world world(slow_branch());
    const auto data = some_bytes(4 * mib, 8);
    world.publish("app", data);
    world.publish("other", some_bytes(4 * mib, 9));
    world.add("10.0.0.20");   // brings it to the branch
    auto& one = world.add("10.1.0.20");
    REQUIRE(world.run_until_registered());
    const auto fetched = one.fetch("app", "/out");
    const auto waiting = one.fetch("other");
    piecewise_reader reading(world, one, "app");
    REQUIRE(reading.next());
    CHECK(uses_of_store(one) > 0);
    one.with([&](client_core& core) { return core.stop(world.now()), 0; });
    for (const auto command : {fetched, waiting, reading.command}) {
        REQUIRE(one.done(command));
        CHECK(one.done(command)->failure->code == errc::cancelled);
    }
    CHECK(one.stops == 1);
    CHECK(one.core().status().downloads.empty());
    CHECK(uses_of_store(one) == 0);                    // it has let go of the store
    CHECK_FALSE(one.core().poll(world.now()));
}
