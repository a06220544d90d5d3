// SPDX-License-Identifier: MIT
//
// One running program: a child whose whole process group ends with it, or with this object, or with
// this process, whatever comes first. Its standard streams are ours; reading never blocks.
#pragma once

#include "worker/child.h"

#include <penstock/clock.h>
#include <penstock/program.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace penstock {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& from) noexcept : number_(std::exchange(from.number_, -1)) {}
  Descriptor& operator=(Descriptor&& from) noexcept {
    std::swap(number_, from.number_);
    return *this;
  }
  ~Descriptor() { shut(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void shut();

 private:
  int number_;
};

/// Rings when a stop is requested: a descriptor to poll beside others.
class StopBell {
 public:
  StopBell();
  [[nodiscard]] int descriptor() const { return event_.number(); }
  /// Rings once `stop` is requested, and until unfollow().
  void follow(const std::stop_token& stop);
  void unfollow();

 private:
  struct Ring {
    int descriptor;
    void operator()() const;
  };
  Descriptor event_;
  std::stop_token token_;
  std::optional<std::stop_callback<Ring>> callback_;
};

/// Not thread-safe.
class ProgramChild {
 public:
  struct Start {
    const Program& program;
    const std::string& path;  ///< The file of its first word.
    std::vector<std::string> environment = {};
    int input = -1;  ///< What it reads; the caller's copy can be closed afterwards.
  };
  /// Errors: unavailable, limited.
  static Result<ProgramChild> start(const Start& start);
  ProgramChild(ProgramChild&&) noexcept;
  ProgramChild& operator=(ProgramChild&&) = delete;
  /// Kills what is left of the group.
  ~ProgramChild();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int output() const { return output_.number(); }
  [[nodiscard]] int errors() const { return errors_.number(); }
  /// Readable when the program has ended.
  [[nodiscard]] int ended() const { return ended_.number(); }
  [[nodiscard]] bool has_ended() const;
  void signal_group(int number) const;
  /// Kills what is left of its group, waits for its end and says what it was.
  ChildEnd bury();

  /// Appends what can be read without waiting, at most `most` bytes. False: nothing will come any
  /// more, the descriptor is closed.
  bool read_output(std::string& into, std::size_t most) { return read(output_, into, most); }
  bool read_errors(std::string& into, std::size_t most) { return read(errors_, into, most); }

 private:
  ProgramChild() = default;
  static bool read(Descriptor& from, std::string& into, std::size_t most);

  pid_t pid_ = 0;  // 0: buried.
  Descriptor output_, errors_, ended_;
};

}  // namespace penstock
