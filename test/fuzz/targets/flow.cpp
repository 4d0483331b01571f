// Flows between two members as sequences of what either side does, over a network that does what it likes. The tags hold, so what
// arrives is right wherever they cover it, and arrives once.

#include <map>

#include "p2pdist/flow/flow_endpoint.hpp"
#include "support/frame_forge.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

constexpr std::uint64_t flow_object_size = 200'000;

std::uint8_t flow_object_byte(std::uint64_t offset) { return static_cast<std::uint8_t>((offset * 0x9e3779b97f4a7c15ull) >> 56); }

class flow_play {
public:
    explicit flow_play(fuzz::fuzz_input& input) : input_(input) {
        for (std::uint8_t i = 0; i < 2; ++i) sides_.push_back(std::make_unique<side>(i));
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
        explicit side(std::uint8_t which)
            : who(crypto(), static_cast<std::uint8_t>(which + 1)), flows(crypto(), who.random, *who.seal, which) {}

        fuzz::member who;
        flow_endpoint flows;
        std::vector<flow_handle> known;
        std::map<flow_handle, std::vector<bool>> got;   // of flows that want each byte once
        std::map<flow_handle, bool> ended;
    };
    static const crypto_suite& crypto() {
        static const fuzz::toy_crypto suite;
        return suite;
    }

    [[nodiscard]] index_range range() {
        const auto first = input_.below(flow_object_size);
        return {first, input_.below(flow_object_size - first + 1)};
    }
    [[nodiscard]] flow_handle pick(side& from) {
        return from.known.empty() ? flow_handle{input_.byte()} : from.known[input_.below(from.known.size())];
    }

