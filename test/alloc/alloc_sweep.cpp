// The n-th allocation inside a core fails, for every n of a roll-out: a server, a client of the central office and one below it.
// std::bad_alloc has to come out of that core and of nothing else. The core is dropped and started anew, as after a crash, and everybody
// has to have the right contents in the end. AddressSanitizer sees to the rest: nothing is leaked, nothing is used that is gone.
//
//   alloc_sweep        every k-th n, quick; with P2PDIST_LONG_TESTS every n
//   alloc_sweep N      one n, to look at a failure

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "support/mini_world.hpp"
#include "support/toy_crypto.hpp"

namespace {

bool armed = false;             // inside a core
std::uint64_t allocations = 0;  // inside cores so far
std::uint64_t fails_at = 0;     // 0: none
std::uint64_t bytes_taken = 0;  // inside cores so far
bool done_without = false;      // it was one that may fail: std::stable_sort sorts in place then

void* allocate(std::size_t size, std::size_t alignment = 0) {
    if (armed && ++allocations == fails_at) return nullptr;
    if (armed) bytes_taken += size;
    size = size == 0 ? 1 : size;
    return alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void* allocate_or_throw(std::size_t size, std::size_t alignment = 0) {
    if (void* const out = allocate(size, alignment)) return out;
    throw std::bad_alloc();
}
void* allocate_or_not(std::size_t size) noexcept {
    void* const out = allocate(size);
    if (!out) done_without = true;
    return out;
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate_or_throw(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate_or_throw(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_not(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_not(size); }
void operator delete(void* what) noexcept { std::free(what); }
void operator delete[](void* what) noexcept { std::free(what); }
void operator delete(void* what, std::size_t) noexcept { std::free(what); }
void operator delete[](void* what, std::size_t) noexcept { std::free(what); }
void operator delete(void* what, std::align_val_t) noexcept { std::free(what); }
void operator delete[](void* what, std::align_val_t) noexcept { std::free(what); }
void operator delete(void* what, std::size_t, std::align_val_t) noexcept { std::free(what); }
void operator delete[](void* what, std::size_t, std::align_val_t) noexcept { std::free(what); }
void operator delete(void* what, const std::nothrow_t&) noexcept { std::free(what); }
void operator delete[](void* what, const std::nothrow_t&) noexcept { std::free(what); }

namespace {

using namespace p2pdist;
using namespace std::chrono_literals;

constexpr std::size_t steps_max = 400'000;
constexpr std::uint64_t quick_runs = 200;
constexpr std::size_t contents = 3;

class roll_out {
public:
    explicit roll_out(const crypto_suite& crypto) : world_(crypto, options()) {
        world_.guard = [this](std::size_t node, const std::function<void()>& call) { return guarded(node, call); };
    }

    /// The sentence that says what went wrong; empty where all held.
    std::string run() {
        world_.start_all();
        recover();
        (void)run_until([&] { return registered(1) && registered(2); }, 60s);
        for (std::size_t client = 1; client <= 2; ++client) {
            for (std::size_t i = 0; i < contents; ++i) {
                if (world_.is_up(client)) world_.fetch(client, i);
                recover();
            }
            look(client);
        }
        if (!run_until([&] { return everybody_has_it(); }, 10min)) return "not everybody has the contents in the end";
        for (std::size_t client = 1; client <= 2; ++client) look(client);
        recover();
        return what_;
    }
    [[nodiscard]] bool failed() const noexcept { return failures_ > 0; }

private:
    static fuzz::mini_options options() {
        fuzz::mini_options out;
        out.clients = 2;
        out.in_branch = 1;
        out.content_bytes = {3000, 0, 40'000};
        return out;
    }

    bool guarded(std::size_t node, const std::function<void()>& call) {
        try {
            armed = true;
            call();
            armed = false;
            return true;
        } catch (const std::bad_alloc&) {
            armed = false;
            ++failures_;
            hit_ = node;
            if (failures_ > 1) what_ = "one failed allocation came out twice";
        } catch (const std::exception& other) {
            armed = false;
            what_ = std::string("another exception came out: ") + other.what();
        }
        return false;
    }
    /// After a failure: what a program would do.
    void recover() {
        if (hit_ == fuzz::none_of_them) return;
        const auto node = std::exchange(hit_, fuzz::none_of_them);
        world_.stop(node);
        world_.start(node);
    }
    /// What `status`, `peers`, `list`, `explain` and `verify` do.
    void look(std::size_t client) {
        if (!world_.is_up(client)) return;
        auto& core = world_.client(client);
        world_.call(client, [&] {
            (void)core.status();
            (void)core.peers();
            (void)core.contents();
            (void)core.explain(world_.content(0).id);
            (void)core.verify(world_.now());
        });
        recover();
    }
    bool registered(std::size_t client) {
        if (!world_.is_up(client)) return false;
        bool out = false;
        (void)guarded(client, [&] { out = world_.client(client).status().registered; });
        return out;
    }
    bool everybody_has_it() {
        for (std::size_t client = 1; client <= 2; ++client) {
            for (std::size_t i = 0; i < contents; ++i) {
                if (!world_.output_is_right(client, i)) return false;
            }
        }
        return true;
    }
    /// Whoever's wish went with its core, or was refused, wishes again.
    void wish_again() {
        if (world_.now() < next_wish_) return;
        next_wish_ = world_.now() + 30s;
        for (std::size_t client = 1; client <= 2; ++client) {
            for (std::size_t i = 0; i < contents; ++i) {
                if (wished_once_ && world_.is_up(client) && !world_.output_is_right(client, i)) world_.fetch(client, i);
            }
        }
        wished_once_ = true;
    }
    bool run_until(const std::function<bool()>& over, duration limit) {
        const auto end = world_.now() + limit;
        std::size_t steps = 0;
        while (!over()) {
            recover();
            wish_again();
            if (world_.now() >= end || ++steps > steps_max || !world_.step()) return over();
        }
        return true;
    }

    fuzz::mini_world world_;
    std::size_t hit_ = fuzz::none_of_them;
    int failures_ = 0;
    std::string what_;
    time_point next_wish_{};
    bool wished_once_ = false;
};

/// Whether all held with the n-th allocation failing; 0: none fails.
bool holds(std::uint64_t n) {
    static const fuzz::toy_crypto crypto;
    allocations = 0;
    fails_at = n;
    done_without = false;
    roll_out run(crypto);
    const auto wrong = run.run();
    fails_at = 0;
    if (!wrong.empty()) std::fprintf(stderr, "alloc_sweep %llu: %s\n", static_cast<unsigned long long>(n), wrong.c_str());
    const bool reached = run.failed() || done_without;
    if (n != 0 && !reached) std::fprintf(stderr, "alloc_sweep: allocation %llu was not reached\n", static_cast<unsigned long long>(n));
    return wrong.empty() && (n == 0 || reached);
}

bytes field(unsigned number, byte_span content) {
    bytes out;
    const auto varint = [&out](std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
        out.push_back(static_cast<std::uint8_t>(value));
    };
    varint(number << 3 | 2);
    varint(content.size());
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

/// A message of empty rows, two bytes each: what its rows may take is bounded before they are made.
bool decoding_is_bounded() {
    constexpr unsigned holdings_report = 29, locate_reply = 28, path = 2;
    constexpr std::size_t size = 16u << 20;
    bytes reports(size), rosters(size);
    for (std::size_t i = 0; i < size; i += 2) {
        reports[i] = 1 << 3 | 2;
        rosters[i] = 2 << 3 | 2;
    }
    bool good = true;
    for (const auto& body : {field(holdings_report, reports), field(locate_reply, field(path, rosters))}) {
        bytes_taken = 0;
        armed = true;
        const auto read = decode_body(body);
        armed = false;
        if (!read && bytes_taken <= body.size()) continue;
        std::fprintf(stderr, "alloc_sweep: a message of %zu bytes took %llu\n", body.size(), static_cast<unsigned long long>(bytes_taken));
        good = false;
    }
    return good;
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 2) return holds(std::strtoull(arguments[1], nullptr, 10)) ? 0 : 1;
    if (!decoding_is_bounded() || !holds(0)) return 1;
    const auto total = allocations;
    const auto stride = std::getenv("P2PDIST_LONG_TESTS") != nullptr ? 1 : std::max<std::uint64_t>(1, total / quick_runs);
    std::uint64_t runs = 0, broken = 0;
    for (std::uint64_t n = 1; n <= total; n += stride, ++runs) broken += holds(n) ? 0 : 1;
    std::printf("%llu of %llu allocations failed one at a time; %llu times something broke\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(total), static_cast<unsigned long long>(broken));
    return broken == 0 ? 0 : 1;
}
