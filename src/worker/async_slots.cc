// SPDX-License-Identifier: MIT
#include "worker/async_slots.h"

#include "client/job_watch.h"

#include <penstock/async.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <thread>

namespace penstock {
namespace {

namespace asio = boost::asio;

constexpr int loop_count = 2;
constexpr std::size_t background_threads = 32;

}  // namespace

// What the loops share.
struct AsyncSlots::Shared {
  explicit Shared(std::unique_ptr<Store> for_watching) : watch(std::move(for_watching)) {}

  asio::thread_pool& background() {
    const std::lock_guard lock(mutex);
    if (!pool) pool = std::make_unique<asio::thread_pool>(background_threads);
    return *pool;
  }

  JobWatch watch;
  std::mutex mutex;  // Guards `pool`, which is made when somebody asks for it.
  std::unique_ptr<asio::thread_pool> pool;
};

class AsyncSlots::Loop : public AsyncLoop {
 public:
  explicit Loop(Shared& shared)
      : shared_(shared),
        work_(asio::make_work_guard(context_)),
        thread_([this] { context_.run(); }) {}
  ~Loop() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void end_thread() {
    context_.stop();
    thread_.join();
  }

  asio::any_io_executor executor() override { return context_.get_executor(); }
  asio::any_io_executor background() override { return shared_.background().get_executor(); }
  std::uint64_t watch(const JobId& id, Tell tell) override {
    return shared_.watch.watch(id, std::move(tell));
  }
  void forget(std::uint64_t ticket) override { shared_.watch.forget(ticket); }

 private:
  Shared& shared_;
  asio::io_context context_{1};  // One thread.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::jthread thread_;
};

AsyncSlots::AsyncSlots(int limit, SlotSurroundings surroundings,
                       std::unique_ptr<Store> for_watching)
    : around_(std::move(surroundings)),
      usable_(limit),
      shared_(std::make_unique<Shared>(std::move(for_watching))) {
  for (int i = 0; i < loop_count; ++i) loops_.push_back(std::make_unique<Loop>(*shared_));
}

// First whoever could still hand something to a loop, then the loops, with the coroutines in them.
AsyncSlots::~AsyncSlots() {
  for (const auto& loop : loops_) loop->end_thread();
  if (shared_->pool) shared_->pool->join();
  shared_.reset();
  loops_.clear();
}

int AsyncSlots::coroutines() const {
  const std::lock_guard lock(mutex_);
  return usable_;
}

void AsyncSlots::start(std::shared_ptr<Attempt> attempt) {
  if (!attempt->claim()) return;
  Loop& loop = *loops_[next_loop_++ % loops_.size()];
  asio::post(loop.executor(), [this, &loop, attempt] {
    attempt->start(around_.clock, around_.client, loop,
                   [this, attempt](rules::Outcome outcome) { end(attempt, std::move(outcome)); });
  });
}

void AsyncSlots::end(std::shared_ptr<Attempt> attempt, rules::Outcome outcome) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = ended_.empty();  // One ring is enough for all that gathers until the pump comes.
    ended_.push_back({std::move(attempt), std::move(outcome)});
    news_.notify_all();
  }
  if (first) around_.ring();
}

std::vector<Ended> AsyncSlots::take_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

std::vector<Ended> AsyncSlots::wait_ended() {
  std::unique_lock lock(mutex_);
  news_.wait(lock, [this] { return !ended_.empty(); });
  return std::exchange(ended_, {});
}

void AsyncSlots::lose(const Attempt& /*attempt*/) {
  const std::lock_guard lock(mutex_);
  --usable_;
}

}  // namespace penstock
