// SPDX-License-Identifier: MIT
#include "worker/spill.h"

#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace penstock {
namespace {

// Whoever may read the store may read results; nobody else.
constexpr mode_t owner_only = 0600;

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return fsync(file) == 0;
}

// A rename is on disk when its folder is.
bool sync_folder(const std::string& folder) {
  const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return false;
  const bool synced = fsync(opened) == 0;
  close(opened);
  return synced;
}

}  // namespace

Result<Spill> settle_spill(Spill spill) {
  if (spill.folder.empty()) return spill;
  const std::string shown = "spill folder \"" + rules::printable(spill.folder, 120) + "\"";
  if (spill.max_bytes < static_cast<std::int64_t>(rules::max_result_bytes)) {
    return Error{Errc::invalid, shown + ": a limit of " + std::to_string(spill.max_bytes) +
                                    " bytes is less than what needs no file: use 1MiB or more"};
  }
  std::error_code failed;
  const auto path = std::filesystem::canonical(spill.folder, failed);
  if (failed || !std::filesystem::is_directory(path, failed)) {
    return Error{Errc::not_found, shown + " is no folder: make it first"};
  }
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    return Error{Errc::denied, shown + " cannot be written to: " + std::strerror(errno)};
  }
  spill.folder = path.string();
  return spill;
}

Result<std::string> spill_result(const Spill& spill, const JobId& id, Fence fence,
                                 std::string_view result) {
  const std::string name = id.text + "-" + std::to_string(static_cast<std::uint64_t>(fence));
  const std::string path = spill.folder + "/" + name + ".json";
  const std::string unfinished = spill.folder + "/." + name + ".unfinished";
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const int file = open(unfinished.c_str(), flags, owner_only);
  bool good = file >= 0 && write_all(file, result);
  int why = errno;
  if (file >= 0) close(file);
  if (good && std::rename(unfinished.c_str(), path.c_str()) != 0) {
    good = false;
    why = errno;
  }
  if (good && !sync_folder(spill.folder)) {
    good = false;
    why = errno;
  }
  if (!good) {
    unlink(unfinished.c_str());
    return Error{Errc::unavailable,
                 "result cannot be written to " + path + ": " + std::strerror(why)};
  }
  return rules::JsonWriter()
      .begin_object()
      .key("$file")
      .text(path)
      .key("bytes")
      .number(static_cast<std::int64_t>(result.size()))
      .end_object()
      .take();
}

}  // namespace penstock
