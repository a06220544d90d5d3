// SPDX-License-Identifier: MIT
#include "rules/command_line.h"

#include "rules/name.h"

#include <algorithm>

namespace penstock::rules {
namespace {

constexpr std::string_view blanks = " \t\n\r";

bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }

Error fault(std::string_view text, std::size_t at, std::string_view what) {
  return Error{Errc::invalid, "command \"" + printable(text) + "\": " + std::string(what) +
                                  " at position " + std::to_string(at + 1)};
}

// Reads a quoted part that begins at `at`; leaves `at` behind its end. False: it has none.
bool read_quoted(std::string_view text, std::size_t& at, std::string& word) {
  const char quote = text[at++];
  for (; at < text.size(); ++at) {
    if (text[at] == quote) {
      ++at;
      return true;
    }
    const bool escapes = quote == '"' && text[at] == '\\' && at + 1 < text.size() &&
                         (text[at + 1] == '"' || text[at + 1] == '\\');
    if (escapes) ++at;
    word += text[at];
  }
  return false;
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return fault(text, nul, "a NUL byte, which no argument can hold,");
  }
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    std::string word;
    while (at < text.size() && !is_blank(text[at])) {
      const std::size_t start = at;
      if (text[at] == '\'' || text[at] == '"') {
        if (!read_quoted(text, at, word))
          return fault(text, start, "a quote is not closed, opened");
      } else if (text[at] == '\\') {
        if (at + 1 == text.size()) return fault(text, start, "a backslash with nothing behind it");
        word += text[at + 1];
        at += 2;
      } else {
        word += text[at++];
      }
    }
    words.push_back(std::move(word));
  }
  if (words.empty() || words.front().empty()) {
    return Error{Errc::invalid, "command \"" + printable(text) +
                                    "\" names no program: write one, such as 'python3 solve.py'"};
  }
  return words;
}

std::string join_command(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    const bool plain = !word.empty() && word.find_first_of(" \t\n\r'\"\\") == std::string::npos;
    if (plain) {
      text += word;
      continue;
    }
    text += '"';
    for (const char c : word) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text;
}

Result<NamedCommand> parse_named_command(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    return Error{Errc::invalid,
                 "\"" + printable(text) + "\" is no NAME=COMMAND: write 'solve=python3 solve.py'"};
  }
  NamedCommand named{.name = std::string(text.substr(0, equals))};
  if (auto ok = check_name("task name", named.name); !ok) return std::move(ok).error();
  auto command = split_command(text.substr(equals + 1));
  if (!command) return std::move(command).error();
  named.command = *std::move(command);
  return named;
}

}  // namespace penstock::rules
