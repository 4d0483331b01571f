#include "world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("one source gives a whole content", "[REQ-XFER-1][REQ-XFER-4]") {
    const auto sizes = {std::uint64_t{0}, std::uint64_t{1}, chunk_bytes - 1, chunk_bytes, chunk_bytes + 1, std::uint64_t{10'000'000}};
    for (const auto size : sizes) {
        CAPTURE(size);
        world w;
        auto& a = w.add();
        auto& b = w.add();
        const auto data = noise(size);
        const auto content = tree_content(data);
        a.holds(content, data);
        b.gets(content);
        b.from(content, a);
        REQUIRE(w.until(20s, [&] { return b.done(); }));
        REQUIRE(b.succeeded());
        CHECK(b.content(content) == data);
        CHECK(b.split()[static_cast<std::size_t>(source_kind::office)] == size);
        w.run(5s);
        if (size == 0) continue;  // nothing was asked for
        REQUIRE(a.all<upload_ended>().size() == 1);
        CHECK(a.all<upload_ended>().front().sent_bytes == size);
        CHECK(a.store_requests["open"] == a.store_requests["close"]);
        CHECK(b.store_requests["open"] == b.store_requests["close"]);
    }
}
