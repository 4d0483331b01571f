#include "support/core_play.hpp"

#include "support/fuzz_target.hpp"

namespace p2pdist::fuzz {
namespace {

constexpr std::size_t heard_max = 64;
constexpr std::uint16_t ports[] = {34320, 34322, 34323, 34324, 34325, 34329, 34331, 34333, 34335,
                                   34337, 34339, 34341, 34343, 34345, 34545, 34546, 34750, 34760};

}  // namespace

core_play::core_play(fuzz_input& input, mini_world& world, std::size_t victim) : input_(input), world_(world), victim_(victim) {
    for (std::size_t i = 0; i < world.nodes(); ++i) known_.peers.push_back(world.peer(i));
    for (std::size_t i = 0; i < world.contents(); ++i) known_.contents.push_back(world.content(i));
    world_.watch = [this](const happening& what) {
        if (what.node != victim_) return;
        heard_.push_back(what);
        if (heard_.size() > heard_max) heard_.pop_front();
    };
    world_.start_all();
}

happening* core_play::pick(bool datagram) {
    const auto fits = [&](const happening& what) { return what.node == victim_ && what.is_datagram() == datagram; };
    auto count = static_cast<std::size_t>(std::ranges::count_if(world_.pending, fits));
    if (count == 0) return nullptr;
    auto chosen = input_.below(count);
    for (auto& what : world_.pending) {
        if (fits(what) && chosen-- == 0) return &what;
    }
    return nullptr;
}

void core_play::alter() {
    auto* what = pick(true);
    if (!what) return;
    switch (input_.below(6)) {
        case 0: what->at += std::chrono::milliseconds(input_.below(2000)); break;
        case 1: {
            auto copy = *what;
            copy.at += std::chrono::milliseconds(input_.below(50));
            world_.pending.push_back(std::move(copy));
            break;
        }
        case 2: world_.pending.erase(world_.pending.begin() + (what - world_.pending.data())); break;
        case 3:
            what->from = {world_.address(input_.below(world_.nodes())), ports[input_.below(std::size(ports))]};
            break;
        default: what->data = forged(input_, what->data, known_); break;
    }
}

void core_play::requests_fail() {
    static constexpr errc why[] = {errc::io_failed, errc::no_space, errc::integrity_failed,
                                   errc::not_found, errc::refused,  errc::limit_reached};
    auto* what = pick(false);
    if (!what) return;
    if (input_.flag()) what->failure = why[input_.below(std::size(why))];
    what->at += std::chrono::milliseconds(input_.below(256) * 10);
}

void core_play::arrive_raw() {
    happening what;
    what.node = victim_;
    what.from = {world_.address(input_.below(world_.nodes())), ports[input_.below(std::size(ports))]};
    what.local = {world_.address(victim_), ports[input_.below(std::size(ports))]};
    what.data = to_bytes(input_.piece(1200));
    world_.perform(std::move(what));
}

void core_play::arrive_again() {
    if (heard_.empty()) return;
    auto what = heard_[input_.below(heard_.size())];
    if (input_.flag()) what.data = forged(input_, what.data, known_);
    if (input_.flag() && what.data.size() > sealed_header::size_bytes)
        what.data[27] = static_cast<std::uint8_t>(what.data[27] + input_.byte());  // a later frame
    world_.perform(std::move(what));
}

void core_play::command() {
    const auto who = 1 + input_.below(world_.nodes() - 1);
    if (!world_.is_up(who)) return world_.start(who);
    const auto which = input_.below(world_.contents());
    auto& core = world_.client(who);
    const auto now = world_.now();
    const auto& id = world_.content(which).id;
    world_.call(who, [&] {
        switch (input_.below(9)) {
            case 0: (void)core.pin(now, id, input_.flag()); break;
            case 1: (void)core.remove(now, id); break;
            case 2: (void)core.verify(now); break;
            case 3: core.pause(now, input_.flag()); break;
            case 4: core.cancel(now, {1 + input_.below(++commands_)}); break;
            case 5:
                core.set_address(now, world_.address(input_.below(world_.nodes())), static_cast<std::uint8_t>(input_.below(33)),
                                 std::nullopt);
                break;
            case 6: (void)core.import(now, "out-" + id.text(), input_.flag() ? std::optional(id) : std::nullopt); break;
            default: (void)core.fetch(now, id, input_.flag() ? "out-" + id.text() : std::string()); break;
        }
    });
    ++commands_;
}

void core_play::look() {
    for (std::size_t i = 1; i < world_.nodes(); ++i) {
        if (!world_.is_up(i)) continue;
        const auto& core = world_.client(i);
        const auto status = core.status();
        for (const auto& one : status.downloads) check(one.verified_bytes <= one.content.size_bytes, "more is verified than there is");
        (void)core.peers();
        (void)core.contents();
        (void)core.explain(known_.contents.front().id);
    }
    if (world_.is_up(0)) (void)world_.server().statistics();
}

void core_play::turn(const std::function<void()>& own) {
    switch (input_.below(16)) {
        case 0:
        case 1:
        case 2:
            for (auto steps = input_.byte(); steps > 0 && world_.step(); --steps) {}
            break;
        case 3: (void)world_.step(); break;
        case 4:
        case 5:
        case 6: alter(); break;
        case 7: requests_fail(); break;
        case 8: arrive_raw(); break;
        case 9: arrive_again(); break;
        case 10: command(); break;
        case 11: world_.pass(std::chrono::milliseconds(1) * (std::uint64_t{1} << input_.below(18))); break;
        case 12: {
            const auto who = input_.below(world_.nodes());
            if (world_.is_up(who)) world_.stop(who);
            else world_.start(who);
            break;
        }
        case 13: look(); break;
        case 14:
            if (input_.below(16) == 0) world_.set_wall_offset(static_cast<std::int64_t>(input_.u32()) - 0x7fffffff);
            break;
        default: own(); break;
    }
}

void core_play::check_outputs() {
    look();
    for (std::size_t node = 1; node < world_.nodes(); ++node) {
        for (const auto& done : world_.done[node]) {
            for (std::size_t i = 0; i < world_.contents(); ++i) {
                if (done.failure || done.content != world_.content(i) || !world_.has_output(node, i)) continue;
                check(world_.output_is_right(node, i), "a client has other bytes than were published");
            }
        }
    }
}

}  // namespace p2pdist::fuzz
