#pragma once
// SOCI without its Boost adapters, whose headers the distribution's package names but doesn't bring. They are templates of the
// headers only, so the library itself is the same.

#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#undef SOCI_HAVE_BOOST_DATE_TIME
#include <soci/soci.h>
