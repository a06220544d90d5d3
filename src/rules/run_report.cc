// SPDX-License-Identifier: MIT
#include "rules/run_report.h"

#include "rules/duration.h"
#include "rules/json.h"

namespace penstock::rules {
namespace {

void text(JsonWriter& out, std::string_view key, const std::string& value) {
  out.key(key);
  if (value.empty()) {
    out.null();
  } else {
    out.text(value);
  }
}

void time(JsonWriter& out, std::string_view key, const std::optional<Time>& value) {
  out.key(key);
  if (value) {
    out.text(format_time(*value));
  } else {
    out.null();
  }
}

void write(JsonWriter& out, const RunNode& node) {
  out.begin_object().key("node").text(node.node).key("visit").number(node.visit);
  out.key("state").text(node.state);
  text(out, "job", node.job);
  out.key("attempt").number(node.attempt);
  text(out, "action", node.action);
  text(out, "worker", node.worker);
  time(out, "started_at", node.started_at);
  time(out, "finished_at", node.finished_at);
  text(out, "waits_for", node.waits_for);
  text(out, "error", node.error);
  if (node.items) {
    out.key("items").number(*node.items).key("items_done").number(node.done.value_or(0));
    out.key("items_failed").number(node.items_failed.value_or(0));
  }
  out.end_object();
}

}  // namespace

std::string to_json(const Run& run) {
  JsonWriter out;
  out.begin_object().key("run").text(run.id.text).key("flow").text(run.flow);
  out.key("version").text(run.version).key("state").text(run.state);
  out.key("input").raw(run.input.empty() ? "null" : run.input);
  out.key("output").raw(run.output.value_or("null"));
  text(out, "error", run.error);
  text(out, "parent", run.parent);
  out.key("steps").number(run.steps);
  time(out, "created_at", run.created_at);
  time(out, "finished_at", run.finished_at);
  out.key("nodes").begin_array();
  for (const RunNode& node : run.nodes) write(out, node);
  return out.end_array().end_object().take();
}

}  // namespace penstock::rules
