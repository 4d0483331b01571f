// A client between a real server and a real peer. Every tag fits, so altered frames reach all of it.

#include "support/core_play.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(client_core) {
    static const fuzz::toy_crypto crypto(true);
    fuzz::mini_options options;
    const auto kind = input.byte();
    options.kind = (kind & 1) != 0 ? hash_kind::sha256 : hash_kind::sha256_tree;
    options.on_server = (kind & 2) == 0;
    options.on_cdn = (kind & 4) != 0;
    options.in_branch = kind >> 3 & 3;
    options.content_bytes = {3000, (kind & 0x20) != 0 ? chunk_bytes + 500 : 0};
    fuzz::mini_world world(crypto, options);
    fuzz::core_play play(input, world, 1);
    for (int turns = 0; !input.empty() && turns < 256; ++turns) {
        play.turn([&] {
            if (!world.is_up(1)) return;
            world.call(1, [&] {
                auto& core = world.client(1);
                const auto data = std::make_shared<const bytes>(to_bytes(input.piece(300)));
                if (input.flag()) core.on_fallback_data(world.now(), input.byte(), input.u16(), data);
                else
                    core.on_fallback_done(world.now(), input.byte(),
                                          input.flag() ? std::optional(error{errc::source_failed, "no"}) : std::nullopt);
            });
        });
    }
    play.check_outputs();
}
