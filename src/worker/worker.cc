// SPDX-License-Identifier: MIT
#include <penstock/worker.h>

#include "client/producer.h"
#include "client/store_url.h"
#include "rules/name.h"
#include "store/open.h"
#include "worker/async_slots.h"
#include "worker/heart.h"
#include "worker/metrics_text.h"
#include "worker/notice.h"
#include "worker/programs.h"
#include "worker/pump.h"
#include "worker/spill.h"

#include <penstock/log.h>

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace penstock {
namespace {

std::string host_name() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

// A host may be called anything; a worker's name may not.
std::string name_of_process(std::string host, std::int64_t pid) {
  std::ranges::replace_if(
      host, [](char c) { return !rules::check_worker_name(std::string_view(&c, 1)); }, '_');
  constexpr std::size_t longest_host = 100;
  return host.substr(0, longest_host) + "-" + std::to_string(pid);
}

Result<void> check_options(const Tasks& tasks, const WorkerOptions& options) {
  if (options.queues.empty()) {
    return Error{Errc::invalid, "a worker needs at least one queue"};
  }
  for (const QueueWeight& queue : options.queues) {
    if (auto ok = rules::check_name("queue name", queue.queue); !ok) return ok;
    if (queue.weight < 1 || queue.weight > 1000) {
      return Error{Errc::invalid, "weight " + std::to_string(queue.weight) + " of queue " +
                                      queue.queue + " is out of range: use 1 to 1000"};
    }
  }
  if (!options.name.empty()) {
    if (auto ok = rules::check_worker_name(options.name); !ok) return ok;
  }
  for (const std::string& pool : options.pools) {
    if (auto ok = rules::check_name("pool name", pool); !ok) return ok;
  }
  for (const Tasks::Task& task : tasks.all()) {
    if (auto ok = rules::check_name("task name", task.name); !ok) return ok;
  }
  if (options.concurrency < 0 || options.concurrency > 4096) {
    return Error{Errc::invalid, "concurrency " + std::to_string(options.concurrency) +
                                    " is out of range: use 1 to 4096, or 0 for one a core"};
  }
  constexpr std::int64_t least_rss = 32'000'000;  // One that is always above it would never work.
  if (options.lifetime.max_rss_bytes != 0 && options.lifetime.max_rss_bytes < least_rss) {
    return Error{Errc::invalid, "max_rss of " + std::to_string(options.lifetime.max_rss_bytes) +
                                    " bytes is less than a worker needs: use 32MB or more, or 0"};
  }
  if (options.coroutines < 1 || options.coroutines > 100'000) {
    return Error{Errc::invalid, "coroutines " + std::to_string(options.coroutines) +
                                    " is out of range: use 1 to 100000"};
  }
  return {};
}

bool has_async(const Tasks& tasks) {
  return std::ranges::any_of(tasks.all(), &Tasks::Task::is_async);
}

bool has_plain(const Tasks& tasks) {
  return !std::ranges::all_of(tasks.all(), &Tasks::Task::is_async);
}

PumpOptions pump_options(const Tasks& tasks, const WorkerOptions& options, int concurrency) {
  PumpOptions pump{.queues = options.queues,
                   .retention = options.retention,
                   .grace = options.grace,
                   .lifetime = options.lifetime,
                   .seed = std::hash<std::string>{}(random_nonce())};
  pump.profile.host = host_name();
  pump.profile.pid = getpid();
  pump.profile.worker =
      options.name.empty() ? name_of_process(pump.profile.host, pump.profile.pid) : options.name;
  pump.profile.pools = options.pools;
  if (has_plain(tasks) || tasks.all().empty()) pump.profile.concurrency = concurrency;
  if (has_async(tasks)) pump.profile.concurrency += options.coroutines;
  for (const QueueWeight& queue : options.queues) pump.profile.queues.push_back(queue.queue);
  for (const Tasks::Task& task : tasks.all()) pump.profile.tasks.push_back(task.name);
  return pump;
}

}  // namespace

// Threads and their store handles: the pump (the caller of run), the heart, upkeep, the slots. The
// order of members is the order of construction; threads stop before what they use is destroyed.
struct Worker::State {
  State(Tasks offered, WorkerOptions chosen, int slot_count, Client own_client)
      : tasks(std::move(offered)),
        options(std::move(chosen)),
        concurrency(slot_count),
        client(std::move(own_client)),
        pumping(pump_options(tasks, options, slot_count)) {}

  void tend(const std::stop_token& stop);
  void start_heart();
  std::unique_ptr<Slots> make_slots();
  SlotSurroundings surroundings();

  const Tasks tasks;
  const WorkerOptions options;
  const int concurrency;
  Client client;
  const PumpOptions pumping;
  std::unique_ptr<Store> pump_store, heart_store, upkeep_store;
  std::unique_ptr<Store> watch_store;  // Of coroutines that wait for jobs; moves on to their slots.
  std::unique_ptr<Ring> pump_ring, upkeep_ring;
  Pulse pulse;
  std::unique_ptr<Pump> pump;
  std::unique_ptr<Slots> slots;  // What still runs in them uses the pump's store handles.
  std::unique_ptr<Heart> heart;
  std::jthread heart_thread, upkeep_thread;
  std::mutex pump_mutex;  // Guards the making of `pump` against stats() and stop().
  std::atomic<Pump::Mode> asked{Pump::Mode::fetch};
};

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {}
Worker::Worker(Worker&&) noexcept = default;
Worker& Worker::operator=(Worker&&) noexcept = default;
Worker::~Worker() = default;

Result<void> Worker::check(const Tasks& tasks, const WorkerOptions& options) {
  if (auto ok = check_options(tasks, options); !ok) return ok;
  if (auto spill = settle_spill(options.retention.spill); !spill) return std::move(spill).error();
  return {};
}

Result<Worker> Worker::open(std::string_view url, Tasks tasks, WorkerOptions options) {
  if (auto ok = check_options(tasks, options); !ok) return std::move(ok).error();
  auto spill = settle_spill(options.retention.spill);
  if (!spill) return std::move(spill).error();
  options.retention.spill = *std::move(spill);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int concurrency = options.concurrency > 0 ? options.concurrency : cores;
  const std::string full_url = resolve_store_url(url).url;
  auto client = Client::open(full_url);
  if (!client) return std::move(client).error();
  auto store = open_store(full_url);
  if (!store) return std::move(store).error();
  auto state = std::make_unique<State>(std::move(tasks), std::move(options), concurrency,
                                       *std::move(client));
  state->pump_store = *std::move(store);
  std::vector handles{&state->heart_store, &state->upkeep_store};
  if (has_async(state->tasks)) handles.push_back(&state->watch_store);
  for (auto* handle : handles) {
    auto another = state->pump_store->another();
    if (!another) return std::move(another).error();
    *handle = *std::move(another);
  }
  for (const FlowText& flow : state->tasks.flows()) {
    if (auto kept = state->client.publish(flow); !kept) return std::move(kept).error();
  }
  state->pump_ring = state->pump_store->make_ring();
  state->upkeep_ring = state->upkeep_store->make_ring();
  return Worker(std::move(state));
}

void Worker::State::tend(const std::stop_token& stop) {
  Tender tender(*upkeep_store, options.retention);
  const std::stop_callback wake(stop, [this] { upkeep_ring->ring(); });
  while (!stop.stop_requested()) {
    const auto rest = tender.step(pulse.take_findings());
    if (!rest) log(LogLevel::warning, "upkeep: " + rest.error().message);
    const SteadyTime until = upkeep_store->clock().steady() + (rest ? *rest : Duration{1000});
    // For its ring alone: beats and exchanges tell what there is to do.
    if (!upkeep_store->wait({}, until, *upkeep_ring)) {
      upkeep_store->clock().wait_until(until, stop);
    }
  }
}

void Worker::State::start_heart() {
  heart = std::make_unique<Heart>(
      *heart_store, pulse, [this] { pump_ring->ring(); }, [this] { upkeep_ring->ring(); });
  heart_thread = std::jthread([this](const std::stop_token& stop) { heart->run(stop); });
}

SlotSurroundings Worker::State::surroundings() {
  Clock& clock = pump_store->clock();
  return {.clock = clock,
          .client = &client,
          .ring = [this] { pump_ring->ring(); },
          .may_start = [this, &clock] { return pulse.in_contact(clock.steady()); }};
}

std::unique_ptr<Slots> Worker::State::make_slots() {
  std::unique_ptr<Slots> threads, coroutines;
  // A worker without tasks takes jobs too, to say that it has no handler for them.
  if (has_plain(tasks) || tasks.all().empty()) {
    threads = std::make_unique<ThreadSlots>(concurrency, surroundings());
  }
  if (!watch_store) return threads;
  coroutines =
      std::make_unique<AsyncSlots>(options.coroutines, surroundings(), std::move(watch_store));
  return std::make_unique<MixedSlots>(std::move(threads), std::move(coroutines));
}

Result<void> Worker::run(std::stop_token stop) {
  State& s = *state_;
  {
    const std::lock_guard lock(s.pump_mutex);
    s.slots = s.make_slots();
    s.pump = std::make_unique<Pump>(*s.pump_store, *s.slots, s.tasks, s.pulse, s.pumping);
    s.pump->on_due([&s] { s.upkeep_ring->ring(); });
    s.pump->request(s.asked.load());
  }
  const std::stop_callback on_stop(stop, [this] { this->stop(); });
  s.start_heart();
  s.upkeep_thread = std::jthread([&s](const std::stop_token& ended) { s.tend(ended); });
  Result<void> outcome;
  bool told_ready = false, told_leaving = false;
  while (true) {
    const Rest rest = s.pump->step();
    if (!told_ready && s.pump->in_session()) tell_ready();
    told_ready = told_ready || s.pump->in_session();
    if (!told_leaving && s.pump->wants_successor()) tell_leaving();
    told_leaving = told_leaving || s.pump->wants_successor();
    if (rest.finished) break;
    if (rest.again) continue;
    auto woken =
        s.pump_store->wait(rest.what, s.pump_store->clock().steady() + rest.longest, *s.pump_ring);
    if (woken) s.pump->woken(*woken);
  }
  s.heart_thread = {};
  s.upkeep_thread = {};
  for (const auto& programs : s.tasks.programs()) programs->end();
  if (s.pump->recycle()) {
    return Error{Errc::timed_out,
                 "a handler did not stop after its time-out: the process has to be "
                 "started anew"};
  }
  return outcome;
}

Result<bool> Worker::run_one() {
  State& s = *state_;
  if (!s.pump) {
    const std::lock_guard lock(s.pump_mutex);
    std::unique_ptr<AsyncSlots> coroutines;
    if (s.watch_store) {
      coroutines = std::make_unique<AsyncSlots>(1, s.surroundings(), std::move(s.watch_store));
    }
    s.slots =
        std::make_unique<InlineSlots>(s.pump_store->clock(), &s.client, std::move(coroutines));
    s.pump = std::make_unique<Pump>(*s.pump_store, *s.slots, s.tasks, s.pulse, s.pumping);
    s.start_heart();
  }
  s.pump->woken(Woken::store);
  s.pump->allow(1);
  const std::int64_t before = s.pump->stats().tasks_processed;
  for (int tries = 0; tries < 100; ++tries) {
    // What is due is promoted here: nobody else may be there to do it.
    if (auto due = s.upkeep_store->promote({}, s.upkeep_store->clock().now(), {}); !due) {
      return std::move(due).error();
    }
    const Rest rest = s.pump->step();
    if (s.pump->stats().tasks_processed > before) return true;
    if (!rest.again && s.pump->holds_nothing()) return false;
  }
  return Error{Errc::unavailable, "the store does not answer: nothing was run"};
}

void Worker::stop() {
  State& s = *state_;
  const Pump::Mode next =
      s.asked.load() >= Pump::Mode::drain ? Pump::Mode::give_back : Pump::Mode::drain;
  s.asked = next;
  const std::lock_guard lock(s.pump_mutex);
  if (s.pump) s.pump->request(next);
  s.pump_ring->ring();
}

void Worker::quiet(bool on) {
  State& s = *state_;
  if (s.asked.load() >= Pump::Mode::drain) return;
  s.asked = on ? Pump::Mode::quiet : Pump::Mode::fetch;
  const std::lock_guard lock(s.pump_mutex);
  if (s.pump) s.pump->request(s.asked.load());
  s.pump_ring->ring();
}

WorkerStats Worker::stats() const {
  const std::lock_guard lock(state_->pump_mutex);
  return state_->pump ? state_->pump->stats() : WorkerStats{};
}

std::string Worker::metrics() const {
  const std::lock_guard lock(state_->pump_mutex);
  if (!state_->pump) return metrics_text({}, {});
  const WorkerStats stats = state_->pump->stats();
  return metrics_text(state_->pump->tally(), {.running = stats.running,
                                              .rss_bytes = resident_bytes_with_programs(),
                                              .uptime = stats.uptime});
}

std::vector<std::string> Worker::slots() const {
  const std::lock_guard lock(state_->pump_mutex);
  return state_->pump ? state_->pump->slots() : std::vector<std::string>{};
}

const std::string& Worker::name() const { return state_->pumping.profile.worker; }

}  // namespace penstock