    void turn() {
        const auto at = input_.below(2);
        auto& one = *sides_[at];
        switch (input_.below(16)) {
            case 0: open(one, *sides_[1 - at]); break;
            case 1: {
                const auto flow = pick(one);
                std::vector<index_range> wanted;
                for (auto count = input_.below(5); count > 0; --count) wanted.push_back(range());
                one.flows.want(now_, flow, std::move(wanted));
                one.got.erase(flow);   // what is left out and listed again comes again
                break;
            }
            case 2: {
                const index_range which{input_.below(flow_object_size), input_.below(5000)};
                one.flows.provide(now_, pick(one), which.first, part(which));
                break;
            }
            case 3: one.flows.set_status(now_, pick(one), to_bytes(input_.piece(flow_status_bytes_max))); break;
            case 4: one.flows.close(now_, pick(one)); break;
            case 5: one.flows.refuse(now_, pick(one), {errc::refused, "no", input_.u16()}); break;
            case 6: one.flows.on_peer_restarted(now_, sides_[1 - at]->who.identity.id); break;
            case 7: fuzz::disturb(input_, post_); break;
            case 8:
                one.who.seal->send(now_, sides_[1 - at]->who.identity.id, {34546, {sides_[1 - at]->who.address(), 34760}},
                                   frame_type::flow_control, said());
                break;
            case 9:
            case 10: pass(std::chrono::milliseconds(1) * input_.u16()); break;
            default:
                for (auto count = input_.byte(); count > 0 && !post_.empty(); --count) deliver();
                pass(std::chrono::microseconds(500));
                break;
        }
    }
    /// A signal that a hostile member makes for a flow of the other side.
    [[nodiscard]] bytes said() {
        auto signal = fuzz::any_signal(input_, {});
        if (!tokens_.empty()) signal.token = tokens_[input_.below(tokens_.size())];
        lies_ = true;
        return input_.flag() ? encode(signal) : fuzz::mutated(input_, encode(signal));
    }
    void open(side& one, side& other) {
        flow_open request;
        request.object = message_object{input_.byte()};
        request.protocol = input_.flag() ? transfer_protocol::foreground : transfer_protocol::background;
        request.strict = input_.flag();
        request.status = to_bytes(input_.piece(20));
        const auto flow = one.flows.open(now_, other.who.identity.id, {34760, {other.who.address(), 34546}}, std::move(request));
        one.known.push_back(flow);
        one.got[flow].resize(flow_object_size);
        one.flows.want(now_, flow, {range()});
    }
    static shared_bytes part(const index_range& which) {
        auto data = std::make_shared<bytes>();
        for (auto offset = which.first; offset < std::min(which.end(), flow_object_size); ++offset)
            data->push_back(flow_object_byte(offset));
        return shared_bytes(std::shared_ptr<const bytes>(std::move(data)));
    }
    void pass(duration span) {
        now_ += span;
        for (auto& one : sides_) {
            one->who.seal->on_timer(now_);
            one->flows.on_timer(now_);
        }
    }
    void deliver() {
        const auto what = std::move(post_.front());
        post_.pop_front();
        auto& to = *sides_[what.to];
        const received_datagram in{what.local, what.from, now_, 0, what.data};
        const auto type = frame_type_of(what.data);
        if (type == frame_type::data || type == frame_type::data_strict) {
            if (const auto header = decode_data_header(what.data); header && tokens_.size() < 32) tokens_.push_back(header->token);
            if (const auto piece = to.flows.on_data(now_, in)) take(to, *piece);
        } else if (const auto frame = to.who.seal->on_datagram(now_, fuzz::member_wall, in)) {
            if (frame->type == frame_type::flow_control) to.flows.on_control(now_, *frame);
        }
    }
    void take(side& to, const flow_piece& piece) {
        fuzz::check(!piece.payload.empty() && piece.offset + piece.payload.size() <= flow_object_bytes_max,
                    "a piece lies outside of every object");
        fuzz::check(!piece.repeated || !piece.authenticated, "a repeated piece is given in strict mode");
        if (piece.repeated) return;   // to be compared only
        if (piece.authenticated) {
            for (std::size_t i = 0; i < piece.payload.size() && piece.offset + i < flow_object_size; ++i)
                fuzz::check(piece.payload[i] == flow_object_byte(piece.offset + i), "an authenticated byte is another");
        }
        const auto found = to.got.find(piece.flow);
        if (found == to.got.end()) return;
        for (auto i = piece.offset; i < std::min(piece.offset + piece.payload.size(), flow_object_size); ++i) {
            fuzz::check(!found->second[i], "a byte comes twice");
            found->second[i] = true;
        }
    }
    void pump() {
        for (std::size_t at = 0; at < 2; ++at) {
            auto& one = *sides_[at];
            int outputs = 0;
            while (auto out = one.flows.poll(now_)) {
                fuzz::check(++outputs < 100'000, "an endpoint gives out without end");
                if (auto* datagram = std::get_if<send_datagram>(&*out)) {
                    fuzz::check(datagram->size() <= limits::datagram_bytes_max, "a datagram is too long");
                    post_.push_back(fuzz::letter_of(*datagram, one.who.address(), 1 - at));
                } else if (const auto* asked = std::get_if<flow_requested>(&*out)) {
                    one.known.push_back(asked->flow);
                    one.flows.accept(now_, asked->flow, flow_object_size, {});
                } else if (const auto* need = std::get_if<flow_needs>(&*out)) {
                    fuzz::check(lies_ || need->range.end() <= flow_object_size, "bytes are asked for that the object has not");
                    one.flows.provide(now_, need->flow, need->range.first, part(need->range));
                } else if (const auto* over = std::get_if<flow_ended>(&*out)) {
                    fuzz::check(!std::exchange(one.ended[over->flow], true), "a flow ends twice");
                }
            }
            while (auto out = one.who.seal->poll()) {
                if (const auto* datagram = std::get_if<send_datagram>(&*out))
                    post_.push_back(fuzz::letter_of(*datagram, one.who.address(), 1 - at));
                if (const auto* gone = std::get_if<peer_unreachable>(&*out)) one.flows.on_peer_unreachable(now_, gone->peer);
            }
            fuzz::check(one.flows.size() <= flow_endpoint_config{}.flows_max, "too many flows");
        }
        if (post_.size() > 20'000) post_.resize(20'000);
    }

    fuzz::fuzz_input& input_;
    std::vector<std::unique_ptr<side>> sides_;
    std::deque<fuzz::letter> post_;
    std::vector<std::uint32_t> tokens_;
    bool lies_ = false;
    time_point now_{std::chrono::seconds(1000)};
};

}  // namespace

P2PDIST_FUZZ_TARGET(flow) { flow_play(input).run(); }
