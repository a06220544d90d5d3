// SPDX-License-Identifier: MIT
#include "tests/support/store_fixture.h"

#include "rules/errc.h"
#include "rules/job_state.h"
#include "tests/support/redis_server.h"

#include <atomic>
#include <stdexcept>

#include <unistd.h>

namespace penstock::testing {
namespace {

std::string unique_name(const char* what) {
  static std::atomic<int> count{0};
  return std::string(what) + '-' + std::to_string(getpid()) + '-' + std::to_string(++count);
}

std::string outcome_of(const Result<Changed>& changed) {
  if (!changed) throw ResultError(changed.error());
  if (changed->refused.empty()) return "ok";
  return std::string(rules::describe(changed->refused.front().second.code).name);
}

}  // namespace

std::vector<StoreKind> all_store_kinds() {
  return {StoreKind::sqlite_memory, StoreKind::sqlite_file, StoreKind::redis};
}

std::string to_text(StoreKind kind) {
  switch (kind) {
    case StoreKind::sqlite_memory:
      return "sqlite_memory";
    case StoreKind::sqlite_file:
      return "sqlite_file";
    case StoreKind::redis:
      return "redis";
  }
  return {};
}

StoreUnderTest::StoreUnderTest(StoreKind kind) {
  switch (kind) {
    case StoreKind::sqlite_memory:
      url_ = "sqlite::memory:?prefix=" + unique_name("test");
      break;
    case StoreKind::sqlite_file:
      url_ = "sqlite:" + (folder_.path() / "jobs.db").string();
      break;
    case StoreKind::redis:
      prefix_ = unique_name("test");
      url_ = shared_redis().url(prefix_);
      break;
  }
  store_ = reopen().value();
}

StoreUnderTest::~StoreUnderTest() {
  close();
  if (prefix_.empty()) return;
  // The server is shared by every test of the process and would fill up.
  std::vector<std::string> words = shared_redis().list({"KEYS", prefix_ + ":*"});
  words.insert(words.begin(), "DEL");
  if (words.size() > 1) (void)shared_redis().command(words);
}

rules::NewJob new_job(Clock& clock, std::string task, SubmitOptions options, std::string payload) {
  return rules::admit({std::move(task), std::move(payload), std::move(options)}, clock.now())
      .value();
}

std::string quoted(std::size_t letters) {
  std::string text(letters + 2, 'x');
  text.front() = text.back() = '"';
  return text;
}

Producer::Producer(Store& store, std::string nonce)
    : store_(&store), nonce_(nonce.empty() ? unique_name("producer") : std::move(nonce)) {}

Submitted Producer::submit_one(const rules::NewJob& job) {
  return store_->submit({.request = next(), .jobs = {&job, 1}}).value().at(0);
}

JobId Producer::add(std::string task, SubmitOptions options, std::string payload) {
  Submitted answer =
      submit_one(new_job(store_->clock(), std::move(task), std::move(options), std::move(payload)));
  if (answer.error) throw ResultError(*answer.error);
  return answer.id;
}

std::string Producer::cancel(const JobId& id) {
  return outcome_of(store_->cancel({.ids = {id}}, next()));
}
std::string Producer::retry(const JobId& id) {
  return outcome_of(store_->retry({.ids = {id}}, next()));
}
std::string Producer::remove(const JobId& id) {
  return outcome_of(store_->remove({.ids = {id}}, next()));
}
std::string Producer::promote(const JobId& id) {
  const Due chosen{.chosen = Selection{.ids = {id}}, .request = next()};
  auto step = store_->promote(chosen, store_->clock().now(), {});
  if (!step) throw ResultError(step.error());
  return outcome_of(step->changed);
}
void Producer::configure(const Setting& setting) { store_->configure(setting, next()).value(); }

TestSession::TestSession(Store& store, WorkerProfile profile)
    : store_(&store), profile_(std::move(profile)) {
  if (profile_.worker.empty()) profile_.worker = unique_name("worker");
  if (profile_.queues.empty()) profile_.queues = {"default"};
  id_ = store_->open(profile_).value();
}

Want TestSession::want(std::size_t jobs) const {
  return {.queues = profile_.queues, .pools = profile_.pools, .jobs = jobs};
}

Result<Exchange> TestSession::exchange(std::vector<rules::Transition> transitions,
                                       std::optional<Want> want) {
  return store_->finish(
      {.session = id_, .call = next_call(), .transitions = transitions, .want = std::move(want)});
}

std::vector<Reserved> TestSession::reserve(std::size_t jobs) {
  return exchange({}, want(jobs)).value().jobs;
}

Reserved TestSession::take() {
  auto jobs = reserve(1);
  if (jobs.size() != 1) throw std::runtime_error("no job was ready to be taken");
  return jobs.front();
}

bool TestSession::end(const Reserved& job, const rules::Outcome& outcome) {
  return exchange({decided(*store_, job, outcome)}).value().accepted.at(0);
}

Orders TestSession::beat() { return store_->extend(id_, {}).value(); }
std::vector<Reserved> TestSession::held() { return store_->held(id_, next_call()).value(); }
Result<void> TestSession::close() { return store_->close(id_, next_call()); }

rules::Transition decided(Store& store, const Reserved& job, const rules::Outcome& outcome,
                          bool cancel_requested) {
  const rules::Attempted attempted{.key = job.key,
                                   .fence = job.fence,
                                   .attempt = job.attempt,
                                   .crashes = job.crashes,
                                   .misses = job.misses,
                                   .cancel_requested = cancel_requested,
                                   .created_at = job.created_at};
  const auto policy = rules::effective(rules::read_options(job.own).value(), {}, {});
  return rules::decide(attempted, outcome, policy, store.clock().now(), 0.5);
}

std::uint64_t beat_of(Store& store, SessionNumber session) {
  TestSession watcher(store, {.worker = "watcher"});
  const Orders orders = watcher.beat();
  watcher.close().value();
  for (const Watched& watched : orders.watch) {
    if (watched.session == session) return watched.beat;
  }
  throw std::runtime_error("nobody watches that session");
}

std::int64_t rescue_all(Store& store, SessionNumber session, const std::string& certificate) {
  const std::uint64_t seen = beat_of(store, session);
  std::int64_t done = 0;
  while (true) {
    const Step step =
        store.rescue(session, seen, {.certificate = certificate}, store.clock().now(), {}).value();
    done += step.done;
    if (!step.more) return done;
  }
}

Job find_job(Store& store, const JobId& id) {
  auto found = store.find(id).value();
  if (!found) throw std::runtime_error("job " + id.text + " does not exist");
  return std::get<Job>(*std::move(found));
}

std::string state_of(Store& store, const JobId& id) {
  auto found = store.find(id);
  if (!found) return std::string(rules::describe(found.error().code).name);
  if (!*found) return "none";
  return std::string(rules::to_text(std::get<Job>(**found).state));
}

std::vector<Event> all_events(Store& store) {
  std::vector<Event> events;
  std::string after = "0";
  while (true) {
    EventPage page = store.events({.after = after}).value();
    if (page.next == after) return events;
    after = page.next;
    for (Event& event : page.events) events.push_back(std::move(event));
  }
}

}  // namespace penstock::testing
