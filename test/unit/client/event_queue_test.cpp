#include <catch2/catch.hpp>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/client/event_queue.hpp"

using namespace p2pdist;

namespace {

client_event progress(const std::string& id, std::uint64_t verified) {
    transfer_progress shown;
    shown.content.id = content_id::parse(id).value();
    shown.verified_bytes = verified;
    return client_progress{shown};
}
client_event end_of(std::uint64_t command) { return command_done{{command}, {}, {}, {}, {}}; }

}  // namespace

TEST_CASE("the newest progress of each content waits, in the place of the first", "[client]") {
    event_queue queue;
    queue.push(progress("a", 1));
    queue.push(progress("b", 1));
    queue.push(end_of(7));
    queue.push(progress("a", 2));
    REQUIRE(queue.size() == 3);
    CHECK(std::get<client_progress>(*queue.pop()).transfer.verified_bytes == 2);
    CHECK(std::get<client_progress>(*queue.pop()).transfer.content.id.text() == "b");
    queue.push(progress("a", 3));
    CHECK(std::get<command_done>(*queue.pop()).command.value == 7);
    CHECK(std::get<client_progress>(*queue.pop()).transfer.verified_bytes == 3);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("ends are never dropped, and all else is bounded", "[client]") {
    event_queue queue;
    queue.push(client_registered{"Boston", false});
    for (std::uint64_t i = 0; i < limits::event_queue_ends_max; ++i) {
        CHECK_FALSE(queue.full());
        queue.push(end_of(i));
        queue.push(client_notice{log_level::info, std::to_string(i)});
        queue.push(progress(std::to_string(i), i));
        queue.push(client_piece{});
    }
    CHECK(queue.full());
    queue.push(client_registered{"Denver", true});
    queue.push(client_stopped{});
    CHECK(queue.size() == limits::event_queue_ends_max + limits::event_queue_notices_max + limits::event_queue_progress_max + 2);
    std::uint64_t ends = 0, notices = 0;
    std::string office, last_notice;
    bool stopped = false;
    while (const auto event = queue.pop()) {
        CHECK_FALSE(stopped);
        if (const auto* end = std::get_if<command_done>(&*event)) CHECK(end->command.value == ends++);
        if (const auto* note = std::get_if<client_notice>(&*event)) last_notice = note->text, ++notices;
        if (const auto* registered = std::get_if<client_registered>(&*event)) {
            CHECK(office.empty());
            office = registered->office;
        }
        stopped = std::holds_alternative<client_stopped>(*event);
        if (ends == 1) CHECK_FALSE(queue.full());
    }
    CHECK(ends == limits::event_queue_ends_max);
    CHECK(notices == limits::event_queue_notices_max);
    CHECK(last_notice == std::to_string(limits::event_queue_ends_max - 1));
    CHECK(office == "Denver");
    CHECK(stopped);
}
