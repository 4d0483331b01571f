// A program that used Asio before it used us: Asio's headers come before everything else, and are compiled as the library's own were.
#include <asio.hpp>

#include "../../examples/embedding/whole_system.cpp"

#if !defined(_WIN32) && !defined(ASIO_HAS_STD_ALIGNED_ALLOC)
#error "the target's interface does not say how Asio takes its memory"
#endif
