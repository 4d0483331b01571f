// Enrolment, both sides, with altered frames whose tags fit. Nobody is granted anything but by grant(), and no answer is larger than
// its question before the device is known.

#include "p2pdist/envelope/enrolment.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

class enrolment_play {
public:
    enrolment_play(fuzz::fuzz_input& input, const crypto_suite& crypto)
        : input_(input),
          identity_(identity_from_secret(crypto, fuzz::member_secret(1))),
          client_(crypto, random_, identity_, {key_, {34324, {server_address_, 34323}}, to_bytes(input.piece(200)), {}}),
          server_(crypto, random_, {key_, {}, 16}),
          crypto_(crypto) {
        client_.start(now_);
    }

    void run() {
        for (int turns = 0; !input_.empty() && turns < 500; ++turns) {
            collect();
            switch (input_.below(10)) {
                case 0:
                case 1:
                case 2:
                case 3: deliver(); break;
                case 4:
                case 5: fuzz::disturb(input_, post_); break;
                case 6:
                    now_ += std::chrono::milliseconds(input_.u16());
                    client_.on_timer(now_);
                    server_.on_timer(now_);
                    break;
                case 7:
                    post_.push_back({input_.below(2), {client_address_, 34324}, {server_address_, 34323}, to_bytes(input_.piece(400))});
                    break;
                case 8: decide(); break;
                default:
                    if (client_.outcome() && input_.flag()) client_.start(now_);
                    break;
            }
            fuzz::check(server_.pending() <= 16, "more exchanges are open than may be");
        }
        const auto& counters = server_.counters();
        fuzz::check(counters.granted <= granted_, "somebody was let in by nobody");
        (void)client_.suspicion();
    }

private:
    void collect() {
        while (auto out = client_.poll()) post_.push_back(fuzz::letter_of(*out, client_address_, 1));
        while (auto out = server_.poll()) {
            if (const auto* datagram = std::get_if<send_datagram>(&*out)) {
                if (answering_ > 0) fuzz::check(datagram->size() <= answering_ || granted_ + refused_ > 0,
                                                "an answer is larger than its question");
                post_.push_back(fuzz::letter_of(*datagram, server_address_, 0));
            } else {
                waiting_.push_back(std::get<enrolment_request>(*out));
                fuzz::check(waiting_.back().client_info.size() <= limits::enrolment_opaque_bytes_max, "a device says too much of itself");
            }
        }
        answering_ = 0;
        fuzz::check(post_.size() < 10'000, "an enrolment without end");
    }
    void deliver() {
        if (post_.empty()) return;
        const auto what = std::move(post_.front());
        post_.pop_front();
        const received_datagram in{what.local, what.from, now_, 0, what.data};
        if (what.to == 1) {
            server_.on_datagram(now_, in);
            answering_ = what.data.size();
        } else {
            client_.on_datagram(now_, fuzz::member_wall, in);
        }
    }
    void decide() {
        if (waiting_.empty()) return;
        const auto request = waiting_.front();
        waiting_.pop_front();
        if (input_.below(3) == 0) {
            refused_ += server_.refuse(now_, request.handle, as_text(input_.piece(400))) ? 1 : 0;
            return;
        }
        const enrolment_grant grant{fuzz::member_papers(crypto_, request.key), member_server(), to_bytes(input_.piece(700))};
        const bool taken = server_.grant(now_, request.handle, grant);
        fuzz::check(!taken || grant.opaque.size() <= limits::enrolment_opaque_bytes_max, "a grant that is too long was sent");
        granted_ += taken ? 1 : 0;
        fuzz::check(!server_.grant(now_, request.handle, grant) || !taken, "a request was answered twice");
    }
    [[nodiscard]] certificate member_server() const {
        return sign_certificate(crypto_, fuzz::member_secret(0xee), role::server, fuzz::member_secret(9), fuzz::member_epoch,
                                {1'900'000'000});
    }

    static constexpr secret_key key_{1, 2, 3, 4};
    const ip_address client_address_ = ip_address::v4(0x0a000001), server_address_ = ip_address::v4(0x0a000002);
    fuzz::fuzz_input& input_;
    sim::seeded_entropy random_{5};
    node_identity identity_;
    enrolment_client client_;
    enrolment_server server_;
    const crypto_suite& crypto_;
    std::deque<fuzz::letter> post_;
    std::deque<enrolment_request> waiting_;
    std::uint64_t granted_ = 0, refused_ = 0;
    std::size_t answering_ = 0;
    time_point now_{std::chrono::seconds(1000)};
};

}  // namespace

P2PDIST_FUZZ_TARGET(enrolment) {
    static const fuzz::toy_crypto strict, fitting(true);
    enrolment_play(input, input.flag() ? fitting : static_cast<const crypto_suite&>(strict)).run();
}
