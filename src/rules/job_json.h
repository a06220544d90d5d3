// SPDX-License-Identifier: MIT
//
// Jobs and their kin as JSON, the same on the command line and over HTTP; and the one reader of a
// submitted job. Times are RFC 3339 in UTC; what does not apply is null.
#pragma once

#include <penstock/client.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace penstock::rules {

std::string to_json(const Job& job);
std::string to_json(const Queue& queue);
std::string to_json(const WorkerRecord& worker);
std::string to_json(const Submitted& answer);
std::string to_json(const LogLine& line);
std::string to_json(const Health& health);
/// Null fields are left out.
std::string to_json(const Event& event);
/// {"code", "message"}
std::string to_json(const Error& error);

/// A job as `submit --batch` and HTTP take it: {"task", "payload", "queue", ...}. Errors: invalid,
/// naming the field; unknown fields are errors.
Result<JobSpec> read_job_spec(std::string_view json);

/// The fields of one small JSON object, such as a task's settings.
class JsonFields {
 public:
  /// Errors: invalid when the text is no object; null counts as an empty one.
  static Result<JsonFields> parse(std::string_view json);
  /// Nothing when the field is absent. Errors: invalid when it is of another type.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;

 private:
  struct Object;
  std::shared_ptr<const Object> object_;  // Shared by copies of these fields; never changes.
};

}  // namespace penstock::rules
