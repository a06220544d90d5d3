// SPDX-License-Identifier: MIT
//
// Sees to it that no program outlives its worker. The guard is a process that does nothing but
// remember process groups and read from a socket whose other end this process holds: when that is
// closed, which the kernel does however this process went, it kills the groups and ends. A death
// signal reaches only children; this reaches what they have started as well.
//
// There is one a process, made when the first program starts; it is of the process, not of a worker
// in it, because it is the process whose end it watches for. Used by program_child.cc.
#pragma once

#include <penstock/result.h>

#include <mutex>
#include <set>

#include <sys/types.h>

namespace penstock {

/// Thread-safe.
class Guard {
 public:
  static Guard& of_this_process();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// Where a child writes its pid before it runs anything (ChildStart::announce_to). Makes a guard
  /// when there is none, or none any more. Errors: unavailable, limited.
  Result<int> announce_to();
  /// A child that was announced has started.
  void started(pid_t group);
  /// The group is gone. Called before its leader is reaped, while its number means nobody else.
  void ended(pid_t group);
  /// The guard's process; 0 when there is none.
  [[nodiscard]] pid_t pid() const;

 private:
  Guard() = default;
  Result<void> make();
  [[nodiscard]] bool is_there() const;
  bool tell(pid_t group) const;

  mutable std::mutex mutex_;  // Guards all below.
  int socket_ = -1;
  pid_t owner_ = 0;  // A fork of this process needs a guard of its own.
  pid_t pid_ = 0;
  std::set<pid_t> groups_;
};

}  // namespace penstock
