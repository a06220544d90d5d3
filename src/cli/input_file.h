// SPDX-License-Identifier: MIT
//
// Files that a command is given to read.
#pragma once

#include <penstock/result.h>

#include <string>

namespace penstock::cli {

/// A file as a whole, up to 16 MiB. Errors: not_found, invalid (a folder, a pipe without a
/// writer), too_large.
Result<std::string> read_input_file(const std::string& path);
/// `word` itself, what the file of @FILE holds, or standard input for -.
Result<std::string> read_input_word(const std::string& word);

}  // namespace penstock::cli
