// SPDX-License-Identifier: MIT
//
// Keeps N worker processes alive. A child that dies is seen at once: its session is retired with a
// death certificate, so that its jobs run elsewhere within milliseconds, and another child starts,
// at once, or after a pause that grows when children die young with nothing in hand. One that says
// that it takes no more jobs has its successor beside it while it finishes what it has.
#include <penstock/worker.h>

#include "client/store_url.h"
#include "store/open.h"
#include "upkeep/rescuer.h"
#include "worker/child_worker.h"
#include "worker/notice.h"

#include <penstock/log.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <span>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace penstock {
namespace {

constexpr Duration young{5000};  // A child that lived less was ill from the start.
constexpr Duration first_pause{100}, longest_pause{10'000};

}  // namespace

struct Supervisor::State {
  struct Seat {
    std::unique_ptr<ChildWorker> child;      ///< Null: empty.
    std::unique_ptr<ChildWorker> successor;  ///< Of a reload: takes over when it takes jobs.
    SteadyTime not_before{};                 ///< Empty: when to start the next.
    Duration pause{0};
    bool done = false;     ///< Ended by itself, cleanly: not started again.
    bool reload = false;   ///< To be replaced.
    bool started = false;  ///< Somebody has sat here.
  };

  State(SupervisorOptions chosen, std::unique_ptr<Store> own_store)
      : options(std::move(chosen)),
        store(std::move(own_store)),
        seats(static_cast<std::size_t>(options.processes)),
        alarm(eventfd(0, EFD_CLOEXEC)) {}
  ~State() { ::close(alarm); }

  Result<void> step(SteadyTime now, const std::stop_token& stop);
  Result<std::unique_ptr<ChildWorker>> start(std::size_t index) const;
  Result<void> fill(Seat& seat, std::size_t index);
  void look_at(Seat& seat, std::size_t index, bool stopping);
  void follow_end(Seat& seat, std::size_t index, const ChildEnd& end, bool stopping);
  void hand_over(Seat& seat, std::size_t index);
  void start_successor();
  void give_up_reload(std::size_t index, const std::string& why);
  void bury_leaving();
  std::int64_t retire_session(const ChildEnd& end) const;
  std::optional<std::int64_t> rescue_seen(std::span<const WorkerRecord> workers,
                                          const ChildEnd& end) const;
  void announce();
  void ring() const;
  void wait(Duration longest);
  template <class Act>
  void each_child(Act act) const;
  [[nodiscard]] std::string name_of(std::size_t index) const;
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] bool empty() const;

