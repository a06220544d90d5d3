// SPDX-License-Identifier: MIT
#include "client/producer.h"

#include <cstdio>
#include <cstdlib>

#include <sys/random.h>

namespace penstock {

std::string random_nonce() {
  std::uint64_t numbers[2];
  if (getrandom(numbers, sizeof numbers, 0) != sizeof numbers) std::abort();
  char text[40];
  std::snprintf(text, sizeof text, "%016lx%016lx", numbers[0], numbers[1]);
  return text;
}

}  // namespace penstock
