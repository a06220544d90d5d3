// SPDX-License-Identifier: MIT
//
// Keeps N worker processes alive. A child that dies is seen at once: its session is retired with a
// death certificate, so that its jobs run elsewhere within milliseconds, and another child starts,
// at once, or after a pause that grows when children die young with nothing in hand.
#include <penstock/worker.h>

#include "client/store_url.h"
#include "store/open.h"
#include "upkeep/rescuer.h"
#include "worker/child.h"

#include <penstock/log.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace penstock {
namespace {

constexpr Duration young{5000};  // A child that lived less was ill from the start.
constexpr Duration first_pause{100}, longest_pause{10'000};

std::string ordinal(std::size_t index, int of) {
  return std::to_string(index + 1) + "/" + std::to_string(of);
}

}  // namespace

struct Supervisor::State {
  struct Seat {
    pid_t pid = 0;        ///< 0: empty.
    int descriptor = -1;  ///< pidfd: readable when the child has ended.
    SteadyTime started{};
    SteadyTime not_before{};  ///< Empty: when to start the next.
    Duration pause{0};
    bool done = false;  ///< Ended by itself, cleanly: not started again.
  };

  State(SupervisorOptions chosen, std::unique_ptr<Store> own_store)
      : options(std::move(chosen)),
        store(std::move(own_store)),
        seats(static_cast<std::size_t>(options.processes)),
        alarm(eventfd(0, EFD_CLOEXEC)) {}
  ~State() {
    for (const Seat& seat : seats) {
      if (seat.descriptor >= 0) ::close(seat.descriptor);
    }
    ::close(alarm);
  }

  Result<void> fill(Seat& seat, std::size_t index);
  void bury(Seat& seat, std::size_t index, bool stopping);
  std::int64_t retire_session(const ChildEnd& end);
  void wait(Duration longest);
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] bool empty() const;

  const SupervisorOptions options;
  const std::unique_ptr<Store> store;
  mutable std::mutex mutex;  // Guards `seats` against signal() and children().
  std::vector<Seat> seats;
  const int alarm;  // An eventfd that a stop request rings.
};

Supervisor::Supervisor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Supervisor::Supervisor(Supervisor&&) noexcept = default;
Supervisor& Supervisor::operator=(Supervisor&&) noexcept = default;
Supervisor::~Supervisor() = default;

Result<Supervisor> Supervisor::open(SupervisorOptions options) {
  if (options.processes < 1 || options.processes > 1000) {
    return Error{Errc::invalid, "processes " + std::to_string(options.processes) +
                                    " is out of range: use 1 to 1000"};
  }
  if (options.command.empty()) return Error{Errc::invalid, "a supervisor needs a command"};
  auto store = open_store(resolve_store_url(options.store).url, {.shared = true});
  if (!store) return std::move(store).error();
  return Supervisor(std::make_unique<State>(std::move(options), *std::move(store)));
}

Result<void> Supervisor::State::fill(Seat& seat, std::size_t index) {
  std::vector<std::string> command = options.command;
  for (std::string& word : command) {
    if (word == "{index}") word = std::to_string(index + 1);
  }
  auto child = start_child(command, SIGTERM);
  if (!child) return std::move(child).error();
  seat.pid = *child;
  seat.descriptor = static_cast<int>(syscall(SYS_pidfd_open, *child, 0));
  seat.started = real_clock().steady();
  log(LogLevel::info, "[MANAGER] Started worker " + ordinal(index, options.processes) +
                          " (PID: " + std::to_string(*child) + ")");
  return {};
}

void Supervisor::State::bury(Seat& seat, std::size_t index, bool stopping) {
  const auto end = reap(seat.pid);
  if (!end) return;
  const SteadyTime now = real_clock().steady();
  const bool died_young = now - seat.started < young;
  seat.pid = 0;
  if (seat.descriptor >= 0) ::close(seat.descriptor);
  seat.descriptor = -1;
  std::int64_t rescued = 0;
  if (end->clean()) {
    seat.done = !stopping;
    log(LogLevel::info, "[MANAGER] Worker " + ordinal(index, options.processes) +
                            " (PID: " + std::to_string(end->pid) + ") ended");
  } else {
    rescued = retire_session(*end);
    log(LogLevel::warning, "[MANAGER] Worker " + ordinal(index, options.processes) +
                               " (PID: " + std::to_string(end->pid) + ") died: " + end->describe());
  }
  // A child that died with jobs in hand was well until it took them, and a job's crashes are
  // counted. One that dies young without any would die again.
  seat.pause = died_young && rescued == 0 ? std::clamp(seat.pause * 2, first_pause, longest_pause)
                                          : Duration{0};
  seat.not_before = now + seat.pause;
}

