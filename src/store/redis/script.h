// SPDX-License-Identifier: MIT
//
// A Lua script as it is compiled into the program. cmake/embed.cmake writes one constant for each
// file of scripts/ into store/redis/scripts.gen.h, and the array `all`. The hash is of exactly this
// text, so that EVALSHA finds what SCRIPT LOAD has loaded.
#pragma once

#include <string_view>

namespace penstock::redis {

struct Script {
  std::string_view name = {};
  std::string_view sha1 = {};  ///< In lower-case hexadecimal, as the server spells it.
  int key_count = 0;           ///< Keys that its contract documents, all of which must be given.
  std::string_view text = {};
};

}  // namespace penstock::redis
