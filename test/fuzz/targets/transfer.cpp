// Three members fetch a content from each other; the network alters and forges what it can, the tags hold, stores fail now and then.
// Whoever is done has the right bytes, and nobody is blamed: none of the three ever gives a wrong byte.

#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "support/frame_forge.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

class transfer_play {
public:
    explicit transfer_play(fuzz::fuzz_input& input) : input_(input) {
        const auto plain = input_.below(4) == 0;
        data_.resize(input_.flag() ? 3000 : chunk_bytes + 3000);
        sim::seeded_entropy(1).fill(data_);
        content_ = {*content_id::parse("app"), data_.size(), {plain ? hash_kind::sha256 : hash_kind::sha256_tree,
                    plain ? crypto().sha256({data_}) : make_tree(crypto(), data_).root()}};
        for (std::uint8_t i = 1; i <= 3; ++i) members_.push_back(std::make_unique<part>(i));
        for (auto& one : members_)
            for (auto& other : members_)
                if (one != other) one->who.meet(other->who);
        auto& first = *members_[0];
        first.store.files()["file"] = data_;
        (void)first.store.execute({1, store_import{content_.id, content_.hash, "file"}});
        first.engine.serve(now_, content_);
    }

    void run() {
        for (int turns = 0; !input_.empty() && turns < 1000; ++turns) {
            turn();
            pump();
        }
    }

private:
    struct part {
        explicit part(std::uint8_t number) : who(crypto(), number), store(crypto()), engine(crypto(), who.random, *who.seal, number, {}) {}

        fuzz::member who;
        memory_store store;
        transfer_engine engine;
        bool downloading = false;
    };
    static const crypto_suite& crypto() {
        static const fuzz::toy_crypto suite;
        return suite;
    }

