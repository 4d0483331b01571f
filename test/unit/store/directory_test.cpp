// What lies in the store's directory, and the way there: what the store did not make is left alone, and what is odd is an answer.

#include <catch2/catch.hpp>

#include "store_test_support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

TEST_CASE("a store in a directory that is somebody's deletes nothing of his", "[REQ-CLI-3][REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    const std::string hexadecimal(40, 'a');
    for (const std::string name : {"mine", "removed-mine", "removed-", "removed-1x", "lost+found", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD"}) {
        fs::create_directories(work / ("store/" + name));
        write_file(work / ("store/" + name + "/file"), as_bytes("kept"));
    }
    fs::create_directories(work / "store/removed-12");
    fs::create_directories(work / ("store/" + hexadecimal));
    {
        waiting_store store(work / "store");
        store.open(content);
        store.expect<store_written>(content.write(0));
    }
    waiting_store store(work / "store");
    CHECK(store.open(content).whole);
    CHECK(store.expect<store_listing>(store_list{}).entries.size() == 1);
    for (const std::string name : {"mine", "removed-mine", "removed-", "removed-1x", "lost+found", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD"}) {
        INFO(name);
        CHECK(fs::exists(work / ("store/" + name + "/file")));
    }
    // Its own that came to nothing do go.
    CHECK_FALSE(fs::exists(work / "store/removed-12"));
    CHECK_FALSE(fs::exists(work / ("store/" + hexadecimal)));
}

TEST_CASE("a link that leads nowhere in the store's directory is no reason not to start", "[REQ-CLI-4]") {
    const sample content(700);
    const scratch work;
    fs::create_directories(work / "store");
    const auto loop = work / ("store/" + std::string(40, 'b'));
    fs::create_symlink(loop, loop);
    waiting_store store(work / "store");
    store.open(content);
    store.expect<store_written>(content.write(0));
    CHECK(fs::is_symlink(loop));
}
