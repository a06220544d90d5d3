// SPDX-License-Identifier: MIT
//
// Submitting jobs and asking about them. Example:
//
//   auto client = penstock::Client::open("sqlite:/var/lib/jobs.db").value();
//   auto id = client.submit("resize", Image{"a.png"}, {.priority = 8}).value();
//   auto small = client.wait<Image>(id, std::chrono::seconds(30)).value();
#pragma once

#include <penstock/codec.h>
#include <penstock/event.h>
#include <penstock/job.h>
#include <penstock/run.h>

#include <memory>
#include <span>
#include <string_view>

namespace penstock {

struct FlowText;
struct Selection;
struct QueueSetting;

/// How a client talks to its store.
struct ClientOptions {
  Duration connect_timeout{5000};
  Duration call_timeout{5000};
  bool require_safe_store = false;  ///< Refuse a store that may evict or forget.
  Clock* clock = nullptr;           ///< For tests; null: the store's own.
};

/// What a bulk verb did.
struct Changed {
  std::int64_t changed = 0;
  std::vector<std::pair<JobId, Error>> refused = {};  ///< At most 250.
  std::string next_cursor = {};                       ///< Not empty: call again to go on.
};

/// What a worker can be told from afar.
enum class WorkerOrder : std::uint8_t {
  run,    ///< Take jobs again.
  quiet,  ///< Take nothing more, go on with what it has.
  stop,   ///< Finish what it has, then end; a supervisor does not start it again.
};

/// What can be known of a store's health; `findings` are sentences for an operator.
struct Health {
  struct Finding {
    bool serious = false;
    std::string what, hint;
  };
  std::string store = {}, version = {};
  std::string durability = {};  ///< The strongest level that a submit can reach.
  bool evicts = false, persistent = true;
  std::int64_t memory_bytes = 0, disk_bytes = 0;
  Duration latency{0}, clock_offset{0};
  std::int64_t sessions = 0, sessions_lost = 0, stale_writes_refused = 0, false_alarms = 0;
  std::vector<Finding> findings = {};
};

/// One program's way to a store. Thread-safe: concurrent submits of many threads coalesce into one
/// store call. Movable, not copyable; owns its connection.
class Client {
 public:
  /// Opens the store of `url`; empty: PENSTOCK_STORE and its aliases, then the default file.
  /// Errors: invalid (URL), unavailable, conflict (another layout version), denied (unsafe store).
  static Result<Client> open(std::string_view url = {}, ClientOptions options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Submits one job; the payload goes through Codec<T>. A duplicate is no error: the id is the
  /// existing job's. Errors: invalid, too_large, limited (the queue drains), unavailable (the
  /// outcome is unknown; submit again with an idempotency key to be sure).
  template <class T>
  Result<JobId> submit(std::string_view task, const T& payload, SubmitOptions options = {}) {
    auto text = Codec<T>::encode(payload);
    if (!text) return std::move(text).error();
    return submit_text(task, *std::move(text), std::move(options));
  }
  /// Submits a batch; answers in the same order. A job that is refused has its own error, the
  /// others go in. Errors (of the whole call): unavailable.
  Result<std::vector<Submitted>> submit(std::span<const JobSpec> jobs);
  /// Submits one job and answers in full.
  Result<Submitted> submit(const JobSpec& job);

  /// Waits for the end of a job and gives its result. Errors: not_found, gone (already forgotten),
  /// job_failed (failed or cancelled, with its error), timed_out, invalid (result is no T).
  template <class T>
  Result<T> wait(const JobId& id, Duration patience) {
    auto text = wait_text(id, patience);
    if (!text) return std::move(text).error();
    return Codec<T>::decode(*text);
  }
  /// The same, as JSON text.
  Result<std::string> wait_text(const JobId& id, Duration patience);

  /// Errors: not_found (never issued), gone (retention took it), unavailable.
  Result<Job> find(const JobId& id);
  Result<Page<Job>> list(const Filter& filter);
  Result<Page<LogLine>> logs(const JobId& id, std::string_view cursor = {});

  /// Cancels: what waits ends at once, what runs is told to stop. Errors: not_found, gone, conflict
  /// (it has ended).
  Result<void> cancel(const JobId& id);
  /// Makes a failed or cancelled job ready again, with its attempts counted anew. Errors: conflict.
  Result<void> retry(const JobId& id);
  /// Forgets a job that does not run. Errors: conflict (running: cancel it first).
  Result<void> remove(const JobId& id);
  /// Makes a scheduled job ready now. Errors: conflict (it is not scheduled).
  Result<void> promote(const JobId& id);

  /// The same verbs for all jobs that a filter means; one bounded step a call: go on with
  /// `next_cursor` until it is empty.
  Result<Changed> cancel(const Filter& filter);
  Result<Changed> retry(const Filter& filter);
  Result<Changed> remove(const Filter& filter);
  Result<Changed> promote(const Filter& filter);

  /// Starts a run of a flow (flow.h) with `input`, JSON text. The store keeps the definition, so
  /// whoever knows its name can start further runs. Errors: invalid (the flow or the input),
  /// conflict (the id is of another flow's run).
  Result<RunId> run_text(const FlowText& flow, std::string input, RunOptions options = {});
  /// The same by the name of a flow that the store knows. Errors: not_found.
  Result<RunId> run_text(std::string_view flow, std::string input, RunOptions options = {});
  template <class F, class T>
  Result<RunId> run(const F& flow, const T& input, RunOptions options = {}) {
    auto text = Codec<T>::encode(input);
    if (!text) return std::move(text).error();
    if constexpr (std::is_convertible_v<const F&, std::string_view>) {
      return run_text(std::string_view(flow), *std::move(text), std::move(options));
    } else {
      auto definition = flow.text();
      if (!definition) return std::move(definition).error();
      return run_text(*definition, *std::move(text), std::move(options));
    }
  }
  /// Keeps a flow's definition in the store without starting it.
  Result<void> publish(const FlowText& flow);
  Result<FlowText> flow(std::string_view name);
  /// With its nodes and history. Errors: not_found.
  Result<Run> find_run(const RunId& id);
  /// Waits until the run has ended. Without its nodes and history: those are find_run's. Errors:
  /// not_found, timed_out.
  Result<Run> wait_run(const RunId& id, Duration patience);
  /// Newest first. With a filter a page may have fewer than `limit` runs, or none, and still a
  /// cursor: behind it may be more. Errors: invalid (limit, cursor, a state that runs do not have).
  Result<Page<Run>> list_runs(std::string_view cursor = {}, int limit = 20,
                              const RunFilter& which = {});
  /// The shared store of a run: keys and their JSON text.
  Result<std::map<std::string, std::string>> shared(const RunId& id);
  /// Ends a run at once. Errors: not_found, conflict (it has ended).
  Result<void> cancel_run(const RunId& id, std::string_view why = "by an operator");
  /// Goes on with a failed run: what failed runs again. Errors: conflict (it has not failed).
  Result<void> retry_run(const RunId& id);
  /// Errors: not_found (the run, or the node never ended in it).
  Result<RunId> fork_run(const ForkSpec& spec);
  /// Answers a gate; JSON text. Errors: not_found, conflict (it is answered), invalid (no answer to
  /// what was asked).
  Result<void> signal(const RunId& id, std::string_view node, std::string_view answer,
                      std::string_view by = {});

  Result<std::vector<Queue>> queues();
  Result<void> pause(std::string_view queue);
  /// Hands out again; also ends a drain.
  Result<void> resume(std::string_view queue);
  Result<void> drain(std::string_view queue);

  Result<std::vector<WorkerRecord>> workers();
  /// Tells the workers of that name, or the session of that number, which follow with their next
  /// beat. Returns how many they are. Errors: not_found.
  Result<int> tell_worker(std::string_view worker, WorkerOrder order);
  /// True when a live worker of that queue and pool offers the task.
  Result<bool> offered(std::string_view task, std::string_view queue, std::string_view pool);
  /// Events after position `after` (empty: from now on), at most `limit`; waits up to `patience`
  /// for the first. The second value is the position to go on from.
  Result<std::pair<std::vector<Event>, std::string>> events(std::string_view after,
                                                            Duration patience, int limit = 256);
  Result<Health> health();
  /// Removes ended jobs of `state` that ended longer ago than `older_than`. Returns how many.
  Result<std::int64_t> prune(JobState state, Duration older_than);
  [[nodiscard]] Clock& clock() const;
  /// The store's URL without its password.
  [[nodiscard]] std::string store_name() const;

 private:
  struct State;
  enum class Verb : std::uint8_t { cancel, retry, remove, promote };
  explicit Client(std::unique_ptr<State> state);
  template <class Act>
  auto as_operator(Act act);
  Result<Changed> change(const Selection& which, Verb verb);
  Result<void> set_queue(const QueueSetting& setting);
  Result<JobId> submit_text(std::string_view task, std::string payload, SubmitOptions options);
  std::unique_ptr<State> state_;
};

}  // namespace penstock
