// SPDX-License-Identifier: MIT
//
// What happens to a run, case by case: it starts, a node's job ends.
#include "rules/advance.h"

#include "rules/check.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_json.h"
#include "rules/run_step.h"
#include "rules/whole_number.h"

namespace penstock::rules {
namespace {

// clang-format off
constexpr std::string_view state_names[] = {
    "running", "failing", "compensating",           // lint: state-text, of a run
    "succeeded", "failed", "cancelled", "compensated"};  // lint: state-text, of a run
// clang-format on

}  // namespace

std::string_view to_text(RunState state) { return state_names[static_cast<std::size_t>(state)]; }

std::string run_state_names() {
  std::string all;
  for (const std::string_view name : state_names) {
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return all;
}

std::optional<RunState> parse_run_state(std::string_view text) {
  for (std::size_t i = 0; i < std::size(state_names); ++i) {
    if (state_names[i] == text) return static_cast<RunState>(i);
  }
  return std::nullopt;
}

void RunStep::start(const RunStart& start) {
  const FlowDefinition& definition = flow_.graph->definition();
  edit_.log({});
  edit_.read("state");  // Absent, or it is a run that has been started already.
  edit_.write("state", std::string(to_text(RunState::running)));
  edit_.write("flow", definition.flow);
  edit_.write("def", flow_.hash);
  edit_.write("input", start.input);
  edit_.write_number("created", to_ms(clock_.now));
  if (!start.parent_run.empty()) edit_.write("parent", start.parent_run + '|' + start.parent_place);
  if (auto keys = read_raw_object(start.input)) {
    for (auto& [key, value] : *keys) edit_.write("s:" + key, std::move(value));
  }
  edit_.mark({.state = std::string(to_text(RunState::running))});
  set_deadline(start.until);
  Token first{.spot = {.graph = flow_.graph.get()}, .node = flow_.graph->start()};
  if (flow_.graph->is_header(first.node)) first.tag = {1};
  fire(first);
  settle();
  count_jobs(0);
}

// The earlier of its own and that of the run around it. The step names it: a retry sets another,
// and the old step finds that it is no longer meant.
void RunStep::set_deadline(std::optional<Time> around) {
  const auto own = flow_.graph->definition().limits.timeout;
  if (!own && !around) return;
  const Time until = own ? std::min(around.value_or(Time::max()), clock_.now + *own) : *around;
  edit_.write_number("until", to_ms(until));
  put_step({{.node = std::to_string(to_ms(until))}}, Phase::deadline, until, "deadline");
}

void RunStep::end(const NodeReport& report) {
  const auto state = parse_run_state(edit_.read("state").value_or(""));
  if (!state || is_final(*state)) return;  // It has ended without this node.
  if (is_of_node(report.phase) && !report.place.empty()) {
    // A fork before a node begins before its end, not before its undo.
    edit_.log(report.phase == Phase::undo ? "" : write_place(report.place));
  }
  if (report.end == NodeReport::End::again) return put_off(report, *state);
  for (const std::string& lock : report.locks) edit_.erase(lock);
  state_ = *state;
  if (report.phase == Phase::undo) return undone(report);
  if (report.phase == Phase::cancel) return end_as_around(report);
  if (report.phase == Phase::deadline) {
    const bool meant = report.place.front().node == edit_.read("until");
    if (state_ == RunState::running && meant) time_out();
    return count_jobs(0);
  }
  if (state_ == RunState::running && is_late(report)) time_out();
  for (const NodeReport& one : report.local) local_.push_back(&one);
  if (report.phase == Phase::fire) {
    go_on_firing(report);
  } else if (report.phase != Phase::sweep) {
    end_running(report, token_of(report));
  }
  settle();
  count_jobs(1);
}

// Nobody may have been there when its time was over.
bool RunStep::is_late(const NodeReport& report) {
  if (!flow_.graph->definition().limits.timeout && !report.late) return false;
  const std::int64_t until = edit_.read_number("until");
  return until > 0 && clock_.now > from_ms(until);
}

void RunStep::end_running(const NodeReport& report, const Token& token) {
  switch (report.end) {
    case NodeReport::End::dropped:
      // What it waited for has come, so it has ended, if the run goes on or not.
      if (report.phase == Phase::gate && is_answered(report.place)) return end_gate(report, token);
      forget_prep(report);
      return park(token, report.place, report.phase);
    case NodeReport::End::skipped:
      note_end(write_place(report.place), skipped_state);
      edit_.erase("j:" + write_place(report.place));
      put_result(token, report.place, std::nullopt);
      return instance_done(token, report.place, {}, Kind::skipped);
    case NodeReport::End::failed: {
      const Graph::Node& node = token.spot.graph->nodes()[token.node];
      if (report.place.back().item >= 0) {
        record(report, token, JobState::failed);
        return item_done(token, report.place, false, report.error);
      }
      if (node.tolerated) {
        record(report, token, JobState::failed);
        return instance_done(token, report.place, {}, Kind::failed);
      }
      record(report, token, JobState::failed);
      fail(report.place, report.error);
      // A run inside that failed will not answer again: a retry starts another one.
      const bool inside = node_of(token).kind == FlowNode::Kind::child;
      return park(token, report.place, inside ? Phase::main : report.phase);
    }
    default:
      break;
  }
  if (report.phase == Phase::gate) return end_gate(report, token);
  if (report.phase == Phase::main) return end_main(report, token);
  if (!report.child.empty()) return start_child(report, token);  // An item that is a run.
  if (refuse(report, token)) return;
  record(report, token, JobState::succeeded);
  if (report.phase == Phase::item && token.spot.graph->nodes()[token.node].body &&
      node_of(token).kind == FlowNode::Kind::flow) {
    return open_body(token, report.place);
  }
  follow(report, token);
}

void RunStep::end_main(const NodeReport& report, const Token& token) {
  const FlowNode& node = node_of(token);
  if (!report.child.empty()) return start_child(report, token);
  if (report.items) {
    if (report.cancel || report.terminate) return end_as_asked(report);
    if (report.iterate || !report.next.empty()) {
      fail(report.place, "the prep of a batch cannot ask for other steps: ask in its post");
      return park(token, report.place, report.phase);
    }
    if (refuse(report, token)) return;
    record(report, token, JobState::running);
    commit(report);
    return begin_map(report, token);
  }
  if (node.kind == FlowNode::Kind::flow) {
    record(report, token, JobState::running);
    return open_body(token, report.place);
  }
  if (node.kind == FlowNode::Kind::gate) {
    if (state_ != RunState::running) return park(token, report.place, Phase::main);
    edit_.erase("j:" + write_place(report.place));
    return open_gate(token, report.place);
  }
  if (refuse(report, token)) return;
  record(report, token, JobState::succeeded);
  follow(report, token);
}

std::map<std::string, std::string> RunStep::about_of(const std::string& at) {
  return read_raw_object(edit_.read("n:" + at).value_or("{}")).value_or({});
}

// When what goes on there began, as its n: field tells.
std::optional<Time> RunStep::opened_at(const std::string& at) {
  const auto about = about_of(at);
  const auto began = about.find("started_ms");
  const auto ms = began == about.end() ? std::nullopt : whole_number(began->second);
  return ms ? std::optional(from_ms(*ms)) : std::nullopt;
}

bool RunStep::is_answered(const Place& place) {
  return edit_.read("g:" + write_place(place)).value_or("open") != "open";
}

// The gate was answered, or its time is over: whichever came first stands.
void RunStep::end_gate(const NodeReport& report, const Token& token) {
  const FlowNode& node = node_of(token);
  const std::string field = "g:" + write_place(report.place);
  const std::string known = edit_.read(field).value_or("open");
  NodeReport ended = report;
  if (node.kind == FlowNode::Kind::child) {
    ended.inside = edit_.read("k:" + write_place(report.place)).value_or("");
  }
  if (const auto opened = opened_at(write_place(report.place))) ended.started_at = opened;
  if (known == "open") {
    const bool timer = node.gate && node.gate->ask == Gate::Ask::timer;
    ended.action = timer ? "default" : "timed_out";
    edit_.write(field, "timed_out");
  } else {
    auto answer = read_raw_object(known);
    CHECK(answer.has_value());
    ended.action = read_string((*answer)["action"]).value_or("default");
    ended.result = (*answer)["answer"];
    if (const auto by = answer->find("by"); by != answer->end()) {
      history("gate " + write_place(report.place) + " was answered by " +
              read_string(by->second).value_or("somebody"));
    }
    if (const auto error = answer->find("error"); error != answer->end()) {
      ended.end = NodeReport::End::failed;
      ended.error = read_string(error->second).value_or("the run inside failed");
      if (answer->contains("not_undone")) not_undone(ended);
      if (state_ != RunState::running) return end_with_run(ended, token);
      return end_running(ended, token);
    }
  }
  if (refuse(ended, token)) return;
  record(ended, token, JobState::succeeded);
  // Of items only those that failed are kept.
  if (ended.place.back().item >= 0) edit_.erase("n:" + write_place(ended.place));
  follow(ended, token);
}

// The instance has come to its end, whatever it consisted of.
void RunStep::instance_done(const Token& token, const Place& place, std::string_view action,
                            Kind kind) {
  if (place.back().item >= 0) {
    if (node_of(token).kind == FlowNode::Kind::flow && kind == Kind::taken) {
      edit_.write(item_result(map_of(place), place.back().item), last_result_);
    }
    return item_done(token, place, kind == Kind::taken);
  }
  if (kind == Kind::taken) {
    if (!limits_of(token.spot).fail_on_missing || !misses_edge(token, action)) {
      if (node_of(token).kind == FlowNode::Kind::flow) {
        note_end(write_place(place), to_text(JobState::succeeded));
        put_result(token, place, last_result_);
      }
      remember_undo(token, place);
      last_action_ = action;
    } else {
      return fail_to_lead_on(token, place, action);
    }
  }
  complete(token, action, kind);
}

void RunStep::remember_undo(const Token& token, const Place& place) {
  if (node_of(token).undo_task.empty()) return;
  const std::string at = write_place(place);
  const std::int64_t number = edit_.read_number("un") + 1;
  edit_.write_number("un", number);
  edit_.write("u:" + std::to_string(number), at + '|' + write_tag(token.tag, token.passed));
  // Its latest result may be that of another visit by then.
  edit_.write("ur:" + at, last_result_);
}

void RunStep::forget_prep(const NodeReport& report) {
  if (report.attempt <= 1) return;
  for (const char* kept : {"p:", "pw:"}) edit_.erase(kept + write_place(report.place));
}

void RunStep::record(const NodeReport& report, const Token& token, JobState state) {
  const std::string at = write_place(report.place);
  JsonWriter about;
  about.begin_object().key("state").text(to_text(state));
  if (!report.job.empty()) about.key("job").text(report.job);
  about.key("attempt").number(report.attempt);
  const bool acted = state == JobState::succeeded || report.phase == Phase::post;
  if (acted) about.key("action").text(report.action);
  if (!report.worker.empty()) about.key("worker").text(report.worker);
  if (!report.inside.empty()) about.key("run").text(report.inside);
  // Of what was in several parts, the last one tells of all.
  std::map<std::string, std::string> before;
  if (report.phase == Phase::post) before = about_of(at);
  if (before.contains("started_ms")) {
    about.key("started_ms").raw(before["started_ms"]);
  } else if (report.started_at) {
    about.key("started_ms").number(to_ms(*report.started_at));
  }
  for (const char* count : {"items", "items_failed"}) {
    if (before.contains(count)) about.key(count).raw(before[count]);
  }
  about.key("ended_ms").number(to_ms(clock_.now));
  if (!report.error.empty()) about.key("error").text(report.error);
  about.end_object();
  const bool item = report.place.back().item >= 0;
  if (!item || state == JobState::failed) edit_.write("n:" + at, about.take());
  if (item) forget_item(report, token, state);
  edit_.erase("j:" + at);
  forget_prep(report);
  // Of what fails the run, which goes on there, the visit before is still the latest.
  const bool stays_failed = token.spot.graph->nodes()[token.node].tolerated;
  if (state == JobState::failed && stays_failed) put_result(token, report.place, std::nullopt);
  if (state != JobState::succeeded) return;
  const bool first =
      report.place == Place{{.node = flow_.graph->nodes()[flow_.graph->start()].node->name}};
  if (first && report.started_at) edit_.write_number("started", to_ms(*report.started_at));
  commit(report);
  last_result_ = report.result;
  if (item) {
    edit_.write(item_result(map_of(report.place), report.place.back().item), report.result);
  } else {
    put_result(token, report.place, report.result);
  }
}

void RunStep::note_end(const std::string& at, std::string_view state) {
  JsonWriter about;
  about.begin_object().key("state").text(state);
  about.key("ended_ms").number(to_ms(clock_.now)).end_object();
  edit_.write("n:" + at, about.take());
}

void RunStep::history(std::string text) {
  JsonWriter line;
  line.begin_object().key("at_ms").number(to_ms(clock_.now)).key("text").text(text).end_object();
  edit_.append("h", line.take());
}

// `ended` jobs have ended with this step. While a run fails, the last one brings it to its end.
void RunStep::count_jobs(std::int64_t ended) {
  if (over_) return;
  if (!later_.empty()) {
    const std::int64_t number = edit_.read_number("wn") + 1;
    edit_.write_number("wn", number);
    std::string places;
    for (const std::string& at : later_) places += (places.empty() ? "" : "\n") + at;
    edit_.write("w:" + std::to_string(number), std::move(places));
    put_step({{.node = std::to_string(number)}}, Phase::fire, std::nullopt, "");
    ++began_;
  }
  const bool fails = state_ == RunState::failing;
  if (fired_ > 0) {
    // Of a run that fails they are held back, and made after a retry.
    RunAdd steps{.name = fails ? "held" : "steps", .by = std::to_string(fired_)};
    if (!fails) steps.at_most = flow_.graph->definition().limits.max_steps;
    edit_.add(std::move(steps));
  }
  if (fails) return halted(began_ - ended);
  if (began_ != ended) edit_.add({.name = "a", .by = std::to_string(began_ - ended)});
}

void start_run(const PinnedGraph& flow, const RunStart& start, const StepClock& clock,
               RunEdit& edit) {
  RunStep(flow, clock, edit, nullptr).start(start);
}

void end_node(const PinnedGraph& flow, const NodeReport& report, const StepClock& clock,
              RunEdit& edit, const EditOf& edit_of) {
  RunStep(flow, clock, edit, &edit_of).end(report);
}

Result<Located> locate(const Graph& root, const Place& place) {
  Located at{.graph = &root};
  for (std::size_t i = 0; i < place.size(); ++i) {
    at.node = at.graph->find(place[i].node);
    if (at.node < 0) {
      return Error{Errc::not_found,
                   "flow " + root.definition().flow + " has no node \"" + place[i].node + "\""};
    }
    if (i + 1 == place.size()) break;
    at.graph = at.graph->nodes()[at.node].body.get();
    if (!at.graph) {
      return Error{Errc::not_found, "node \"" + place[i].node + "\" is no flow of its own"};
    }
  }
  if (place.size() > 1) at.scope = write_place({place.begin(), place.end() - 1}) + '/';
  return at;
}

std::optional<OpenStep> read_open_step(const RunField& field) {
  if (!field.value || !field.name.starts_with("j:")) return std::nullopt;
  auto place = read_place(std::string_view(field.name).substr(2));
  const auto first = field.value->find('|');
  const auto second = field.value->find('|', first + 1);
  if (!place || first == std::string::npos || second == std::string::npos) return std::nullopt;
  const auto phase =
      parse_phase(std::string_view(*field.value).substr(first + 1, second - first - 1));
  if (!phase) return std::nullopt;
  const auto tag = std::string_view(*field.value).substr(0, first);
  return OpenStep{.place = *std::move(place),
                  .tag = read_tag(tag),
                  .passed = read_passed(tag),
                  .phase = *phase,
                  .job = field.value->substr(second + 1)};
}

}  // namespace penstock::rules
