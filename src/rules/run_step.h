// SPDX-License-Identifier: MIT
//
// One step of a run while it is being decided: tokens move along edges until nothing moves any
// more. Used by advance.cc; split over tokens.cc (edges, joins, loops), run_region.cc (the ends of
// loops and flows), run_leave.cc (ways out of loops), run_map.cc (lists), run_halt.cc (failure,
// compensation, the end).
//
// A token that ends sends an arrival along each edge: taken, skipped, or failed. Arrivals are
// worked off from a queue, not by recursion: a chain of skipped nodes may be 100,000 long. What
// ends or begins is counted for every region around it (the flow, each turn of a loop); when a
// region has come to zero, it ends, which may send further arrivals outside.
#pragma once

#include "rules/advance.h"

#include <deque>
#include <map>
#include <set>

namespace penstock::rules {

/// Of a node that a run passes by.
inline constexpr std::string_view skipped_state = "skipped";

class RunStep {
 public:
  RunStep(const PinnedGraph& flow, const StepClock& clock, RunEdit& edit, const EditOf* edit_of)
      : flow_(flow), clock_(clock), edit_(edit), edit_of_(edit_of) {}

  void start(const RunStart& start);
  void end(const NodeReport& report);
  void cancel(std::string_view why);
  void retry(const std::vector<RunField>& open, std::string why, bool forked);
  void ask_to_end(EndInside how);
  std::optional<std::string> exceeded(const std::vector<RunField>& open);

 private:
  enum class Kind : std::uint8_t { taken, skipped, failed };
  /// A flow of the run, or one inside a node of it.
  struct Spot {
    const Graph* graph = nullptr;
    std::string scope = {};
    Place outer = {};  ///< The node that the flow lies in; empty for the run's own.
  };
  struct Token {
    Spot spot = {};
    int node = -1;
    std::vector<int> tag = {};
    LeftLoops left = {};
  };
  struct Arrival {
    Spot spot = {};
    int edge = -1;
    Kind kind = Kind::taken;
    std::vector<int> tag = {};  ///< Of the target.
    LeftLoops left = {};
  };
  /// Header -1: the flow itself. Deeper regions come first.
  struct RegionKey {
    std::size_t depth = 0;
    std::string cell = {};
    bool operator<(const RegionKey& other) const {
      return depth != other.depth ? depth > other.depth : cell < other.cell;
    }
  };
  /// What left one turn of a loop together, by these edges: a line of that turn.
  struct Departure {
    std::string line = {};  ///< Its tag in the turn.
    int number = 0;         ///< In the run.
    std::set<int> edges = {};
  };
  struct Region {
    std::string cell = {};
    Spot spot = {};
    int header = -1;
    std::vector<int> outer_tag = {};
    int turn = 0;  ///< One turn of a loop that branches; 0: the loop.
    std::int64_t delta = 0;
    /// Edges out of it that were taken, and how often. Of a loop that branches: of those that may
    /// meet again one, and the number of what left first by one of them.
    std::map<int, int> exits = {};
    std::vector<Departure> departures = {};  ///< Of a turn: all, when another is added.
  };

  // tokens.cc
  [[nodiscard]] Spot spot_of(const Place& place) const;
  [[nodiscard]] Token token_of(const NodeReport& report) const;
  [[nodiscard]] const FlowNode& node_of(const Token& token) const {
    return *token.spot.graph->nodes()[token.node].node;
  }
  static std::vector<int> target_tag(const Graph& graph, const Graph::Edge& edge,
                                     const std::vector<int>& tag);
  static Token named_by(const Token& token, int node);
  static LeftLoops left_behind(const Token& token, std::size_t depth);
  static std::vector<int> outer_tag(const Token& token, std::size_t depth);
  void complete(const Token& token, std::string_view action, Kind kind);
  void note_last(const Spot& spot, const char* kind, int node, std::string_view action);
  void arrive(const Arrival& arrival);
  void join(const Arrival& arrival, int inputs);
  void keep_left(const Arrival& arrival, const std::string& cell);
  void skip(const Token& token, Kind kind);

  // run_leave.cc
  static std::map<int, int> exits_in(std::string_view cell);
  std::map<int, int> exits_by_now(const Region& region);
  std::vector<int> leave(const Token& token, int edge);
  std::vector<int> leave_turn(const Token& token, std::size_t depth, int edge);
  std::int64_t next_number();
  static std::vector<Departure> departures_in(std::string_view cell);
  static std::string write_exits(const Region& region);
  static std::vector<int> tag_behind(const Region& loop, std::vector<int> tag, int edge, int number,
                                     int time);
  void leave_untaken(const Region& loop, std::vector<int> line, int edge, int number, int time);
  int number_of(const Region& loop);
  void end_loop(const Region& ended);
  void end_turn(const Region& ended);
  static bool comes_too_late(const Arrival& arrival);

