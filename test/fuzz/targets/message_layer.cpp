// Requests and replies of any size between two members. The tags hold: every request ends exactly once, and an answer is the answer to it.

#include <map>
#include <utility>

#include "p2pdist/message/message_layer.hpp"
#include "support/frame_forge.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

class message_play {
public:
    explicit message_play(fuzz::fuzz_input& input) : input_(input) {
        sides_.push_back(std::make_unique<side>(1, role::server));
        sides_.push_back(std::make_unique<side>(2, role::client));
        sides_[0]->who.meet(sides_[1]->who);
    }

    void run() {
        for (int turns = 0; !input_.empty() && turns < 1000; ++turns) {
            turn();
            pump();
        }
    }

private:
    struct side {
        side(std::uint8_t number, role as) : who(crypto(), number, as), layer(crypto(), who.random, *who.seal, number, config(as)) {}

        static message_layer_config config(role as) {
            message_layer_config out;
            out.own_role = as;
            return out;
        }
        [[nodiscard]] message_peer peer() const { return {who.identity.id, who.as, who.address()}; }

        fuzz::member who;
        message_layer layer;
        std::map<message_handle, std::string> asked;   // what the answer has to begin with
        std::vector<message_handle> waiting;           // of the other side, unanswered
    };
    static const crypto_suite& crypto() {
        static const fuzz::toy_crypto suite;
        return suite;
    }

    void turn() {
        const auto at = input_.below(2);
        auto& one = *sides_[at];
        auto& other = *sides_[1 - at];
        switch (input_.below(12)) {
            case 0:
            case 1: {
                auto text = std::to_string(++number_) + ".";
                const auto begins = text;
                text.resize(text.size() + (input_.flag() ? input_.below(100) : input_.below(60'000)), '.');
                message_options options;
                options.large_protocol = input_.flag() ? transfer_protocol::foreground : transfer_protocol::background;
                one.asked[one.layer.request(now_, other.peer(), topology_import_request{std::move(text), true}, options)] = begins;
                break;
            }
            case 2:
                if (!one.asked.empty()) {
                    const auto which = std::next(one.asked.begin(), static_cast<std::ptrdiff_t>(input_.below(one.asked.size())));
                    one.layer.cancel(which->first);
                    one.asked.erase(which);
                }
                break;
            case 3:
                if (!one.waiting.empty() && input_.flag()) one.layer.drop(now_, one.waiting.back());
                break;
            case 4: fuzz::disturb(input_, post_); break;
            case 5: lie(one, other); break;
            case 6:
            case 7: pass(std::chrono::milliseconds(input_.u16())); break;
            case 8:
                if (input_.below(8) == 0) one.layer.on_peer_restarted(now_, other.who.identity.id);
                break;
            default:
                for (auto count = input_.byte(); count > 0 && !post_.empty(); --count) deliver();
                pass(std::chrono::microseconds(700));
                break;
        }
    }
    /// Something that a hostile member may say; an answer never, since what it answers is its own affair.
    void lie(side& from, side& to) {
        message said{input_.u64() | 1, 0, input_.flag(), fuzz::any_body(input_, {})};
        if (std::holds_alternative<std::monostate>(said.body)) return;
        auto frame = encode(said);
        if (frame.size() > envelope::payload_bytes_max) return;
        if (input_.below(4) == 0) frame = fuzz::mutated(input_, frame);
        if (frame.size() > envelope::payload_bytes_max) return;
        if (const auto read = decode_message(frame); read && read->reply_to != 0) return;
        const auto pair = small_pair(from.who.as, to.who.as);
        const port_plan ports;
        (void)from.who.seal->send(now_, to.who.identity.id, {ports[pair.from], {to.who.address(), ports[pair.to]}}, frame_type::message,
                                  frame);
    }
    void pass(duration span) {
        now_ += span;
        for (auto& one : sides_) {
            one->who.seal->on_timer(now_);
            one->layer.on_timer(now_);
        }
    }
    void deliver() {
        const auto what = std::move(post_.front());
        post_.pop_front();
        auto& to = *sides_[what.to];
        const received_datagram in{what.local, what.from, now_, 0, what.data};
        const auto type = frame_type_of(what.data);
        if (type == frame_type::data || type == frame_type::data_strict) to.layer.on_data(now_, in);
        else if (const auto frame = to.who.seal->on_datagram(now_, fuzz::member_wall, in)) to.layer.on_frame(now_, *frame);
    }
    void take(side& one, const message_received& what) {
        const auto* asked = std::get_if<topology_import_request>(&what.body);
        if (!asked) return one.layer.drop(now_, what.request);
        if (input_.below(4) == 0) return one.waiting.push_back(what.request);
        auto text = asked->spreadsheet;
        text.resize(std::min<std::size_t>(text.size() + 1, 60'000), '-');
        one.layer.reply(now_, what.request, topology_export_reply{1, std::move(text)});
    }
    void take(std::size_t at, message_output& out) {
        auto& one = *sides_[at];
        if (auto* datagram = std::get_if<send_datagram>(&out)) {
            post_.push_back(fuzz::letter_of(*datagram, one.who.address(), 1 - at));
        } else if (const auto* got = std::get_if<message_received>(&out)) {
            take(one, *got);
        } else if (const auto* answer = std::get_if<message_answered>(&out)) {
            const auto found = one.asked.extract(answer->request);
            fuzz::check(!found.empty(), "an answer to nothing that is open");
            if (const auto* text = std::get_if<topology_export_reply>(&answer->body))
                fuzz::check(text->spreadsheet.starts_with(found.mapped()), "an answer to another request");
        } else {
            fuzz::check(one.asked.erase(std::get<message_failed>(out).request) == 1, "a request fails that is not open");
        }
    }
    void pump() {
        for (std::size_t at = 0; at < 2; ++at) {
            auto& one = *sides_[at];
            int outputs = 0;
            for (bool again = true; std::exchange(again, false);) {
                while (auto out = one.layer.poll(now_)) {
                    fuzz::check(++outputs < 100'000, "a layer gives out without end");
                    take(at, *out);
                }
                while (auto out = one.who.seal->poll()) {
                    if (const auto* datagram = std::get_if<send_datagram>(&*out))
                        post_.push_back(fuzz::letter_of(*datagram, one.who.address(), 1 - at));
                    const auto* gone = std::get_if<peer_unreachable>(&*out);
                    if (!gone) continue;
                    one.layer.on_peer_unreachable(now_, gone->peer);
                    again = true;   // what was open has failed
                }
            }
            fuzz::check(one.layer.open_requests() == one.asked.size(), "a request is lost");
        }
        if (post_.size() > 20'000) post_.resize(20'000);
    }

    fuzz::fuzz_input& input_;
    std::vector<std::unique_ptr<side>> sides_;
    std::deque<fuzz::letter> post_;
    std::uint64_t number_ = 0;
    time_point now_{std::chrono::seconds(1000)};
};

}  // namespace

P2PDIST_FUZZ_TARGET(message_layer) { message_play(input).run(); }
