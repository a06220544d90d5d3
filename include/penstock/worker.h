// SPDX-License-Identifier: MIT
//
// Running jobs. A program registers its tasks, opens a worker on a store and runs it:
//
//   penstock::Tasks tasks;
//   tasks.add("greet", [](const std::string& name) { return "hello " + name; });
//   auto worker = penstock::Worker::open("sqlite:jobs.db", std::move(tasks)).value();
//   worker.run().value();
//
// A handler returns its result, or throws: NoRetry, Snooze and Cancel say what they are called,
// anything else is a failure that is retried by the task's policy.
#pragma once

#include <penstock/client.h>
#include <penstock/node_steps.h>

#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace penstock {

/// Where a running handler's progress and log lines go. The worker is one; so is a test.
class JobPort {
 public:
  virtual ~JobPort() = default;
  virtual void progress(double share, std::string_view message) = 0;
  virtual void log(std::string_view line) = 0;
  /// How large a result may be.
  [[nodiscard]] virtual std::size_t max_result_bytes() const { return 1 << 20; }
};

/// What a handler knows of its job. Valid until the handler returns; methods are thread-safe.
class JobContext {
 public:
  JobContext(const Job& job, Fence fence, std::stop_token stop, std::optional<SteadyTime> deadline,
             JobPort& port, Client* client)
      : job_(job),
        fence_(fence),
        stop_(std::move(stop)),
        deadline_(deadline),
        port_(port),
        client_(client) {}

  [[nodiscard]] const Job& job() const { return job_; }
  /// Fires on cancel, time-out, a second stop signal, and when the session was declared dead.
  [[nodiscard]] std::stop_token stop() const { return stop_; }
  /// When this attempt times out; none without a time-out.
  [[nodiscard]] std::optional<SteadyTime> deadline() const { return deadline_; }
  /// Pass it to foreign systems: a later attempt of this job has a larger one.
  [[nodiscard]] Fence fence() const { return fence_; }
  /// Reports how far the work is, 0..1. Cheap: only the newest report of every 100 ms is written.
  void progress(double share, std::string_view message = {}) { port_.progress(share, message); }
  /// Adds a line to the job's log (64 KiB a job; the oldest lines go first).
  void log(std::string_view line) { port_.log(line); }
  /// How large a result may be, as JSON text: 1 MiB, or what may be spilled.
  [[nodiscard]] std::size_t max_result_bytes() const { return port_.max_result_bytes(); }
  /// Submits further jobs. REQUIRES: the job runs in a Worker.
  [[nodiscard]] Client& client() const { return *client_; }

 private:
  const Job& job_;
  Fence fence_;
  std::stop_token stop_;
  std::optional<SteadyTime> deadline_;
  JobPort& port_;
  Client* client_;
};

/// Thrown by a handler: the job failed and no retry can help.
struct NoRetry : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Thrown by a handler: run again after `delay`, without using an attempt.
struct Snooze : std::exception {
  explicit Snooze(Duration after) : delay(after) {}
  [[nodiscard]] const char* what() const noexcept override { return "snoozed"; }
  Duration delay;
};
/// Thrown by a handler: the job is cancelled, with this reason.
struct Cancel : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Policy of a task; a job's own options come before it, the defaults after.
struct TaskDefaults {
  std::optional<int> max_attempts = {};
  std::optional<Backoff> backoff = {};
  std::optional<Duration> timeout = {}, retry_for = {}, result_ttl = {};
};

/// A handler behind its codec: JSON text in, JSON text out; may throw what a handler may throw.
using RawHandler = std::function<std::string(std::string_view payload, JobContext&)>;

/// How an asynchronous handler comes to its end: what it threw (null: nothing), else its result.
using AsyncEnd = std::function<void(std::exception_ptr thrown, std::string result)>;
/// A handler that returns at once and calls `end` once, later. The context is valid until then.
/// async.h makes one of a coroutine.
using AsyncHandler =
    std::function<void(std::string_view payload, JobContext&, AsyncLoop&, AsyncEnd end)>;

/// A flow's name and its definition, for those that start runs of it.
struct FlowText {
  std::string flow = {}, definition = {};
};

class Flow;

