// SPDX-License-Identifier: MIT
#include "store/chance.h"

#include <cstdlib>

#include <sys/random.h>

namespace penstock {
namespace {

void fill(void* bytes, std::size_t size) {
  if (getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

unsigned value_of(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  return 0;
}

}  // namespace

std::uint64_t random_number() {
  std::uint64_t number = 0;
  fill(&number, sizeof number);
  return number;
}

rules::Secret new_secret() {
  rules::Secret secret;
  fill(secret.data(), secret.size());
  return secret;
}

std::string to_hex(const rules::Secret& secret) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : secret) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

rules::Secret read_hex(std::string_view text) {
  rules::Secret secret{};
  for (std::size_t i = 0; i < secret.size() && 2 * i + 1 < text.size(); ++i) {
    secret[i] = static_cast<std::uint8_t>(value_of(text[2 * i]) * 16 + value_of(text[2 * i + 1]));
  }
  return secret;
}

}  // namespace penstock
