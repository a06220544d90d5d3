// SPDX-License-Identifier: MIT
//
// Loops, and joins behind them.
#include "tests/flows/plan_draw.h"

namespace penstock::testing {

// Steps that are on the main line of what a loop has: the next turn sees them.
void PlanDraw::look_back(PlanStep& head, const Place& place, std::size_t known) {
  const auto count = static_cast<int>(place.before.size() - known);
  for (int i = 0; i < 2 && count > 0; ++i) {
    add(head.reads, place.before[known + static_cast<std::size_t>(below(count))]);
  }
  if (chance(30)) add(head.reads, head.name);
}

PlanPlace PlanDraw::turning(const Place& place) {
  Place inner = deeper(place, true);
  inner.looped = true;
  return inner;
}

void PlanDraw::leave(Place& place, Place inner) {
  place.before = std::move(inner.before);
  place.from = std::move(inner.from);
  place.local = false;
}

Plan PlanDraw::loop(Place& place) {
  Plan plan{.kind = Kind::loop, .steps = {join(place)}};
  plan.both = place.many && chance(60);
  plan.stops = place.stops && chance(30);
  const std::size_t known = place.before.size();
  Place inner = turning(place);
  plan.parts.push_back(sequence(inner, below(3), false));
  plan.steps.push_back(step(inner));
  add(plan.steps[0].reads, plan.steps[1].name);
  look_back(plan.steps[0], inner, known);
  leave(place, inner);
  if (!plan.both) return plan;
  Place end = place;
  plan.steps.push_back(step(place));
  plan.steps.push_back(step(end));
  meet(plan, place, end);
  return plan;
}

// Each turn leads out at its head, too, and in the last one at its tail.
Plan PlanDraw::leak(Place& place) {
  Plan plan{.kind = Kind::leak, .steps = {join(place)}};
  plan.stops = place.stops && chance(30);
  Place beside = place;
  const std::size_t known = place.before.size();
  Place inner = turning(place);
  inner.many = inner.local = false;
  plan.parts.push_back(sequence(inner, below(3), false));
  plan.steps.push_back(step(inner));
  add(plan.steps[0].reads, plan.steps[1].name);
  look_back(plan.steps[0], inner, known);
  leave(place, inner);
  plan.steps.push_back(step(beside));
  plan.steps.push_back(step(place));
  const std::string ends = place.from.front();
  // What left at the head knows nothing of loops in the body.
  place.before.erase(place.before.begin() + static_cast<std::ptrdiff_t>(known), place.before.end());
  add(place.before, plan.steps[1].name);
  pass(place, {plan.steps[2].name, ends});
  plan.steps.push_back(join(place));
  return plan;
}

// A join waits for a branch beside a loop, and for what leaves that at last or in each turn.
Plan PlanDraw::meeting(Place& place) {
  Plan plan{.kind = Kind::meeting, .steps = {step(place)}};
  plan.meets = chance(30);
  plan.both = chance(60);  // And leaves it at last for sure.
  plan.stops = !plan.both && place.stops && chance(50);
  Place beside = deeper(place, false);
  beside.stops = beside.local = false;
  plan.parts.push_back(sequence(beside, below(2), false));
  Place turn = place;
  plan.steps.push_back(join(turn));
  const std::size_t known = turn.before.size();
  Place inner = turning(turn), way = turn;
  inner.many = inner.local = false;
  inner.stops &= !plan.both;
  plan.parts.push_back(sequence(inner, below(3), false));
  plan.steps.push_back(step(inner));
  look_back(plan.steps[1], inner, known);
  plan.steps.push_back(step(way));
  plan.steps.push_back(join(inner));
  const std::string tail = plan.steps[2].name, leaves = plan.steps[4].name;
  add(plan.steps[1].reads, tail);
  add(turn.before, tail);
  pass(turn, {plan.steps[3].name, leaves});
  plan.steps.push_back(join(turn));
  Place out = inner;
  out.looped = place.looped;
  out.stops = out.local = false;
  if (!plan.meets) plan.parts.push_back(sequence(out, below(2), false));
  place.from = beside.from;
  for (const auto& name : beside.before) add(place.before, name);
  for (const auto& name : out.before) {
    if (name == leaves ? !plan.meets : plan.both) add(place.before, name);
  }
  if (plan.both && plan.meets) add(place.from, tail);
  if (plan.both && !plan.meets) {
    for (const auto& name : out.from) add(place.from, name);
  }
  plan.steps.push_back(join(place));
  return plan;
}

// The ways out lead to a join, which sees what left in its turn.
void PlanDraw::meet(Plan& plan, Place& place, const Place& other) {
  plan.meets = chance(50);
  if (!plan.meets) return;
  const auto from = place.from;
  for (const auto& name : other.before) add(place.before, name);
  pass(place, {from.front(), other.from.front()});
  plan.steps.push_back(join(place));
}

// Both tails may go on: each begins a turn of its own, which only what came before tells.
Plan PlanDraw::pair(Place& place) {
  Plan plan{.kind = Kind::pair, .steps = {join(place)}};
  add(plan.steps[0].reads, plan.steps[0].name);
  Place beside = place;
  plan.steps.push_back(step(beside));
  plan.steps.push_back(step(place));
  plan.steps.push_back(step(beside));
  plan.steps.push_back(step(place));
  meet(plan, place, beside);
  return plan;
}

Plan PlanDraw::nested(Place& place) {
  Plan plan{.kind = Kind::nested, .steps = {join(place)}};
  const std::size_t known = place.before.size();
  Place inner = turning(place);
  inner.many = false;
  const bool filled = chance(50);
  plan.both = place.many && chance(50);
  plan.restarts = chance(50);
  auto between = [&] { plan.parts.push_back(sequence(inner, filled ? below(2) : 0, false)); };
  between();
  plan.steps.push_back(join(inner));
  const std::size_t inner_known = inner.before.size();
  between();
  plan.steps.push_back(step(inner));
  const std::string inner_tail = plan.steps[2].name;
  add(plan.steps[1].reads, inner_tail);
  look_back(plan.steps[1], inner, inner_known);
  between();
  plan.steps.push_back(step(inner));
  add(plan.steps[0].reads, plan.steps[3].name);
  add(plan.steps[0].reads, inner_tail);
  look_back(plan.steps[0], inner, known);
  leave(place, inner);
  Place broken = place;
  broken.from = {inner_tail};
  PlanStep breaks = step(broken);
  add(place.before, breaks.name);
  add(place.from, breaks.name);
  plan.steps.push_back(join(place));
  plan.steps.push_back(breaks);
  return plan;
}

}  // namespace penstock::testing
