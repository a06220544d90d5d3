// SPDX-License-Identifier: MIT
//
// wait: blocks on a connection of its own, and listens to its ring at the same time. A blocking
// command that has not been answered when the wait ends stays out and is taken up by the next wait
// for the same; one for something else calls it back first.
#include "store/redis/errors.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"

#include <algorithm>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace penstock::redis {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_block{10'000};  // A token lost with its taker delays no longer.

class EventRing : public Ring {
 public:
  EventRing() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~EventRing() override { ::close(fd_); }
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  void ring() override {
    const std::uint64_t one = 1;
    // Full means rung: nothing is lost when it fails.
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
  }
  /// True once for all rings so far.
  bool take() {
    std::uint64_t count = 0;
    return read(fd_, &count, sizeof count) == sizeof count;
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

// Sleeps until one of the two is readable; at most `most`.
void poll_both(int ring, int connection, milliseconds most) {
  pollfd watched[2] = {{.fd = ring, .events = POLLIN, .revents = 0},
                       {.fd = connection, .events = POLLIN, .revents = 0}};
  // A little late rather than a little early, which would be a turn for nothing.
  const auto timeout = static_cast<int>(std::clamp<std::int64_t>(most.count() + 1, 0, 60'000));
  poll(watched, connection < 0 ? 1 : 2, timeout);
}

std::string seconds(milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(time.count()) / 1000);
  return text;
}

}  // namespace

std::unique_ptr<Ring> RedisStore::make_ring() { return std::make_unique<EventRing>(); }

std::vector<std::string> RedisStore::what_to_block_on(const WaitFor& what) const {
  std::vector<std::string> words;
  if (what.events) {
    words = {"XREAD", "COUNT", "1", "BLOCK", "", "STREAMS", keys().events(), bell_text(what.seen)};
    return words;
  }
  if (what.work) {
    for (const std::string& queue : what.work->queues) {
      if (what.work->pools.empty()) words.push_back(keys().wake(queue, {}));
      for (const std::string& pool : what.work->pools) words.push_back(keys().wake(queue, pool));
    }
  }
  if (what.due) words.push_back(keys().wake_due());
  std::ranges::sort(words);  // Queues come in the order of a draw of lots.
  if (!words.empty()) words.insert(words.begin(), "BLPOP");
  return words;
}

Result<void> RedisStore::block_on(std::vector<std::string> words, milliseconds most) {
  if (!blocking_) {
    auto opened = Connection::open(space_->address, space_->timeouts);
    if (!opened) return std::move(opened).error();
    blocking_ = *std::move(opened);
  }
  blocked_on_ = words;
  const milliseconds time = std::clamp(most, milliseconds{1}, longest_block);
  if (words.front() == "XREAD") {
    words[4] = std::to_string(time.count());
  } else {
    words.push_back(seconds(time));
  }
  const std::vector<std::string_view> views(words.begin(), words.end());
  blocking_->command(views);
  auto sent = blocking_->send();
  if (!sent) blocked_on_.clear();
  return sent;
}

// Calls a blocking command back. A token that it has got meanwhile goes back for somebody else.
Result<void> RedisStore::stop_blocking() {
  const std::vector<std::string> words = std::exchange(blocked_on_, {});
  if (words.empty() || !blocking_->connected()) return {};
  connection_->command({"CLIENT", "UNBLOCK", std::to_string(blocking_->client_id())});
  auto unblocked = connection_->one();
  if (!unblocked) {
    blocking_->drop();
    return std::move(unblocked).error();
  }
  auto reply = blocking_->receive(real_clock().steady() + space_->timeouts.call);
  if (!reply || !*reply) {
    blocking_->drop();
    return {};
  }
  if (words.front() == "BLPOP" && (*reply)->size() == 2) {
    connection_->command({"RPUSH", (**reply)[0].text(), "1"});
    if (auto pushed = connection_->one(); !pushed) return std::move(pushed).error();
  }
  return {};
}

Result<Woken> RedisStore::wait(const WaitFor& what, SteadyTime deadline, Ring& ring) {
  auto& own = static_cast<EventRing&>(ring);  // A Ring is made by the store it is used with.
  if (own.take()) return Woken::ring;
  const std::vector<std::string> words = what_to_block_on(what);
  if (!blocked_on_.empty() && blocked_on_ != words) {
    if (auto stopped = stop_blocking(); !stopped) return wait_in_vain(stopped, deadline, own.fd());
  }
  bool heard_out = false;  // Once past the deadline, whatever is there by then has been seen.
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - real_clock().steady());
    if (left.count() <= 0 && (heard_out || words.empty())) return Woken::deadline;
    heard_out = left.count() <= 0;
    if (!words.empty() && blocked_on_.empty()) {
      // A wait that is over at once asks for a millisecond, and hears the answer.
      if (auto sent = block_on(words, heard_out ? milliseconds{1} : longest_block); !sent) {
        return wait_in_vain(sent, deadline, own.fd());
      }
      if (heard_out) poll_both(own.fd(), blocking_->fd(), space_->timeouts.call);
    } else if (!heard_out) {
      poll_both(own.fd(), words.empty() ? -1 : blocking_->fd(), left);
    }
    if (!words.empty()) {
      auto reply = blocking_->receive(SteadyTime{});
      if (!reply || (*reply && (*reply)->is_error())) {
        blocked_on_.clear();
        return wait_in_vain(reply ? Result<void>(to_error(**reply, blocking_->where()))
                                  : Result<void>(reply.error()),
                            deadline, own.fd());
      }
      if (*reply) {
        blocked_on_.clear();
        if (!(*reply)->is_nil()) return Woken::store;
      }
    }
    if (own.take()) return Woken::ring;
  }
}

// A wait that cannot block must not spin: it sleeps a little, and answers why.
Result<Woken> RedisStore::wait_in_vain(const Result<void>& failed, SteadyTime deadline, int ring) {
  constexpr milliseconds pause{100};
  const auto left = std::chrono::ceil<milliseconds>(deadline - real_clock().steady());
  poll_both(ring, -1, std::clamp(left, milliseconds{0}, pause));
  return failed.error();
}

}  // namespace penstock::redis
