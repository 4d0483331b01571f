// What the bytes of a content cost on their way, beside what they cost anyhow: one copy and one SHA-256.

#include <cstring>

#include "flow_pair.hpp"
#include "harness.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "p2pdist/envelope/data_frame.hpp"

namespace {

using namespace p2pdist;

constexpr std::size_t payload_bytes = 1200 - data_overhead_bytes;

/// Every payload of `object` is sealed, copied into a datagram, and opened.
void seal_and_open(const crypto_suite& crypto, byte_span object, frame_type type) {
    const short_key key{1, 2, 3};
    data_header header{type, 0, 7, 0, 0, 0};
    bytes datagram;
    std::uint64_t opened_bytes = 0;
    for (std::size_t offset = 0; offset < object.size(); offset += payload_bytes) {
        const auto payload = object.subspan(offset, std::min(payload_bytes, object.size() - offset));
        header.offset = offset;
        ++header.packet_number;
        datagram.clear();
        seal_data(crypto, key, header, payload, datagram);
        datagram.insert(datagram.end(), payload.begin(), payload.end());
        if (const auto opened = open_data(crypto, key, datagram)) opened_bytes += opened->payload.size();
    }
    bench::require(opened_bytes == object.size(), "open_data");
}

/// Chunk by chunk, as a store does it.
void copy_and_hash(const crypto_suite& crypto, byte_span object) {
    bytes copy(chunk_bytes);
    digest last{};
    for (std::size_t offset = 0; offset < object.size(); offset += chunk_bytes) {
        const auto chunk = object.subspan(offset, std::min<std::size_t>(chunk_bytes, object.size() - offset));
        std::memcpy(copy.data(), chunk.data(), chunk.size());
        last = crypto.sha256({byte_span(copy).first(chunk.size())});
    }
    bench::require(last != digest{}, "sha256");
}

}  // namespace

int main(int argc, char** argv) {
    bench::report report("data_path", argc, argv);
    const auto crypto = make_openssl_crypto();
    const auto object = std::make_shared<const bytes>(bench::random_bytes(report.tiny() ? std::size_t{1} << 19 : std::size_t{16} << 20, 1));
    const auto size = static_cast<double>(object->size());
    const auto reference = [&] { copy_and_hash(*crypto, *object); };

    report.compare("datagram.data", "B", size, reference, [&] { seal_and_open(*crypto, *object, frame_type::data); });
    report.compare("datagram.data_strict", "B", size, reference, [&] { seal_and_open(*crypto, *object, frame_type::data_strict); });
    report.compare("flow.data", "B", size, reference, [&] { bench::carry(*crypto, object, false); });
    report.compare("flow.data_strict", "B", size, reference, [&] { bench::carry(*crypto, object, true); });
    report.print();
}