  // run_region.cc
  Region& region(const Spot& spot, int header, std::size_t depth, std::vector<int> outer_tag,
                 int turn = 0);
  Region& loop_of(const Token& token, std::size_t depth);
  Region& turn_of(const Token& token, std::size_t depth);
  void count(const Token& token, std::int64_t by);
  void settle();
  bool settle_region();
  bool stays_open(const std::string& cell, std::int64_t delta);
  void recall_end(const Spot& spot);
  void end_flow(const Spot& spot);
  static std::vector<int> tag_at(const Token& token, std::string_view field);

  // run_group.cc
  std::int64_t fail_group(const Token& behind, std::int64_t arrived);
  std::optional<Place> failed_at(const Token& member);

  // Firing.
  void fire(const Token& token, bool dynamic = false);
  [[nodiscard]] FlowLimits limits_of(const Spot& spot) const;
  void set_deadline(std::optional<Time> around);
  std::int64_t next_visit(const Token& token, bool dynamic);
  void open(const Token& token, const Place& place);
  void open_body(const Token& token, const Place& place);
  void open_gate(const Token& token, const Place& place);
  void job(const Token& token, const Place& place, Phase phase);
  void put_job(const Token& token, const Place& place, Phase phase, const std::string& task);
  void put_step(const Place& place, Phase phase, std::optional<Time> due, const std::string& field);
  void go_on_firing(const NodeReport& report);
  bool run_locally(const Token& token, const Place& place);

  // advance.cc
  void end_running(const NodeReport& report, const Token& token);
  void end_main(const NodeReport& report, const Token& token);
  void end_as_around(const NodeReport& report);
  bool is_answered(const Place& place);
  void end_gate(const NodeReport& report, const Token& token);
  void record(const NodeReport& report, const Token& token, JobState state);
  void remember_undo(const Token& token, const Place& place);
  bool is_late(const NodeReport& report);
  void forget_prep(const NodeReport& report);
  std::map<std::string, std::string> about_of(const std::string& at);
  std::optional<Time> opened_at(const std::string& at);
  void note_end(const std::string& at, std::string_view state);
  void instance_done(const Token& token, const Place& place, std::string_view action, Kind kind);
  void history(std::string text);
  void count_jobs(std::int64_t ended);

  // run_refuse.cc
  static bool misses_edge(const Token& token, std::string_view action);
  static std::string missing_edge(const Token& token, std::string_view action);
  std::optional<std::string> refusal(const NodeReport& report, const Token& token);
  bool refuse(const NodeReport& report, const Token& token);
  void fail_to_lead_on(const Token& token, const Place& place, std::string_view action);

  // run_result.cc
  void commit(const NodeReport& report);
  void forget_item(const NodeReport& report, const Token& token, JobState state);
  /// Nothing: it has none.
  void put_result(const Token& token, const Place& place, std::optional<std::string> result);
  void keep_for_retry(const std::string& field);
  void bring_back_result(const Token& token, const Place& place);
  std::vector<int> next_turn(const Token& token, const Graph::Edge& edge);
  void enter(const Token& token);

  // run_dynamic.cc
  void follow(const NodeReport& report, const Token& token);
  void end_as_asked(const NodeReport& report);
  std::int64_t cycles_of(const NodeReport& report);
  void iterate(const NodeReport& report, const Token& token);

  // run_map.cc
  void begin_map(const NodeReport& report, const Token& token);
  /// `why` is the error of one that failed, if it has one.
  void item_done(const Token& token, const Place& place, bool succeeded,
                 const std::string& why = {});
  /// From `next` on, below `items`.
  struct ItemRange {
    std::int64_t next = 0, items = 0;
  };
  void release_items(const Token& token, const Place& map_place, const ItemRange& range);
  void end_map(const Token& token, const Place& map_place, const MapCell& map, std::int64_t failed);
  void note_map(const std::string& at, JobState state, const MapCell& map, std::int64_t failed);
  bool tolerates(const Token& token, const MapCell& map, const std::string& failed);

  // run_halt.cc
  void fail(const Place& place, std::string why);
  void time_out();
  void park(const Token& token, const Place& place, Phase phase);
  void halted(std::int64_t active);
  void not_undone(const NodeReport& ended);
  void put_off(const NodeReport& report, RunState state);
  void undo(std::int64_t number);
  void undone(const NodeReport& report);
  void undo_again();
  void finish(RunState state, bool leaves_open = false);

  // run_inside.cc
  void start_child(const NodeReport& report, const Token& token);
  bool has_answered(const Token& token, const Place& place);
  bool inside_lost(const Token& token, const Place& place, bool forked);
  void end_with_run(const NodeReport& ended, const Token& token);
  void tell_parent(RunState state);

  const PinnedGraph& flow_;
  const StepClock& clock_;
  RunEdit& edit_;
  const EditOf* edit_of_;

  RunState state_ = RunState::running;
  std::deque<Arrival> arrivals_ = {};
  std::map<RegionKey, Region> regions_ = {};
  std::vector<std::string> later_ = {};  ///< Places to fire that were too many, as j: fields.
  std::deque<const NodeReport*> local_ = {};
  std::int64_t fired_ = 0, began_ = 0;
  std::string last_action_ = "default", last_result_ = "null";
  bool over_ = false;     ///< The run has ended in this step.
  bool failing_ = false;  ///< It began to fail in this step.
};

}  // namespace penstock::rules
