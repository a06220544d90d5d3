// SPDX-License-Identifier: MIT
#include <penstock/client.h>

#include "client/handles.h"
#include "client/job_watch.h"
#include "client/producer.h"
#include "client/runs.h"
#include "client/store_url.h"
#include "client/submit_queue.h"
#include "client/wait_until.h"
#include "rules/job_state.h"
#include "rules/name.h"
#include "rules/serving.h"
#include "store/open.h"

#include <algorithm>

namespace penstock {

struct Client::State {
  State(std::unique_ptr<Store> store, const ClientOptions& options)
      : handles(std::move(store)),
        patience(options.call_timeout),
        submits(handles, options.call_timeout),
        runs(handles, options.call_timeout) {}

  Handles handles;
  const Duration patience;
  SubmitQueue submits;
  std::mutex operator_mutex;  // One operator call in flight: guards `producer`.
  Producer producer;
  Runs runs;

  // A change of a run, under the operators' lock.
  template <class Act>
  auto change_run(Act act) {
    const std::lock_guard lock(operator_mutex);
    return act(runs, producer);
  }
};

namespace {

// One verb on one job: its refusal becomes the error of the call.
Result<void> only(Result<Changed> changed) {
  if (!changed) return std::move(changed).error();
  if (!changed->refused.empty()) return changed->refused.front().second;
  return {};
}

}  // namespace

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(std::string_view url, ClientOptions options) {
  auto store = open_store(resolve_store_url(url).url,
                          {.clock = options.clock, .require_safe = options.require_safe_store});
  if (!store) return std::move(store).error();
  return Client(std::make_unique<State>(*std::move(store), options));
}

Result<JobId> Client::submit_text(std::string_view task, std::string payload,
                                  SubmitOptions options) {
  auto answer = submit(JobSpec{
      .task = std::string(task), .payload = std::move(payload), .options = std::move(options)});
  if (!answer) return std::move(answer).error();
  return answer->id;
}

Result<Submitted> Client::submit(const JobSpec& job) {
  auto answers = submit(std::span(&job, 1));
  if (!answers) return std::move(answers).error();
  Submitted& answer = answers->front();
  if (answer.error) return *std::move(answer.error);
  return std::move(answer);
}

Result<std::vector<Submitted>> Client::submit(std::span<const JobSpec> jobs) {
  std::vector<Submitted> answers(jobs.size());
  std::vector<rules::NewJob> admitted;
  std::vector<std::size_t> places;
  const Time now = clock().now();
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto job = rules::admit(jobs[i], now);
    if (!job) {
      answers[i].error = std::move(job).error();
      continue;
    }
    admitted.push_back(*std::move(job));
    places.push_back(i);
  }
  // The strongest level that one of them asks for, so that no answer promises too much.
  Ack ack;
  for (const JobSpec& job : jobs) {
    if (job.options.ack.level > ack.level) ack = job.options.ack;
  }
  auto submitted = state_->submits.submit(std::move(admitted), ack);
  if (!submitted) return std::move(submitted).error();
  for (std::size_t i = 0; i < places.size(); ++i) answers[places[i]] = std::move((*submitted)[i]);
  return answers;
}

Result<std::string> Client::wait_text(const JobId& id, Duration patience) {
  std::string state;
  auto ended = wait_until_seen(state_->handles, patience, [&]() -> Result<std::optional<Job>> {
    auto job = find(id);
    if (!job) return std::move(job).error();
    state = rules::to_text(job->state);
    if (!rules::is_terminal(job->state)) return std::optional<Job>();
    return std::optional<Job>(*std::move(job));
  });
  if (!ended) return std::move(ended).error();
  if (*ended) return result_of(**std::move(ended));
  return Error{Errc::timed_out, "job " + id.text + " has not ended within " +
                                    std::to_string(patience.count()) + "ms, it is " + state};
}

Result<Job> Client::find(const JobId& id) {
  auto store = state_->handles.lend();
  if (!store) return std::move(store).error();
  auto record = (*store)->find(id);
  if (!record) return std::move(record).error();
  if (!*record) {
    return Error{Errc::not_found, "job " + rules::printable(id.text) +
                                      " does not exist: check the id and the store"};
  }
  return std::get<Job>(**std::move(record));
}

