#pragma once
// While one lives, the whole program's gettimeofday() tells its time.

#include <chrono>
#include <optional>

class fake_time_of_day {
public:
    fake_time_of_day();
    ~fake_time_of_day();
    fake_time_of_day(const fake_time_of_day&) = delete;
    fake_time_of_day& operator=(const fake_time_of_day&) = delete;

    void advance(std::chrono::microseconds by);
    [[nodiscard]] std::chrono::steady_clock::time_point now();
};
