// SPDX-License-Identifier: MIT
//
// What a person sees of something that goes on: sentences that stay, and below them bars that move.
// Without a terminal there are no bars, and what they would say comes as lines now and then.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace penstock::cli {

/// Thread-safe.
class Screen {
 public:
  struct Options {
    bool quiet = false;      ///< No sentences, no bars.
    bool to_stderr = false;  ///< Standard output is kept for a machine.
  };
  struct Bar {
    std::string title;
    std::optional<double> share = {};  ///< From 0 to 1; nothing: a line without a bar.
    std::string note = {};
    friend bool operator==(const Bar&, const Bar&) = default;
  };
  enum class Tone : unsigned char { plain, good, bad };

  explicit Screen(Options options);
  ~Screen() { clear(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void say(const std::string& text, Tone tone = Tone::plain);
  /// Replaces all bars.
  void bars(std::vector<Bar> bars);
  /// Takes the bars away.
  void clear() { bars({}); }

 private:
  void wipe();
  void draw();
  void say_quarters(const std::vector<Bar>& bars);

  const Options options_;
  const bool moving_, coloured_;
  std::mutex mutex_;  // Guards all below, and the order of what is written.
  std::vector<Bar> bars_ = {};
  std::size_t drawn_ = 0;  // Lines on the screen that wipe() has to take away.
};

}  // namespace penstock::cli
