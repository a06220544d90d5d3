// SPDX-License-Identifier: MIT
//
// Tells when one of some files is written anew, or one beside it with the same ending: a module
// that a program imports. For `--reload`, while a program is being developed.
#pragma once

#include <penstock/result.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace penstock::cli {

class FileWatch {
 public:
  /// `tell` is called from a thread of its own, once for all that changes within 200 ms. Errors:
  /// unavailable (no more watches on this machine).
  static Result<FileWatch> open(const std::vector<std::string>& files,
                                std::function<void(const std::string& file)> tell);
  FileWatch(FileWatch&&) noexcept;
  ~FileWatch();

 private:
  struct State;
  explicit FileWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::cli
