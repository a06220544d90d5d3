// SPDX-License-Identifier: MIT
//
// Where coroutines run: two loops of one thread each. A coroutine stays on the loop it began on, so
// it needs no locks of its own; one that blocks holds up the others of its loop.
#pragma once

#include "worker/slots.h"

namespace penstock {

class AsyncSlots : public Slots {
 public:
  /// At most `limit` coroutines in flight. `for_watching` is a handle for those that wait for jobs.
  AsyncSlots(int limit, SlotSurroundings surroundings, std::unique_ptr<Store> for_watching);
  /// Coroutines that still wait are destroyed where they are; what runs in the background is waited
  /// for.
  ~AsyncSlots() override;

  [[nodiscard]] int size() const override { return 0; }
  [[nodiscard]] int coroutines() const override;
  [[nodiscard]] bool queues() const override { return true; }
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override;
  void lose(const Attempt& attempt) override;
  /// Blocks until something has ended.
  std::vector<Ended> wait_ended();

 private:
  class Loop;
  struct Shared;
  void end(std::shared_ptr<Attempt> attempt, rules::Outcome outcome);

  const SlotSurroundings around_;
  mutable std::mutex mutex_;  // Guards the two below.
  std::condition_variable news_;
  std::vector<Ended> ended_;
  int usable_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::size_t next_loop_ = 0;  // The pump's.
};

}  // namespace penstock
