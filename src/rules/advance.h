// SPDX-License-Identifier: MIT
//
// What becomes of a run when something happens to it: it starts, a node ends, somebody answers a
// gate, cancels or retries it. Pure decisions on a RunEdit; whoever calls hands the changes to the
// store and, when they are refused, calls again with what is true now.
//
// Fields of a run (docs/flows.md); PLACE as in node_ticket.h, SCOPE the place of the flow inside
// that a node lies in, with a slash, or nothing:
//   state flow def input parent created ended error output steps   what `flow show` says
//   from          RUN|PLACE that it was forked from;  started  when its first node began
//   made          what it would have put out, when it had come to its end as it failed
//   held          steps that it was about to make when it failed
//   cause         its error before the compensation failed too
//   until late    when it is to have ended, and that it had not
//   a             jobs of the run that have not ended
//   l:SCOPE       nodes of this flow that have not ended
//   l:SCOPE NODE~TAG   the same of the loop whose header NODE is, with |EDGExTIMES that it was left
//                 by, of one that does not branch
//   lb:SCOPE NODE~TAG~GROUP   the same of what is behind a loop that branches and leads to joins
//                 with inputs from before it; the loop counts as one
//   lc:SCOPE NODE how many turns have begun in all loops of this header, which branch
//   ln            how many numbers there are of what left other loops again
//   o:SCOPE NODE~TAG   a join that is not complete: inputs that have come; os: of: how many of them
//                 were skipped and failed; ox: it has fired; ol: PASSED of them
//   v:SCOPE NODE  visits of a node that may have several
//   j:PLACE       TAG|PHASE|JOB of every step that is open; no JOB while the run is halted
//   n:PLACE       how it ended, or what it waits for: JSON
//   r:SCOPE NODE  its latest result;  rv: tp: lm: the same by turn (turn_result.h)
//   rf:FIELD      the result that a node had before it failed, for a retry;  gf:PLACE  why its
//                 group stays as it was judged
//   g:PLACE       a gate and its answer
//   p:PLACE pw:PLACE  what prep returned, and what it wrote and locked, for a retry of exec
//   i:PLACE       CYCLES|JSON of a turn that the one before has asked for: how many in a row, and
//                 with what
//   m:PLACE       a map: TAG|ITEMS|STAGE; me: the same of a map of flows that has ended
//   mi:STAGE:CHUNK its items;  mr:PLACE:ITEM its results
//   mn: md: mf:   of the map at PLACE: the next item to begin, how many have ended, and failed
//   k:PLACE       the run inside that the place waits for;  iu: one that was not undone
//   b:PLACE       the tag of a flow inside
//   u:N un        completed nodes that can be undone: PLACE|TAG;  ur:PLACE the result of that visit
//   w:N           places that are still to be fired
//   s:KEY         the shared store;  c:KEY a mark that the key has a list
#pragma once

#include "rules/graph.h"
#include "rules/job_state.h"
#include "rules/node_report.h"
#include "rules/run_edit.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace penstock::rules {

/// The task of jobs that any worker can run: they only decide.
inline constexpr std::string_view step_task = "penstock.step";
/// Items of a map lie in chunks of so many in the run.
inline constexpr std::int64_t stage_chunk = 512;
/// One step brings at most so many jobs into being.
inline constexpr std::size_t step_fires = 200;
/// The run under which definitions are kept: d:HASH the text, f:NAME the hash.
inline constexpr std::string_view definitions_run = "~flows";

enum class RunState : std::uint8_t {
  running,
  failing,  ///< A node failed; what runs comes to its end.
  compensating,
  succeeded,
  failed,
  cancelled,
  compensated,
};
std::string_view to_text(RunState state);
std::optional<RunState> parse_run_state(std::string_view text);
/// For messages: "running, failing, ...".
std::string run_state_names();
constexpr bool is_final(RunState state) { return state >= RunState::succeeded; }

