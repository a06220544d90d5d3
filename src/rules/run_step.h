// SPDX-License-Identifier: MIT
//
// One step of a run while it is being decided: tokens move along edges until nothing moves any
// more. Used by advance.cc; split over tokens.cc (edges, joins, loops), run_region.cc (the ends of
// loops and flows), run_leave.cc (ways out of loops, and where they meet others), run_map.cc
// (lists), run_halt.cc (failure, compensation, the end).
//
// A token that ends sends an arrival along each edge: taken, skipped, or failed. Arrivals are
// worked off from a queue, not by recursion: a chain of skipped nodes may be 100,000 long. What
// ends or begins is counted for every region that it is in (the flow, each loop, and what is behind
// a loop and may still meet other inputs); when a region has come to zero, it ends, which may send
// further arrivals outside.
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
    PassedJoins passed = {};
  };
  struct Arrival {
    Spot spot = {};
    int edge = -1;
    Kind kind = Kind::taken;
    std::vector<int> tag = {};  ///< Of the target.
    PassedJoins passed = {};
  };
  /// Header -1: the flow itself. Deeper regions come first.
  struct RegionKey {
    std::size_t depth = 0;
    std::string cell = {};
    bool operator<(const RegionKey& other) const {
      return depth != other.depth ? depth > other.depth : cell < other.cell;
    }
  };
  struct Region {
    std::string cell = {};
    Spot spot = {};
    int header = -1;
    int group = -1;             ///< Of what is behind the loop (Graph::meetings_of); -1: the loop.
    std::vector<int> tag = {};  ///< Of what goes on in it, before the turns of this loop.
    std::int64_t delta = 0;
    bool ends = false;  ///< When nothing goes on in it, though nothing has in this step.
    /// Of a loop that does not branch: edges out of it that were taken, and how often.
    std::map<int, int> exits = {};
  };

  // tokens.cc
  [[nodiscard]] Spot spot_of(const Place& place) const;
  [[nodiscard]] Token token_of(const NodeReport& report) const;
  [[nodiscard]] const FlowNode& node_of(const Token& token) const {
    return *token.spot.graph->nodes()[token.node].node;
  }
  static std::vector<int> target_tag(const Token& token, int edge);
  static Token named_by(const Token& token, int node);
  /// The tag with the turns of so many of its node's heads.
  static std::vector<int> cut_tag(const Token& token, std::size_t heads);
  void send(const Token& token, int edge, Kind kind);
  void complete(const Token& token, std::string_view action, Kind kind);
  void note_last(const Spot& spot, const char* kind, int node, std::string_view action);
  void arrive(const Arrival& arrival);
  void collect(const Arrival& arrival, int inputs);
  void join(const Arrival& arrival);
  static void merge_passed(const Arrival& arrival, PassedJoins& all);
  void keep_passed(const Arrival& arrival, const std::string& cell);
  static void forget_passed(Token& token);
  void fire_join(Token token);
  void skip(const Token& token, Kind kind);

  // run_leave.cc
  static std::map<int, int> exits_in(std::string_view cell);
  static std::string write_exits(const Region& region);
  std::int64_t next_number();
  void leave_again(const Token& token, int edge, std::vector<int>& tag);
  void end_loop(const Region& ended);
  static Arrival skipped_at(const Region& ended, int edge);
  static std::string meeting_of(const Arrival& arrival);
  void meets(const Token& source, Arrival arrival);
  void passes_by(const Token& source, const Arrival& arrival);
  void counts_no_more(const Arrival& arrival);
  void meet_no_more(const Region& ended);

  // run_region.cc
  Region& region(const Spot& spot, int header, std::vector<int> tag, int group = -1);
  Region& loop_of(const Token& token, int header, int group = -1);
  void count(const Token& token, std::int64_t by);
  void tell_groups(const Region& loop, bool went_on, bool goes_on);
  void settle();
  bool settle_region();
  bool stays_open(const std::string& cell, std::int64_t delta);
  void recall_end(const Spot& spot);
  void end_flow(const Spot& spot);
  static std::vector<int> tag_at(const Token& token, std::string_view field);

  // run_group.cc
  /// So many of what has come to a join will come again.
  struct Again {
    std::int64_t failed = 0, skipped = 0;
  };
  Again fail_group(const Token& behind, std::int64_t arrived);
  std::int64_t forget_meetings(const Token& behind, int edge);
  std::optional<Place> failed_at(const Token& member);

  // Firing.
  void fire(Token token, bool dynamic = false);
  [[nodiscard]] FlowLimits limits_of(const Spot& spot) const;
  void set_deadline(std::optional<Time> around);
  std::int64_t next_visit(const Token& token, bool dynamic);
  std::int64_t visits_of(const Token& token);
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
  std::vector<int> next_turn(const Token& token, int edge);

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
  std::map<std::string, std::vector<Arrival>> inputs_ = {};  ///< Of joins that wait for more.
  std::map<RegionKey, Region> regions_ = {};
  std::vector<std::string> later_ = {};  ///< Places to fire that were too many, as j: fields.
  std::deque<const NodeReport*> local_ = {};
  std::int64_t fired_ = 0, began_ = 0;
  std::string last_action_ = "default", last_result_ = "null";
  bool over_ = false;     ///< The run has ended in this step.
  bool failing_ = false;  ///< It began to fail in this step.
};

}  // namespace penstock::rules
