// SPDX-License-Identifier: MIT
//
// A flow made at random, of which it is known for certain how often each of its steps runs and what
// it sees, in whatever order its branches go: a step reads only what lies on its own line, and what
// it makes is told by what it has read alone.
#pragma once

#include <penstock/flow.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace penstock::testing {

struct PlanStep {
  std::string name = {};
  std::vector<std::string> reads = {};   ///< Nodes whose results it sees.
  std::vector<std::string> params = {};  ///< Of the batch flows around it.
  int turns = 0;                         ///< Asks so often for next_iteration.
  bool lists = false;                    ///< Makes a list.
  bool batch = false;                    ///< Makes it item by item.
  bool local = false;
  bool again = false;  ///< Its exec is tried again.
  bool sure = false;   ///< Fails never, whatever the trouble.
  /// A member of a group that fails the first time that it runs, or always.
  enum class Fails : std::uint8_t { never, once, always } fails = Fails::never;
};

struct Plan {
  enum class Kind : std::uint8_t {
    step,      // steps: it
    sequence,  // parts, one after the other
    choice,    // steps: picks, merges; parts: the branches
    fork,      // steps: forks, joins; parts: the branches
    group,     // steps: forks, joins, members...
    aside,     // steps: leads on and to the part, too
    asked,     // steps: asks for the first of the part by name
    loop,      // steps: head, tail; `both`: what comes then, and what at last,
               // `meets`: their join; parts: the body
    leak,      // steps: head, tail, behind the head, behind the tail, their join; parts: the body
    pair,      // steps: head, two tails, what comes behind each, `meets`: their join
    nested,    // steps: head, inner head, inner tail, tail, exit, on break; parts: between them
    flow,      // steps: its name; parts: the flow inside
    sets,      // the same, a pass for each set
    map,       // steps: the list, the map
    batch,     // steps: it
    gate,      // steps: its name
    inside,    // steps: a run of its own, its two nodes
    meeting,   // steps: fork, head, tail, behind the head, behind the tail, join of both, join
               // with what is beside; parts: beside the loop, the body, behind it
  };
  Kind kind = Kind::sequence;
  std::vector<PlanStep> steps = {};
  std::vector<Plan> parts = {};
  bool both = false;      ///< A loop that may go on and be left at once; of nested ones the inner;
                          ///< what leaves one in each turn may come to a meeting.
  bool meets = false;     ///< The ways out of a loop lead to a join; of a meeting the tail itself.
  bool restarts = false;  ///< Of nested loops: the inner tail may go back to the outer head.
  bool stops = false;     ///< May take an action that has no edge, or go on with `asked` alone.
  int join = 0;           ///< Of a fork or a group: fires with so many.
  Policy policy = {};     ///< Of a group or a map.
};

using PlanDice = std::mt19937_64;
Plan draw_plan(PlanDice& dice);
/// Its tree, for the message of a test that failed.
std::string show(const Plan& plan, int depth = 0);

/// What a step makes of what it sees, which its line tells too: "STEP=RESULT(READ=RESULT,...)".
struct PlanSight {
  json result = {};
  std::string line = {};
};
using PlanReads = std::function<std::optional<json>(const std::string&)>;
PlanSight look(const PlanStep& step, const PlanReads& result, const json& params,
               const json& more = nullptr);
/// One of `bound`, told by what a step has made.
int pick(const json& result, const std::string& what, int bound);
/// The action of a tail.
std::string turn_action(const Plan& loop, const json& result);
/// The action of the inner tail of nested loops: again, next, restart of the outer one, or break,
/// which leaves both.
std::string inner_action(const Plan& nested, const json& result);
/// Of what is behind the head of a meeting: tells, or default.
std::string way_action(const Plan& meeting, const json& result);
/// The parameters of the passes of a batch flow.
json sets_of(const PlanStep& step, const json& result);

/// Whether an item of a map fails that may.
inline bool is_bad(const json& result) { return pick(result, "bad", 4) == 0; }
/// What a gate is answered.
inline std::string answer_of(const std::string& gate) { return "1:" + gate; }

/// The lines of all steps, sorted; nothing when there are too many.
std::optional<std::vector<std::string>> foretell(const Plan& plan);

/// What goes wrong meanwhile.
struct PlanTrouble {
  PlanDice dice{0};
  int slow = 20, snoozes = 0, exec_fails = 0, fails = 0, undo_fails = 0;  ///< Percent.
  std::string fails_for_good = {};                                        ///< The line of a step.
  bool undoes = false;                ///< The flow's steps have an undo.
  std::set<std::string> failed = {};  ///< Steps that have had their failure.
  std::mutex mutex = {};
  int ended = 0;  ///< Steps.
  std::condition_variable one_has_ended = {};

  bool chance(int percent) {
    const std::lock_guard lock(mutex);
    return static_cast<int>(dice() % 100) < percent;
  }
  /// Lets some others go first, if there are others.
  void give_way() {
    std::unique_lock lock(mutex);
    if (static_cast<int>(dice() % 100) >= slow) return;
    const int until = ended + 1 + static_cast<int>(dice() % 12);
    one_has_ended.wait_for(lock, Duration{10}, [&] { return ended >= until; });
  }
  void has_ended() {
    const std::lock_guard lock(mutex);
    ++ended;
    one_has_ended.notify_all();
  }
  bool first_time(const std::string& line) {
    const std::lock_guard lock(mutex);
    return failed.insert(line).second;
  }
};
/// The lines of its steps are in the list "lines", those of the items of maps in "items", and in
/// "undone" the beginnings of those that were undone.
Flow build_flow(const std::string& name, const Plan& plan,
                const std::shared_ptr<PlanTrouble>& trouble);

}  // namespace penstock::testing
