#pragma once
// A member that says and gives what a test tells it, in authentic frames: what an enrolled liar can do to those who fetch from it.

#include "p2pdist/envelope/data_frame.hpp"
#include "world.hpp"

namespace p2pdist::test {

class puppet {
public:
    /// What it has of its flow with one receiver.
    struct served {
        client_id peer;
        path way;
        std::uint32_t token = 0;
        short_key key{};
        std::uint64_t object_bytes = 0;
        bool strict = false;
        std::vector<index_range> wanted;
        std::uint32_t next_number = 0;
        std::uint32_t status = 0;
        bool closed = false;
    };

    /// Takes the place of the node's engine.
    puppet(world& in, node_options options = {}) : self(in.add(std::move(options))), in_(in) {
        self.instead = [this](const opened& frame) { hear(frame); };
    }
    puppet(const puppet&) = delete;
    puppet& operator=(const puppet&) = delete;

    void say(const served& one, decltype(flow_control::signal) what) {
        (void)self.seal.send(in_.now, one.peer, one.way, frame_type::flow_control, encode(flow_control{one.token, false, std::move(what)}));
        self.pump();
    }
    /// Right bytes of the proven object from there on, in one frame.
    void give(served& one, std::uint64_t offset, std::uint64_t count) {
        data_header header;
        header.type = one.strict ? frame_type::data_strict : frame_type::data;
        header.token = one.token;
        header.packet_number = one.next_number++;
        header.sent_at_us = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(in_.now.time_since_epoch()).count());
        header.offset = offset;
        send_datagram out;
        out.from_port = one.way.local_port;
        out.to = one.way.remote;
        const bytes payload(object.begin() + static_cast<std::ptrdiff_t>(offset), object.begin() + static_cast<std::ptrdiff_t>(offset + count));
        seal_data(crypto(), one.key, header, payload, out.header);
        out.payload = shared_bytes(std::make_shared<const bytes>(payload));
        in_.transmit(self, std::move(out));
    }
    /// The first bytes of what is wanted, up to so many.
    void give_wanted(served& one, std::uint64_t count) {
        auto left = count;
        for (const auto& range : std::vector(one.wanted)) {
            for (auto at = range.first; at < range.end() && left > 0;) {
                const auto size = std::min({std::uint64_t{1172}, range.end() - at, left});
                give(one, at, size);
                at += size;
                left -= size;
            }
        }
    }
    /// It holds everything.
    [[nodiscard]] static bytes all() { return {1, 1, 0, 0, 0, 0}; }
    void knows(const content_info& content, const bytes& data) {
        const chunk_geometry geometry(content.size_bytes);
        const auto tree = make_tree(crypto(), data);
        object.assign(geometry.object_bytes(), 0);
        for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
            auto at = object.begin() + static_cast<std::ptrdiff_t>(geometry.region(chunk).offset);
            for (const auto& sibling : tree.proof(chunk)) at = std::copy(sibling.begin(), sibling.end(), at);
            const auto part = geometry.chunk(chunk);
            std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(part.offset), part.length, at);
        }
    }
    /// Does this at such intervals, for ever.
    void each(duration time, std::function<void()> what) {
        in_.at(in_.now + time, [this, time, what] {
            what();
            each(time, what);
        });
    }
    [[nodiscard]] std::vector<served*> open() {
        std::vector<served*> out;
        for (auto& [token, one] : flows) {
            if (!one.closed) out.push_back(&one);
        }
        return out;
    }

    node& self;
    bytes object;
    std::map<std::uint32_t, served> flows;
    std::function<void(served&)> on_open = [this](served& one) { say(one, flow_accept{one.object_bytes, all()}); };
    std::function<void(served&)> on_wants = [](served&) {};

private:
    void hear(const opened& frame) {
        const auto control = decode_flow_control(frame.payload);
        if (!control) return;
        if (const auto* request = std::get_if<flow_open>(&control->signal)) {
            const auto key = self.seal.flow_key(frame.from, frame.session, control->token, frame.from);
            if (flows.contains(control->token) || !key) return;
            auto& one = flows[control->token];
            one.peer = frame.from;
            one.way = frame.way;
            one.token = control->token;
            one.key = *key;
            one.strict = request->strict;
            one.object_bytes = chunk_geometry(std::get<content_object>(request->object).content.size_bytes).object_bytes();
            return on_open(one);
        }
        const auto found = flows.find(control->token);
        if (found == flows.end()) return;
        if (const auto* feedback = std::get_if<flow_feedback>(&control->signal)) {
            found->second.wanted = feedback->wanted;
            found->second.strict = found->second.strict || feedback->strict;
            on_wants(found->second);
        } else if (std::holds_alternative<flow_close>(control->signal)) {
            found->second.closed = true;
        }
    }

    world& in_;
};

}  // namespace p2pdist::test
