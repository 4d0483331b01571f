#pragma once
// Frames that were said by nobody but still mean something: real ones with another body, signal or piece in them. Their tags fit where
// the crypto is toy_crypto with tags_fit.

#include <vector>

#include "p2pdist/wire/messages.hpp"
#include "support/fuzz_input.hpp"

namespace p2pdist::fuzz {

/// What exists in a world, so that made-up messages speak of it.
struct familiar_things {
    std::vector<peer_info> peers;
    std::vector<content_info> contents;
};

/// Any message body: read from the input's bytes, or made up of random and familiar things.
[[nodiscard]] message_body any_body(fuzz_input& input, const familiar_things& known);
[[nodiscard]] flow_control any_signal(fuzz_input& input, const familiar_things& known);
/// Another frame in the place of this one: bytes altered anywhere, or the same header with another meaning behind it.
[[nodiscard]] bytes forged(fuzz_input& input, const bytes& frame, const familiar_things& known);

}  // namespace p2pdist::fuzz
