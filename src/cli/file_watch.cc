// SPDX-License-Identifier: MIT
#include "cli/file_watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace penstock::cli {
namespace {

constexpr int settle_ms = 200;  // Editors and compilers write a file in several steps.

struct Folder {
  std::string path;
  std::set<std::string> names, endings;
  [[nodiscard]] bool holds(const std::string& name) const {
    const std::string ending = std::filesystem::path(name).extension();
    return names.contains(name) || (!ending.empty() && endings.contains(ending));
  }
};

}  // namespace

// Folders are watched, not files: most editors put a new file in the place of the old one.
struct FileWatch::State {
  int changes = -1, alarm = -1;
  std::map<int, Folder> folders;
  std::function<void(const std::string&)> tell;
  std::jthread thread;

  ~State() {
    thread.request_stop();
    const std::uint64_t one = 1;
    if (alarm >= 0) (void)!write(alarm, &one, sizeof one);
    if (thread.joinable()) thread.join();
    if (changes >= 0) close(changes);
    if (alarm >= 0) close(alarm);
  }

  // The name of a file that matters, among what can be read now; empty when there is none.
  std::string take() {
    alignas(inotify_event) std::array<char, 16384> buffer;
    std::string found;
    const ssize_t got = read(changes, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      const auto folder = folders.find(event->wd);
      if (event->len > 0 && folder != folders.end() && folder->second.holds(event->name)) {
        found = folder->second.path + "/" + event->name;
      }
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
    return found;
  }

  void run(const std::stop_token& stop) {
    std::string changed;
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> waits{{{changes, POLLIN, 0}, {alarm, POLLIN, 0}}};
      const int ready = poll(waits.data(), waits.size(), changed.empty() ? -1 : settle_ms);
      if (ready == 0) {
        tell(std::exchange(changed, {}));
      } else if ((waits[0].revents & POLLIN) != 0) {
        if (std::string file = take(); !file.empty()) changed = std::move(file);
      }
    }
  }
};

FileWatch::FileWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
FileWatch::FileWatch(FileWatch&&) noexcept = default;
FileWatch::~FileWatch() = default;

Result<FileWatch> FileWatch::open(const std::vector<std::string>& files,
                                  std::function<void(const std::string&)> tell) {
  auto state = std::make_unique<State>();
  state->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  state->alarm = eventfd(0, EFD_CLOEXEC);
  state->tell = std::move(tell);
  for (const std::string& file : files) {
    std::error_code failed;
    const auto path = std::filesystem::canonical(file, failed);
    if (failed) continue;
    const std::string parent = path.parent_path();
    const int watch =
        inotify_add_watch(state->changes, parent.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
    if (watch < 0) {
      return Error{Errc::unavailable,
                   "cannot watch " + parent + " for changes: " + std::strerror(errno)};
    }
    Folder& folder = state->folders[watch];
    folder.path = parent;
    folder.names.insert(path.filename());
    if (path.has_extension()) folder.endings.insert(path.extension());
  }
  State& s = *state;
  s.thread = std::jthread([&s](const std::stop_token& stop) { s.run(stop); });
  return FileWatch(std::move(state));
}

}  // namespace penstock::cli