/// Field i: of a node that runs again because it asked for that.
struct Iteration {
  std::int64_t cycles = 0;
  std::string_view value = "null";  ///< JSON text.
};
Iteration read_iteration(std::string_view field);

/// A run about to start.
struct RunStart {
  std::string definition = {};  ///< Its hash.
  std::string input = "null";   ///< JSON text; the keys of an object are in the shared store.
  std::string parent_run = {}, parent_place = {};
  std::optional<Time> until = {};  ///< When the run around it is to have ended.
};

/// A run's definition, compiled, and its name in the store.
struct PinnedGraph {
  std::shared_ptr<const Graph> graph = {};
  std::string hash = {};
};

struct StepClock {
  Time now{};
  Duration keep{7LL * 86'400'000};  ///< How long an ended run is kept.
};

/// Starts a run. The edit has to be of a run that does not exist.
void start_run(const PinnedGraph& flow, const RunStart& start, const StepClock& clock,
               RunEdit& edit);

/// A node's job has ended. `other` is the edit of the run that has to be told too, if any: the
/// parent's when this one ends, the child's when one starts. It is made by `edit_of`.
using EditOf = std::function<RunEdit&(const std::string& run)>;
void end_node(const PinnedGraph& flow, const NodeReport& report, const StepClock& clock,
              RunEdit& edit, const EditOf& edit_of);

/// Answers a gate: JSON text. Errors: not_found (no such gate waits), conflict (it is answered),
/// invalid (the answer does not fit what was asked).
Result<void> answer_gate(const PinnedGraph& flow, const Place& place, std::string_view answer,
                         std::string_view by, const StepClock& clock, RunEdit& edit);

/// The actions that a node can end with; nothing: any, its code or its answer names one.
std::optional<std::vector<std::string>> actions_of(const FlowNode& node);

/// Ends a run at once; its jobs find that out. Errors: conflict (it has ended).
Result<void> cancel_run(const PinnedGraph& flow, std::string_view why, const StepClock& clock,
                        RunEdit& edit, const EditOf& edit_of);

/// Asks a run to end, because the one around it has or is about to; a job of its own does it.
enum class EndInside : std::uint8_t { cancel, fail };
void end_inside(const PinnedGraph& flow, EndInside how, RunEdit& edit);
/// When a run fails, what it has started fails too and is undone before it, and it waits for that:
/// when some node of it has an undo, when it is late, and when it is inside a run itself.
bool fails_runs_inside(const Graph& graph, bool late, bool inside);

/// Fires anew what a failed run left open: the values of its j: fields. Errors: conflict (it has
/// not failed).
Result<void> retry_run(const PinnedGraph& flow, const std::vector<RunField>& open,
                       const StepClock& clock, RunEdit& edit);

/// Lets a run go on whose other fields are written, with these steps open.
void fork_run(const PinnedGraph& flow, const std::vector<RunField>& open, const StepClock& clock,
              RunEdit& edit);

/// An open step of a run, as its j: field tells.
struct OpenStep {
  Place place = {};
  std::vector<int> tag = {};
  PassedJoins passed = {};
  Phase phase = Phase::main;
  std::string job = {};  ///< Empty: it is not running.
};
std::optional<OpenStep> read_open_step(const RunField& field);

/// What a map is over, as its m: field tells.
struct MapCell {
  std::string tag = {}, stage = {};
  std::int64_t items = 0;
};
MapCell read_map(std::string_view cell);
/// The field that an item of a staged list lies in, and its place there.
std::string item_field(const MapCell& map, std::int64_t item);
/// Of so many items so many have to succeed.
std::int64_t needed(const GroupPolicy& policy, std::int64_t items);
/// The field of its result.
std::string item_result(const Place& map, std::int64_t item);

/// The inner graph that a place lies in, and its node there. Errors: not_found.
struct Located {
  const Graph* graph = nullptr;
  int node = -1;
  std::string scope = {};
};
Result<Located> locate(const Graph& root, const Place& place);

}  // namespace penstock::rules
