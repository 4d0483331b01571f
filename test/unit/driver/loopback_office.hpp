#pragma once
// A server with a file store, activated and with one office, and addresses for clients in it: all in this process, on loopback addresses
// that follow from the process's number, so that several tests can run at once.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "p2pdist/driver/client.hpp"
#include "p2pdist/driver/server.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::test {

class loopback_office {
public:
    loopback_office();
    ~loopback_office();

    /// For the client on that host of the office's network, from 10 on: own address, data directory, and what the server asks for.
    [[nodiscard]] client_options client_at(int host) const;
    [[nodiscard]] std::string address(int host) const { return prefix_ + std::to_string(host); }
    /// Puts a file into the server's file store and publishes it.
    content_info publish(const std::string& id, std::size_t size);
    [[nodiscard]] server& central() { return *server_; }
    [[nodiscard]] bytes contents_of(const std::string& id) const;
    [[nodiscard]] std::filesystem::path output(const std::string& name) const { return work_ / name; }
    /// Runs the context until it holds; false after half a minute.
    bool run_until(const std::function<bool()>& holds);
    /// Stops the server and runs what is left: false where something never comes to an end.
    bool runs_out();

    asio::io_context io{1};

private:
    void ask(message_body request);

    std::string prefix_;
    std::filesystem::path work_;
    secret_key security_{};
    std::unique_ptr<server> server_;
};

}  // namespace p2pdist::test
