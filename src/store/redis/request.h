// SPDX-License-Identifier: MIT
//
// Commands on their way to a server: their bytes one after the other in one buffer, and for each
// where it begins and which script it calls, so that it can be sent again.
//
// Protocol (RESP 2):  *WORDS\r\n then for each word  $BYTES\r\n word \r\n
#pragma once

#include "store/redis/script.h"

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::redis {

class Request {
 public:
  void begin(std::size_t words, const Script* script = nullptr) {
    begins_.push_back({bytes_.size(), script});
    header('*', words);
  }
  void word(std::string_view text) {
    header('$', text.size());
    bytes_.append(text).append("\r\n");
  }
  /// A command whose bytes are there already.
  void repeat(std::string_view bytes) {
    begins_.push_back({bytes_.size(), nullptr});
    bytes_.append(bytes);
  }
  /// Keeps up to a megabyte for the next time.
  void clear() {
    if (bytes_.capacity() > kept_bytes) bytes_ = {};
    bytes_.clear();
    begins_.clear();
  }

  [[nodiscard]] std::size_t size() const { return begins_.size(); }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::string_view bytes_of(std::size_t i) const {
    const std::size_t end = i + 1 < begins_.size() ? begins_[i + 1].at : bytes_.size();
    return bytes().substr(begins_[i].at, end - begins_[i].at);
  }
  [[nodiscard]] const Script* script_of(std::size_t i) const { return begins_[i].script; }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20;
  struct Begin {
    std::size_t at = 0;
    const Script* script = nullptr;
  };

  void header(char kind, std::size_t number) {
    char text[24];
    text[0] = kind;
    char* end = std::to_chars(text + 1, text + sizeof text - 2, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    bytes_.append(text, end);
  }

  std::string bytes_ = {};
  std::vector<Begin> begins_ = {};
};

}  // namespace penstock::redis