namespace {

template <class T>
Result<Page<T>> page_of(Handles& handles, const Query& query) {
  auto store = handles.lend();
  if (!store) return std::move(store).error();
  auto listing = (*store)->list(query);
  if (!listing) return std::move(listing).error();
  return std::get<Page<T>>(*std::move(listing));
}

}  // namespace

Result<Page<Job>> Client::list(const Filter& filter) {
  return page_of<Job>(state_->handles, filter);
}

Result<Page<LogLine>> Client::logs(const JobId& id, std::string_view cursor) {
  return page_of<LogLine>(state_->handles, LogQuery{.id = id, .cursor = std::string(cursor)});
}

// All operator verbs share the producer: a lost reply is asked for again under the same number.
template <class Act>
auto Client::as_operator(Act act) {
  const std::lock_guard lock(state_->operator_mutex);
  auto store = state_->handles.lend();
  using Answer = decltype(act(**store, RequestId{}));
  if (!store) return Answer(std::move(store).error());
  return state_->producer.repeat(real_clock(), state_->patience,
                                 [&](const RequestId& request) { return act(**store, request); });
}

Result<Changed> Client::change(const Selection& which, Verb verb) {
  return as_operator([&](Store& store, const RequestId& request) -> Result<Changed> {
    switch (verb) {
      case Verb::cancel:
        return store.cancel(which, request);
      case Verb::retry:
        return store.retry(which, request);
      case Verb::remove:
        return store.remove(which, request);
      case Verb::promote:
        break;
    }
    auto step = store.promote({.chosen = which, .request = request}, clock().now(), {});
    if (!step) return std::move(step).error();
    return std::move(step->changed);
  });
}

Result<void> Client::cancel(const JobId& id) { return only(change({.ids = {id}}, Verb::cancel)); }
Result<void> Client::retry(const JobId& id) { return only(change({.ids = {id}}, Verb::retry)); }
Result<void> Client::remove(const JobId& id) { return only(change({.ids = {id}}, Verb::remove)); }
Result<void> Client::promote(const JobId& id) { return only(change({.ids = {id}}, Verb::promote)); }
Result<Changed> Client::cancel(const Filter& f) { return change({.filter = f}, Verb::cancel); }
Result<Changed> Client::retry(const Filter& f) { return change({.filter = f}, Verb::retry); }
Result<Changed> Client::remove(const Filter& f) { return change({.filter = f}, Verb::remove); }
Result<Changed> Client::promote(const Filter& f) { return change({.filter = f}, Verb::promote); }

Result<void> Client::set_queue(const QueueSetting& setting) {
  if (auto ok = rules::check_name("queue name", setting.queue); !ok) return ok;
  return as_operator(
      [&](Store& store, const RequestId& request) { return store.configure(setting, request); });
}

Result<void> Client::pause(std::string_view queue) {
  return set_queue({.queue = std::string(queue), .paused = true});
}
Result<void> Client::resume(std::string_view queue) {
  return set_queue({.queue = std::string(queue), .paused = false, .draining = false});
}
Result<void> Client::drain(std::string_view queue) {
  return set_queue({.queue = std::string(queue), .draining = true});
}

Result<std::vector<Queue>> Client::queues() {
  auto page = page_of<Queue>(state_->handles, QueuesQuery{});
  if (!page) return std::move(page).error();
  return std::move(page->items);
}

Result<std::vector<WorkerRecord>> Client::workers() {
  auto page = page_of<WorkerRecord>(state_->handles, SessionsQuery{});
  if (!page) return std::move(page).error();
  return std::move(page->items);
}

Result<int> Client::tell_worker(std::string_view worker, WorkerOrder order) {
  auto all = workers();
  if (!all) return std::move(all).error();
  int told = 0;
  for (const WorkerRecord& one : *all) {
    if (one.worker != worker && std::to_string(one.session) != worker) continue;
    const SessionSetting setting{.session = SessionNumber{one.session}, .order = order};
    auto set = as_operator(
        [&](Store& store, const RequestId& request) { return store.configure(setting, request); });
    if (set) ++told;
    // One that has ended since is not told, and has nothing to be told any more.
    if (!set && set.error().code != Errc::not_found) return std::move(set).error();
  }
  if (told > 0) return told;
  return Error{Errc::not_found, "no live worker is named \"" + rules::printable(worker) +
                                    "\": penstock workers lists them"};
}

