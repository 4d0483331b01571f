// What a client keeps between two runs.

#include "client/saved_state.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(saved_state) {
    const auto data = input.rest();
    const auto read = client_room::decode_saved_state(data);
    if (!read) return;
    const auto written = encode(*read);
    const auto again = client_room::decode_saved_state(written);
    fuzz::check(again && *again == *read, "a saved state is another one when it is written and read again");
}
