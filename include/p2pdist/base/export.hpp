#pragma once
// What a shared library of ours shows. P2PDIST_SHARED is set by the build: when making and when using shared libraries (the targets of the
// CMake package and the pkg-config files say so), never with static ones.

#if defined(P2PDIST_SHARED) && defined(__GNUC__)
/// A class or function that embedders link to.
#define P2PDIST_API [[gnu::visibility("default")]]
/// What only our other libraries, of the same version, link to: it stands in no installed header.
#define P2PDIST_INTERNAL [[gnu::visibility("default")]]
/// A class within such a class that is nobody else's business.
#define P2PDIST_LOCAL [[gnu::visibility("hidden")]]
#else
#define P2PDIST_API
#define P2PDIST_INTERNAL
#define P2PDIST_LOCAL
#endif
