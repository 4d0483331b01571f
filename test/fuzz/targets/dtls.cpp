// The connector's DTLS: a server's listener and association, and a connector with the right or a wrong key, over datagrams that are
// lost, repeated, moved and altered.

#include <set>

#include "dtls/dtls_association.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"

using namespace p2pdist;

namespace {

class dtls_play {
public:
    explicit dtls_play(fuzz::fuzz_input& input) : input_(input), right_key_(input.below(8) != 0), listener_(key_, {4}) {
        connector_ = dtls_association::connect(right_key_ ? key_ : secret_key{9});
    }

    void run() {
        collect(*connector_, 1);
        for (int turns = 0; !input_.empty() && turns < 300; ++turns) {
            switch (input_.below(10)) {
                case 0: fuzz::disturb(input_, post_); break;
                case 1: hear(to_bytes(input_.piece(300))); break;
                case 2: say(*connector_); break;
                case 3:
                    if (server_) say(*server_);
                    break;
                case 4: connector_->retransmit(); break;
                case 5:
                    if (server_) server_->retransmit();
                    break;
                case 6:
                    if (input_.below(16) == 0) connector_->close();
                    break;
                default: deliver(); break;
            }
            collect(*connector_, 1);
            if (server_) collect(*server_, 0);
        }
        if (server_ && server_->status() == dtls_association::state::open) {
            fuzz::check(right_key_, "a wrong key opens a channel");
            if (connector_->status() == dtls_association::state::open) fuzz::check(server_->exporter() == connector_->exporter(),
                                                                                   "two ends of one channel differ");
        }
    }

private:
    void deliver() {
        if (post_.empty()) return;
        const auto what = std::move(post_.front());
        post_.pop_front();
        if (what.to == 0) connector_->on_datagram(what.data);
        else hear(what.data);
    }
    void hear(const bytes& data) {
        if (is_dtls_client_hello(data)) {
            fuzz::check(is_dtls(data), "a ClientHello does not look like DTLS");
            (void)dtls_client_random(data);
        }
        if (server_) return server_->on_datagram(data);
        auto heard = listener_.on_datagram(from_, data, now_);
        std::size_t answered = 0;
        for (auto& answer : heard.datagrams) {
            answered += answer.size();
            post_.push_back({0, {}, {}, std::move(answer)});
        }
        fuzz::check(answered <= data.size() || heard.association, "an answer is larger than its question, before the cookie");
        if (heard.association) server_ = std::move(heard.association);
    }
    void say(dtls_association& from) {
        auto text = to_bytes(input_.piece(200));
        if (text.empty() || from.status() != dtls_association::state::open) return;
        from.send(text);
        said_.insert(std::move(text));
    }
    void collect(dtls_association& from, std::size_t to) {
        for (auto& datagram : from.take_datagrams()) post_.push_back({to, {}, {}, std::move(datagram)});
        for (const auto& record : from.take_records()) fuzz::check(said_.contains(record), "a record arrives that nobody sent");
        if (post_.size() > 500) post_.resize(500);
    }

    static constexpr secret_key key_{1, 2, 3};
    const std::chrono::steady_clock::time_point now_{std::chrono::seconds(1000)};
    const endpoint from_{ip_address::v4(0x0a000002), 34320};
    fuzz::fuzz_input& input_;
    bool right_key_;
    dtls_listener listener_;
    std::unique_ptr<dtls_association> connector_, server_;
    std::deque<fuzz::letter> post_;
    std::set<bytes> said_;
};

}  // namespace

P2PDIST_FUZZ_TARGET(dtls) { dtls_play(input).run(); }
