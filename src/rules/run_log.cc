// SPDX-License-Identifier: MIT
#include "rules/run_log.h"

#include "rules/json.h"
#include "rules/run_json.h"

namespace penstock::rules {
namespace {

Error unreadable() { return Error{Errc::internal, "a line of the run's log is unreadable"}; }

// The pairs of a member: [[name, value]...].
template <class Use>
Result<void> each_pair(const std::map<std::string, std::string>& line, const char* member,
                       Use use) {
  const auto pairs = read_raw_list(line.contains(member) ? line.at(member) : "[]");
  if (!pairs) return unreadable();
  for (const std::string& text : *pairs) {
    const auto pair = read_raw_list(text);
    if (!pair || pair->size() != 2) return unreadable();
    auto name = read_string((*pair)[0]);
    if (!name) return unreadable();
    std::optional<std::string> value;
    if ((*pair)[1] != "null") {
      auto read = read_string((*pair)[1]);
      if (!read) return unreadable();
      value = *std::move(read);
    }
    use(*name, std::move(value));
  }
  return {};
}

}  // namespace

std::string write_log_line(const RunChange& change, std::string_view place) {
  JsonWriter line;
  line.begin_object().key("at").text(place);
  line.key("set").begin_array();
  for (const RunField& field : change.set) {
    line.begin_array().text(field.name);
    if (field.value) {
      line.text(*field.value);
    } else {
      line.null();
    }
    line.end_array();
  }
  line.end_array().key("add").begin_array();
  for (const RunAdd& add : change.add) line.begin_array().text(add.name).text(add.by).end_array();
  line.end_array().key("append").begin_array();
  for (const RunAppend& one : change.append) {
    line.begin_array().text(one.list).text(one.value).end_array();
  }
  line.end_array().key("open").begin_array();
  for (const RunJob& job : change.jobs) {
    if (!job.field.empty()) line.begin_array().text(job.field).text(job.prefix).end_array();
  }
  line.end_array().end_object();
  return line.take();
}

Result<std::string> log_place(std::string_view text) {
  const auto line = read_raw_object(text);
  if (!line || !line->contains("at")) return unreadable();
  return read_string(line->at("at"));
}

Result<void> replay(std::string_view text, RunImage& image) {
  const auto line = read_raw_object(text);
  if (!line) return unreadable();
  auto ok = each_pair(*line, "set", [&](const std::string& name, std::optional<std::string> value) {
    image.lists.erase(name);
    if (value) {
      image.fields[name] = *std::move(value);
    } else {
      image.fields.erase(name);
    }
  });
  if (!ok) return ok;
  ok = each_pair(*line, "add", [&](const std::string& name, std::optional<std::string> by) {
    const auto known = image.fields.find(name);
    const std::optional<std::string> before =
        known == image.fields.end() ? std::nullopt : std::optional(known->second);
    if (auto sum = sum_of(before, {.name = name, .by = by.value_or("0")}))
      image.fields[name] = *sum;
  });
  if (!ok) return ok;
  ok = each_pair(*line, "append", [&](const std::string& name, std::optional<std::string> value) {
    image.lists[name].push_back(value.value_or("null"));
  });
  if (!ok) return ok;
  return each_pair(*line, "open", [&](const std::string& name, std::optional<std::string> prefix) {
    image.fields[name] = prefix.value_or("");
  });
}

}  // namespace penstock::rules
