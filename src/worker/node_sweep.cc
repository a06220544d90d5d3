// SPDX-License-Identifier: MIT
//
// The step that brings the end of a run to what is still open in it.
#include "rules/limits.h"
#include "worker/node_run.h"

namespace penstock {

using rules::Phase;

// What waits for an answer or a time is woken, to find out that its run is over. What runs may come
// to its end when the run has failed; when it is late or has ended without them, it has to stop.
// Runs inside that fail with it are waited for.
rules::Outcome NodeRun::sweep() {
  auto open = or_throw(reader_.fields_of(ticket_.run, "j:"));
  const auto state = rules::parse_run_state(field("state").value_or(""));
  const bool over = state && rules::is_final(*state), late = field("late").has_value();
  const bool fails =
      !over && rules::fails_runs_inside(*pinned_.graph, late, field("parent").has_value());
  rules::RunChange change{.run = ticket_.run};
  const auto flush = [&] {
    if (change.wake.empty()) return;
    change.expect = {{.name = "def", .value = ticket_.definition}};
    or_throw(reader_.write(change));
    change.wake.clear();
  };
  std::vector<JobId> live;
  for (const auto& [name, value] : open) {
    const auto step = rules::read_open_step({.name = name, .value = value});
    if (!step) continue;
    if ((over || fails) && waits_for_run(*step)) {
      end_inside(step->place, over ? rules::EndInside::cancel : rules::EndInside::fail);
      if (fails) continue;
    }
    if (step->job.empty()) continue;
    live.push_back({step->job});
    change.wake.push_back(name);
    if (change.wake.size() == rules::step_jobs) flush();
  }
  flush();
  if (over || late) or_throw(reader_.stop(std::move(live)));
  return ended("null");
}

bool NodeRun::waits_for_run(const rules::OpenStep& step) const {
  if (step.phase != Phase::gate) return false;
  const auto at = rules::locate(*pinned_.graph, step.place);
  return at && at->graph->nodes()[at->node].node->kind == rules::FlowNode::Kind::child;
}

void NodeRun::end_inside(const rules::Place& place, rules::EndInside how) {
  const auto inside = field("k:" + rules::write_place(place));
  if (!inside) return;
  auto known = or_throw(reader_.fields(*inside, {"def"}));
  if (!known.contains("def")) return;  // It has ended and is forgotten.
  rules::RunFacts facts;
  facts.learn("def", known["def"]);
  rules::RunEdit edit(*inside, facts);
  rules::end_inside(or_throw(reader_.graph(known["def"])), how, edit);
  const auto asked = reader_.write(edit.take());
  if (!asked && asked.error().code != Errc::conflict) or_throw(asked);
}

}  // namespace penstock
