#include "region_cache.hpp"

namespace p2pdist::detail::transfer {

shared_bytes region_cache::find(const region_key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return {};
    order_.splice(order_.begin(), order_, found->second);
    return found->second->region;
}

void region_cache::put(const region_key& key, shared_bytes region) {
    erase(key);
    if (region.view.size() > bytes_max_) return;
    bytes_used_ += region.view.size();
    order_.push_front({key, std::move(region)});
    index_[key] = order_.begin();
    while (bytes_used_ > bytes_max_) remove(std::prev(order_.end()));
}

void region_cache::remove(entries::iterator at) {
    bytes_used_ -= at->region.view.size();
    index_.erase(at->key);
    order_.erase(at);
}

void region_cache::erase(const region_key& key) {
    if (const auto found = index_.find(key); found != index_.end()) remove(found->second);
}

void region_cache::erase_content(std::uint64_t content) {
    auto at = index_.lower_bound({content, 0});
    while (at != index_.end() && at->first.content == content) {
        const auto victim = at->second;
        ++at;
        remove(victim);
    }
}

}  // namespace p2pdist::detail::transfer
