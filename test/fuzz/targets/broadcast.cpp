// Broadcast discovery: requests and answers that are altered, repeated and late.

#include <set>

#include "p2pdist/envelope/broadcast.hpp"
#include "support/fuzz_target.hpp"
#include "support/members.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(broadcast) {
    static const fuzz::toy_crypto strict, fitting(true);
    const auto& crypto = input.flag() ? fitting : strict;
    const auto asker = identity_from_secret(crypto, fuzz::member_secret(1)),
               answerer = identity_from_secret(crypto, fuzz::member_secret(2));
    const auto asker_papers = fuzz::member_papers(crypto, asker.key), answerer_papers = fuzz::member_papers(crypto, answerer.key);
    const revocation_list nobody;
    const auto answerer_at = ip_address::v4(0x0a000005u);
    sim::seeded_entropy random(3);
    broadcast_exchange asks(crypto, random, asker), answers(crypto, random, answerer);
    time_point now{std::chrono::seconds(1000)};
    auto wall = fuzz::member_wall;
    std::vector<bytes> questions, replies;
    std::set<std::pair<broadcast_nonce, client_id>> heard, answered;
    for (int turns = 0; !input.empty() && turns < 500; ++turns) {
        switch (input.below(6)) {
            case 0:
                questions.push_back(asks.ask(now, wall, asker_papers, nobody, input.piece(broadcast_request_payload_max)).datagram);
                break;
            case 1:
            case 2: {
                if (questions.empty()) break;
                auto data = questions[input.below(questions.size())];
                if (input.flag()) data = fuzz::mutated(input, data);
                const auto request =
                    answers.on_request(now, wall, answerer_papers, nobody, ip_address::v4(0x0a000001u + input.byte() % 4), data);
                if (!request) break;
                fuzz::check(answered.insert({request->nonce, request->from}).second, "a request is answered twice");
                auto reply = seal_broadcast_answer(crypto, answerer_papers, answerer, *request, input.piece(broadcast_answer_payload_max));
                fuzz::check(reply.size() <= data.size(), "an answer is larger than its question");
                if (!reply.empty()) replies.push_back(std::move(reply));
                break;
            }
            case 3: {
                if (replies.empty()) break;
                auto data = replies[input.below(replies.size())];
                if (input.flag()) data = fuzz::mutated(input, data);
                const auto answer = asks.on_answer(now, wall, asker_papers, nobody, answerer_at, data);
                if (answer) fuzz::check(heard.insert({answer->nonce, answer->from}).second, "a member answers one question twice");
                break;
            }
            case 4: {
                const auto data = to_bytes(input.piece(1300));
                (void)answers.on_request(now, wall, answerer_papers, nobody, ip_address::v4(0x0a000001u + input.byte() % 4), data);
                (void)asks.on_answer(now, wall, asker_papers, nobody, answerer_at, data);
                break;
            }
            default: {
                const auto seconds = input.byte();
                now += std::chrono::seconds(seconds);
                wall.seconds += seconds;
                break;
            }
        }
    }
}
