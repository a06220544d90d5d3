// SPDX-License-Identifier: MIT
#include "rules/program_message.h"

#include "rules/duration.h"
#include "rules/json.h"
#include "rules/json_object.h"
#include "rules/limits.h"
#include "rules/name.h"

#include <cmath>

namespace penstock::rules {
namespace {

constexpr double longest_pause_ms = 10'000.0 * 86'400'000;  // As parse_duration has it.

Error no_message(std::string_view line, std::string_view why) {
  return Error{Errc::invalid, std::string(why) + ": \"" + printable(line, 120) + "\""};
}

Result<void> read_error(std::string_view text, ProgramMessage& into) {
  const auto error = JsonObject::parse(text);
  if (!error) return error.error();
  auto message = error->text("message");
  if (!message) return std::move(message).error();
  const auto retry = error->boolean("retry");
  if (!retry) return retry.error();
  const auto cancelled = error->boolean("cancelled");  // lint: state-text, a field
  if (!cancelled) return cancelled.error();
  const auto after = error->number("after_ms");
  if (!after) return after.error();
  if (*after && !(**after >= 0 && **after <= longest_pause_ms)) {
    return Error{Errc::invalid, "\"after_ms\" is out of range"};
  }
  into.text = std::move(*message).value_or("");
  into.retry = retry->value_or(true);
  into.cancelled = cancelled->value_or(false);
  if (*after) into.after = Duration{std::llround(**after)};
  return {};
}

}  // namespace

Result<std::vector<std::string>> parse_hello(std::string_view line) {
  constexpr std::string_view wanted =
      "the first line has to be {\"penstock\":1,\"tasks\":[\"NAME\"]}";
  const auto hello = JsonObject::parse(line);
  if (!hello) return no_message(line, wanted);
  const auto version = hello->number("penstock");
  if (!version || !*version) return no_message(line, wanted);
  if (**version != 1) {
    return no_message(line, "it speaks another version of the protocol than 1");
  }
  const auto tasks = hello->raw("tasks");
  auto names = read_string_list(tasks.value_or("null"));
  if (!names) return no_message(line, wanted);
  return names;
}

Result<ProgramMessage> parse_message(std::string_view line) {
  const auto object = JsonObject::parse(line);
  if (!object) return object.error();
  ProgramMessage message;
  auto id = object->text("id");
  if (!id || !*id) return no_message(line, "a message without the \"id\" of its job");
  message.id = std::move(**id);
  if (const auto error = object->raw("error")) {
    message.kind = ProgramMessage::Kind::error;
    if (auto ok = read_error(*error, message); !ok) return no_message(line, ok.error().message);
    return message;
  }
  const auto share = object->number("progress");
  if (!share) return no_message(line, share.error().message);
  if (*share) {
    message.kind = ProgramMessage::Kind::progress;
    message.share = **share;
    auto text = object->text("message");
    if (!text) return no_message(line, text.error().message);
    message.text = std::move(*text).value_or("");
    return message;
  }
  auto log = object->text("log");
  if (!log) return no_message(line, log.error().message);
  if (*log) {
    message.text = std::move(**log);
    return message;
  }
  // Last, because null is a result too, and then looks as if it were absent.
  if (const auto result = object->raw("result")) {
    message.text = *result;
  } else if (object->has("result")) {
    message.text = "null";
  } else {
    return no_message(line, "neither result, error, progress nor log");
  }
  message.kind = ProgramMessage::Kind::result;
  return message;
}

std::string job_line(const ProgramJob& job) {
  JsonWriter line;
  line.begin_object().key("id").text(job.id).key("task").text(job.task);
  line.key("attempt").number(job.attempt);
  line.key("fence").number(static_cast<std::int64_t>(job.fence)).key("deadline");
  if (job.deadline) {
    line.text(format_time(*job.deadline));
  } else {
    line.null();
  }
  if (!job.run.empty()) line.key("run").text(job.run).key("node").text(job.node);
  // Without its line ends: one job is one line.
  line.key("payload").raw(job.payload).end_object();
  return line.take() + '\n';
}

std::string cancel_line(std::string_view id) {
  return JsonWriter().begin_object().key("cancel").text(id).end_object().take() + '\n';
}

std::string result_of_output(std::string_view output) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = output.find_first_not_of(blanks);
  if (first == std::string_view::npos) return "null";
  const std::string_view trimmed =
      output.substr(first, output.find_last_not_of(blanks) - first + 1);
  if (check_json("output", trimmed, trimmed.size())) return std::string(trimmed);
  if (output.ends_with('\n')) output.remove_suffix(1);
  if (output.ends_with('\r')) output.remove_suffix(1);
  std::string text;
  append_json_string(text, output);
  return text;
}

}  // namespace penstock::rules
