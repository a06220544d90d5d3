// SPDX-License-Identifier: MIT
//
// The words of one call of a script. Text is pointed to, not copied, and must outlive the call;
// what is made on the way (numbers, joined texts) is kept here.
#pragma once

#include "rules/duration.h"

#include <concepts>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::redis {

class ScriptArguments {
 public:
  void add(std::string_view text) { words_.push_back(text); }
  void add(const char* text) { words_.emplace_back(text); }
  template <std::integral T>
  void add(T number) {
    made(std::to_string(number));
  }
  void add(Time time) { add(rules::to_ms(time)); }
  template <class T>
  void add(const std::optional<T>& value) {
    value ? add(*value) : add(std::string_view());
  }
  /// Text that would not outlive the call otherwise.
  void made(std::string text) { words_.emplace_back(kept_.emplace_back(std::move(text))); }

  [[nodiscard]] std::span<const std::string_view> words() const { return words_; }

 private:
  std::deque<std::string> kept_;
  std::vector<std::string_view> words_;
};

}  // namespace penstock::redis
