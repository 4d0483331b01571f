// The CDN's side is a thread that says what a hostile or careless server could say.

#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include <unistd.h>

#include <asio/connect.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <openssl/x509.h>

#include "p2pdist/base/limits.hpp"
#include "source/fallback_reader.hpp"
#include "source/http_read.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

/// Answers each request with the same bytes, then `endless` over and over until the reader has gone; keeps the last request.
class canned_server {
public:
    explicit canned_server(std::string answer, std::string endless = {})
        : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), thread_([this, answer = std::move(answer), endless = std::move(endless)] { serve(answer, endless); }) {}
    ~canned_server() {
        stopping_ = true;
        std::error_code ignored;
        tcp::socket last(io_);
        last.connect(acceptor_.local_endpoint(), ignored);
        last.close(ignored);
        thread_.join();
    }
    std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/app"; }
    std::string request;
    std::atomic<int> requests = 0;

private:
    void serve(const std::string& answer, const std::string& endless) {
        for (;;) {
            std::error_code failure;
            tcp::socket socket(io_);
            acceptor_.accept(socket, failure);
            if (stopping_) return;
            std::string head;
            asio::read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", failure);
            request = head;
            ++requests;
            asio::write(socket, asio::buffer(answer), failure);
            while (!endless.empty() && !failure) asio::write(socket, asio::buffer(endless), failure);
        }
    }
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

/// Takes connections and says nothing.
class silent_server {
public:
    silent_server() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {}
    std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/app"; }

private:
    asio::io_context io_;
    tcp::acceptor acceptor_;
};

