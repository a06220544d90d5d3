// SPDX-License-Identifier: MIT
#include "tests/torture/torture_flows.h"

#include <penstock/async.h>
#include <penstock/flow.h>
#include <penstock/json.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

namespace penstock::torture {
namespace {

// Everything that the node wrote is under way when its process dies, and none of it is kept.
void die_if_chosen(const Shared& shared, const Job& job, const std::string& name) {
  const bool chosen = shared.input().value("dies", "") == name;
  if (chosen && job.crashes == 0) ::kill(::getpid(), SIGKILL);
}

void note(Shared& shared, const std::string& list, const std::string& name) {
  shared.append(list, name);
  shared.add(list + " count", 1);
  Clock& clock = real_clock();
  clock.wait_until(clock.steady() + Duration{20}, shared.job().stop());
  die_if_chosen(shared, shared.job().job(), name);
}

auto noting(const std::string& name) {
  return [name](Shared& shared) { note(shared, "ends", name); };
}

auto undoing(const std::string& name) {
  return [name](Shared& shared) {
    note(shared, "undone", name);
    die_if_chosen(shared, shared.job().job(), "undo " + name);
  };
}

// A map that notes each of its items.
Nodes each_of(Flow& flow, const std::string& name, const std::string& over) {
  return flow.map(name, over,
                  [name](int n, Shared& shared) {
                    note(shared, "ends", name + std::to_string(n));
                    return n;
                  },
                  {.parallel = 2});
}

// A fork and a join, a map, and a loop of three turns.
Flow good_flow() {
  Flow flow("good");
  auto split = flow.task("split", noting("split"));
  auto a = flow.task("a", noting("a")), b = flow.task("b", noting("b"));
  auto join = flow.task("join", noting("join"));
  auto list = flow.task("list", [](Shared& shared) {
    note(shared, "ends", "list");
    return json({1, 2, 3, 4, 5});
  });
  struct Turn : Node {
    std::string post(Shared& shared, const json&, const json&) override {
      shared.add("turns", 1);
      const int turn = shared.get_or("turns", 0);
      note(shared, "ends", "turn" + std::to_string(turn));
      return turn < 3 ? "again" : "default";
    }
  };
  auto turn = flow.node("turn", Turn{}, {.max_attempts = 5});
  auto sum = flow.task("sum", noting("sum"));
  split >> (a | b) >> join >> list >> each_of(flow, "item", "$.nodes.list.result") >> turn >> sum;
  turn.on("again") >> turn;
  return flow;
}

// What was done is undone, because its last node fails.
Flow bad_flow() {
  Flow flow("bad");
  auto a = flow.task("a", noting("a")).undo(undoing("a"));
  auto b = flow.task("b", noting("b")).undo(undoing("b"));
  auto c = flow.task("c", noting("c")).undo(undoing("c"));
  a >> (b | c) >> flow.task("fails", []() -> int { throw NoRetry("as it has to"); });
  return flow;
}

// The same, because a run inside fails, which undoes its own nodes.
Flow sour_flow(const Flow& inner) {
  Flow flow("sour");
  auto a = flow.task("a", noting("a")).undo(undoing("a"));
  auto calls = flow.run("calls", inner, {{"dies", "$.input.dies"}});
  a >> calls >> flow.task("never", noting("never"));
  return flow;
}

struct Nap : AsyncNode {
  Awaitable<json> exec(json, AsyncContext context) override {
    auto napped = context.wait_for(Duration{30});
    co_await std::move(napped);
    co_return 1;
  }
  Awaitable<std::string> post(Shared& shared, json, json result, AsyncContext context) override {
    shared.append("ends", "nap");
    shared.add("ends count", result.get<int>());
    auto napped = context.wait_for(Duration{10});
    co_await std::move(napped);
    die_if_chosen(shared, context.job(), "nap");
    co_return "default";
  }
};

Flow leaf_flow() {
  Flow flow("leaf");
  flow.task("leaf", [](Shared& shared) {
    note(shared, "ends", "leaf");
    return shared.input().at("n").get<int>() + 1;
  });
  return flow;
}

// A coroutine, and a run inside.
Flow branch_flow(const Flow& inner) {
  Flow flow("branch");
  auto leaf = flow.run("leaf", inner, {{"n", "$.input.n"}, {"dies", "$.input.dies"}});
  flow.node("nap", Nap{}) >> leaf >> flow.task("twig",
                                               [](int n, Shared& shared) {
                                                 note(shared, "ends", "twig");
                                                 return n;
                                               },
                                               {"leaf"});
  return flow;
}

// Two maps, a coroutine and a run with a run inside, side by side; then one that joins them.
Flow deep_flow(const Flow& inner) {
  Flow flow("deep");
  auto split = flow.task("split", [](Shared& shared) {
    note(shared, "ends", "split");
    return json({1, 2, 3});
  });
  auto left = each_of(flow, "left", "$.nodes.split.result");
  auto right = each_of(flow, "right", "$.nodes.split.result");
  auto branch = flow.run("branch", inner, {{"n", 1}, {"dies", "$.input.dies"}});
  auto join =
      flow.task("join",
                [](const std::vector<int>& l, const std::vector<int>& r, int n, Shared& shared) {
                  const bool all = l == std::vector{1, 2, 3} && r == l && n == 2;
                  if (!all) throw NoRetry("not all that it joins is there");
                  note(shared, "ends", "join");
                },
                {"left", "right", "branch"});
  split >> (left | right | flow.node("nap", Nap{}) | branch) >> join;
  return flow;
}

// A gate that somebody answers, and one that time answers.
Flow gated_flow() {
  Flow flow("gated");
  auto ask = flow.gate("ask", {.ask = GateOptions::Ask::approval});
  auto nap = flow.gate("timer", {.ask = GateOptions::Ask::timer, .deadline = Duration{200}});
  flow.task("before", noting("before")) >> ask;
  ask.on("approved") >> flow.task("yes", noting("yes")) >> nap >> flow.task("late", noting("late"));
  return flow;
}

struct Kind {
  Flow flow;
  std::size_t ends = 0;  // How many a run has that went well; 0: it must not.
  int inside = 0;        // Runs directly inside of one.
  std::vector<std::string> dies = {};
};

const std::map<std::string, Kind>& kinds() {
  static const auto all = [] {
    std::map<std::string, Kind> made;
    const auto add = [&made](Kind kind) { made.emplace(kind.flow.name(), std::move(kind)); };
    add({good_flow(), 14, 0, {"join", "item3", "turn2", "list"}});
    // One of each: tasks are named by their flow.
    const Flow bad = bad_flow(), leaf = leaf_flow(), branch = branch_flow(leaf);
    add({bad, 0, 0, {"undo b", "b", "undo a", "c", "undo c"}});
    add({sour_flow(bad), 0, 1, {"undo a", "undo b", "a"}});
    add({deep_flow(branch), 9, 1, {"leaf", "nap", "join", "twig", "left2"}});
    add({branch, 2, 1, {}});
    add({leaf, 1, 0, {}});
    add({gated_flow(), 3, 0, {"yes", "before", "late"}});
    return made;
  }();
  return all;
}

json list_of(const std::map<std::string, std::string>& shared, const std::string& key) {
  const auto found = shared.find(key);
  return found == shared.end() ? json::array() : json::parse(found->second);
}

// Each is there once, as often as was counted.
std::string trouble_with_list(const std::map<std::string, std::string>& shared,
                              const std::string& key) {
  const json list = list_of(shared, key);
  const auto count = shared.find(key + " count");
  const std::string counted = count == shared.end() ? "0" : count->second;
  if (counted != std::to_string(list.size())) return counted + " counted of " + list.dump();
  for (const auto& one : list) {
    if (std::count(list.begin(), list.end(), one) != 1) return one.dump() + " more than once";
  }
  return {};
}

// Undone is, in reverse order, what was done: no more and no less.
std::string trouble_with_undoing(const Run& run, const std::map<std::string, std::string>& shared) {
  const json ends = list_of(shared, "ends");
  json undone = list_of(shared, "undone");
  std::reverse(undone.begin(), undone.end());
  if (undone != ends) return "done " + ends.dump() + ", undone " + undone.dump();
  std::size_t compensated = 0;
  for (const RunNode& node : run.nodes) compensated += node.state == "compensated" ? 1U : 0U;
  if (compensated == ends.size()) return {};
  return std::to_string(compensated) + " nodes compensated of " + ends.dump();
}

struct Tally {
  std::map<std::string, std::string> inside = {};  // Place that started a run -> the run.
  std::map<std::string, int> inside_of = {};
  int runs = 0, excused = 0;
};

// Only who was killed three times, or whose run inside was, may end otherwise than it should.
bool is_excused(const Run& run) { return run.error.find(", the last of ") != std::string::npos; }

std::string trouble_with(Client& client, const Run& listed, Tally& tally) {
  const auto run = client.find_run(listed.id);
  if (!run) return run.error().message;
  const auto kind = kinds().find(run->flow);
  if (kind == kinds().end()) return "nobody knows its flow " + run->flow;
  if (!run->ended()) return "it is " + run->state;
  const auto shared = client.shared(run->id);
  if (!shared) return shared.error().message;
  for (const char* list : {"ends", "undone"}) {
    if (auto trouble = trouble_with_list(*shared, list); !trouble.empty()) return trouble;
  }
  const bool fails = kind->second.ends == 0;
  const bool excused = is_excused(*run);
  tally.excused += excused ? 1 : 0;
  if (excused && run->state == "failed") return {};
  if (run->state != (fails ? "compensated" : "succeeded")) {
    return "it is " + run->state + ": " + run->error;
  }
  if (fails) return trouble_with_undoing(*run, *shared);
  for (const RunNode& node : run->nodes) {
    if (node.state != "succeeded") return "node " + node.node + " is " + node.state;
  }
  const int inside = tally.inside_of[run->id.text];
  if (inside != kind->second.inside) return std::to_string(inside) + " runs inside of it";
  const json ends = list_of(*shared, "ends");
  return ends.size() == kind->second.ends ? "" : "its ends are " + ends.dump();
}

Result<std::vector<Run>> all_runs(Client& client) {
  std::vector<Run> all;
  std::string cursor;
  do {
    auto page = client.list_runs(cursor, 1000);
    if (!page) return std::move(page).error();
    all.insert(all.end(), page->items.begin(), page->items.end());
    cursor = page->next_cursor;
  } while (!cursor.empty());
  return all;
}

void complain(const RunId& run, const std::string& trouble) {
  if (!trouble.empty()) std::cout << "run " << run.text << ": " << trouble << '\n';
}

}  // namespace

void add_flows(Tasks& tasks) {
  for (const auto& [name, kind] : kinds()) tasks.add(kind.flow).value();
}

int start_run(const Arguments& arguments) {
  auto client = Client::open(arguments.store());
  if (!client) return report(client.error());
  if (arguments.words().empty()) return 2;
  const std::string id = arguments.words().front();
  const auto dash = id.find('-');
  const auto kind = kinds().find(id.substr(0, dash));
  if (kind == kinds().end() || dash == std::string::npos) return 2;
  // Every eighth: each death costs a worker, and the jobs that it held a crash.
  const auto number = std::strtoull(id.c_str() + dash + 1, nullptr, 10);
  const auto& dies = kind->second.dies;
  json input{{"dies", ""}};
  if (number % 8 == 0 && !dies.empty()) input["dies"] = dies[number / 40 % dies.size()];
  auto run = client->run(kind->second.flow, input, {.id = id});
  if (!run) return report(run.error());
  std::cout << run->text << '\n';
  return 0;
}

int check_runs(const Arguments& arguments) {
  auto client = Client::open(arguments.store());
  if (!client) return report(client.error());
  const auto runs = all_runs(*client);
  if (!runs) return report(runs.error());
  Tally tally;
  std::map<std::string, bool> known;  // Every run that there is; whether somebody asked for it.
  for (const Run& run : *runs) {
    known[run.id.text] = !run.parent.empty();
    if (run.parent.empty()) continue;
    ++tally.inside_of[run.parent.substr(0, run.parent.find('|'))];
    const auto [other, first] = tally.inside.emplace(run.parent, run.id.text);
    if (!first) complain(run.id, "begun at " + run.parent + " like " + other->second);
  }
  for (std::string id; std::getline(std::cin, id);) {
    if (!known.contains(id)) complain({id}, "it is lost");
    known[id] = true;
  }
  for (const Run& run : *runs) {
    if (!known[run.id.text]) complain(run.id, "nobody started it");
    complain(run.id, trouble_with(*client, run, tally));
  }
  std::cout << "= " << runs->size() << ", " << tally.inside.size() << " of them inside of others, "
            << tally.excused << " ended by a third crash\n";
  return 0;
}

}  // namespace penstock::torture
