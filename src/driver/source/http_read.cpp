#include "source/http_read.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include <curl/curl.h>

#include "p2pdist/base/limits.hpp"
#include "source/range_filter.hpp"

namespace p2pdist {
namespace {

constexpr long connect_timeout_s = 10;
constexpr long stalled_after_s = 30;   // fewer bytes than the next number a second for so long end the download
constexpr long stalled_bytes_per_second = 256;
constexpr std::size_t head_bytes_max = 32768;
constexpr std::uint64_t skipped_bytes_max = 64u << 20;   // before a range, of a server that knows none: a content is read in many ranges

struct transfer {
    CURL* handle = nullptr;
    const std::function<bool(byte_span)>* sink = nullptr;
    range_filter filter;
    bool began = false;
    bool stopped = false;
    bool whole = false;            // no range was asked for
    std::size_t head_bytes = 0;
    std::string refusal = {};      // what is wrong with the answer
    const http_read_request* request = nullptr;
    std::chrono::steady_clock::time_point began_at = {};
    std::chrono::steady_clock::duration in_sink = {};   // which waits for the store
};

std::string header_of(const transfer& self, const char* name) {
    curl_header* found = nullptr;
    return curl_easy_header(self.handle, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

/// Why the body is of no use. It would only fail its hash later, after all of it was read.
std::string begin_answer(transfer& self) {
    constexpr long ok = 200, partial_content = 206;
    long code = 0;
    curl_easy_getinfo(self.handle, CURLINFO_RESPONSE_CODE, &code);
    if (code != ok && code != partial_content) return "it answers with status " + std::to_string(code);
    const auto encoding = header_of(self, "Content-Encoding");
    if (!encoding.empty() && encoding != "identity") return "it sends the content encoded, which nobody asked for";
    const auto range = header_of(self, "Content-Range");
    if (code == partial_content && (self.whole || range.empty())) return "it sends a part and does not say which";
    if (code == ok && self.request->offset > skipped_bytes_max) return "it knows no ranges, which contents of more than 64 MiB need";
    if (!self.filter.begin(code, range)) return "it sends another range than was asked for";
    return {};
}

std::size_t on_header(char*, std::size_t size, std::size_t count, void* context) {
    auto& self = *static_cast<transfer*>(context);
    self.head_bytes += size * count;
    if (self.head_bytes <= head_bytes_max) return size * count;
    self.refusal = "its answer's head does not end";
    return 0;
}

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* context) {
    auto& self = *static_cast<transfer*>(context);
    const byte_span all(reinterpret_cast<const std::uint8_t*>(data), size * count);
    if (!std::exchange(self.began, true)) self.refusal = begin_answer(self);
    if (!self.refusal.empty()) return 0;
    const auto piece = self.filter.take(all);
    if (!piece.empty()) {
        const auto handed_over = self.request->now();
        const bool goes_on = (*self.sink)(piece);
        self.in_sink += self.request->now() - handed_over;
        self.stopped = !goes_on;
        if (!goes_on) return 0;
    }
    const bool more_than_asked = self.filter.complete() && (piece.empty() || piece.data() + piece.size() != all.data() + all.size());
    return more_than_asked ? 0 : all.size();   // there is more that nobody asked for: end here
}

/// Also while nothing comes, at least once a second. Anything but 0 ends the download.
int on_progress(void* context, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
    auto& self = *static_cast<transfer*>(context);
    if (self.request->cancelled && *self.request->cancelled) self.stopped = true;
    const auto spent = self.request->now() - self.began_at - self.in_sink;
    if (too_slow(spent, static_cast<std::uint64_t>(received), self.request->bytes_per_second_max)) self.refusal = "it sends too slowly";
    return self.stopped || !self.refusal.empty() ? 1 : 0;
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

bool too_slow(std::chrono::steady_clock::duration spent, std::uint64_t received, double bytes_per_second_max) noexcept {
    auto pace = static_cast<double>(limits::cdn_pace_bytes_min);
    if (bytes_per_second_max > 0) pace = std::min(pace, bytes_per_second_max / 2);
    const auto allowed = std::chrono::duration<double>(limits::cdn_grace) + std::chrono::duration<double>(static_cast<double>(received) / pace);
    return spent > allowed;
}

std::optional<error> http_read(const http_read_request& request, const std::function<bool(byte_span)>& sink) {
    if (request.length == 0) return std::nullopt;
    initialise_once();
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), curl_easy_cleanup);
    if (!handle) return error{errc::source_failed, "libcurl could not start"};
    transfer state{handle.get(), &sink, range_filter(request.offset, request.length)};
    state.request = &request;
    state.began_at = request.now();
    state.whole = request.offset == 0 && !request.length;
    const auto set = [&](auto option, auto value) { curl_easy_setopt(handle.get(), option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
#if LIBCURL_VERSION_NUM >= 0x075700
    set(CURLOPT_QUICK_EXIT, 1L);   // a stop does not wait for a name server that is silent: the resolver's thread ends by itself
#endif
    const auto rate = request.bytes_per_second_max;
    set(CURLOPT_LOW_SPEED_LIMIT, rate > 0 ? std::clamp(static_cast<long>(rate / 2), 1L, stalled_bytes_per_second) : stalled_bytes_per_second);
    set(CURLOPT_LOW_SPEED_TIME, stalled_after_s);
    set(CURLOPT_USERAGENT, "p2pdist");
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&state));
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&state));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&state));
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
    if (!state.refusal.empty()) return error{errc::source_failed, "the CDN cannot be used for " + shown(request.url) + ": " + state.refusal};
    if (state.filter.complete()) return std::nullopt;
    if (outcome != CURLE_OK) return error{errc::source_failed, "the CDN failed for " + shown(request.url) + ": " + curl_easy_strerror(outcome)};
    if (request.length) return error{errc::source_failed, "the CDN's " + shown(request.url) + " ended early"};
    return std::nullopt;
}

}  // namespace p2pdist
