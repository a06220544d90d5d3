// SPDX-License-Identifier: MIT
//
// One child process: started without a shell, killed when its parent dies, reaped with what the
// kernel says of its end.
#pragma once

#include <penstock/result.h>

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace penstock {

/// How a child ended.
struct ChildEnd {
  pid_t pid = 0;
  int exit_code = 0;  ///< When `signal` is 0.
  int signal = 0;
  long peak_rss_kib = 0;
  [[nodiscard]] bool clean() const { return signal == 0 && exit_code == 0; }
  /// "signal 9 (Killed), peak 12 MiB".
  [[nodiscard]] std::string describe() const;
};

/// Starts `command` (program and arguments) in a process group of its own. The child gets
/// `death_signal` when the calling thread ends, so the caller must be a thread that lives as long
/// as the process. Errors: unavailable.
Result<pid_t> start_child(const std::vector<std::string>& command, int death_signal);

/// Reaps `pid` if it has ended. Never blocks.
std::optional<ChildEnd> reap(pid_t pid);

}  // namespace penstock
