// SPDX-License-Identifier: MIT
//
// The run's store as a node sees it: what others have committed, and its own writes over it.
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/run_json.h"
#include "rules/whole_number.h"
#include "worker/node_run.h"

#include <algorithm>

namespace penstock {
namespace {

std::string checked(std::string_view key, const char* what = "a key of the shared store") {
  if (key.empty() || key.size() > rules::max_key_bytes) {
    throw NoRetry(std::string(what) + " has 1 to " + std::to_string(rules::max_key_bytes) +
                  " bytes, this one has " + std::to_string(key.size()));
  }
  return std::string(key);
}

void check_size(std::string_view key, const std::string& value) {
  if (value.size() <= rules::max_payload_bytes) return;
  throw NoRetry("the value of \"" + std::string(key) + "\" has " + std::to_string(value.size()) +
                " bytes, the limit of the shared store is " +
                std::to_string(rules::max_payload_bytes) + ": store it elsewhere and share where");
}

bool is_list(const std::string& value) {
  const auto first = value.find_first_not_of(" \t\r\n");
  return first != value.npos && value[first] == '[';
}

}  // namespace

std::optional<std::string> NodeRun::field(const std::string& name) {
  const auto known = known_.find(name);
  if (known != known_.end()) return known->second;
  auto read = or_throw(reader_.fields(ticket_.run, {name}));
  const auto found = read.find(name);
  auto& value = known_[name];
  if (found != read.end()) value = std::move(found->second);
  return value;
}

std::optional<std::string> NodeRun::read(std::string_view text) {
  const std::string key = checked(text);
  const auto own = written_.find(key);
  std::optional<std::string> value;
  if (own != written_.end() && own->second.replaced) {
    value = own->second.value;
  } else {
    if (!known_.contains("s:" + key)) {  // Both at once.
      auto both = or_throw(reader_.fields(ticket_.run, {"s:" + key, "c:" + key}));
      for (const char* kind : {"s:", "c:"}) {
        const auto found = both.find(kind + key);
        auto& known = known_[kind + key];
        if (found != both.end()) known = found->second;
      }
    }
    value = field("s:" + key);
    if (field("c:" + key)) {
      value = or_throw(reader_.list(ticket_.run, key));
    }
  }
  if (own == written_.end()) return value;
  if (!own->second.added.empty()) {
    auto sum = rules::sum_of(value, {.name = key, .by = own->second.added});
    if (sum) value = std::move(sum);
  }
  if (!own->second.appended.empty()) value = rules::append_raw(value, own->second.appended);
  return value;
}

void NodeRun::write(std::string_view key, std::string value) {
  check_size(key, value);
  written_[checked(key)] = {.replaced = true, .value = std::move(value)};
}

void NodeRun::erase(std::string_view key) { written_[checked(key)] = {.replaced = true}; }

void NodeRun::add(std::string_view text, std::string by) {
  const std::string key = checked(text);
  Written& written = written_[key];
  const rules::RunAdd more{.name = key, .by = by};
  const auto known = read(key);
  if (!rules::sum_of(known, more)) {
    const std::string before = known.value_or("0");
    const bool too_large = rules::is_whole(before) && rules::is_whole(by);
    throw NoRetry("cannot add " + by + " to \"" + key + "\", which is " + before.substr(0, 80) +
                  (too_large ? ": whole numbers have to stay below 2^53 (9007199254740992), to be "
                               "exact"
                             : ""));
  }
  if (written.replaced) {
    written.value = rules::sum_of(written.value, more);
  } else {
    const std::optional<std::string> before =
        written.added.empty() ? std::nullopt : std::optional(written.added);
    written.added = rules::sum_of(before, more).value_or(by);
  }
}

void NodeRun::append(std::string_view text, std::string value) {
  const std::string key = checked(text);
  check_size(key, value);
  Written& written = written_[key];
  const auto before = written.replaced ? written.value : field("s:" + key);
  if ((before && !is_list(*before)) || !written.added.empty()) {
    throw NoRetry("cannot append to \"" + key + "\", which is " +
                  read(key).value_or("null").substr(0, 80));
  }
  written.appended.push_back(std::move(value));
}

void NodeRun::prepend(std::string_view key, std::string value) {
  append(key, rules::to_the_front(std::move(value)));
}

std::vector<std::string> NodeRun::keys() {
  std::set<std::string> keys;
  for (const char* kind : {"s:", "c:"}) {
    for (const auto& [name, value] : or_throw(reader_.fields_of(ticket_.run, kind))) {
      keys.insert(name.substr(2));
    }
  }
  for (const auto& [key, written] : written_) {
    const bool gone =
        written.replaced && !written.value && written.appended.empty() && written.added.empty();
    if (gone) {
      keys.erase(key);
    } else {
      keys.insert(key);
    }
  }
  return {keys.begin(), keys.end()};
}

std::string NodeRun::input() { return field("input").value_or("null"); }

// The node's own, then those of the flows around it, from the inside out; sets of a batch flow and
// the run's input come last.
std::string NodeRun::params() {
  std::map<std::string, std::string> merged;
  const auto take = [&](const std::string& text) {
    if (auto object = rules::read_raw_object(text)) {
      for (auto& [key, value] : *object) merged[key] = std::move(value);
    }
  };
  take(node().params.empty() ? "{}" : node().params);
  for (std::size_t depth = ticket_.place.size() - 1; depth > 0; --depth) {
    const rules::Place outer(ticket_.place.begin(),
                             ticket_.place.begin() + static_cast<std::ptrdiff_t>(depth));
    const auto around = rules::locate(*pinned_.graph, outer);
    if (!around) continue;
    const rules::FlowNode& flow = *around->graph->nodes()[around->node].node;
    take(flow.params.empty() ? "{}" : flow.params);
    if (outer.back().item >= 0) take(item_at(outer));
  }
  take(input());
  rules::JsonWriter object;
  object.begin_object();
  for (const auto& [key, value] : merged) object.key(key).raw(value);
  object.end_object();
  return object.take();
}

std::string NodeRun::iteration() {
  if (local_) return "null";
  const auto turn = field("i:" + rules::write_place(ticket_.place));
  return turn ? std::string(rules::read_iteration(*turn).value) : "null";
}

std::optional<std::string> NodeRun::at(const rules::PathRoot& root) {
  switch (root.kind) {
    case rules::PathRoot::Kind::input:
      return input();
    case rules::PathRoot::Kind::shared:
      return read(root.name);
    case rules::PathRoot::Kind::result:
      return result(root.name);
    case rules::PathRoot::Kind::item:
      return item_;
    case rules::PathRoot::Kind::params:
      return params();
    case rules::PathRoot::Kind::error:
      return error_of(root.name);
  }
  return std::nullopt;
}

// {"locks": [FIELD], "asked": {"next": [NODE], "instead": [NODE], "iterate": JSON, "terminate":
// WHY, "cancel": WHY}, "KEY of the store": {"value": JSON, "erased": true, "added": BY, "appended":
// [VALUE]}}, the keys with a slash before them.
void NodeRun::keep(std::string prepared) {
  report_.prepared = std::move(prepared);
  report_.kept_locks = report_.locks;
  report_.kept_writes.clear();
  const bool asks = !report_.next.empty() || report_.iterate || report_.terminate || report_.cancel;
  if (written_.empty() && report_.locks.empty() && !asks) return;
  const auto list = [](rules::JsonWriter& out, const std::vector<std::string>& texts) {
    out.begin_array();
    for (const std::string& text : texts) out.text(text);
    out.end_array();
  };
  rules::JsonWriter out;
  out.begin_object().key("locks");
  list(out, report_.locks);
  out.key("asked").begin_object();
  for (const bool instead : {false, true}) {
    std::vector<std::string> nodes;
    for (const rules::NextNode& next : report_.next) {
      if (next.instead == instead) nodes.push_back(next.node);
    }
    out.key(instead ? "instead" : "next");
    list(out, nodes);
  }
  if (report_.iterate) out.key("iterate").raw(*report_.iterate);
  if (report_.terminate) out.key("terminate").text(*report_.terminate);
  if (report_.cancel) out.key("cancel").text(*report_.cancel);
  out.end_object();
  for (const auto& [key, written] : written_) {
    out.key('/' + key).begin_object();
    if (written.value) out.key("value").raw(*written.value);
    if (written.replaced && !written.value) out.key("erased").raw("true");
    if (!written.added.empty()) out.key("added").text(written.added);
    out.key("appended");
    list(out, written.appended);
    out.end_object();
  }
  report_.kept_writes = out.end_object().take();
}

void NodeRun::do_as_prep_did() {
  const auto kept = field("pw:" + rules::write_place(ticket_.place));
  if (!kept) return;
  for (auto& [name, text] : or_throw(rules::read_raw_object(*kept))) {
    if (name == "locks") {
      for (const std::string& lock : or_throw(rules::read_string_list(text))) {
        if (!try_lock(std::string_view(lock).substr(3))) throw Snooze(Duration{100});
      }
      continue;
    }
    auto object = or_throw(rules::read_raw_object(text));
    if (name == "asked") {
      ask_again(object);
      continue;
    }
    Written& written = written_[name.substr(1)];
    written.replaced = object.contains("value") || object.contains("erased");
    if (object.contains("value")) written.value = object["value"];
    if (object.contains("added")) written.added = or_throw(rules::read_string(object["added"]));
    written.appended = or_throw(rules::read_string_list(object["appended"]));
  }
}

void NodeRun::ask_again(const std::map<std::string, std::string>& asked) {
  for (const bool instead : {false, true}) {
    const auto nodes = asked.at(instead ? "instead" : "next");
    for (const std::string& node : or_throw(rules::read_string_list(nodes))) next(node, instead);
  }
  const auto text = [&](const char* key) -> std::optional<std::string> {
    if (!asked.contains(key)) return std::nullopt;
    return or_throw(rules::read_string(asked.at(key)));
  };
  if (asked.contains("iterate")) report_.iterate = asked.at("iterate");
  report_.terminate = text("terminate");
  report_.cancel = text("cancel");
}

void NodeRun::next(std::string_view node, bool instead) {
  report_.next.push_back({.node = std::string(node), .instead = instead});
}

// The lock names the session and the step that hold it, and is void without either.
bool NodeRun::try_lock(std::string_view name) {
  const std::string lock = "lk:" + checked(name, "the name of a lock");
  const std::string at = rules::write_place(ticket_.place);
  if (std::ranges::find(report_.locks, lock) != report_.locks.end()) return true;
  const std::string mine = std::to_string(static_cast<std::uint64_t>(reader_.session())) + '|' + at;
  auto read = or_throw(reader_.fields(ticket_.run, {lock}));
  const auto held = read.find(lock);
  rules::RunChange change{.run = ticket_.run};
  change.expect.push_back({.name = lock, .value = std::nullopt});
  if (held != read.end()) {
    const auto session = SessionNumber{std::stoull(held->second)};
    const bool by_earlier_try = held->second.ends_with('|' + at);
    if (!by_earlier_try && or_throw(reader_.is_live(session))) return false;
    change.expect.back().value = held->second;
  }
  change.set.push_back({.name = lock, .value = mine});
  auto done = reader_.write(change);
  if (!done && done.error().code == Errc::conflict) return false;
  or_throw(done);
  report_.locks.push_back(lock);
  return true;
}

}  // namespace penstock
