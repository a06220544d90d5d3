// SPDX-License-Identifier: MIT
//
// A command as people type it, split into program and arguments. There is no shell behind it:
// blanks separate, quotes and backslash keep them, and nothing is expanded. What was split can be
// joined again, so that a command survives being a setting.
#pragma once

#include <penstock/result.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// Splits at blanks. '...' keeps everything as it is; "..." too, but for \" and \\; elsewhere a
/// backslash keeps the next character. Errors: invalid, with the position (from 1): a quote that is
/// not closed, a backslash at the end, a NUL; nothing at all.
Result<std::vector<std::string>> split_command(std::string_view text);
/// Text that split_command takes apart into the same words.
std::string join_command(std::span<const std::string> words);

/// "NAME=program arguments", as --exec takes it.
struct NamedCommand {
  std::string name = {};
  std::vector<std::string> command = {};
};
/// Errors: invalid.
Result<NamedCommand> parse_named_command(std::string_view text);

}  // namespace penstock::rules
