// SPDX-License-Identifier: MIT
#include "tests/simulation/world.h"

#include "rules/limits.h"

namespace penstock::testing {
namespace {

constexpr Duration round_length{100};

// The faults of one connection, by chance.
std::function<Fault::Kind(std::int64_t)> by_chance(std::mt19937_64& dice, double loss) {
  return [&dice, loss](std::int64_t) {
    const double drawn = std::uniform_real_distribution<double>(0, 1)(dice);
    if (drawn >= loss) return Fault::Kind::none;
    return drawn < loss / 2 ? Fault::Kind::request_lost : Fault::Kind::reply_lost;
  };
}

// Payload: what to do, as a number: mostly succeed, sometimes fail, snooze or give up.
Tasks sim_tasks() {
  Tasks tasks;
  tasks.add_raw("work", [](std::string_view payload, JobContext& context) -> std::string {
    context.progress(0.5, "half");
    if (payload == "1" && context.job().attempt < 3) throw std::runtime_error("not yet");
    if (payload == "2") throw NoRetry("never");
    if (payload == "3") throw std::runtime_error("always");
    if (payload == "4") throw Cancel("no more wanted");
    context.log("done");
    return std::string(payload);
  });
  return tasks;
}

}  // namespace

void SimSlots::work(bool may_start) {
  for (Busy& one : busy_) --one.rounds;
  for (auto it = busy_.begin(); it != busy_.end();) {
    if (it->rounds > 0) {
      ++it;
      continue;
    }
    rules::Outcome outcome = it->attempt->run(clock_, nullptr);
    ended_.push_back({std::move(it->attempt), std::move(outcome)});
    it = busy_.erase(it);
  }
  while (may_start && !waiting_.empty() && static_cast<int>(busy_.size()) < count_) {
    auto attempt = std::move(waiting_.front());
    waiting_.pop_front();
    if (!attempt->claim()) continue;
    busy_.push_back({std::move(attempt), std::uniform_int_distribution<int>(0, 12)(dice_)});
  }
}

SimWorker::SimWorker(StoreUnderTest& store, const Tasks& tasks, std::mt19937_64& dice, double loss,
                     PumpOptions options)
    : pump_store_(store.another()),
      heart_store_(store.another()),
      upkeep_store_(store.another()),
      clock_(store.clock()),
      slots_(options.profile.concurrency, clock_, dice),
      pump_(pump_store_, slots_, tasks, pulse_, std::move(options)),
      heart_(
          heart_store_, pulse_, [] {}, [] {}),
      tender_(upkeep_store_, {}) {
  for (FaultyStore* one : {&pump_store_, &heart_store_, &upkeep_store_}) {
    one->lose_by(by_chance(dice, loss));
  }
}

void SimWorker::lose_nothing() {
  for (FaultyStore* one : {&pump_store_, &heart_store_, &upkeep_store_}) one->lose_by({});
  paused_ = 0;
}

void SimWorker::step() {
  if (finished_) return;
  if (paused_ > 0) {
    --paused_;
    return;
  }
  const SteadyTime now = clock_.steady();
  if (now >= next_beat_) {
    heart_.step();
    next_beat_ = now + rules::beat_interval;
  }
  slots_.work(pulse_.in_contact(now));
  pump_.woken(Woken::store);
  for (int i = 0; i < 3 && !finished_; ++i) {
    const Rest rest = pump_.step();
    finished_ = rest.finished;
    if (!rest.again) break;
  }
  if (now < next_tending_) return;
  const auto rest = tender_.step(pulse_.take_findings());
  next_tending_ = now + (rest ? std::min(*rest, Duration{500}) : Duration{100});
}

World::World(const WorldOptions& options)
    : options_(options), dice_(options.seed), front_(store_.another()), tasks_(sim_tasks()) {
  front_.lose_by(by_chance(dice_, options.loss));
  for (int i = 0; i < options.workers; ++i) add_worker();
}

void World::add_worker() {
  PumpOptions options{.queues = {{"default"}}, .seed = dice_()};
  options.profile = {.worker = "w" + std::to_string(++born_),
                     .host = "sim",
                     .pid = born_,
                     .queues = {"default"},
                     .tasks = {"work"},
                     .concurrency = 3};
  workers_.push_back(
      std::make_unique<SimWorker>(store_, tasks_, dice_, options_.loss, std::move(options)));
}

void World::submit_some() {
  const int count = std::uniform_int_distribution<int>(0, 3)(dice_);
  for (int i = 0; i < count && static_cast<int>(jobs_.size()) < options_.jobs; ++i) {
    SubmitOptions how{.backoff = Backoff{.kind = Backoff::Kind::fixed, .first = Duration{300}}};
    how.priority = std::uniform_int_distribution<int>(4, 6)(dice_);
    if (dice_() % 5 == 0) how.start = Duration{1000};
    const std::vector<rules::NewJob> job = {
        new_job(store_.clock(), "work", how, std::to_string(dice_() % 9))};
    const RequestId request{.nonce = nonce_, .call = Call{++call_}};
    // A lost reply is asked for again under the same number, as the client does.
    while (true) {
      auto answer = front_.submit({.request = request, .jobs = job});
      if (!answer) continue;
      jobs_.push_back(answer->front().id);
      break;
    }
  }
}

void World::disturb() {
  const auto chance = [&] { return std::uniform_real_distribution<double>(0, 1)(dice_); };
  if (chance() < options_.deaths) {
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(dice_() % workers_.size()));
    add_worker();
  }
  if (chance() < options_.pauses) workers_[dice_() % workers_.size()]->pause(60);
  if (chance() < 0.05 && !jobs_.empty()) {
    const std::vector<JobId> one = {jobs_[dice_() % jobs_.size()]};
    const RequestId request{.nonce = "operator", .call = Call{++call_}};
    while (!front_.cancel({.ids = one}, request)) {
    }
  }
  if (chance() < 0.01) store_.clock().step_calendar(Duration{3000});
}

bool World::all_ended() {
  const auto counts = store_->count({});
  return counts && counts->of(JobState::ready) + counts->of(JobState::running) +
                           counts->of(JobState::scheduled) ==
                       0;
}

bool World::run() {
  for (int round = 0; round < options_.rounds; ++round) {
    submit_some();
    disturb();
    for (const auto& worker : workers_) worker->step();
    store_.clock().advance(round_length);
  }
  front_.lose_by({});
  for (const auto& worker : workers_) worker->lose_nothing();
  constexpr int calm_rounds = 1000;
  for (int round = 0; round < calm_rounds; ++round) {
    if (all_ended()) break;
    for (const auto& worker : workers_) worker->step();
    store_.clock().advance(round_length);
  }
  if (!all_ended()) return false;
  // Long enough for the last of the dead to be found.
  constexpr int watch_rounds = 60;
  for (int round = 0; round < watch_rounds; ++round) {
    for (const auto& worker : workers_) worker->step();
    store_.clock().advance(round_length);
  }
  for (const auto& worker : workers_) worker->drain();
  for (int round = 0; round < calm_rounds; ++round) {
    bool all_finished = true;
    for (const auto& worker : workers_) {
      worker->step();
      all_finished = all_finished && worker->finished();
    }
    if (all_finished) return true;
    store_.clock().advance(round_length);
  }
  return false;
}

}  // namespace penstock::testing
