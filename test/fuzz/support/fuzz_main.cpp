// libFuzzer's entry. Each fuzzer's program holds one target.

#include "support/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    p2pdist::fuzz::fuzz_input input({data, size});
    p2pdist::fuzz::targets().front().body(input);
    return 0;
}
