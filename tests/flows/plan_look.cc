// SPDX-License-Identifier: MIT
//
// What a step makes of what it sees, and does next.
#include "tests/flows/plan.h"

#include <algorithm>
#include <cstdio>

namespace penstock::testing {
namespace {

using Kind = Plan::Kind;

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 1099511628211U;
  return hash ^ (hash >> 29U);
}

// How many steps lie before what made this, along its longest way.
int depth_of(const json& result) {
  int depth = 0;
  if (result.is_string()) return std::stoi(result.get<std::string>());
  for (const json& one : result) depth = std::max(depth, depth_of(one));
  return depth;
}

}  // namespace

PlanSight look(const PlanStep& step, const PlanReads& result, const json& params,
               const json& more) {
  std::string seen;
  int depth = 0;
  for (const std::string& name : step.reads) {
    const auto value = result(name);
    if (value) depth = std::max(depth, depth_of(*value));
    seen += (seen.empty() ? "" : ",") + name + '=' + (value ? value->dump() : "-");
  }
  if (!step.params.empty()) seen += ' ' + params.dump();
  if (!more.is_null()) seen += " of " + more.dump();
  char digits[9] = {};
  const auto hash = hash_of(step.name + seen);
  (void)std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(hash));
  PlanSight sight{.result = std::to_string(depth + 1) + ':' + digits};
  if (step.lists) {
    json list = json::array();
    for (int i = pick(sight.result, "items", 4); i > 0; --i) {
      list.push_back(sight.result.get<std::string>() + std::to_string(i) + (step.batch ? "!" : ""));
    }
    sight.result = list;
  }
  sight.line = step.name + '=' + sight.result.dump() + '(' + seen + ')';
  return sight;
}

int pick(const json& result, const std::string& what, int bound) {
  return static_cast<int>(hash_of(what + result.dump()) % static_cast<unsigned>(bound));
}

std::string turn_action(const Plan& loop, const json& result) {
  if (depth_of(result) > 25) return "out";
  const int at = pick(result, "turn", 20);
  if (loop.stops && at == 0) return "stop";
  if (loop.both && loop.kind == Kind::loop && at < 7) return "both";
  return at < (loop.kind == Kind::pair ? 8 : 13) ? "again" : "out";
}

std::string inner_action(const Plan& nested, const json& result) {
  if (turn_action(nested, result) == "again") return "again";
  if (nested.restarts && depth_of(result) <= 25 && pick(result, "restart", 3) == 0) {
    return "restart";
  }
  const bool breaks = pick(result, "break", 3) == 0 && depth_of(result) <= 25;
  return breaks ? "break" : "next";
}

std::string way_action(const Plan& meeting, const json& result) {
  return meeting.both && pick(result, "tells", 3) == 0 ? "tells" : "default";
}

json sets_of(const PlanStep& step, const json& result) {
  json sets = json::array();
  for (int i = pick(result, "sets", 4); i > 0; --i) sets.push_back({{step.name, i}});
  return sets;
}

}  // namespace penstock::testing
