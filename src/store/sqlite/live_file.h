// SPDX-License-Identifier: MIT
//
// What the processes of one database tell each other without a transaction: beats, wake-ups, and
// whose turn it is to write. A file PATH-live mapped by all of them; for an in-memory database,
// plain memory. It holds nothing worth keeping: it is made anew when it is missing, and every
// session writes itself into its slot again with its next beat.
//
// Wake-ups are futexes on one word that every commit moves; a waiter names what it waits for in the
// futex's bit mask, so that a commit wakes only those whom it concerns.
#pragma once

#include "store/store.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace penstock::sqlite {

/// What a commit may concern. Bits, and the low futex mask bits.
struct Concerns {
  bool work = false;    ///< Something became ready, or a queue was resumed.
  bool events = false;  ///< The event stream grew.
  bool due = false;     ///< Something is scheduled.
};

class LiveFile {
 public:
  /// Where one session beats. A slot outlives its session; the larger number is the later one.
  struct Slot {
    /// One beat, unless the slot belongs to a later session by now.
    void write(SessionNumber number, const Vitals& vitals, Time now);
    /// The session's beat; zero while the slot is not its own.
    [[nodiscard]] std::uint64_t beat_of(SessionNumber number) const;
    void leave(SessionNumber number);

    std::atomic<std::uint64_t> session, beat;
    std::atomic<std::int64_t> processed, failed, rss_bytes, seen_at_ms;
    std::atomic<std::uint32_t> running, state;
    std::uint64_t reserved;
  };
  static constexpr std::size_t slots = 4096;

  /// Maps `path`, or memory when it is empty. Errors: unavailable.
  static Result<std::unique_ptr<LiveFile>> open(const std::string& path);
  ~LiveFile();
  LiveFile(const LiveFile&) = delete;
  LiveFile& operator=(const LiveFile&) = delete;

  Slot& slot(std::size_t index);
  [[nodiscard]] Bell bell() const;
  /// Says that a commit happened.
  void announce(const Concerns& concerns);
  /// Wakes the waiters that share the mask bit of `ring_bit` (3..31).
  void ring(int ring_bit);
  /// Sleeps until something of `concerns` has moved since `seen`, `rung` is true, or `deadline`.
  Woken wait(const WaitFor& what, int ring_bit, std::atomic<bool>& rung, SteadyTime deadline);
  /// Takes the turn to write, among threads and processes; false after 5 s. Released by the
  /// destructor of the turn.
  bool take_turn();
  void pass_turn();
  /// Maps the file anew, at the same address, when its path no longer leads to it.
  void follow_path();

 private:
  struct Page;
  LiveFile() = default;
  [[nodiscard]] bool replaced() const;
  bool take_turn_of_processes();

  Page* page_ = nullptr;
  std::timed_mutex turn_of_threads_;  // A lock on a file does not keep threads of a process apart.
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace penstock::sqlite
