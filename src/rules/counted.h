// SPDX-License-Identifier: MIT
//
// Numbers of things in a sentence: "1 node", "2 nodes".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::rules {

inline std::string counted(std::int64_t number, std::string_view one) {
  return std::to_string(number) + ' ' + std::string(one) + (number == 1 ? "" : "s");
}

}  // namespace penstock::rules
