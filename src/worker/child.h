// SPDX-License-Identifier: MIT
//
// One child process: started without a shell in a process group of its own, killed when its parent
// dies, reaped with what the kernel says of its end. It inherits no descriptor but those it is
// given, no blocked or ignored signal.
#pragma once

#include <penstock/result.h>

#include <cstdint>
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
  /// What its parent has needed itself: the kernel counts in what it had needed when the child was
  /// started, so a peak of not more says only that the child needed less.
  long parent_peak_kib = 0;
  [[nodiscard]] bool clean() const { return signal == 0 && exit_code == 0; }
  /// "signal 9 (Killed), peak 12 MiB".
  [[nodiscard]] std::string describe() const;
};

/// What to start, and how. A descriptor of -1 is the caller's own.
struct ChildStart {
  std::vector<std::string> command = {};  ///< Program and arguments.
  std::string folder = {};                ///< Where it runs; empty: where the caller does.
  int death_signal = 0;                   ///< Sent when the thread that started it ends.
  std::optional<std::vector<std::string>> environment = {};  ///< NAME=VALUE; else the caller's.
  int input = -1, output = -1, errors = -1;
  int keep_open = -1;  ///< One more descriptor that the child has, under the same number.
  std::optional<std::int64_t> memory_bytes = {};  ///< Address space.
  std::optional<std::int64_t> cpu_seconds = {};   ///< Then SIGXCPU.
  bool sealed = false;  ///< No descriptor but the three above, no core files.
  /// A socket that is sent the child's pid before anything else runs, and its negative when nothing
  /// came of it.
  int announce_to = -1;
};

/// Starts a child; the calling thread waits until the program is loaded. `death_signal` comes when
/// that thread ends, so it has to live as long as the child may. Errors: unavailable.
Result<pid_t> start_child(const ChildStart& start);
/// The same with nothing but a command and a death signal.
Result<pid_t> start_child(const std::vector<std::string>& command, int death_signal);

/// Reaps `pid` if it has ended. Never blocks.
std::optional<ChildEnd> reap(pid_t pid);

/// The file behind a program's name: a path as it is, else the first of PATH that can be run.
/// Errors: not_found, denied.
Result<std::string> find_program(const std::string& name);

}  // namespace penstock
