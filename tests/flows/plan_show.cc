// SPDX-License-Identifier: MIT
#include "tests/flows/plan.h"

namespace penstock::testing {
namespace {

using Kind = Plan::Kind;
using Fails = PlanStep::Fails;

const char* kind_name(Kind kind) {
  static constexpr const char* names[] = {
      "step", "sequence", "choice", "fork", "group", "aside", "asked", "loop",   "leak",
      "pair", "nested",   "flow",   "sets", "map",   "batch", "gate",  "inside", "meeting"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string show(const Plan& plan, int depth) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  std::string text = indent + kind_name(plan.kind);
  if (plan.both) text += " both";
  if (plan.meets) text += " meets";
  if (plan.stops) text += " stops";
  if (plan.join > 0) text += " of " + std::to_string(plan.join);
  if (plan.policy.kind != Policy::Kind::strict) {
    text += " policy " + std::to_string(static_cast<int>(plan.policy.kind));
  }
  for (const PlanStep& step : plan.steps) {
    text += ' ' + step.name + '(';
    for (const std::string& read : step.reads) text += read + ' ';
    text += step.local ? ") local" : ")";
    if (step.turns > 0) text += " turns " + std::to_string(step.turns);
    if (step.fails != Fails::never) text += step.fails == Fails::once ? " fails once" : " fails";
  }
  text += '\n';
  for (const Plan& part : plan.parts) text += show(part, depth + 1);
  return text;
}

}  // namespace penstock::testing
