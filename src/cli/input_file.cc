// SPDX-License-Identifier: MIT
#include "cli/input_file.h"

#include "rules/name.h"

#include <filesystem>
#include <fstream>
#include <iostream>

namespace penstock::cli {
namespace {

constexpr std::size_t most_bytes = 16 << 20;  // An endless one, such as /dev/zero, has to end.

Result<std::string> read_all(std::istream& from, const std::string& name) {
  std::string text;
  char piece[64 << 10];
  while (from.read(piece, sizeof piece) || from.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(from.gcount()));
    if (text.size() > most_bytes) {
      return Error{Errc::too_large, name + " has more than 16 MiB: split it"};
    }
  }
  return text;
}

}  // namespace

Result<std::string> read_input_file(const std::string& path) {
  const std::string name = rules::printable(path);
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    return Error{Errc::invalid, name + " is a folder: name a file in it"};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::not_found, "cannot read " + name + ": check its name"};
  return read_all(file, name);
}

Result<std::string> read_input_word(const std::string& word) {
  if (word == "-") return read_all(std::cin, "standard input");
  return word.starts_with('@') ? read_input_file(word.substr(1)) : Result<std::string>(word);
}

}  // namespace penstock::cli
