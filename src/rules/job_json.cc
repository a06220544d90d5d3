// SPDX-License-Identifier: MIT
#include "rules/job_json.h"

#include "rules/backoff.h"
#include "rules/duration.h"
#include "rules/errc.h"
#include "rules/job_state.h"
#include "rules/json.h"

#include <penstock/json.h>

#include <array>
#include <functional>

namespace penstock::rules {
namespace {

void raw_or_null(JsonWriter& out, std::string_view key, const std::optional<std::string>& json) {
  out.key(key).raw(json ? std::string_view(*json) : std::string_view("null"));
}

void texts(JsonWriter& out, std::string_view key, const std::vector<std::string>& list) {
  out.key(key).begin_array();
  for (const std::string& text : list) out.text(text);
  out.end_array();
}

constexpr std::array<std::string_view, 8> event_types = {"job",   "run",    "node",     "gate",
                                                         "queue", "worker", "progress", "log"};

Error bad_field(std::string_view name, std::string_view what) {
  return Error{Errc::invalid, "field \"" + std::string(name) + "\": " + std::string(what)};
}

// Reads the fields of a job spec out of one object, one by one.
class SpecReader {
 public:
  explicit SpecReader(JobSpec& spec) : spec_(spec), o_(spec.options) {}

  Result<void> read(const std::string& name, const json& value) {
    if (name == "payload") {
      spec_.payload = value.dump();
      return {};
    }
    if (name == "task") return text(name, value, spec_.task);
    if (name == "queue") return text(name, value, o_.queue);
    if (name == "pool") return text(name, value, o_.pool);
    if (name == "id") return text(name, value, o_.id);
    if (name == "fair_key") return text(name, value, o_.fair_key);
    if (name == "idempotency_key") return text(name, value, o_.idempotency_key);
    if (name == "priority") return integer(name, value, [&](int n) { o_.priority = n; });
    if (name == "max_attempts") return integer(name, value, [&](int n) { o_.max_attempts = n; });
    if (name == "retry_for") return duration(name, value, [&](Duration d) { o_.retry_for = d; });
    if (name == "timeout") return duration(name, value, [&](Duration d) { o_.timeout = d; });
    if (name == "expires") return duration(name, value, [&](Duration d) { o_.expires = d; });
    if (name == "result_ttl") return duration(name, value, [&](Duration d) { o_.result_ttl = d; });
    if (name == "delay") return duration(name, value, [&](Duration d) { o_.start = d; });
    return read_rest(name, value);
  }

 private:
  Result<void> read_rest(const std::string& name, const json& value) {
    if (name == "at") {
      std::string written;
      if (auto ok = text(name, value, written); !ok) return ok;
      auto time = parse_time(written);
      if (!time) return bad_field(name, time.error().message);
      o_.start = *time;
      return {};
    }
    if (name == "backoff") {
      std::string written;
      if (auto ok = text(name, value, written); !ok) return ok;
      auto backoff = parse_backoff(written);
      if (!backoff) return bad_field(name, backoff.error().message);
      o_.backoff = *backoff;
      return {};
    }
    if (name == "keep") {
      if (value != "full") return bad_field(name, "only \"full\" is known");
      o_.keep_full = true;
      return {};
    }
    if (name == "unique") {
      std::string key;
      if (auto ok = text(name, value, key); !ok) return ok;
      o_.unique = Unique{.key = key};
      return {};
    }
    if (name == "tags") {
      if (!value.is_object()) return bad_field(name, "an object of strings is needed");
      for (const auto& [key, tag] : value.items()) {
        if (auto ok = text(name + "." + key, tag, o_.tags[key]); !ok) return ok;
      }
      return {};
    }
    return bad_field(name, "no such field; see docs for what a job may say");
  }

