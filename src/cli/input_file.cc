// SPDX-License-Identifier: MIT
#include "cli/input_file.h"

#include "rules/name.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace penstock::cli {
namespace {

constexpr std::size_t most_bytes = 16 << 20;  // An endless one, such as /dev/zero, has to end.
constexpr int pipe_patience_ms = 1000;        // For somebody who is about to write.

Error unreadable(const std::string& name) {
  return Error{Errc::not_found, "cannot read " + name + ": check its name"};
}

Result<std::string> read_all(int from, const std::string& name, std::string text = {}) {
  char piece[64 << 10];
  while (true) {
    const ssize_t got = read(from, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(name);
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > most_bytes) {
      return Error{Errc::too_large, name + " has more than 16 MiB: split it"};
    }
  }
}

// A pipe with a name may have nobody who writes to it, ever. That of <(...), of /dev/stdin or of a
// shell's | has no name: whoever made it holds its other end, or has closed it.
bool has_a_name(int file, const struct stat& about) {
  struct statfs system {};
  return S_ISFIFO(about.st_mode) && fstatfs(file, &system) == 0 && system.f_type != PIPEFS_MAGIC;
}

// False: nobody has it open to write. What has come meanwhile is in `text`.
bool has_a_writer(int file, std::string& text) {
  pollfd news{.fd = file, .events = POLLIN, .revents = 0};
  if (poll(&news, 1, pipe_patience_ms) != 0) return true;  // There is something, or was.
  char first = 0;
  const ssize_t got = read(file, &first, 1);
  if (got > 0) text = first;
  return got != 0;
}

Result<std::string> read_open(int file, const std::string& name) {
  struct stat about {};
  if (fstat(file, &about) != 0) return unreadable(name);
  if (S_ISDIR(about.st_mode)) {
    return Error{Errc::invalid, name + " is a folder: name a file in it"};
  }
  std::string text;
  if (has_a_name(file, about) && !has_a_writer(file, text)) {
    return Error{Errc::invalid, name + " is a pipe that nobody writes to: name a file"};
  }
  fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return read_all(file, name, std::move(text));
}

}  // namespace

Result<std::string> read_input_file(const std::string& path) {
  const std::string name = rules::printable(path);
  // Else a pipe would be waited for here, and for ever.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return unreadable(name);
  auto text = read_open(file, name);
  close(file);
  return text;
}

Result<std::string> read_input_word(const std::string& word) {
  if (word == "-") return read_all(STDIN_FILENO, "standard input");
  return word.starts_with('@') ? read_input_file(word.substr(1)) : Result<std::string>(word);
}

}  // namespace penstock::cli
