// SPDX-License-Identifier: MIT
#include "tests/support/server_time.h"

#include <cstdint>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace penstock::testing {
namespace {

// Built beside the tests, from stepped_clock.cc.
std::string library() {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() /
                    "libpenstock_stepped_clock.so";
  if (!std::filesystem::exists(path)) throw std::runtime_error("not built: " + path.string());
  return path.string();
}

}  // namespace

ServerTime::ServerTime() { step(std::chrono::seconds(0)); }

std::vector<std::string> ServerTime::environment() const {
  return {"LD_PRELOAD=" + library(), "STEPPED_CLOCK_FILE=" + file().string()};
}

void ServerTime::step(std::chrono::seconds ahead) {
  const std::int64_t seconds = ahead.count();
  const int opened = open(file().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  // The server has these bytes mapped.
  const bool written = pwrite(opened, &seconds, sizeof seconds, 0) == sizeof seconds;
  close(opened);
  if (!written) throw std::runtime_error("cannot write " + file().string());
}

}  // namespace penstock::testing
