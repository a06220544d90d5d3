// SPDX-License-Identifier: MIT
#include "store/sqlite/live_file.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace penstock::sqlite {

// Zero-filled pages are a valid start, so no process has to be the one that initialises.
struct LiveFile::Page {
  std::atomic<std::uint32_t> word;      // Moves with every announcement and ring: the futex.
  std::atomic<std::uint32_t> sleepers;  // Only a hint: a killed sleeper is never subtracted.
  std::atomic<std::uint32_t> work, events, due;
  std::atomic<std::uint32_t> turn;    // Moves when the turn to write is passed on: a futex.
  std::atomic<std::uint32_t> queued;  // Waiters for the turn; a hint too.
  std::uint32_t reserved[9];
  Slot slots[LiveFile::slots];
};

namespace {

constexpr std::uint32_t work_bit = 1, events_bit = 2, due_bit = 4;
constexpr int turn_patience_ms = 5000;
constexpr long turn_nap_ns = 20'000'000;  // A holder that was killed wakes nobody.

// std::atomic::wait is private to a process, so the system call itself, without the private flag.
long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* until, std::uint32_t mask) {
  static_assert(sizeof word == 4);
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, until,
                 nullptr, mask);
}

timespec to_timespec(SteadyTime at) {
  const auto ns = at.time_since_epoch().count();
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

// The futex waits on CLOCK_MONOTONIC, which is what the steady clock reads here.
SteadyTime monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return SteadyTime{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

// Three counters in one number: what a waiter has to remember. They wrap; only change matters.
constexpr std::uint64_t pack(std::uint32_t work, std::uint32_t events, std::uint32_t due) {
  return (static_cast<std::uint64_t>(work & 0xffffff) << 40) |
         (static_cast<std::uint64_t>(events & 0xffffff) << 16) | (due & 0xffff);
}
constexpr std::uint64_t work_part = 0xffffffULL << 40, events_part = 0xffffffULL << 16,
                        due_part = 0xffff;

// Opens or makes PATH-live with the mode of PATH.
int open_like_database(const std::string& path) {
  struct stat database {};
  const bool known = stat(path.substr(0, path.rfind("-live")).c_str(), &database) == 0;
  const mode_t mode = known ? database.st_mode & 0666 : 0600;
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (made < 0) return ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  fchmod(made, mode);  // The umask may have taken something away.
  return made;
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

void LiveFile::Slot::write(SessionNumber number, const Vitals& vitals, Time now) {
  const auto own = static_cast<std::uint64_t>(number);
  std::uint64_t holder = session.load();
  do {
    if (holder > own) return;  // It came back from the dead, and another one lives here.
  } while (!session.compare_exchange_weak(holder, own));
  processed.store(vitals.processed);
  failed.store(vitals.failed);
  rss_bytes.store(vitals.rss_bytes);
  running.store(static_cast<std::uint32_t>(vitals.running));
  state.store(static_cast<std::uint32_t>(vitals.state));
  seen_at_ms.store(now.time_since_epoch().count());
  beat.fetch_add(1);
}

std::uint64_t LiveFile::Slot::beat_of(SessionNumber number) const {
  return session.load() == static_cast<std::uint64_t>(number) ? beat.load() : 0;
}

void LiveFile::Slot::leave(SessionNumber number) {
  auto own = static_cast<std::uint64_t>(number);
  session.compare_exchange_strong(own, 0);
}

Result<std::unique_ptr<LiveFile>> LiveFile::open(const std::string& path) {
  static_assert(sizeof(Slot) == 64 && sizeof(Page) == 64 + 64 * slots);
  std::unique_ptr<LiveFile> live(new LiveFile);
  live->path_ = path;
  int flags = MAP_SHARED;
  if (path.empty()) {
    flags |= MAP_ANONYMOUS;
  } else {
    live->descriptor_ = open_like_database(path);
    if (live->descriptor_ < 0 || ftruncate(live->descriptor_, sizeof(Page)) != 0) {
      return Error{Errc::unavailable, "file " + path + " cannot be opened (" +
                                          std::strerror(errno) +
                                          "): it must lie beside the "
                                          "database, in a folder that may be written to"};
    }
  }
  void* mapped = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, flags, live->descriptor_, 0);
  if (mapped == MAP_FAILED) {
    return Error{Errc::unavailable,
                 "file " + path + " cannot be mapped (" + std::strerror(errno) + ")"};
  }
  live->page_ = static_cast<Page*>(mapped);
  return live;
}

LiveFile::~LiveFile() {
  if (page_) munmap(page_, sizeof(Page));
  if (descriptor_ >= 0) ::close(descriptor_);
}

LiveFile::Slot& LiveFile::slot(std::size_t index) { return page_->slots[index]; }

Bell LiveFile::bell() const {
  return Bell{pack(page_->work.load(), page_->events.load(), page_->due.load())};
}

void LiveFile::announce(const Concerns& concerns) {
  std::uint32_t mask = 0;
  if (concerns.work) {
    page_->work.fetch_add(1);
    mask |= work_bit;
  }
  if (concerns.events) {
    page_->events.fetch_add(1);
    mask |= events_bit;
  }
  if (concerns.due) {
    page_->due.fetch_add(1);
    mask |= due_bit;
  }
  if (mask == 0) return;
  page_->word.fetch_add(1);
  if (page_->sleepers.load() != 0) {
    futex(page_->word, FUTEX_WAKE_BITSET, INT_MAX, nullptr, mask);
  }
}

void LiveFile::ring(int ring_bit) {
  page_->word.fetch_add(1);
  if (page_->sleepers.load() != 0) {
    futex(page_->word, FUTEX_WAKE_BITSET, INT_MAX, nullptr, 1U << ring_bit);
  }
}

Woken LiveFile::wait(const WaitFor& what, int ring_bit, std::atomic<bool>& rung,
                     SteadyTime deadline) {
  std::uint32_t mask = 1U << ring_bit;
  std::uint64_t part = 0;
  if (what.work) mask |= work_bit, part |= work_part;
  if (what.events) mask |= events_bit, part |= events_part;
  if (what.due) mask |= due_bit, part |= due_part;
  const timespec until = to_timespec(deadline);
  while (true) {
    // The word is read first: whatever moves after this makes the futex call return at once.
    const std::uint32_t word = page_->word.load();
    if (rung.exchange(false)) return Woken::ring;
    const auto now_seen = static_cast<std::uint64_t>(bell());
    if (((now_seen ^ static_cast<std::uint64_t>(what.seen)) & part) != 0) return Woken::store;
    if (monotonic_now() >= deadline) return Woken::deadline;
    page_->sleepers.fetch_add(1);
    futex(page_->word, FUTEX_WAIT_BITSET, word, &until, mask);
    page_->sleepers.fetch_sub(1);
  }
}

bool LiveFile::take_turn() {
  if (descriptor_ < 0) return true;
  if (!turn_of_threads_.try_lock_for(std::chrono::milliseconds{turn_patience_ms})) return false;
  if (take_turn_of_processes()) return true;
  turn_of_threads_.unlock();
  return false;
}

bool LiveFile::take_turn_of_processes() {
  const SteadyTime deadline = monotonic_now() + std::chrono::milliseconds{turn_patience_ms};
  while (true) {
    const std::uint32_t turn = page_->turn.load();
    struct flock lock = whole_file(F_WRLCK);
    // An open-file-description lock: the kernel frees it when its holder dies, and other
    // descriptors of this process do not share it.
    if (fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return true;
    if (errno != EAGAIN && errno != EACCES && errno != EINTR)
      return true;  // No locks here: SQLite's.
    if (monotonic_now() >= deadline) return false;
    const timespec nap{.tv_sec = 0, .tv_nsec = turn_nap_ns};
    page_->queued.fetch_add(1);
    futex(page_->turn, FUTEX_WAIT, turn, &nap, 0);
    page_->queued.fetch_sub(1);
  }
}

void LiveFile::pass_turn() {
  if (descriptor_ < 0) return;
  struct flock lock = whole_file(F_UNLCK);
  fcntl(descriptor_, F_OFD_SETLK, &lock);
  page_->turn.fetch_add(1);
  if (page_->queued.load() != 0) futex(page_->turn, FUTEX_WAKE, 1, nullptr, 0);
  turn_of_threads_.unlock();
}

void LiveFile::follow_path() {
  if (descriptor_ < 0 || !replaced()) return;
  const int fresh = open_like_database(path_);
  if (fresh < 0) return;  // The next beat tries again; beats in the old file harm nobody.
  if (ftruncate(fresh, sizeof(Page)) == 0) {
    // Address and descriptor keep their numbers, so that other threads need not be told.
    mmap(page_, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fresh, 0);
    dup3(fresh, descriptor_, O_CLOEXEC);
  }
  ::close(fresh);
}

bool LiveFile::replaced() const {
  struct stat by_path {
  }, by_descriptor{};
  if (stat(path_.c_str(), &by_path) != 0) return true;
  if (fstat(descriptor_, &by_descriptor) != 0) return true;
  return by_path.st_ino != by_descriptor.st_ino || by_path.st_dev != by_descriptor.st_dev;
}

}  // namespace penstock::sqlite
