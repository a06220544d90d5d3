// SPDX-License-Identifier: MIT
#include "rules/run_report.h"

#include "rules/json.h"

namespace penstock::rules {
namespace {

void write(JsonWriter& out, const RunNode& node) {
  out.begin_object().key("node").text(node.node).key("visit").number(node.visit);
  out.key("state").text(node.state);
  text_or_null(out, "job", node.job);
  out.key("attempt").number(node.attempt);
  text_or_null(out, "action", node.action);
  text_or_null(out, "worker", node.worker);
  time_or_null(out, "started_at", node.started_at);
  time_or_null(out, "finished_at", node.finished_at);
  text_or_null(out, "waits_for", node.waits_for);
  text_or_null(out, "prompt", node.prompt);
  if (!node.choices.empty()) {
    out.key("choices").begin_array();
    for (const std::string& choice : node.choices) out.text(choice);
    out.end_array();
  }
  if (node.until) time_or_null(out, "until", node.until);
  if (!node.inside.empty()) out.key("run").text(node.inside);
  text_or_null(out, "error", node.error);
  if (node.items) {
    out.key("items").number(*node.items).key("items_done").number(node.done.value_or(0));
    out.key("items_failed").number(node.items_failed.value_or(0));
  }
  out.end_object();
}

}  // namespace

namespace {

void write_brief(JsonWriter& out, const Run& run) {
  out.begin_object().key("run").text(run.id.text).key("flow").text(run.flow);
  out.key("version").text(run.version).key("state").text(run.state);
  out.key("input").raw(run.input.empty() ? "null" : run.input);
  out.key("output").raw(run.output.value_or("null"));
  text_or_null(out, "error", run.error);
  text_or_null(out, "parent", run.parent);
  text_or_null(out, "forked_from", run.forked_from);
  out.key("steps").number(run.steps);
  time_or_null(out, "created_at", run.created_at);
  time_or_null(out, "started_at", run.started_at);
  time_or_null(out, "finished_at", run.finished_at);
}

}  // namespace

std::string to_brief_json(const Run& run) {
  JsonWriter out;
  write_brief(out, run);
  return out.end_object().take();
}

std::string to_json(const Run& run) {
  JsonWriter out;
  write_brief(out, run);
  out.key("nodes").begin_array();
  for (const RunNode& node : run.nodes) write(out, node);
  out.end_array().key("history").begin_array();
  for (const std::string& line : run.history) out.raw(line);
  return out.end_array().end_object().take();
}

}  // namespace penstock::rules
