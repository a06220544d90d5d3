// SPDX-License-Identifier: MIT
#include "client/runs.h"

#include "client/wait_until.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "rules/run_json.h"
#include "rules/run_log.h"
#include "store/chance.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr int most_conflicts = 200;

Error unknown(const std::string& run) {
  return Error{Errc::not_found,
               "run " + rules::printable(run) + " does not exist: check the id and the store"};
}

std::string new_run_id() {
  std::string hex = to_hex(new_secret()).substr(0, 32);
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  for (const std::size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

rules::RunChange published(const FlowText& flow, const std::string& hash) {
  rules::RunChange change{.run = std::string(rules::definitions_run)};
  change.set.push_back({.name = "d:" + hash, .value = flow.definition});
  change.set.push_back({.name = "f:" + flow.flow, .value = hash});
  return change;
}

// The edits of a fork, and where it comes from. Errors: invalid.
Result<rules::RunChange> edits_of(const ForkSpec& spec, const std::string& before) {
  rules::RunChange change{.run = spec.run.text};
  for (const auto& [key, value] : spec.set) {
    if (auto ok = rules::check_key("key of the shared store", key); !ok) {
      return std::move(ok).error();
    }
    if (auto ok = rules::check_json("value of " + key, value, rules::max_payload_bytes); !ok) {
      return std::move(ok).error();
    }
    change.set.push_back({.name = "s:" + key, .value = value});
    change.set.push_back({.name = "c:" + key, .value = std::nullopt});
  }
  change.set.push_back({.name = "from", .value = spec.run.text + '|' + before});
  return change;
}

}  // namespace

Result<void> Runs::change(Producer& producer, const std::string& run, const Decide& decide) {
  std::map<std::string, rules::RunFacts> facts;
  for (int tries = 0; tries < most_conflicts; ++tries) {
    rules::RunEdit edit(run, facts[run]);
    std::map<std::string, rules::RunEdit> others;
    const rules::EditOf edit_of = [&](const std::string& other) -> rules::RunEdit& {
      return others.try_emplace(other, other, facts[other]).first->second;
    };
    auto decided = decide(edit, edit_of);
    std::vector<rules::RunChange> changes;
    if (decided) {
      changes.push_back(edit.take());
    } else {
      // It may have been refused for what is not known yet: nothing is changed but compared.
      changes.push_back({.run = run, .expect = edit.take().expect});
    }
    for (auto& [name, other] : others) changes.push_back(other.take());
    auto store = handles_.lend();
    if (!store) return std::move(store).error();
    auto done = producer.repeat(handles_.clock(), patience_, [&](const RequestId& request) {
      return (*store)->signal({.request = request, .runs = changes});
    });
    if (!done) return std::move(done).error();
    if (done->conflicts.empty()) return decided;
    for (const rules::RunConflict& conflict : done->conflicts) facts[conflict.run].learn(conflict);
  }
  return Error{Errc::unavailable, "run " + run + " changes too fast: try again"};
}

Result<FlowText> Runs::definition(std::string_view flow) {
  const std::string all(rules::definitions_run), name = "f:" + std::string(flow);
  auto known = reader_.fields(all, {name});
  if (!known) return std::move(known).error();
  if (!known->contains(name)) {
    return Error{Errc::not_found, "the store knows no flow \"" + rules::printable(flow) +
                                      "\": run it from its file, or start a worker that has it"};
  }
  const std::string field = "d:" + known->at(name);
  auto text = reader_.fields(all, {field});
  if (!text) return std::move(text).error();
  return FlowText{.flow = std::string(flow), .definition = (*text)[field]};
}

namespace {

Result<void> check_definition(const FlowText& flow) {
  auto definition = rules::read_definition(flow.definition);
  if (!definition) return std::move(definition).error();
  if (definition->flow != flow.flow) {
    return Error{Errc::invalid, "this is the definition of flow \"" +
                                    rules::printable(definition->flow) + "\" and not of \"" +
                                    rules::printable(flow.flow) + '"'};
  }
  std::vector<rules::FlowProblem> problems;
  rules::Graph::compile(std::make_shared<const rules::FlowDefinition>(*std::move(definition)),
                        problems);
  if (problems.empty()) return {};
  return Error{Errc::invalid, "flow " + flow.flow + ": " + problems[0].text};
}

}  // namespace

Result<void> Runs::publish(Producer& producer, const FlowText& flow) {
  const std::string hash = rules::content_hash(flow.definition);
  const std::string name = "f:" + flow.flow;
  auto known = reader_.fields(std::string(rules::definitions_run), {name});
  if (!known) return std::move(known).error();
  if (const auto found = known->find(name); found != known->end() && found->second == hash) {
    return {};
  }
  if (auto ok = check_definition(flow); !ok) return ok;
  auto store = handles_.lend();
  if (!store) return std::move(store).error();
  const rules::RunChange change = published(flow, hash);
  auto done = producer.repeat(handles_.clock(), patience_, [&](const RequestId& request) {
    return (*store)->signal({.request = request, .runs = std::span(&change, 1)});
  });
  if (!done) return std::move(done).error();
  return {};
}

Result<RunId> Runs::start(Producer& producer, const FlowText& flow, std::string input,
                          RunOptions options) {
  if (auto ok = rules::check_json("input", input, rules::max_payload_bytes); !ok) {
    return std::move(ok).error();
  }
  if (auto ok = rules::check_input_keys(input); !ok) return std::move(ok).error();
  if (!options.id.empty()) {
    if (auto ok = rules::check_own_id("run id", options.id); !ok) return std::move(ok).error();
  }
  if (auto ok = publish(producer, flow); !ok) return std::move(ok).error();
  const std::string hash = rules::content_hash(flow.definition);
  auto pinned = reader_.graph(hash);
  if (!pinned) return std::move(pinned).error();
  const RunId id{options.id.empty() ? new_run_id() : options.id};
  auto started = change(producer, id.text, [&](rules::RunEdit& edit, const rules::EditOf&) {
    const auto known = edit.read("def");
    if (known && *known != hash) {
      return Result<void>(Error{Errc::conflict, "run " + id.text +
                                                    " is of another flow: use "
                                                    "another id"});
    }
    if (known) return Result<void>();
    rules::start_run(*pinned, {.definition = hash, .input = input}, {.now = handles_.clock().now()},
                     edit);
    return Result<void>();
  });
  if (!started) return std::move(started).error();
  return id;
}

Result<rules::PinnedGraph> Runs::graph_of(const std::string& run) {
  auto fields = reader_.fields(run, {"def"});
  if (!fields) return std::move(fields).error();
  if (!fields->contains("def")) return unknown(run);
  return reader_.graph(fields->at("def"));
}

Result<void> Runs::signal(Producer& producer, const RunId& run, std::string_view node,
                          std::string_view answer, std::string_view by) {
  auto pinned = graph_of(run.text);
  if (!pinned) return std::move(pinned).error();
  auto place = rules::read_place(node);
  if (!place) return std::move(place).error();
  if (node.find('#', node.rfind('/') + 1) == std::string_view::npos) {
    // The latest visit that waits.
    auto open = reader_.fields_of(run.text, "j:" + rules::node_path(*place) + '#');
    if (!open) return std::move(open).error();
    for (const auto& [name, value] : *open) {
      const auto step = rules::read_open_step({.name = name, .value = value});
      if (step && step->place.back().visit >= place->back().visit) *place = step->place;
    }
  }
  return change(producer, run.text, [&](rules::RunEdit& edit, const rules::EditOf&) {
    return rules::answer_gate(*pinned, *place, answer, by, {.now = handles_.clock().now()}, edit);
  });
}

Result<void> Runs::cancel(Producer& producer, const RunId& run, std::string_view why) {
  auto pinned = graph_of(run.text);
  if (!pinned) return std::move(pinned).error();
  auto done = change(producer, run.text, [&](rules::RunEdit& edit, const rules::EditOf& others) {
    return rules::cancel_run(*pinned, why, {.now = handles_.clock().now()}, edit, others);
  });
  if (!done) return done;
  // What runs is told to stop; what waits finds out by itself.
  auto open = reader_.fields_of(run.text, "j:");
  if (!open) return std::move(open).error();
  Selection which{.nodes = true};
  const auto flush = [&]() -> Result<void> {
    if (which.ids.empty()) return {};
    auto store = handles_.lend();
    if (!store) return std::move(store).error();
    auto changed = producer.repeat(handles_.clock(), patience_, [&](const RequestId& request) {
      return (*store)->cancel(which, request);
    });
    which.ids.clear();
    if (!changed) return std::move(changed).error();
    return {};
  };
  for (const auto& [name, value] : *open) {
    const std::string job = value.substr(value.rfind('|') + 1);
    if (!job.empty()) which.ids.push_back({job});
    if (which.ids.size() < rules::step_jobs) continue;
    if (auto ok = flush(); !ok) return ok;
  }
  if (auto ok = flush(); !ok) return ok;
  auto children = reader_.fields_of(run.text, "k:");
  if (!children) return std::move(children).error();
  for (const auto& [name, child] : *children) {
    auto ended = cancel(producer, {child}, "run " + run.text + " was cancelled");
    // One that has ended by itself meanwhile, or is forgotten, needs nothing.
    const bool gone =
        !ended && (ended.error().code == Errc::conflict || ended.error().code == Errc::not_found);
    if (!ended && !gone) return ended;
  }
  return {};
}

Result<void> Runs::retry(Producer& producer, const RunId& run) {
  auto pinned = graph_of(run.text);
  if (!pinned) return std::move(pinned).error();
  auto open = reader_.fields_of(run.text, "j:");
  if (!open) return std::move(open).error();
  std::vector<rules::RunField> fields;
  for (auto& [name, value] : *open) fields.push_back({.name = name, .value = std::move(value)});
  return change(producer, run.text, [&](rules::RunEdit& edit, const rules::EditOf&) {
    return rules::retry_run(*pinned, fields, {.now = handles_.clock().now()}, edit);
  });
}

Result<RunId> Runs::fork(Producer& producer, const ForkSpec& spec) {
  auto pinned = graph_of(spec.run.text);
  if (!pinned) return std::move(pinned).error();
  auto place = rules::read_place(spec.node);
  if (!place) return std::move(place).error();
  auto known = rules::locate(*pinned->graph, *place);
  if (!known) return std::move(known).error();
  auto log = reader_.values(spec.run.text, "log");
  if (!log) return std::move(log).error();
  const std::string before = rules::write_place(*place);
  rules::RunImage image;
  std::vector<std::string> past;
  for (std::string& line : *log) {
    auto at = rules::log_place(line);
    if (!at) return std::move(at).error();
    // A flow ends with the last of its nodes: it is begun anew before the first that has ended.
    if (*at == before || at->starts_with(before + '/')) break;
    if (auto ok = rules::replay(line, image); !ok) return std::move(ok).error();
    past.push_back(std::move(line));
  }
  if (past.size() == log->size() && known->graph->nodes()[known->node].node->local) {
    return Error{Errc::invalid, "node " + before +
                                    " is local, it ran within the node before it: a fork begins "
                                    "before that one"};
  }
  if (past.size() == log->size()) {
    return Error{Errc::not_found, "node " + before + " has not ended in run " + spec.run.text +
                                      ": a fork begins before a node that has"};
  }
  auto edits = edits_of(spec, before);
  if (!edits) return std::move(edits).error();
  past.push_back(rules::write_log_line(*edits, ""));
  if (auto ok = rules::replay(past.back(), image); !ok) return std::move(ok).error();
  // What the fork was before: a fork of it may begin there.
  image.lists["log"] = std::move(past);
  // Lists of maps are staged beside the log, under names of their own.
  auto staged = reader_.fields_of(spec.run.text, "mi:");
  if (!staged) return std::move(staged).error();
  image.fields.merge(*staged);
  return write_fork(producer, *pinned, std::move(image));
}

// The fields first, in bounded pieces; the run exists with the last one.
Result<RunId> Runs::write_fork(Producer& producer, const rules::PinnedGraph& pinned,
                               rules::RunImage image) {
  const RunId id{new_run_id()};
  rules::RunChange piece{.run = id.text};
  std::size_t bytes = 0;
  const auto flush = [&]() -> Result<void> {
    const rules::RunChange change = std::exchange(piece, {.run = id.text});
    bytes = 0;
    auto store = handles_.lend();
    if (!store) return std::move(store).error();
    auto done = producer.repeat(handles_.clock(), patience_, [&](const RequestId& request) {
      return (*store)->signal({.request = request, .runs = std::span(&change, 1)});
    });
    if (!done) return std::move(done).error();
    return {};
  };
  std::vector<rules::RunField> open;
  for (auto& [name, value] : image.fields) {
    if (name.starts_with("j:")) {
      open.push_back({.name = name, .value = value.substr(0, value.rfind('|') + 1)});
      continue;
    }
    static const std::vector<std::string> own = {"state", "started", "ended", "until", "late",
                                                 "error", "output",  "a",     "parent"};
    if (std::ranges::find(own, name) != own.end()) continue;
    // What the other run has done is its own to undo.
    if (name == "un" || name.starts_with("u:") || name.starts_with("ur:")) continue;
    bytes += value.size();
    piece.set.push_back({.name = name, .value = std::move(value)});
    if (piece.set.size() < 1000 && bytes < rules::step_bytes / 2) continue;
    if (auto ok = flush(); !ok) return std::move(ok).error();
  }
  for (auto& [list, values] : image.lists) {
    for (std::string& value : values) {
      bytes += value.size();
      piece.append.push_back({.list = list, .value = std::move(value)});
      if (piece.append.size() < 1000 && bytes < rules::step_bytes / 2) continue;
      if (auto ok = flush(); !ok) return std::move(ok).error();
    }
  }
  if (auto ok = flush(); !ok) return std::move(ok).error();
  auto started = change(producer, id.text, [&](rules::RunEdit& edit, const rules::EditOf&) {
    rules::fork_run(pinned, open, {.now = handles_.clock().now()}, edit);
    return Result<void>();
  });
  if (!started) return std::move(started).error();
  return id;
}

Result<Run> Runs::wait(const RunId& id, Duration patience) {
  std::string state;
  auto ended = wait_until_seen(handles_, patience, [&]() -> Result<std::optional<Run>> {
    auto run = brief(id);
    if (!run) return std::move(run).error();
    state = run->state;
    if (!run->ended()) return std::optional<Run>();
    return std::optional<Run>(*std::move(run));
  });
  if (!ended) return std::move(ended).error();
  if (*ended) return **std::move(ended);
  return Error{Errc::timed_out, "run " + id.text + " has not ended within " +
                                    rules::format_duration(patience) + ", it is " + state};
}

Result<std::map<std::string, std::string>> Runs::shared(const RunId& id) {
  auto known = brief(id);
  if (!known) return std::move(known).error();
  std::map<std::string, std::string> values;
  std::set<std::string> lists;
  const auto look_for_lists = [&]() -> Result<void> {
    auto marks = reader_.fields_of(id.text, "c:");
    if (!marks) return std::move(marks).error();
    for (const auto& [name, mark] : *marks) lists.insert(name.substr(2));
    return {};
  };
  // A list may come or go meanwhile.
  if (auto ok = look_for_lists(); !ok) return std::move(ok).error();
  auto set = reader_.fields_of(id.text, "s:");
  if (!set) return std::move(set).error();
  for (auto& [name, value] : *set) values[name.substr(2)] = std::move(value);
  if (auto ok = look_for_lists(); !ok) return std::move(ok).error();
  for (const std::string& key : lists) {
    auto value = reader_.list(id.text, key);
    if (!value) return std::move(value).error();
    values.erase(key);
    if (*value) values[key] = **std::move(value);
  }
  return values;
}

}  // namespace penstock
