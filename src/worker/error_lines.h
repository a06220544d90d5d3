// SPDX-License-Identifier: MIT
//
// What a program writes to stderr: whole lines for the job's log, and the end of it all for the
// error. Holds a bounded part however much is written.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace penstock {

class ErrorLines {
 public:
  using Sink = std::function<void(std::string_view line)>;

  /// Takes in what was read; `line` gets each line that is complete, as a terminal would show it:
  /// what follows the last carriage return, bytes that are no UTF-8 replaced. Longer ones than the
  /// log takes come in parts.
  void add(std::string_view text, const Sink& line);
  /// The last line may have no end.
  void finish(const Sink& line);
  /// Forgets everything but a line that has begun.
  void forget();
  /// The last line with something on it.
  [[nodiscard]] const std::string& last_line() const { return last_line_; }
  /// ", last line: ..." and, when there was more than it, the end of it all on lines of its own.
  [[nodiscard]] std::string detail() const;

 private:
  void complete(std::string_view text, const Sink& line);

  std::string open_line_, tail_, last_line_;
};

}  // namespace penstock
