// SPDX-License-Identifier: MIT
#include "store/redis/keys.h"

namespace penstock::redis {
namespace {

std::string part(std::string_view name) {
  if (name.empty()) return "-";
  std::string text;
  for (const char c : name) {
    if (c == ':') {
      text += "%3A";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string Keys::wake(std::string_view queue, std::string_view pool) const {
  return shard_ + "wake:" + part(queue) + ':' + part(pool);
}

std::string Keys::lists(std::string_view queue, std::string_view pool, int priority) {
  return part(queue) + ':' + part(pool) + ':' + std::to_string(priority);
}

}  // namespace penstock::redis
