// POSTERN_CHECK: states what only a bug of ours can break. On in release. Never on data that a peer or a disk supplies.
#pragma once

#include <cstdio>
#include <cstdlib>

#define POSTERN_CHECK(condition)                                                              \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "postern: bug: %s at %s:%d\n", #condition, __FILE__, __LINE__);    \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