  const SupervisorOptions options;
  const std::unique_ptr<Store> store;
  mutable std::mutex mutex;  // Guards the three below against signal(), reload() and children().
  std::vector<Seat> seats;
  std::vector<std::unique_ptr<ChildWorker>> leaving;  // Finish what they have; not in a seat.
  bool announced = false;
  const int alarm;  // An eventfd that a request from outside rings.
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

std::string Supervisor::State::name_of(std::size_t index) const {
  return "worker " + std::to_string(index + 1) + "/" + std::to_string(options.processes);
}

Result<std::unique_ptr<ChildWorker>> Supervisor::State::start(std::size_t index) const {
  std::vector<std::string> command = options.command;
  for (std::string& word : command) {
    if (word == "{index}") word = std::to_string(index + 1);
  }
  auto child = ChildWorker::start(std::move(command));
  if (!child) return child;
  log(LogLevel::info,
      "[MANAGER] Started " + name_of(index) + " (PID: " + std::to_string((*child)->pid()) + ")");
  return child;
}

Result<void> Supervisor::State::fill(Seat& seat, std::size_t index) {
  auto child = start(index);
  if (!child) return std::move(child).error();
  seat.child = *std::move(child);
  seat.started = true;
  return {};
}

void Supervisor::State::look_at(Seat& seat, std::size_t index, bool stopping) {
  if (seat.child) {
    seat.child->listen();
    if (const auto end = seat.child->bury()) {
      follow_end(seat, index, *end, stopping);
    } else if (seat.child->is_leaving() && !stopping && leaving.size() < seats.size()) {
      log(LogLevel::info, "[MANAGER] " + name_of(index) +
                              " (PID: " + std::to_string(seat.child->pid()) +
                              ") takes no more jobs: another takes its place");
      leaving.push_back(std::move(seat.child));
    }
  }
  if (!seat.successor) return;
  seat.successor->listen();
  if (const auto end = seat.successor->bury()) {
    seat.successor.reset();
    give_up_reload(index, end->describe());
  } else if (seat.successor->is_ready() || !seat.child) {
    hand_over(seat, index);
  }
}

void Supervisor::State::follow_end(Seat& seat, std::size_t index, const ChildEnd& end,
                                   bool stopping) {
  const SteadyTime now = real_clock().steady();
  const bool died_young = now - seat.child->started() < young;
  const bool wants_successor = seat.child->is_leaving();
  const std::string who = name_of(index) + " (PID: " + std::to_string(end.pid) + ")";
  seat.child.reset();
  std::int64_t rescued = 0;
  if (end.clean()) {
    seat.done = !stopping && !wants_successor;
    log(LogLevel::info, "[MANAGER] " + who + " ended");
  } else {
    rescued = retire_session(end);
    log(LogLevel::warning, "[MANAGER] " + who + " died: " + end.describe());
  }
  // A child that died with jobs in hand was well until it took them, and a job's crashes are
  // counted. One that dies young without any would die again.
  const bool ill = died_young && rescued == 0 && !wants_successor;
  seat.pause = ill ? std::clamp(seat.pause * 2, first_pause, longest_pause) : Duration{0};
  seat.not_before = now + seat.pause;
}

void Supervisor::State::hand_over(Seat& seat, std::size_t index) {
  if (seat.child) {
    seat.child->signal(SIGTERM);
    leaving.push_back(std::move(seat.child));
  }
  seat.child = std::move(seat.successor);
  seat.reload = false;
  log(LogLevel::info, "[MANAGER] " + name_of(index) + " is replaced");
}

// One at a time: a new version that does not start must not have taken the place of the old one.
void Supervisor::State::start_successor() {
  std::size_t next = seats.size();
  for (std::size_t i = 0; i < seats.size(); ++i) {
    if (seats[i].successor) return;
    if (seats[i].reload && seats[i].child && next == seats.size()) next = i;
  }
  if (next == seats.size() || leaving.size() >= seats.size()) return;
  auto child = start(next);
  if (!child) {
    give_up_reload(next, child.error().message);
    return;
  }
  seats[next].successor = *std::move(child);
}

void Supervisor::State::give_up_reload(std::size_t index, const std::string& why) {
  for (Seat& seat : seats) seat.reload = false;
  log(LogLevel::error,
      "[MANAGER] the new " + name_of(index) + " does not come up, the old ones stay: " + why);
}

void Supervisor::State::bury_leaving() {
  std::erase_if(leaving, [this](const auto& child) {
    const auto end = child->bury();
    if (!end) return false;
    if (!end->clean()) retire_session(*end);
    log(end->clean() ? LogLevel::info : LogLevel::warning,
        "[MANAGER] former worker (PID: " + std::to_string(end->pid) +
            (end->clean() ? ") ended" : ") died: " + end->describe()));
    return true;
  });
}

// The child is dead for certain, so its beat stands still: the one that is seen now is good, but
// for a last one that its server had not read yet. Hence again, while it is there. Returns how many
// jobs it held.
std::int64_t Supervisor::State::retire_session(const ChildEnd& end) const {
  constexpr int most_looks = 4;
  std::int64_t jobs = 0;
  for (int look = 0; look < most_looks; ++look) {
    const auto listed = store->list(SessionsQuery{});
    if (!listed) {
      log(LogLevel::warning,
          "[MANAGER] its session is left to its peers: " + listed.error().message);
      break;
    }
    const auto rescued = rescue_seen(std::get<Page<WorkerRecord>>(*listed).items, end);
    if (!rescued) break;
    jobs += *rescued;
  }
  return jobs;
}

// Nothing if none of them is its session.
std::optional<std::int64_t> Supervisor::State::rescue_seen(std::span<const WorkerRecord> workers,
                                                           const ChildEnd& end) const {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::optional<std::int64_t> jobs;
  for (const WorkerRecord& worker : workers) {
    if (worker.pid != end.pid || worker.host != host) continue;
    const auto rescued =
        rescue_all(*store, {.session = SessionNumber{worker.session}, .beat = worker.beat},
                   {.certificate = end.describe()});
    if (!rescued) log(LogLevel::warning, "[MANAGER] rescue: " + rescued.error().message);
    jobs = jobs.value_or(0) + rescued.value_or(0);
  }
  return jobs;
}

// The service manager is told once, when every seat takes jobs.
void Supervisor::State::announce() {
  if (announced) return;
  announced = std::ranges::all_of(
      seats, [](const Seat& seat) { return seat.done || (seat.child && seat.child->is_ready()); });
  if (!announced) return;
  tell_service_manager("READY=1");
  if (options.on_ready) options.on_ready();
}

template <class Act>
void Supervisor::State::each_child(Act act) const {
  for (const Seat& seat : seats) {
    if (seat.child) act(*seat.child);
    if (seat.successor) act(*seat.successor);
  }
  for (const auto& child : leaving) act(*child);
}

void Supervisor::State::ring() const {
  const std::uint64_t one = 1;
  (void)!write(alarm, &one, sizeof one);
}

void Supervisor::State::wait(Duration longest) {
  std::vector<pollfd> waits{{.fd = alarm, .events = POLLIN, .revents = 0}};
  each_child([&](const ChildWorker& child) {
    waits.push_back({.fd = child.end_descriptor(), .events = POLLIN, .revents = 0});
    waits.push_back({.fd = child.notice_descriptor(), .events = POLLIN, .revents = 0});
  });
  poll(waits.data(), waits.size(), static_cast<int>(longest.count()));
  std::uint64_t rung = 0;
  if ((waits.front().revents & POLLIN) != 0) (void)!::read(alarm, &rung, sizeof rung);
}

bool Supervisor::State::all_done() const {
  return std::ranges::all_of(seats, [](const Seat& seat) { return seat.done; });
}

bool Supervisor::State::empty() const {
  return leaving.empty() && std::ranges::all_of(seats, [](const Seat& seat) {
           return !seat.child && !seat.successor;
         });
}

Result<void> Supervisor::State::step(SteadyTime now, const std::stop_token& stop) {
  const std::lock_guard lock(mutex);
  const bool stopping = stop.stop_requested();
  bury_leaving();
  for (std::size_t i = 0; i < seats.size(); ++i) {
    Seat& seat = seats[i];
    look_at(seat, i, stopping);
    const bool due = !seat.child && !seat.done && now >= seat.not_before;
    const bool wanted = options.restart || !seat.started;
    if (!due || stopping || !wanted) continue;
    if (auto filled = fill(seat, i); !filled) return filled;
  }
  if (!stopping) start_successor();
  announce();
  // A stop that came between the question and a start has missed that child.
  if (!stopping && stop.stop_requested()) {
    each_child([](const ChildWorker& child) { child.signal(SIGTERM); });
  }
  return {};
}

Result<void> Supervisor::run(std::stop_token stop) {
  State& s = *state_;
  const std::stop_callback ring(stop, [this, &s] {
    tell_service_manager("STOPPING=1");
    signal(SIGTERM);
    s.ring();
  });
  std::optional<SteadyTime> kill_at;
  while (true) {
    const SteadyTime now = real_clock().steady();
    const bool stopping = stop.stop_requested();
    if (auto stepped = s.step(now, stop); !stepped) return stepped;
    if (s.empty() && (stopping || s.all_done() || !s.options.restart)) return {};
    if (stopping && !kill_at) kill_at = now + s.options.grace + Duration{2000};
    if (kill_at && now >= *kill_at) signal(SIGKILL);
    s.wait(Duration{stopping ? 50 : 100});
  }
}

void Supervisor::signal(int number) {
  const std::lock_guard lock(state_->mutex);
  // A child that is just starting does not know the others yet, and would die of them.
  const bool known_to_all = number == SIGTERM || number == SIGINT || number == SIGKILL;
  state_->each_child([&](const ChildWorker& child) {
    if (known_to_all || child.is_ready()) child.signal(number);
  });
}

void Supervisor::reload() {
  const std::lock_guard lock(state_->mutex);
  for (State::Seat& seat : state_->seats) seat.reload = true;
  state_->ring();
}

std::vector<int> Supervisor::children() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<int> pids;
  state_->each_child([&pids](const ChildWorker& child) { pids.push_back(child.pid()); });
  return pids;
}

}  // namespace penstock
