// Records of the connector's channel between a server's link and a connector's, altered on the way.

#include "p2pdist/message/secure_channel_link.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(secure_channel) {
    static const fuzz::toy_crypto crypto;
    const endpoint server_end{ip_address::v4(0x0a000001), 34323}, connector_end{ip_address::v4(0x0a000002), 34320};
    const client_id self{{1, 2, 3}};
    secure_channel_link server(crypto, secure_channel_server, role::server, 34323);
    secure_channel_link connector(crypto, self, role::connector, 34320);
    time_point now{std::chrono::seconds(1)};
    const auto take = [&](secure_channel_link& at, std::uint64_t channel, byte_span record) {
        const auto got = at.on_record(now, channel, record);
        if (!got) return;
        fuzz::check(at.is_open(channel), "a record of a closed channel is taken");
        if (const auto* frame = std::get_if<opened>(&*got)) {
            fuzz::check(frame->payload.size() + secure_channel_header_bytes == record.size(), "a payload is not the record's rest");
            fuzz::check(frame->type == frame_type::message || frame->type == frame_type::flow_control, "a frame of another type");
            (void)at.flow_key(frame->from, frame->session, 1, frame->from);
        }
    };
    for (int turns = 0; !input.empty() && turns < 500; ++turns) {
        const auto channel = input.below(3);
        auto& from = input.flag() ? server : connector;
        auto& to = &from == &server ? connector : server;
        switch (input.below(8)) {
            case 0: {
                const secret_key exporter{input.byte()};
                server.open(channel, connector_end, exporter);
                connector.open(channel, server_end, exporter);
                break;
            }
            case 1: from.close(channel); break;
            case 2:
            case 3: {
                const auto payload = input.piece(from.frame_payload_max());
                const auto status =
                    from.send(now, &from == &server ? self : secure_channel_server, {1, &from == &server ? connector_end : server_end},
                              input.flag() ? frame_type::message : frame_type::flow_control, payload);
                fuzz::check(status != send_status::too_large, "a payload that fits is too large");
                break;
            }
            case 4: {
                send_datagram piece;
                piece.to = &from == &server ? connector_end : server_end;
                piece.header = to_bytes(input.piece(200));
                from.carry(piece);
                break;
            }
            case 5: take(to, channel, input.piece(300)); break;
            default:
                while (auto record = from.poll()) {
                    fuzz::check(record->record.size() <= secure_channel_record_bytes_max, "a record is too long");
                    take(to, record->channel, input.flag() ? fuzz::mutated(input, record->record) : record->record);
                }
                break;
        }
    }
}
