#pragma once
// Random catalogue changes from a small world of ids, so that they meet each other.

#include "p2pdist/base/random.hpp"
#include "p2pdist/server/catalogue.hpp"

namespace p2pdist::test {

class random_changes {
public:
    explicit random_changes(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] catalogue_change next();
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

private:
    client_id some_client();
    content_key some_content();
    std::string some_text();
    holding some_holding();
    client_record some_record();

    random_source random_;
};

}  // namespace p2pdist::test
