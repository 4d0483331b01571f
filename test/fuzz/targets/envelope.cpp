// Sessions of three members over a network that does what it likes. What opens was said by the member named, once.

#include <map>

#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

class envelope_play {
public:
    explicit envelope_play(fuzz::fuzz_input& input) : input_(input) {
        for (std::uint8_t i = 1; i <= 3; ++i)
            members_.push_back(std::make_unique<fuzz::member>(crypto(), i, i == 1 ? role::server : role::client));
        for (auto& one : members_)
            for (auto& other : members_)
                if (one != other) one->meet(*other);
    }

    void run() {
        for (int turns = 0; !input_.empty() && turns < 2000; ++turns) {
            turn();
            collect();
        }
    }

private:
    static const crypto_suite& crypto() {
        static const fuzz::toy_crypto suite;
        return suite;
    }

    void turn() {
        auto& one = *members_[input_.below(members_.size())];
        switch (input_.below(12)) {
            case 0:
            case 1: say(one); break;
            case 2:
            case 3:
            case 4: deliver(); break;
            case 5: fuzz::disturb(input_, post_); break;
            case 6: now_ += std::chrono::milliseconds(input_.u16()); break;
            case 7: one.seal->on_timer(now_); break;
            case 8: restart(one); break;
            case 9: again(); break;
            case 10: raw(one); break;
            default: one.seal->forget_peer(members_[input_.below(members_.size())]->identity.id); meet_again(); break;
        }
    }
    void say(fuzz::member& one) {
        const auto to = input_.below(members_.size());
        bytes text;
        byte_writer(text).u64(++said_);
        const auto type = input_.flag() ? frame_type::message : frame_type::flow_control;
        const auto status = one.seal->send(now_, members_[to]->identity.id, {1, {members_[to]->address(), 2}}, type, text);
        if (status == send_status::sealed || status == send_status::kept) open_[said_] = {one.identity.id, members_[to]->identity.id};
    }
    void deliver() {
        if (post_.empty()) return;
        const auto what = std::move(post_.front());
        post_.pop_front();
        heard_.push_back(what);
        if (heard_.size() > 64) heard_.pop_front();
        hand_over(what);
    }
    void again() {
        if (!heard_.empty()) hand_over(fuzz::letter(heard_[input_.below(heard_.size())]));
    }
    void raw(fuzz::member& one) {
        hand_over({one.number - 1u, {members_[0]->address(), 2}, {one.address(), 1}, to_bytes(input_.piece(400))});
    }
    void hand_over(const fuzz::letter& what) {
        auto& to = *members_[what.to];
        const auto opened = to.seal->on_datagram(now_, fuzz::member_wall, {what.local, what.from, now_, 0, what.data});
        if (!opened) return;
        fuzz::check(opened->payload.size() == 8, "a frame opens that nobody said");
        const auto number = byte_reader(opened->payload).u64();
        const auto found = open_.find(number);
        fuzz::check(found != open_.end(), "a frame opens twice, or nobody said it");
        fuzz::check(found->second.first == opened->from && found->second.second == to.identity.id,
                    "a frame opens as another's, or elsewhere");
        open_.erase(found);
    }
    void restart(fuzz::member& one) {
        if (input_.below(8) != 0) return;
        one.boot();
        meet_again();
        // Replays of what it heard before open nothing: their sessions are gone with it.
    }
    void meet_again() {
        for (auto& one : members_)
            for (auto& other : members_)
                if (one != other) one->meet(*other);
    }
    void collect() {
        for (auto& one : members_) {
            while (auto out = one->seal->poll()) {
                const auto* datagram = std::get_if<send_datagram>(&*out);
                if (!datagram) continue;
                fuzz::check(datagram->size() <= limits::datagram_bytes_max, "a datagram is too long");
                for (std::size_t to = 0; to < members_.size(); ++to)
                    if (members_[to]->address() == datagram->to.address) post_.push_back(fuzz::letter_of(*datagram, one->address(), to));
            }
            fuzz::check(one->seal->peer_count() <= limits::envelope_peers_max, "too many peers");
            for (auto& other : members_)
                fuzz::check(one->seal->session_count(other->identity.id) <= limits::sessions_confirmed_max + limits::sessions_pending_max,
                            "too many sessions");
        }
        fuzz::check(post_.size() < 100'000, "members talk without end");
    }

    fuzz::fuzz_input& input_;
    std::vector<std::unique_ptr<fuzz::member>> members_;
    std::deque<fuzz::letter> post_, heard_;
    std::map<std::uint64_t, std::pair<client_id, client_id>> open_;   // said, not heard: who to whom
    std::uint64_t said_ = 0;
    time_point now_{std::chrono::seconds(1000)};
};

}  // namespace

P2PDIST_FUZZ_TARGET(envelope) { envelope_play(input).run(); }
