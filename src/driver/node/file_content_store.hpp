#pragma once
// The content store on disk as the store of a client.

#include <memory>
#include <utility>

#include "p2pdist/driver/client.hpp"
#include "p2pdist/driver/file_store.hpp"

namespace p2pdist {

class file_content_store final : public content_store {
public:
    explicit file_content_store(const client_options& of) : log_(of.core.log) {
        options_.directory = of.data / "store";
        options_.limit_bytes = of.store_limit_bytes;
    }
    [[nodiscard]] result<void> open(const crypto_suite& crypto, completion_handler on_done) override {
        auto opened = file_store::open(options_, crypto, std::move(on_done), log_);
        if (!opened) return opened.error();
        store_ = std::move(*opened);
        return {};
    }
    void submit(store_request request) override { store_->submit(std::move(request)); }
    void stop() override { store_->stop(); }

private:
    file_store_options options_;
    log_sink log_;
    std::unique_ptr<file_store> store_;
};

}  // namespace p2pdist
