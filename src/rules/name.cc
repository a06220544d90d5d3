// SPDX-License-Identifier: MIT
#include "rules/name.h"

#include <algorithm>
#include <cstdio>

namespace penstock::rules {
namespace {

bool is_word(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Error bad(std::string_view what, std::string_view value, std::string_view rule) {
  return Error{Errc::invalid,
               std::string(what) + " \"" + printable(value) + "\" " + std::string(rule)};
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name) {
  constexpr std::string_view rule =
      "is not a name: use 1 to 128 letters, digits and _ . : / -, beginning with a letter, digit "
      "or _";
  if (name.empty() || name.size() > 128 || !is_word(name[0])) return bad(what, name, rule);
  const auto allowed = [](char c) {
    return is_word(c) || c == '.' || c == ':' || c == '/' || c == '-';
  };
  if (!std::ranges::all_of(name, allowed)) return bad(what, name, rule);
  return {};
}

Result<void> check_worker_name(std::string_view name) {
  const auto parts = [](char c) { return is_control(c) || c == ' ' || c == '|'; };
  if (name.empty() || name.size() > 128 || std::ranges::any_of(name, parts)) {
    return bad("worker name", name,
               "is not a name: use 1 to 128 bytes without blanks, control characters and |");
  }
  return {};
}

Result<void> check_own_id(std::string_view what, std::string_view id) {
  const auto allowed = [](char c) { return is_word(c) || c == '.' || c == ':' || c == '-'; };
  if (id.empty() || id.size() > 64 || !std::ranges::all_of(id, allowed)) {
    return bad(what, id, "is not valid: use 1 to 64 letters, digits and . _ : -");
  }
  return {};
}

Result<void> check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > 16) {
    return Error{Errc::invalid, "a job has at most 16 tags, this one has " +
                                    std::to_string(tags.size()) + ": remove some"};
  }
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 64 || std::ranges::any_of(key, is_control) ||
        key.find('=') != std::string::npos) {
      return bad("tag key", key,
                 "is not valid: use 1 to 64 bytes without = and control characters");
    }
    if (value.size() > 256 || std::ranges::any_of(value, is_control)) {
      return bad("tag value of \"" + printable(key) + "\":", value,
                 "is not valid: use at most 256 bytes without control characters");
    }
  }
  return {};
}

Result<void> check_key(std::string_view what, std::string_view key) {
  if (key.empty() || key.size() > 256 || std::ranges::any_of(key, is_control)) {
    return bad(what, key, "is not valid: use 1 to 256 bytes without control characters");
  }
  return {};
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(at + 1) < 0xa0) return 0;  // Overlong.
  if (lead == 0xed && byte(at + 1) > 0x9f) return 0;  // Surrogate.
  if (lead == 0xf0 && byte(at + 1) < 0x90) return 0;
  if (lead == 0xf4 && byte(at + 1) > 0x8f) return 0;
  return length;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t length = is_control(text[at]) ? 0 : utf8_length(text, at);
    if (length == 0) {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(text[at])));
      out += hex;
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string without_password(std::string_view url) {
  const auto begin = url.find("//");
  const auto end = url.rfind('@');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin + 2) {
    return std::string(url);
  }
  // What stands there without a colon may be a password all the same.
  const auto colon = url.find(':', begin);
  const auto kept = colon < end ? colon + 1 : begin + 2;
  return std::string(url.substr(0, kept)) + "***" + std::string(url.substr(end));
}

}  // namespace penstock::rules
