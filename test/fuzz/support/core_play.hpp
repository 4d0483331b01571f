#pragma once
// A fuzz input as the fate of a small world: what is lost, altered, repeated and delayed on its way to one of its nodes, what its disk
// and database answer, what its user asks, who dies.

#include <deque>

#include "support/frame_forge.hpp"
#include "support/mini_world.hpp"

namespace p2pdist::fuzz {

class core_play {
public:
    /// Everything is done to `victim`. The world is started.
    core_play(fuzz_input& input, mini_world& world, std::size_t victim);

    /// One decision of the input. `own` are the victim's peculiar ones: called where none of the general ones was chosen.
    void turn(const std::function<void()>& own);
    /// What must hold at the end: a client that says that it has a content has written the content's very bytes.
    void check_outputs();

    [[nodiscard]] const familiar_things& known() const noexcept { return known_; }

private:
    [[nodiscard]] happening* pick(bool datagram);
    void alter();
    void requests_fail();
    void arrive_raw();
    void arrive_again();
    void command();
    void look();

    fuzz_input& input_;
    mini_world& world_;
    std::size_t victim_;
    familiar_things known_;
    std::deque<happening> heard_;   // by the victim, for repetitions
    std::uint64_t commands_ = 0;
};

}  // namespace p2pdist::fuzz