// The child is dead for certain, so its beat cannot move any more: the one that is seen now is
// good. Returns how many jobs it held.
std::int64_t Supervisor::State::retire_session(const ChildEnd& end) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const auto listed = store->list(SessionsQuery{});
  if (!listed) {
    log(LogLevel::warning, "[MANAGER] its session is left to its peers: " + listed.error().message);
    return 0;
  }
  std::int64_t jobs = 0;
  for (const WorkerRecord& worker : std::get<Page<WorkerRecord>>(*listed).items) {
    if (worker.pid != end.pid || worker.host != host) continue;
    const auto rescued =
        rescue_all(*store, {.session = SessionNumber{worker.session}, .beat = worker.beat},
                   {.certificate = end.describe()});
    if (!rescued) log(LogLevel::warning, "[MANAGER] rescue: " + rescued.error().message);
    jobs += rescued.value_or(0);
  }
  return jobs;
}

void Supervisor::State::wait(Duration longest) {
  std::vector<pollfd> waits{{.fd = alarm, .events = POLLIN, .revents = 0}};
  for (const Seat& seat : seats) {
    if (seat.descriptor >= 0)
      waits.push_back({.fd = seat.descriptor, .events = POLLIN, .revents = 0});
  }
  poll(waits.data(), waits.size(), static_cast<int>(longest.count()));
  std::uint64_t rung = 0;
  if ((waits.front().revents & POLLIN) != 0) (void)!::read(alarm, &rung, sizeof rung);
}

bool Supervisor::State::all_done() const {
  return std::ranges::all_of(seats, [](const Seat& seat) { return seat.done; });
}

bool Supervisor::State::empty() const {
  return std::ranges::all_of(seats, [](const Seat& seat) { return seat.pid == 0; });
}

Result<void> Supervisor::run(std::stop_token stop) {
  State& s = *state_;
  const std::stop_callback ring(stop, [&s] {
    const std::uint64_t one = 1;
    (void)!write(s.alarm, &one, sizeof one);
    const std::lock_guard lock(s.mutex);
    for (const State::Seat& seat : s.seats) {
      if (seat.pid > 0) kill(seat.pid, SIGTERM);
    }
  });
  std::optional<SteadyTime> kill_at;
  while (true) {
    const SteadyTime now = real_clock().steady();
    const bool stopping = stop.stop_requested();
    {
      const std::lock_guard lock(s.mutex);
      for (std::size_t i = 0; i < s.seats.size(); ++i) {
        State::Seat& seat = s.seats[i];
        if (seat.pid > 0) s.bury(seat, i, stopping);
        const bool due = seat.pid == 0 && !seat.done && now >= seat.not_before;
        const bool wanted = s.options.restart || seat.started == SteadyTime{};
        if (!due || stopping || !wanted) continue;
        if (auto filled = s.fill(seat, i); !filled) return filled;
        // A stop that came between the question and the start has missed this child.
        if (stop.stop_requested()) kill(seat.pid, SIGTERM);
      }
    }
    if (s.empty() && (stopping || s.all_done() || !s.options.restart)) return {};
    if (stopping && !kill_at) kill_at = now + s.options.grace + Duration{2000};
    if (kill_at && now >= *kill_at) signal(SIGKILL);
    s.wait(Duration{stopping ? 50 : 100});
  }
}

void Supervisor::signal(int number) {
  const std::lock_guard lock(state_->mutex);
  for (const State::Seat& seat : state_->seats) {
    if (seat.pid > 0) kill(seat.pid, number);
  }
}

std::vector<int> Supervisor::children() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<int> pids;
  for (const State::Seat& seat : state_->seats) {
    if (seat.pid > 0) pids.push_back(seat.pid);
  }
  return pids;
}

}  // namespace penstock
