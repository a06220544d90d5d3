// SPDX-License-Identifier: MIT
//
// What the pump, the heart and the upkeep of one worker process tell each other. Every method locks
// the one mutex for a few assignments; nobody calls the store under it.
#pragma once

#include "upkeep/tender.h"

#include <atomic>
#include <mutex>
#include <vector>

namespace penstock {

/// What the pump has to know of the latest answers to beats.
struct Heard {
  bool alive = true;
  Order order = Order::run;
  std::vector<rules::JobKey> cancels = {};
  bool work_waiting = false;
  bool tends = false;     ///< This process holds the upkeep lease.
  bool ask_held = false;  ///< Three answers named another number of held jobs than ours.
  SteadyTime last_contact{};
  bool too_large = false;  ///< The process and its programs hold more memory than they may.
};

class Pulse {
 public:
  /// What the heart needs for a beat. `calls` moves with every numbered call of the pump, so that a
  /// count taken before it is not compared with one taken after.
  struct Own {
    SessionId session = {};
    Vitals vitals = {};
    std::int64_t held = 0;
    std::uint64_t calls = 0;
    bool in_call = false;
    std::int64_t max_rss_bytes = 0;  ///< 0: no limit.
    [[nodiscard]] bool too_large() const {
      return max_rss_bytes > 0 && vitals.rss_bytes > max_rss_bytes;
    }
  };

  void set_own(const Own& own) {
    const std::lock_guard lock(mutex_);
    if (own.session.number != own_.session.number) {
      heard_ = Heard{.last_contact = heard_.last_contact};
      told_tally_.clear();
      mismatches_ = 0;
    }
    own_ = own;
  }
  /// What the worker has counted, to be told with a beat when it is news to the store.
  void set_tally(std::string tally) {
    const std::lock_guard lock(mutex_);
    tally_ = std::move(tally);
  }
  [[nodiscard]] Own own() const {
    const std::lock_guard lock(mutex_);
    Own own = own_;
    if (tally_ != told_tally_) own.vitals.tally = tally_;
    return own;
  }

  /// Takes in an answer to a beat of `asked_as`, and whom the watch showed dead.
  void answered(const Own& asked_as, const Orders& orders, SteadyTime at,
                std::vector<Watched> dead);

  [[nodiscard]] Heard heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  /// True while the session cannot have been declared dead: a beat was answered lately.
  [[nodiscard]] bool in_contact(SteadyTime now) const;
  /// A session was opened just now, which is as good as a beat.
  void opened(SteadyTime at) {
    const std::lock_guard lock(mutex_);
    contact_ = at.time_since_epoch().count();
    heard_ = Heard{.last_contact = at};
    mismatches_ = 0;
  }
  /// The pump has asked `held`.
  void asked_held() {
    const std::lock_guard lock(mutex_);
    heard_.ask_held = false;
    mismatches_ = 0;
  }
  /// An exchange has told when the next job is due. True: upkeep, which is ours, has to hear it.
  bool found_due(std::optional<Time> next_due);
  /// Takes what upkeep has to do; the dead are handed out once.
  Findings take_findings() {
    const std::lock_guard lock(mutex_);
    Findings taken = findings_;
    findings_.dead.clear();
    return taken;
  }

 private:
  mutable std::mutex mutex_;  // Guards all below.
  Own own_;
  std::string tally_, told_tally_;
  Heard heard_;
  Findings findings_;
  int mismatches_ = 0;
  // heard_.last_contact, for the slots, which ask before every start.
  std::atomic<SteadyTime::duration::rep> contact_{0};
};

}  // namespace penstock