namespace detail {

// Whether a handler's result is still to be waited for. async.h says so of its Awaitable.
template <class R>
struct Asynchronous {
  static constexpr bool value = false;
};

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using result = R;
  using arguments = std::tuple<A...>;
};
template <class R, class... A>
struct Signature<R(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (*)(A...)> {};

// Not a generic lambda, nor what has several operator().
template <class F>
concept HasSignature = std::is_function_v<std::remove_pointer_t<F>> || requires {
  &F::operator();
};
template <class F>
constexpr bool has_signature() {
  static_assert(HasSignature<F>,
                "what parameters this function has cannot be known: it is generic (auto), has "
                "several operator(), or is no function; write their types");
  return HasSignature<F>;
}

template <class T>
T decoded(std::string_view payload, const JobContext& context) {
  auto value = Codec<T>::decode(payload);
  if (value) return *std::move(value);
  throw NoRetry("task " + context.job().task + ": payload " + value.error().message);
}

template <class T>
std::string encoded(const T& value) {
  auto text = Codec<T>::encode(value);
  if (!text) throw NoRetry("result: " + text.error().message);
  return *std::move(text);
}

}  // namespace detail

/// The processes of a program; program.h makes them.
class Programs;

/// The tasks that a worker offers, by name. Filled before the worker starts, then only read.
class Tasks {
 public:
  struct Task {
    std::string name;
    RawHandler run = {};
    TaskDefaults defaults = {};
    AsyncHandler start = {};                     ///< Instead of `run`, for a coroutine.
    std::shared_ptr<const NodeSteps> node = {};  ///< Instead of `run`, for a node of a flow.
    [[nodiscard]] bool is_async() const { return start || (node && node->start); }
  };

  /// Registers a handler of the form R(const P&) or R(const P&, JobContext&), R may be void; P and
  /// R go through Codec. A coroutine, Awaitable<R>(P) or Awaitable<R>(P, AsyncContext), is one too
  /// (async.h). A name that is registered already is replaced. REQUIRES: `name` is a Name:
  /// [A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}.
  template <class F>
  void add(std::string name, F handler, TaskDefaults defaults = {}) {
    if constexpr (detail::has_signature<std::decay_t<F>>()) {
      using Result = typename detail::Signature<std::decay_t<F>>::result;
      if constexpr (detail::Asynchronous<Result>::value) {
        add_async(std::move(name), detail::Asynchronous<Result>::handler(std::move(handler)),
                  std::move(defaults));
      } else {
        add_raw(std::move(name), plain(std::move(handler)), std::move(defaults));
      }
    }
  }
  /// Registers every node of a flow that has code, as FLOW.NODE, and the flow itself (flow.h).
  /// Errors: invalid, with every mistake of the flow, or when a task of that name has other code.
  Result<void> add(const Flow& flow);
  void add_flow(FlowText flow) { flows_.push_back(std::move(flow)); }
  [[nodiscard]] const std::vector<FlowText>& flows() const { return flows_; }
  /// Registers a handler that takes and gives JSON text.
  void add_raw(std::string name, RawHandler handler, TaskDefaults defaults = {});
  /// The same for one that does not block.
  void add_async(std::string name, AsyncHandler handler, TaskDefaults defaults = {});
  /// Gives a task what its own defaults leave open. Nothing happens when there is no such task.
  void fill_up(std::string_view name, const TaskDefaults& defaults);
  /// Null when nobody registered it.
  [[nodiscard]] const Task* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Task>& all() const { return tasks_; }
  /// The programs among them, whose processes end when the worker has ended (program.h).
  void keep(std::shared_ptr<Programs> programs) { programs_.push_back(std::move(programs)); }
  [[nodiscard]] const std::vector<std::shared_ptr<Programs>>& programs() const { return programs_; }

 private:
  template <class F>
  static RawHandler plain(F handler) {
    using Form = detail::Signature<std::decay_t<F>>;
    using Arguments = typename Form::arguments;
    using Payload = std::decay_t<std::tuple_element_t<0, Arguments>>;
    return [handler = std::move(handler)](std::string_view text, JobContext& context) mutable {
      const Payload payload = detail::decoded<Payload>(text, context);
      auto call = [&]() -> decltype(auto) {
        if constexpr (std::tuple_size_v<Arguments> == 2) {
          return handler(payload, context);
        } else {
          return handler(payload);
        }
      };
      if constexpr (std::is_void_v<typename Form::result>) {
        call();
        return std::string("null");
      } else {
        return detail::encoded(call());
      }
    };
  }
  void put(Task task);

  std::vector<Task> tasks_ = {};
  std::vector<FlowText> flows_ = {};
  // Shared with the handlers of their tasks, and by copies of these.
  std::vector<std::shared_ptr<Programs>> programs_ = {};
};

/// One queue that a worker serves. Weight: how often it is asked first, relative to the others.
struct QueueWeight {
  std::string queue = "default";
  int weight = 1;
};

