#include "source/http_read.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include <curl/curl.h>

namespace p2pdist {
namespace {

constexpr long connect_timeout_s = 10;
constexpr long stalled_after_s = 30;   // less than one byte a second for so long ends the download

struct transfer {
    CURL* handle = nullptr;
    const http_read_request* request = nullptr;
    const std::function<bool(byte_span)>* sink = nullptr;
    std::uint64_t skip = 0;        // bytes before the range, of a server that ignores ranges
    std::uint64_t wanted = 0;      // bytes of the range that are still to come
    bool began = false;
    bool complete = false;
    bool stopped = false;
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* context) {
    auto& self = *static_cast<transfer*>(context);
    byte_span piece(reinterpret_cast<const std::uint8_t*>(data), size * count);
    const auto all = piece.size();
    if (!self.began) {
        self.began = true;
        long code = 0;
        curl_easy_getinfo(self.handle, CURLINFO_RESPONSE_CODE, &code);
        if (code != 206) self.skip = self.request->offset;
    }
    const auto skipped = std::min<std::uint64_t>(self.skip, piece.size());
    self.skip -= skipped;
    piece = piece.subspan(static_cast<std::size_t>(skipped));
    piece = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), self.wanted)));
    if (!piece.empty() && !(*self.sink)(piece)) {
        self.stopped = true;
        return 0;
    }
    self.wanted -= piece.size();
    if (self.request->length && self.wanted == 0) {
        self.complete = true;
        return self.skip == 0 && piece.size() + skipped == all ? all : 0;  // there is more that nobody asked for: end here
    }
    return all;
}

/// For people: without a user name and password, which are never logged (SRC-2).
std::string shown(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto begin = scheme + 3;
    const auto host = url.substr(begin, url.find_first_of("/?#", begin) - begin);
    const auto at = host.rfind('@');
    return at == std::string::npos ? url : url.substr(0, begin) + url.substr(begin + at + 1);
}

void initialise_once() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

std::optional<error> http_read(const http_read_request& request, const std::function<bool(byte_span)>& sink) {
    if (request.length == 0) return std::nullopt;
    initialise_once();
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), curl_easy_cleanup);
    if (!handle) return error{errc::source_failed, "libcurl could not start"};
    transfer state{handle.get(), &request, &sink, 0, request.length.value_or(UINT64_MAX)};
    const auto set = [&](auto option, auto value) { curl_easy_setopt(handle.get(), option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, stalled_after_s);
    set(CURLOPT_USERAGENT, "p2pdist");
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&state));
    if (request.bytes_per_second_max > 0) set(CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(request.bytes_per_second_max));
    std::string range;
    if (request.offset != 0 || request.length) {
        range = std::to_string(request.offset) + '-' + (request.length ? std::to_string(request.offset + *request.length - 1) : "");
        set(CURLOPT_RANGE, range.c_str());
    }
    const auto outcome = curl_easy_perform(handle.get());
    if (state.stopped) return error{errc::cancelled, "the download from the CDN was stopped"};
    long code = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &code);
    if (code == 404) return error{errc::not_found, "the CDN has no " + shown(request.url)};
    if (code >= 300 && code < 400) return error{errc::source_failed, "the CDN redirects " + shown(request.url) + ", which is not allowed"};
    if (state.complete) return std::nullopt;
    if (outcome != CURLE_OK) return error{errc::source_failed, "the CDN failed for " + shown(request.url) + ": " + curl_easy_strerror(outcome)};
    if (request.length) return error{errc::source_failed, "the CDN's " + shown(request.url) + " ended early"};
    return std::nullopt;
}

}  // namespace p2pdist
