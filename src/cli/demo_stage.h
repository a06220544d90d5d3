// SPDX-License-Identifier: MIT
//
// Where the show plays: the store that was named, else a file of its own in a fresh folder.
#pragma once

#include <penstock/app.h>

#include <string>

namespace penstock::cli {

class DemoStage {
 public:
  /// Errors: denied (no folder can be made).
  static Result<DemoStage> open(const Arguments& arguments);

  [[nodiscard]] const std::string& url() const { return url_; }
  /// True when the store is the show's alone.
  [[nodiscard]] bool own() const { return !folder_.empty(); }
  /// Removes the folder, if it is the show's own.
  void remove() const;

 private:
  DemoStage(std::string url, std::string folder)
      : url_(std::move(url)), folder_(std::move(folder)) {}

  std::string url_, folder_;
};

}  // namespace penstock::cli