  static Result<void> text(std::string_view name, const json& value, std::string& into) {
    if (!value.is_string()) return bad_field(name, "a string is needed, not " + value.dump());
    into = value.get<std::string>();
    return {};
  }
  static Result<void> integer(std::string_view name, const json& value,
                              const std::function<void(int)>& take) {
    if (!value.is_number_integer()) {
      return bad_field(name, "a whole number is needed, not " + value.dump());
    }
    const auto number = value.get<std::int64_t>();
    if (number < -1'000'000 || number > 1'000'000) return bad_field(name, "is out of range");
    take(static_cast<int>(number));
    return {};
  }
  static Result<void> duration(std::string_view name, const json& value,
                               const std::function<void(Duration)>& take) {
    std::string written;
    if (!value.is_string()) return bad_field(name, "a duration such as \"30s\" is needed");
    auto parsed = parse_duration(value.get<std::string>());
    if (!parsed) return bad_field(name, parsed.error().message);
    take(*parsed);
    return {};
  }

  JobSpec& spec_;
  SubmitOptions& o_;
};

}  // namespace

std::string to_json(const Job& job) {
  JsonWriter out;
  out.begin_object();
  out.key("id").text(job.id.text).key("task").text(job.task).key("queue").text(job.queue);
  text_or_null(out, "pool", job.pool);
  out.key("priority").number(job.priority).key("state").text(to_text(job.state));
  out.key("attempt").number(job.attempt).key("max_attempts").number(job.max_attempts);
  out.key("crashes").number(job.crashes);
  raw_or_null(out, "payload", job.payload);
  raw_or_null(out, "result", job.result);
  text_or_null(out, "error", job.error);
  out.key("progress").real(job.progress);
  text_or_null(out, "progress_message", job.progress_message);
  out.key("tags");
  if (job.tags.empty()) {
    out.null();
  } else {
    out.raw(write_string_map(job.tags));
  }
  text_or_null(out, "worker", job.worker);
  time_or_null(out, "created_at", job.created_at);
  time_or_null(out, "scheduled_at", job.scheduled_at);
  time_or_null(out, "started_at", job.started_at);
  time_or_null(out, "finished_at", job.finished_at);
  return out.end_object().take();
}

std::string to_json(const Queue& queue) {
  JsonWriter out;
  out.begin_object()
      .key("queue")
      .text(queue.queue)
      .key(to_text(JobState::ready))
      .number(queue.ready);
  out.key(to_text(JobState::scheduled))
      .number(queue.scheduled)
      .key(to_text(JobState::running))
      .number(queue.running);
  out.key(to_text(JobState::waiting))
      .number(queue.waiting)
      .key(to_text(JobState::failed))
      .number(queue.failed);
  out.key("paused").boolean(queue.paused).key("draining").boolean(queue.draining);
  return out.key("oldest_ready_ms").number(queue.oldest_ready.count()).end_object().take();
}

std::string to_json(const WorkerRecord& worker) {
  JsonWriter out;
  out.begin_object().key("worker").text(worker.worker);
  out.key("session").number(static_cast<std::int64_t>(worker.session));
  out.key("host").text(worker.host).key("pid").number(worker.pid).key("state").text(worker.state);
  texts(out, "pools", worker.pools);
  texts(out, "queues", worker.queues);
  texts(out, "tasks", worker.tasks);
  out.key("concurrency")
      .number(worker.concurrency)
      .key(to_text(JobState::running))
      .number(worker.running);
  out.key("tasks_processed").number(worker.tasks_processed);
  out.key("tasks_failed").number(worker.tasks_failed);
  out.key("uptime_seconds").real(static_cast<double>(worker.uptime.count()) / 1000);
  out.key("rss_bytes").number(worker.rss_bytes);
  time_or_null(out, "last_seen_at", worker.last_seen_at);
  out.key("tally").raw(worker.tally.empty() ? "[]" : worker.tally);
  return out.end_object().take();
}

std::string to_json(const Submitted& answer) {
  JsonWriter out;
  out.begin_object();
  text_or_null(out, "id", answer.id.text);
  out.key("duplicate").boolean(answer.duplicate).key("ack");
  out.text(answer.reached.level == Ack::Level::received ? "received" : "fsynced");
  if (answer.error) out.key("error").raw(to_json(*answer.error));
  return out.end_object().take();
}

std::string to_json(const LogLine& line) {
  JsonWriter out;
  out.begin_object().key("at").text(format_time(line.at)).key("attempt").number(line.attempt);
  return out.key("number").number(line.number).key("text").text(line.text).end_object().take();
}

std::string to_json(const Health& health) {
  JsonWriter out;
  out.begin_object().key("store").text(health.store).key("version").text(health.version);
  out.key("durability").text(health.durability).key("persistent").boolean(health.persistent);
  out.key("evicts").boolean(health.evicts).key("latency_ms").number(health.latency.count());
  out.key("clock_offset_ms").number(health.clock_offset.count());
  out.key("memory_bytes").number(health.memory_bytes).key("disk_bytes").number(health.disk_bytes);
  out.key("sessions").number(health.sessions).key("sessions_lost").number(health.sessions_lost);
  out.key("stale_writes_refused").number(health.stale_writes_refused);
  out.key("false_alarms").number(health.false_alarms).key("findings").begin_array();
  for (const Health::Finding& finding : health.findings) {
    out.begin_object().key("serious").boolean(finding.serious).key("what").text(finding.what);
    out.key("hint").text(finding.hint).end_object();
  }
  return out.end_array().end_object().take();
}

std::string to_json(const Event& event) {
  JsonWriter out;
  out.begin_object().key("type").text(event_types[static_cast<std::size_t>(event.type)]);
  out.key("id").text(event.id).key("at").text(format_time(event.at));
  const auto unless_empty = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) out.key(key).text(text);
  };
  unless_empty("job", event.job.text);
  unless_empty("queue", event.queue);
  unless_empty("task", event.task);
  if (event.from) out.key("from").text(to_text(*event.from));
  if (event.to) out.key("to").text(to_text(*event.to));
  if (event.attempt > 0) out.key("attempt").number(event.attempt);
  unless_empty("worker", event.worker);
  unless_empty("message", event.message);
  return out.end_object().take();
}

