#include "office_view.hpp"

namespace p2pdist::client_room {

relation office_view::relation_of(const ip_address& address) const {
    if (!offices_) return relation::unknown;
    if (offices_->same_office(own_, address)) return relation::office;
    const auto own = offices_->office_of(own_);
    const auto other = offices_->office_of(address);
    // A device in no office is an office of its own below the central one (OFF-1).
    if (!other) return own && *own == offices_->central() ? relation::below : relation::elsewhere;
    if (!own) return *other == offices_->central() ? relation::above : relation::elsewhere;
    if (offices_->is_ancestor_or_self(*own, *other)) return relation::below;
    if (offices_->is_ancestor_or_self(*other, *own)) return relation::above;
    return relation::elsewhere;
}

std::string office_view::office() const { return office_of(own_); }

std::string office_view::office_of(const ip_address& address) const {
    if (!offices_) return {};
    const auto found = offices_->office_of(address);
    return found ? (*offices_)[*found].name : std::string();
}

std::string office_view::type() const {
    if (!offices_) return {};
    const auto own = offices_->office_of(own_);
    return own ? std::string(to_string((*offices_)[*own].type)) : std::string();
}

std::vector<std::string> office_view::path() const {
    std::vector<std::string> out;
    if (!offices_) return out;
    const auto own = offices_->office_of(own_);
    if (!own) out.emplace_back();
    for (const auto index : offices_->path_to_central(own.value_or(offices_->central()))) out.push_back((*offices_)[index].name);
    return out;
}

bool office_view::shares() const {
    if (!offices_) return false;
    const auto own = offices_->office_of(own_);
    return !own || offices_->shares(*own);
}

bool office_view::broadcasts() const {
    if (!offices_) return false;
    const auto own = offices_->office_of(own_);
    return own && offices_->broadcasts(*own);
}

bool office_view::is_vpn() const { return offices_ && !shares(); }

bool office_view::is_central() const {
    if (!offices_) return false;
    const auto own = offices_->office_of(own_);
    return own && *own == offices_->central();
}

std::string office_view::child_towards(const ip_address& address) const {
    if (relation_of(address) != relation::below) return {};
    const auto own = offices_->office_of(own_);
    const auto other = offices_->office_of(address);
    if (!own || !other) return {};
    auto step = *other;
    for (auto up = offices_->parent(step); up && *up != *own; up = offices_->parent(step)) step = *up;
    return (*offices_)[step].name;
}

std::string_view to_string(relation where) noexcept {
    switch (where) {
        case relation::office: return "office";
        case relation::above: return "ancestor";
        case relation::below: return "child";
        case relation::elsewhere: return "elsewhere";
        case relation::unknown: return "unknown";
    }
    return "?";
}

}  // namespace p2pdist::client_room