/// How long and how much of what has ended is kept; whichever bound is met first.
struct Keep {
  Duration age{3'600'000};
  std::int64_t count = 100'000;
  std::int64_t bytes = 256LL << 20;
};
/// Where results go that are larger than 1 MiB: each to a file of its own, for which {"$file":
/// PATH, "bytes": N} stands in the job. Whoever uses such results deletes the files.
struct Spill {
  std::string folder = {};  ///< Has to exist; empty: such results are refused.
  std::int64_t max_bytes = 256LL << 20;
};
struct Retention {
  Keep succeeded = {};  ///< Also of cancelled jobs.
  Keep failed = {.age = Duration{30LL * 86'400'000}};
  Spill spill = {};                 ///< Of a worker's jobs.
  Duration runs{7LL * 86'400'000};  ///< How long runs of flows are kept that this worker ends.
};

/// When a worker ends by itself: it takes nothing more, finishes what it has, and leaves.
struct Lifetime {
  std::int64_t max_jobs = 0;       ///< After so many jobs; 0: never.
  std::int64_t max_rss_bytes = 0;  ///< When it and its programs hold so much memory; 0: never.
  bool burst = false;              ///< When nothing is ready or due.
};

struct WorkerOptions {
  std::vector<QueueWeight> queues = {{}};
  std::vector<std::string> pools = {};  ///< Only jobs of these; empty: only jobs without a pool.
  int concurrency = 0;                  ///< Slots; 0: one a core.
  int coroutines = 10'000;              ///< Coroutines in flight, beside the slots.
  std::string name = {};                ///< Worker id; empty: HOST-PID.
  Duration grace{30'000};               ///< How long a drain waits before it gives jobs back.
  Lifetime lifetime = {};
  Retention retention = {};
};

/// A worker's counters since it started.
struct WorkerStats {
  std::int64_t tasks_processed = 0, tasks_failed = 0, retried = 0, refused = 0;
  int running = 0;
  Duration uptime{0};
};

/// Takes jobs from a store and runs them, until it is stopped. `run` blocks; the other methods may
/// be called from any thread.
class Worker {
 public:
  /// What open() would refuse whatever the store says: for a supervisor, before it starts a fleet.
  static Result<void> check(const Tasks& tasks, const WorkerOptions& options);
  /// Errors: invalid (URL, names), unavailable, conflict (another layout version).
  static Result<Worker> open(std::string_view url, Tasks tasks, WorkerOptions options = {});
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) noexcept;
  ~Worker();

  /// Runs jobs until `stop` or stop(), then drains: waits up to `grace`, gives the rest back
  /// without using an attempt, and closes its session. Errors: what stopped it but a request.
  Result<void> run(std::stop_token stop = {});
  /// Runs at most one ready job in the calling thread; true when there was one. For embedding and
  /// tests; not beside run().
  Result<bool> run_one();
  /// Starts the drain; a second call gives back at once.
  void stop();
  /// Fetches nothing more, goes on with what it has; `false` fetches again.
  void quiet(bool on = true);
  [[nodiscard]] WorkerStats stats() const;
  /// What it has counted by queue and task, and what it holds now, in the text form of Prometheus.
  [[nodiscard]] std::string metrics() const;
  /// One line for each slot: what it runs and for how long.
  [[nodiscard]] std::vector<std::string> slots() const;
  [[nodiscard]] const std::string& name() const;

 private:
  struct State;
  explicit Worker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Keeps N worker processes of one command alive and retires the session of one that dies at once.
struct SupervisorOptions {
  std::string store = {};                 ///< URL, as for Client::open.
  std::vector<std::string> command = {};  ///< Program and arguments; "{index}" becomes 1..N.
  int processes = 1;
  Duration grace{30'000};               ///< After it, a child that still runs is killed.
  bool restart = true;                  ///< Start a child again that ended unasked.
  std::function<void()> on_ready = {};  ///< Called once, when every child takes jobs.
};

class Supervisor {
 public:
  static Result<Supervisor> open(SupervisorOptions options);
  Supervisor(Supervisor&&) noexcept;
  Supervisor& operator=(Supervisor&&) noexcept;
  ~Supervisor();

  /// Runs until `stop` and until every child has ended, or until all ended by themselves with exit
  /// status 0 (burst). One that ends by its Lifetime is replaced before it has ended. Called from
  /// the program's main thread: children die with it.
  Result<void> run(std::stop_token stop);
  /// Passes a signal on to every child; one that does not end a process only to those that take
  /// jobs already.
  void signal(int number);
  /// Replaces every child by a fresh one, one after the other: the old one is asked to end when the
  /// new one takes jobs. When a new one does not come up, the old ones stay.
  void reload();
  /// Process ids of the children that live now.
  [[nodiscard]] std::vector<int> children() const;

 private:
  struct State;
  explicit Supervisor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock
