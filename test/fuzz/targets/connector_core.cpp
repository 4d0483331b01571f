// A connector: requests, a channel that comes and goes, and records of a server that says what it likes.

#include <set>

#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/message/secure_channel_link.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"
#include "support/frame_forge.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(connector_core) {
    static const fuzz::toy_crypto crypto(true);
    sim::seeded_entropy random(1);
    connector_core core(crypto, random, 1);
    time_point now{std::chrono::seconds(1)};
    std::set<connector_handle> open;
    std::vector<bytes> said;
    const auto over = [&](connector_handle which) { fuzz::check(open.erase(which) == 1, "a request ends twice"); };
    for (int turns = 0; !input.empty() && turns < 500; ++turns) {
        switch (input.below(8)) {
            case 0: {
                auto body = fuzz::any_body(input, {});
                if (!std::holds_alternative<std::monostate>(body)) open.insert(core.request(now, std::move(body)));
                break;
            }
            case 1: core.on_channel_opened(now, {input.byte()}); break;
            case 2: core.on_channel_closed(now); break;
            case 3: core.on_record(now, input.piece(300)); break;
            case 4:
            case 5: {  // an answer to something that was asked, as a server would form it
                if (said.empty()) break;
                const auto& record = said[input.below(said.size())];
                if (record.size() < secure_channel_header_bytes) break;
                const auto asked = decode_message(byte_span(record).subspan(secure_channel_header_bytes));
                if (!asked) break;
                message answer{input.u64() | 1, asked->id, input.flag(), fuzz::any_body(input, {})};
                if (std::holds_alternative<std::monostate>(answer.body)) answer.id = 0;
                if (answer.id == 0 && answer.reply_to == 0) break;
                bytes out{record[0], record[1]};
                out.resize(secure_channel_header_bytes);
                const auto text = encode(answer);
                out.insert(out.end(), text.begin(), text.end());
                core.on_record(now, input.below(4) == 0 ? fuzz::mutated(input, out) : out);
                break;
            }
            default:
                now += std::chrono::milliseconds(input.u16());
                core.on_timer(now);
                break;
        }
        while (auto out = core.poll(now)) {
            if (auto* record = std::get_if<connector_record>(&*out)) {
                fuzz::check(record->record.size() <= secure_channel_record_bytes_max, "a record is too long");
                if (said.size() < 32) said.push_back(std::move(record->record));
            } else if (const auto* answer = std::get_if<connector_answer>(&*out)) {
                over(answer->request);
            } else {
                over(std::get<connector_failure>(*out).request);
            }
        }
        fuzz::check(core.idle() == open.empty(), "a connector is idle with open requests, or busy without");
    }
}
