// Messages of all kinds, as they stand in a sealed frame.

#include "p2pdist/wire/messages.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(message) {
    const auto read = decode_message(input.rest());
    if (!read) return;
    fuzz::check(name_of(read->body) != nullptr, "a body without a name");
    const auto again = decode_message(encode(*read));
    fuzz::check(again && *again == *read, "a message that was read is another one when it is written and read again");
}