std::string to_json(const Error& error) {
  JsonWriter out;
  out.begin_object().key("code").text(describe(error.code).name);
  return out.key("message").text(error.message).end_object().take();
}

Result<JobSpec> read_job_spec(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error();
  if (!parsed->is_object()) return Error{Errc::invalid, "a job is a JSON object with a \"task\""};
  JobSpec spec;
  SpecReader reader(spec);
  for (const auto& [name, value] : parsed->items()) {
    if (auto ok = reader.read(name, value); !ok) return std::move(ok).error();
  }
  if (spec.task.empty()) return bad_field("task", "is missing");
  return spec;
}

struct JsonFields::Object {
  json value;
};

Result<JsonFields> JsonFields::parse(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error();
  if (!parsed->is_object() && !parsed->is_null()) {
    return Error{Errc::invalid, "a JSON object is needed, not " + parsed->dump().substr(0, 40)};
  }
  JsonFields fields;
  fields.object_ = std::make_shared<const Object>(Object{*std::move(parsed)});
  return fields;
}

Result<std::optional<std::int64_t>> JsonFields::integer(std::string_view name) const {
  const json& object = object_->value;
  const auto found = object.find(std::string(name));
  if (found == object.end() || found->is_null()) return std::optional<std::int64_t>();
  if (!found->is_number_integer()) return bad_field(name, "a whole number is needed");
  return std::optional(found->get<std::int64_t>());
}

Result<std::optional<std::string>> JsonFields::text(std::string_view name) const {
  const json& object = object_->value;
  const auto found = object.find(std::string(name));
  if (found == object.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) return bad_field(name, "a string is needed");
  return std::optional(found->get<std::string>());
}

}  // namespace penstock::rules
