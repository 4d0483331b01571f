// A download embedded in an Asio program: DATA-DIRECTORY SERVER-ADDRESS ENROLMENT-KEY-FILE CONTENT-ID OUTPUT-FILE
// [includes]
#include <iostream>
#include <asio/io_context.hpp>
#include <p2pdist/driver/client.hpp>
// [/includes]

int main(int argc, char** argv) try {
    if (argc != 6) return std::cout << "usage: client_download DATA-DIRECTORY SERVER-ADDRESS ENROLMENT-KEY-FILE CONTENT-ID OUTPUT-FILE\n", 0;
    // [download]
    asio::io_context io;
    p2pdist::client node{io, {.data = argv[1], .server = argv[2], .enrolment_key_file = argv[3]}};
    node.async_fetch(p2pdist::content_id::parse(argv[4]).value(), argv[5], [&](std::error_code failure, const p2pdist::fetch_result& got) {
        std::cout << (failure ? got.message : "complete: " + std::to_string(got.content.size_bytes) + " bytes") << '\n';
        node.stop();
    });
    io.run();
    // [/download]
} catch (const std::exception& why) {
    std::cerr << why.what() << '\n';
    return 1;
}
