// SPDX-License-Identifier: MIT
//
// One step of a run, in a slot: reads what the node needs, runs its code, and leaves a report of
// what came of it, which the pump decides on when the job ends. Nothing is written here but a
// map's list (staged under a name of its own), and locks.
#pragma once

#include "client/run_reader.h"
#include "rules/expression.h"
#include "rules/node_report.h"
#include "rules/transition.h"
#include "rules/turn_result.h"
#include "worker/thrown.h"

#include <penstock/worker.h>

#include <map>
#include <set>

namespace penstock {

/// The store did not answer: the step is tried again.
struct StoreError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value; in place of an Error a StoreError, or NoRetry for one that will not go away.
template <class T>
T or_throw(Result<T> result) {
  if (result) return *std::move(result);
  if (result.error().code == Errc::unavailable) throw StoreError(result.error().message);
  throw NoRetry(result.error().message);
}
inline void or_throw(const Result<void>& result) {
  if (!result) or_throw(Result<int>(result.error()));
}

/// For a handler of what prep or post has thrown: only exec is tried again, so it fails the node.
/// Its values would be the same.
[[noreturn]] inline void rethrow_for_good(const std::stop_token& stop) {
  try {
    throw;
  } catch (const StoreError&) {
    throw;
  } catch (const Snooze&) {
    throw;
  } catch (const Cancel&) {
    throw;
  } catch (const NoRetry&) {
    throw;
  } catch (const std::exception& e) {
    if (stop.stop_requested()) throw;
    throw NoRetry(message_of(e));
  } catch (...) {
    throw NoRetry(nameless_throw);
  }
}
template <class Part>
auto once(const JobContext& context, Part part) {
  try {
    return part();
  } catch (...) {
    rethrow_for_good(context.stop());
  }
}

/// Used by one thread.
class NodeRun : public NodePort {
 public:
  /// `task` may be null for steps that any worker can do.
  NodeRun(RunReader& reader, const Tasks& tasks, const Tasks::Task* task, rules::NodeTicket ticket,
          const Reserved& reserved)
      : reader_(reader),
        tasks_(tasks),
        task_(task),
        ticket_(std::move(ticket)),
        reserved_(reserved) {}

  /// The same for a task whose code may wait; `end` is told once, from any thread.
  using End = std::function<void(std::exception_ptr thrown, rules::Outcome outcome)>;
  void start(JobContext& context, AsyncLoop& loop, bool last_try, End end);
  /// May throw what a handler may throw. `last_try`: a failure will not be tried again.
  rules::Outcome run(JobContext& context, bool last_try);
  [[nodiscard]] const rules::NodeReport& report() const { return report_; }

  std::optional<std::string> read(std::string_view key) override;
  void write(std::string_view key, std::string value) override;
  void erase(std::string_view key) override;
  void add(std::string_view key, std::string by) override;
  void append(std::string_view key, std::string value) override;
  void prepend(std::string_view key, std::string value) override;
  std::vector<std::string> keys() override;
  std::string input() override;
  std::string params() override;
  std::string iteration() override;
  std::optional<std::string> result(std::string_view node) override;
  void next(std::string_view node, bool instead) override;
  void iterate(std::string value) override { report_.iterate = std::move(value); }
  void terminate(std::string_view why) override { report_.terminate = why; }
  void cancel(std::string_view why) override { report_.cancel = why; }
  bool try_lock(std::string_view name) override;
  [[nodiscard]] const std::string& run() const override { return ticket_.run; }
  JobContext& context() override { return *context_; }

 private:
  /// Of one key: what the node did to it, over what others have committed.
  struct Written {
    bool replaced = false;
    std::optional<std::string> value = {};  ///< With `replaced`; nothing: erased.
    std::string added = {};
    std::vector<std::string> appended = {};
  };

  /// Reads what every step needs. An outcome: there is nothing to run.
  std::optional<rules::Outcome> begin(JobContext& context, bool last_try);
  void start_code(AsyncLoop& loop, const End& end);
  /// What a batch whose parts may wait has to do in this phase.
  void batch_part(AsyncNodeCall& call, const End& end);
  rules::Outcome by_phase();
  rules::Outcome main();
  rules::Outcome run_node(const NodeSteps& steps);
  rules::Outcome run_task();
  rules::Outcome run_undo();
  /// Does to the shared store what a task's result says, and returns the action that it names.
  std::string hear(const std::string& result);
  rules::Outcome stage_map();
  rules::Outcome stage(std::vector<std::string> items);
  /// The item of a map that a place names.
  std::string item_at(const rules::Place& place);
  rules::Outcome item();
  rules::Outcome post();
  rules::Outcome conclude(const std::string& marker, std::string action);
  rules::Outcome stage_prepared(const std::string& prepared);
  rules::Outcome sweep();
  /// Asks the run that this place has started to end.
  void end_inside(const rules::Place& place, rules::EndInside how);
  [[nodiscard]] bool waits_for_run(const rules::OpenStep& step) const;
  rules::Outcome ended(std::string result, std::string action = "default");
  std::string exec(const NodeSteps& steps, const std::string& prepared);
  std::string after(const NodeSteps& steps, const std::string& prepared, const std::string& result);
  static void check_result(const std::string& result);
  /// Keeps what prep returned, wrote and locked, for when exec has to be tried again.
  void keep(std::string prepared);
  void do_as_prep_did();
  void ask_again(const std::map<std::string, std::string>& asked);
  void run_local();
  struct LocalFault {
    std::string text = {};
    bool for_good = false;  ///< No job of its own tries again.
  };
  std::optional<LocalFault> try_locally(const NodeSteps& steps, rules::NodeReport& step);
  void collect(rules::NodeReport& into);
  [[nodiscard]] bool local_behind(int node) const;
  bool may_run();
  [[nodiscard]] std::string bind(const std::string& with);
  [[nodiscard]] bool is_wanted();
  [[nodiscard]] std::optional<std::string> at(const rules::PathRoot& root);
  std::optional<std::string> field(const std::string& name);
  /// A visit of another node, as this step sees it.
  struct Seen {
    std::int64_t number = 1;
    std::optional<std::string> result = {};
    bool maps = false;  ///< The result is the mark of a map.
  };
  [[nodiscard]] rules::Standpoint standpoint(const rules::Graph& graph, std::size_t depth);
  [[nodiscard]] std::optional<Seen> seen(std::string_view name, std::size_t depth);
  [[nodiscard]] std::optional<std::string> error_of(std::string_view name);
  /// Of the map that this step concludes.
  [[nodiscard]] std::string map_mark();
  /// The list that the mark of a map stands for; what is no mark, as it is. Nothing: it has more
  /// bytes than that.
  std::optional<std::string> whole_map(const std::string& marker,
                                       std::size_t most = std::string::npos);
  [[nodiscard]] const rules::FlowNode& node() const {
    return *located_.graph->nodes()[located_.node].node;
  }

  RunReader& reader_;
  const Tasks& tasks_;
  const Tasks::Task* task_;
  const rules::NodeTicket ticket_;
  const Reserved& reserved_;
  JobContext* context_ = nullptr;
  bool last_try_ = false;
  rules::PinnedGraph pinned_;
  rules::Located located_;
  rules::NodeReport report_;
  std::map<std::string, std::optional<std::string>> known_;  // Fields that were read.
  std::map<std::string, Written> written_;
  std::map<std::string, std::string> results_;  // Of local nodes and of this one.
  std::optional<std::string> item_ = {};        // Of a map.
  bool local_ = false;                          // located_ is a local node behind the ticket's.
};

}  // namespace penstock
