// OpenSSL's handshake timers read gettimeofday(). This one, which the program's libraries find first, tells a test's time while one
// is set: so lost flights are sent again without anybody waiting for it.

#include "fake_time_of_day.hpp"

#include <ctime>

#include <sys/time.h>

namespace {
std::optional<std::chrono::microseconds> told;
}

fake_time_of_day::fake_time_of_day() { told = std::chrono::hours(10'000); }
fake_time_of_day::~fake_time_of_day() { told.reset(); }
void fake_time_of_day::advance(std::chrono::microseconds by) { *told += by; }
std::chrono::steady_clock::time_point fake_time_of_day::now() { return std::chrono::steady_clock::time_point(*told); }

extern "C" int gettimeofday(timeval* now, void*) {
    if (told) {
        now->tv_sec = static_cast<time_t>(told->count() / 1'000'000);
        now->tv_usec = static_cast<suseconds_t>(told->count() % 1'000'000);
        return 0;
    }
    timespec real{};
    clock_gettime(CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec;
    now->tv_usec = static_cast<suseconds_t>(real.tv_nsec / 1000);
    return 0;
}
