// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string_view>

namespace penstock::rules {

/// What stands before `end`, or all; the text goes on behind that.
inline std::string_view cut(std::string_view& text, char end) {
  const std::string_view head = text.substr(0, text.find(end));
  text.remove_prefix(std::min(head.size() + 1, text.size()));
  return head;
}

}  // namespace penstock::rules
