// SPDX-License-Identifier: MIT
//
// CHECK states what only a bug can break, never what input can. It is on in release builds: a
// process that believes something false must not go on writing.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                        \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      std::fprintf(stderr, "%s:%d: CHECK(%s) does not hold\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                             \
    }                                                                                           \
  } while (false)