/// Speaks TLS with a certificate that it has signed itself, and gives whoever takes that what he asks for.
class self_signed_server {
public:
    self_signed_server() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), tls_(asio::ssl::context::tls_server) {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        auto* name = X509_get_subject_name(certificate.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
        X509_set_issuer_name(certificate.get(), name);
        REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
        SSL_CTX_use_certificate(tls_.native_handle(), certificate.get());
        SSL_CTX_use_PrivateKey(tls_.native_handle(), key.get());
        thread_ = std::thread([this] { serve(); });
    }
    ~self_signed_server() { thread_.join(); }
    std::string url() { return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/app"; }

private:
    void serve() {
        std::error_code failure;
        tcp::socket socket(io_);
        acceptor_.accept(socket, failure);
        asio::ssl::stream<tcp::socket&> stream(socket, tls_);
        stream.handshake(asio::ssl::stream_base::server, failure);
        if (failure) return;
        std::string head;
        asio::read_until(stream, asio::dynamic_buffer(head), "\r\n\r\n", failure);
        asio::write(stream, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil")), failure);
    }
    asio::io_context io_;
    tcp::acceptor acceptor_;
    asio::ssl::context tls_;
    std::thread thread_;
};

struct got {
    std::optional<error> failure;
    std::string body;
};

got read(const std::string& url, std::uint64_t offset, std::optional<std::uint64_t> length, std::size_t limit = 1 << 20) {
    got out;
    out.failure = http_read({url, offset, length, 0, nullptr, std::chrono::steady_clock::now}, [&](byte_span data) {
        out.body += as_text(data);
        return out.body.size() <= limit;
    });
    return out;
}

std::string ok(const std::string& body, const std::string& head = {}) {
    return "HTTP/1.1 200 OK\r\n" + head + "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a range is read, also from a server that knows no ranges", "[driver][REQ-SRC-2]") {
    canned_server ranged("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\n2345");
    CHECK(read(ranged.url(), 2, 4).body == "2345");
    CHECK(ranged.request.find("Range: bytes=2-5") != std::string::npos);
    CHECK(ranged.request.find("Accept-Encoding") == std::string::npos);
    canned_server whole(ok("0123456789"));
    const auto part = read(whole.url(), 2, 4);
    CHECK_FALSE(part.failure);
    CHECK(part.body == "2345");
}

TEST_CASE("redirects are not followed, wherever they lead", "[driver][hostile][REQ-SRC-2]") {
    canned_server inside(ok("secret"));
    for (const auto& target : {inside.url(), std::string("https://127.0.0.1/app"), std::string("file:///etc/passwd"), std::string("/other"),
                               std::string("http://169.254.169.254/latest/meta-data/")}) {
        for (const auto* code : {"301", "302", "303", "307", "308"}) {
            canned_server cdn("HTTP/1.1 " + std::string(code) + " Moved\r\nLocation: " + target + "\r\nContent-Length: 6\r\n\r\nsecret");
            const auto seen = read(cdn.url(), 0, 6);
            REQUIRE(seen.failure);
            CHECK(seen.failure->code == errc::source_failed);
            CHECK(seen.body.empty());
            CHECK(cdn.requests == 1);
        }
    }
    CHECK(inside.requests == 0);
}

TEST_CASE("only http and https are spoken", "[driver][hostile][REQ-SRC-2]") {
    for (const auto* url : {"file:///etc/passwd", "ftp://127.0.0.1/app", "gopher://127.0.0.1/", "dict://127.0.0.1/", "/etc/passwd", ""}) {
        const auto seen = read(url, 0, 6);
        CHECK(seen.failure);
        CHECK(seen.body.empty());
    }
}

TEST_CASE("an answer that is not what was asked for is refused, and nothing of it is used", "[driver][hostile][REQ-SRC-2]") {
    const auto refused = [](const std::string& answer, std::uint64_t offset = 2, std::optional<std::uint64_t> length = 4) {
        canned_server cdn(answer);
        const auto seen = read(cdn.url(), offset, length);
        return seen.failure && seen.body.empty();
    };
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-6/10\r\nContent-Length: 4\r\n\r\n3456"));
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 20-23/30\r\nContent-Length: 4\r\n\r\nabcd"));
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Range: lines 2-5/10\r\nContent-Length: 4\r\n\r\n2345"));
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n2345"));
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 4\r\n\r\n2345"));
    CHECK(refused("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\n0123", 0, std::nullopt));
    CHECK(refused(ok("0123456789", "Content-Encoding: gzip\r\n")));
    CHECK(refused("HTTP/1.1 203 Altered\r\nContent-Length: 10\r\n\r\n0123456789"));
    CHECK(refused("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n0123456789"));
    CHECK(refused("HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n0123456789"));
    CHECK(refused("SSH-2.0-OpenSSH_9.2\r\n"));
    CHECK(refused("0123456789"));
    CHECK(refused(""));
}

TEST_CASE("a body that ends early is a failure, one that does not end is left", "[driver][hostile][REQ-SRC-2]") {
    canned_server brief("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nConnection: close\r\n\r\n23");
    CHECK(read(brief.url(), 2, 4).failure);
    canned_server promised("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123");
    CHECK(read(promised.url(), 0, 10).failure);
    canned_server endless("HTTP/1.1 200 OK\r\n\r\n", std::string(4096, 'x'));
    const auto part = read(endless.url(), 5, 100'000);
    CHECK_FALSE(part.failure);
    CHECK(part.body.size() == 100'000);
    // Without a length it is the reader who ends it.
    const auto all = read(endless.url(), 0, std::nullopt, 300'000);
    REQUIRE(all.failure);
    CHECK(all.body.size() < 400'000);
}

TEST_CASE("a server that knows no ranges is not read for what lies far behind its beginning", "[driver][hostile][limits][REQ-SRC-2]") {
    canned_server endless("HTTP/1.1 200 OK\r\n\r\n", std::string(65536, 'x'));
    constexpr std::uint64_t skipped_max = 64u << 20;
    const auto near = read(endless.url(), skipped_max, 10);
    CHECK_FALSE(near.failure);
    CHECK(near.body.size() == 10);
    const auto far = read(endless.url(), skipped_max + 1, 10);
    REQUIRE(far.failure);
    CHECK(far.failure->message.find("ranges") != std::string::npos);
    CHECK(far.body.empty());
}

TEST_CASE("a head that does not end is left", "[driver][hostile][REQ-SRC-2]") {
    canned_server endless("HTTP/1.1 200 OK\r\n", "X-More: " + std::string(500, 'y') + "\r\n");
    const auto seen = read(endless.url(), 0, 10);
    REQUIRE(seen.failure);
    CHECK(seen.failure->message.find("head") != std::string::npos);
}

TEST_CASE("a CDN whose certificate nobody vouches for is not asked for anything", "[driver][hostile][REQ-SRC-2]") {
    self_signed_server evil;
    const auto answer = read(evil.url(), 0, 4);
    REQUIRE(answer.failure);
    CHECK(answer.failure->message.find("certificate") != std::string::npos);
    CHECK(answer.body.empty());
}

TEST_CASE("errors never show a user name or password", "[driver][REQ-SRC-2]") {
    canned_server cdn("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    auto url = cdn.url();
    url.insert(7, "somebody:hunter2@");
    const auto seen = read(url, 0, 10);
    REQUIRE(seen.failure);
    CHECK(seen.failure->message.find("hunter2") == std::string::npos);
    CHECK(seen.failure->message.find("somebody") == std::string::npos);
}

TEST_CASE("a source has to keep a least pace", "[driver][hostile][REQ-SRC-2]") {
    constexpr auto grace = limits::cdn_grace;
    constexpr auto pace = limits::cdn_pace_bytes_min;
    CHECK_FALSE(too_slow(grace, 0, 0));
    CHECK(too_slow(grace + 1s, 0, 0));
    CHECK_FALSE(too_slow(grace + 10s, 10 * pace, 0));
    CHECK(too_slow(grace + 11s, 10 * pace, 0));
    CHECK(too_slow(90s, 90 * 300, 0));             // what a limit of 256 bytes a second would let through for ever
    CHECK_FALSE(too_slow(24h, 24 * 3600 * pace, 0));
    // A rate that somebody asked for is no reason.
    CHECK_FALSE(too_slow(1h, 3600 * 1000, 1000));
    CHECK(too_slow(1h, 3600 * 400, 1000));
    // And a download heeds it: the clock of this one runs a minute for each look.
    canned_server endless("HTTP/1.1 200 OK\r\n\r\n", "x");
    auto time = std::chrono::steady_clock::time_point{};
    http_read_request request;
    request.url = endless.url();
    request.length = 100'000'000;
    request.now = [&] { return time += 60s; };
    const auto failure = http_read(request, [](byte_span) { return true; });
    REQUIRE(failure);
    CHECK(failure->code == errc::source_failed);
    CHECK(failure->message.find("slow") != std::string::npos);
}

TEST_CASE("a download that nobody wants any more ends though nothing comes", "[driver][hostile][REQ-SRC-2]") {
    silent_server silent;
    const std::atomic<bool> cancelled = true;
    http_read_request request;
    request.url = silent.url();
    request.cancelled = &cancelled;
    const auto failure = http_read(request, [](byte_span) { return true; });
    REQUIRE(failure);
    CHECK(failure->code == errc::cancelled);
}

TEST_CASE("downloads that hang leave the file store a reader, and end with it", "[driver][limits][hostile][REQ-SRC-2]") {
    silent_server silent;
    const auto directory = std::filesystem::temp_directory_path() / ("p2pdist-readers-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "app") << "0123456789";
    asio::io_context io;
    const auto busy = asio::make_work_guard(io);
    std::string got;
    std::vector<std::uint64_t> ended;
    {
        fallback_reader reader(io.get_executor(), directory,
                               {[&](std::uint64_t, std::uint64_t, const shared_bytes& data) { got += as_text(data.view); },
                                [&](std::uint64_t request, const std::optional<error>&) {
                                    ended.push_back(request);
                                    io.stop();
                                }});
        fallback_request request;
        request.content = {content_id::parse("app").value(), 10, {}};
        request.range = {0, 10};
        request.url = silent.url();
        for (request.id = 1; request.id <= limits::fallback_readers_max + 1; ++request.id) reader.start(request);
        request.from = source_kind::file_store;
        reader.start(request);
        io.run_for(10s);
        CHECK(ended == std::vector<std::uint64_t>{request.id});
        CHECK(got == "0123456789");
    }   // without the wait of 30 s for what stalls
    std::filesystem::remove_all(directory);
}

TEST_CASE("a slow rate holds up no stop", "[driver][REQ-SRC-2]") {
    const auto directory = std::filesystem::temp_directory_path() / ("p2pdist-slow-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "app") << std::string(2 * limits::fallback_piece_bytes, 'x');
    asio::io_context io;
    const auto busy = asio::make_work_guard(io);
    const auto begin = std::chrono::steady_clock::now();
    {
        fallback_reader reader(io.get_executor(), directory,
                               {[&](std::uint64_t, std::uint64_t, const shared_bytes&) { io.stop(); }, [](std::uint64_t, const std::optional<error>&) {}});
        fallback_request request;
        request.id = 1;
        request.content = {content_id::parse("app").value(), 2 * limits::fallback_piece_bytes, {}};
        request.range = {0, 2 * limits::fallback_piece_bytes};
        request.from = source_kind::file_store;
        request.bytes_per_second_max = 1000;
        reader.start(request);
        io.run_for(10s);
    }   // the next piece is due in minutes
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    std::filesystem::remove_all(directory);
}
