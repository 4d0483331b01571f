// A client inside an Asio program: a download in ten lines.
//
//     client_download CONTENT-ID OUTPUT-FILE DATA-DIRECTORY OWN-ADDRESS SERVER-ADDRESS ENROLMENT-KEY-FILE

#include <iostream>

#include <asio/io_context.hpp>

#include "p2pdist/driver/client.hpp"
#include "p2pdist/driver/server.hpp"

int main(int argc, char** argv) {
    if (argc != 7) {
        std::cout << "usage: client_download CONTENT-ID OUTPUT-FILE DATA-DIRECTORY OWN-ADDRESS SERVER-ADDRESS ENROLMENT-KEY-FILE\n";
        return 0;
    }
    p2pdist::client_options options;
    options.data = argv[3];
    options.core.address = p2pdist::ip_address::parse(argv[4]).value();
    options.core.servers = {p2pdist::ip_address::parse(argv[5]).value()};
    options.core.enrolment = p2pdist::read_key_file(argv[6]).value();

    int code = 1;
    asio::io_context io;
    p2pdist::client node{io.get_executor(), options};
    node.async_fetch(p2pdist::content_id::parse(argv[1]).value(), argv[2], [&](std::error_code failure, p2pdist::fetch_result got) {
        std::cout << (failure ? got.message : "complete: " + std::to_string(got.content.size_bytes) + " bytes") << '\n';
        code = failure ? 1 : 0;
        node.stop();
    });
    io.run();
    return code;
}