    void turn() {
        const auto at = input_.below(3);
        auto& one = *members_[at];
        const auto peer = input_.below(3);
        switch (input_.below(16)) {
            case 0:
                one.downloading = true;
                one.engine.download(now_, content_);
                break;
            case 1:
            case 2: {
                const auto& other = *members_[peer];
                const bool office = input_.flag();
                if (peer != at)
                    one.engine.add_source(
                        now_, content_.key(),
                        {other.who.identity.id, role::client, other.who.address(), office ? source_kind::office : source_kind::ancestor,
                         office ? transfer_protocol::foreground : transfer_protocol::background});
                break;
            }
            case 3: one.engine.remove_source(now_, content_.key(), members_[peer]->who.identity.id); break;
            case 4:
                if (input_.below(4) == 0) {
                    one.downloading = false;
                    one.engine.cancel(now_, content_.key());
                }
                break;
            case 5: one.engine.pause(now_, content_.key(), input_.flag()); break;
            case 6: give(one); break;
            case 7: fuzz::disturb(input_, post_); break;
            case 8: fail_next_ = true; break;
            case 9: {
                const auto progress = one.engine.progress(content_.key());
                if (progress) fuzz::check(progress->verified_bytes <= content_.size_bytes, "more is verified than there is");
                (void)one.engine.uploads();
                break;
            }
            case 10:
            case 11: pass(std::chrono::milliseconds(input_.u16())); break;
            case 12: lie(one, *members_[peer]); break;
            default:
                for (auto count = input_.byte(); count > 0 && !post_.empty(); --count) {
                    deliver();
                    pump();
                }
                pass(std::chrono::microseconds(500));
                break;
        }
    }
    void give(part& one) {
        const auto wanted = one.engine.fallback_wants(content_.key());
        const auto from = wanted && input_.below(4) != 0 ? wanted->offset : input_.below(data_.size());
        auto some =
            std::make_shared<bytes>(data_.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(from, data_.size())), data_.end());
        if (input_.below(3) == 0) *some = fuzz::mutated(input_, *some);
        one.engine.give(now_, content_.key(), source_kind::cdn, from, shared_bytes(std::shared_ptr<const bytes>(std::move(some))));
    }
    /// A member that says of a flow of its own what it likes; it gives no bytes.
    void lie(part& from, part& to) {
        if (&from == &to || tokens_.empty()) return;
        auto signal = fuzz::any_signal(input_, {{}, {content_}});
        signal.token = tokens_[input_.below(tokens_.size())];
        (void)from.who.seal->send(now_, to.who.identity.id, {34546, {to.who.address(), 34760}}, frame_type::flow_control, encode(signal));
    }
    void pass(duration span) {
        now_ += span;
        for (auto& one : members_) {
            one->who.seal->on_timer(now_);
            one->engine.on_timer(now_);
        }
    }
    void deliver() {
        const auto what = std::move(post_.front());
        post_.pop_front();
        auto& to = *members_[what.to];
        const received_datagram in{what.local, what.from, now_, 0, what.data};
        const auto type = frame_type_of(what.data);
        if (type == frame_type::data || type == frame_type::data_strict) {
            if (const auto header = decode_data_header(what.data); header && tokens_.size() < 32) tokens_.push_back(header->token);
            to.engine.on_data(now_, in);
        } else if (const auto frame = to.who.seal->on_datagram(now_, fuzz::member_wall, in)) {
            if (frame->type == frame_type::flow_control) to.engine.on_control(now_, *frame);
        }
    }
    void put(const send_datagram& datagram, const part& from) {
        for (std::size_t to = 0; to < members_.size(); ++to)
            if (members_[to]->who.address() == datagram.to.address) post_.push_back(fuzz::letter_of(datagram, from.who.address(), to));
    }
    void take(part& one, transfer_output& out) {
        if (auto* datagram = std::get_if<send_datagram>(&out)) {
            put(*datagram, one);
        } else if (const auto* request = std::get_if<store_request>(&out)) {
            auto done = store_completion{request->id, error{errc::io_failed, "the disk says no"}, {}, {}};
            if (!std::exchange(fail_next_, false)) done = one.store.execute(*request);
            one.engine.on_store_done(now_, std::move(done));
        } else if (const auto* asked = std::get_if<serve_request>(&out)) {
            if (input_.below(8) == 7) one.engine.deny(now_, asked->flow, {errc::refused, "not now", 100});
            else one.engine.admit(now_, asked->flow);
        } else if (const auto* over = std::get_if<transfer_finished>(&out)) {
            fuzz::check(one.downloading, "a download ends that nobody began, or twice");
            one.downloading = false;
            if (over->failure) return;
            const auto written = one.store.execute({2, store_export{content_.key(), "out"}});
            fuzz::check(written.ok() && one.store.files()["out"] == data_, "a download is complete and has other bytes");
        }
        fuzz::check(!std::holds_alternative<peer_blamed>(out), "an honest member is blamed");
    }
    void pump() {
        for (auto& one : members_) {
            int outputs = 0;
            while (auto out = one->engine.poll(now_)) {
                fuzz::check(++outputs < 100'000, "an engine gives out without end");
                take(*one, *out);
            }
            while (auto out = one->who.seal->poll()) {
                if (const auto* datagram = std::get_if<send_datagram>(&*out)) put(*datagram, *one);
                if (const auto* gone = std::get_if<peer_unreachable>(&*out)) one->engine.on_peer_unreachable(now_, gone->peer);
            }
        }
        if (post_.size() > 20'000) post_.resize(20'000);
    }

    fuzz::fuzz_input& input_;
    bytes data_;
    content_info content_;
    std::vector<std::unique_ptr<part>> members_;
    std::deque<fuzz::letter> post_;
    std::vector<std::uint32_t> tokens_;
    bool fail_next_ = false;
    time_point now_{std::chrono::seconds(1000)};
};

}  // namespace

P2PDIST_FUZZ_TARGET(transfer) { transfer_play(input).run(); }