Result<bool> Client::offered(std::string_view task, std::string_view queue, std::string_view pool) {
  auto all = workers();
  if (!all) return std::move(all).error();
  return rules::is_served(*all, {.queue = queue, .pool = pool, .task = task});
}

Result<std::pair<std::vector<Event>, std::string>> Client::events(std::string_view after,
                                                                  Duration patience, int limit) {
  auto store = state_->handles.lend();
  if (!store) return std::move(store).error();
  const auto ring = (*store)->make_ring();
  const SteadyTime give_up = real_clock().steady() + patience;
  EventQuery query{.after = std::string(after), .limit = limit};
  while (true) {
    auto page = (*store)->events(query);
    if (!page) return std::move(page).error();
    if (!page->events.empty() || real_clock().steady() >= give_up) {
      return std::pair(std::move(page->events), std::move(page->next));
    }
    query.after = page->next;
    auto woken = (*store)->wait({.seen = page->seen, .events = true}, give_up, *ring);
    if (!woken) return std::move(woken).error();
  }
}

Result<Health> Client::health() {
  auto store = state_->handles.lend();
  if (!store) return std::move(store).error();
  return (*store)->check();
}

Result<std::int64_t> Client::prune(JobState state, Duration older_than) {
  if (!rules::is_terminal(state)) {
    return Error{Errc::invalid, "only succeeded, failed and cancelled jobs can be pruned, not " +
                                    std::string(rules::to_text(state))};
  }
  auto store = state_->handles.lend();
  if (!store) return std::move(store).error();
  std::int64_t total = 0;
  while (true) {
    auto step = (*store)->prune({.state = state, .older_than = older_than}, clock().now(), {});
    if (!step) return std::move(step).error();
    total += step->done;
    if (!step->more) return total;
  }
}

Clock& Client::clock() const { return state_->handles.clock(); }
std::string Client::store_name() const { return state_->handles.name(); }

Result<RunId> Client::run_text(const FlowText& flow, std::string input, RunOptions options) {
  return state_->change_run([&](Runs& runs, Producer& producer) {
    return runs.start(producer, flow, std::move(input), std::move(options));
  });
}

Result<RunId> Client::run_text(std::string_view flow, std::string input, RunOptions options) {
  auto text = state_->runs.definition(flow);
  if (!text) return std::move(text).error();
  return run_text(*text, std::move(input), std::move(options));
}

Result<void> Client::publish(const FlowText& flow) {
  return state_->change_run(
      [&](Runs& runs, Producer& producer) { return runs.publish(producer, flow); });
}

Result<FlowText> Client::flow(std::string_view name) { return state_->runs.definition(name); }

Result<Run> Client::find_run(const RunId& id) { return state_->runs.find(id); }

Result<Run> Client::wait_run(const RunId& id, Duration patience) {
  return state_->runs.wait(id, patience);
}

Result<Page<Run>> Client::list_runs(std::string_view cursor, int limit, const RunFilter& which) {
  return state_->runs.list(std::string(cursor), limit, which);
}

Result<std::map<std::string, std::string>> Client::shared(const RunId& id) {
  return state_->runs.shared(id);
}

Result<void> Client::cancel_run(const RunId& id, std::string_view why) {
  return state_->change_run(
      [&](Runs& runs, Producer& producer) { return runs.cancel(producer, id, why); });
}

Result<void> Client::retry_run(const RunId& id) {
  return state_->change_run(
      [&](Runs& runs, Producer& producer) { return runs.retry(producer, id); });
}

Result<RunId> Client::fork_run(const ForkSpec& spec) {
  return state_->change_run(
      [&](Runs& runs, Producer& producer) { return runs.fork(producer, spec); });
}

Result<void> Client::signal(const RunId& id, std::string_view node, std::string_view answer,
                            std::string_view by) {
  return state_->change_run(
      [&](Runs& runs, Producer& producer) { return runs.signal(producer, id, node, answer, by); });
}

}  // namespace penstock
