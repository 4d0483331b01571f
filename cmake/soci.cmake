# SOCI with its SQLite backend as p2pdist::soci; the distributions' packages bring no file for CMake. Also installed, for static builds.
if(NOT TARGET p2pdist::soci)
    find_library(P2PDIST_SOCI_CORE soci_core REQUIRED)
    find_library(P2PDIST_SOCI_SQLITE3 soci_sqlite3 REQUIRED)
    add_library(p2pdist::soci INTERFACE IMPORTED)
    set_property(TARGET p2pdist::soci PROPERTY INTERFACE_LINK_LIBRARIES ${P2PDIST_SOCI_SQLITE3} ${P2PDIST_SOCI_CORE})
endif()
