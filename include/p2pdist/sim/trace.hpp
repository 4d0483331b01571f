#pragma once
// What happened in a world, as lines of text for people and as a running hash for comparing worlds: the same seed gives the same trace
// byte for byte.

#include <cstdint>
#include <functional>
#include <string_view>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist::sim {

/// One thing that happened to one datagram. `header` is the beginning of its payload (all of what the core wrote as header).
struct datagram_note {
    /// What happened to it.
    enum class kind : std::uint8_t { sent, delivered, dropped };
    kind what = kind::sent;
    time_point at{};
    endpoint from;
    endpoint to;
    std::size_t payload_bytes = 0;   ///< of UDP
    byte_span header;
    std::string_view where{};        ///< of a drop: the link's or host's name
    std::string_view why{};          ///< of a drop
    bool broadcast = false;
};

/// Hashes everything; writes lines where there is somebody to read them. Distinct objects: safe. Shared: unsafe.
class P2PDIST_API trace {
public:
    /// Takes a line without its end.
    using line_sink = std::function<void(std::string_view line)>;

    /// Lines from now on, without a line end; an empty function ends them.
    void write_to(line_sink sink) { sink_ = std::move(sink); }
    /// Something that happened to a datagram.
    void add(const datagram_note& note);
    /// Something else than a datagram: a node started, a client's event.
    void add(time_point at, std::string_view who, std::string_view what);
    /// A line for people only, as of a node's log; not hashed.
    void remark(time_point at, std::string_view who, std::string_view what);
    /// Whether there is somebody to read lines.
    [[nodiscard]] bool writes() const noexcept { return static_cast<bool>(sink_); }

    /// Over everything since the beginning, whether lines are written or not.
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }

private:
    void mix(std::uint64_t word) noexcept;
    void mix(byte_span data) noexcept;

    line_sink sink_;
    std::uint64_t hash_ = 0xcbf29ce484222325;
    std::uint64_t entries_ = 0;
};

}  // namespace p2pdist::sim
