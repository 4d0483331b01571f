#include "large_objects.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

std::optional<large_offer> large_objects::offer(const crypto_suite& crypto, entropy& random_bytes, const client_id& peer, large_offerer by,
                                                bytes data, transfer_protocol protocol) {
    const auto of_peer = of_peer_.find(peer);
    if (objects_.size() >= limits::large_objects_max || (of_peer != of_peer_.end() && of_peer->second >= limits::large_objects_of_peer_max))
        return std::nullopt;
    large_offer out;
    out.size_bytes = data.size();
    out.sha256 = crypto.sha256({data});
    out.protocol = protocol;
    const auto known = by_hash_.find(out.sha256);
    if (known == by_hash_.end() && bytes_in_all_ + data.size() > limits::large_object_bytes_max) return std::nullopt;
    do {
        out.token = random_bytes.u64();
    } while (objects_.contains(out.token));
    auto& shared = known == by_hash_.end() ? by_hash_[out.sha256] : known->second;
    if (!shared.data) {
        bytes_in_all_ += data.size();
        shared.data = std::make_shared<const bytes>(std::move(data));
    }
    ++shared.objects;
    ++of_peer_[peer];
    objects_.emplace(out.token, large_object{peer, by, out.sha256, shared.data, protocol});
    return out;
}

large_object* large_objects::find(std::uint64_t token) noexcept {
    const auto found = objects_.find(token);
    return found == objects_.end() ? nullptr : &found->second;
}

large_object* large_objects::find(const client_id& peer, std::uint64_t token) noexcept {
    auto* const object = find(token);
    return object && object->peer == peer ? object : nullptr;
}

void large_objects::withdraw(std::uint64_t token) {
    const auto found = objects_.find(token);
    if (found == objects_.end()) return;
    found->second.withdrawn = true;
    if (found->second.flows == 0) erase(found);
}

void large_objects::flow_ended(std::uint64_t token) {
    const auto found = objects_.find(token);
    if (found == objects_.end()) return;
    if (--found->second.flows == 0 && found->second.withdrawn) erase(found);
}

void large_objects::erase(std::map<std::uint64_t, large_object>::iterator at) {
    const auto shared = by_hash_.find(at->second.hash);
    if (--shared->second.objects == 0) {
        bytes_in_all_ -= at->second.data->size();
        by_hash_.erase(shared);
    }
    const auto of_peer = of_peer_.find(at->second.peer);
    if (--of_peer->second == 0) of_peer_.erase(of_peer);
    objects_.erase(at);
}

}  // namespace p2pdist
