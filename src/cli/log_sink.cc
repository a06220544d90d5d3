// SPDX-License-Identifier: MIT
#include "cli/log_sink.h"

#include "rules/duration.h"
#include "rules/json.h"

#include <penstock/log.h>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>
#include <mutex>

namespace penstock::cli {
namespace {

constexpr std::array<std::string_view, 5> levels = {"debug", "info", "warning", "error", "off"};

class Output {
 public:
  Result<void> open(const std::string& path, bool as_json) {
    const std::lock_guard lock(mutex_);
    path_ = path;
    as_json_ = as_json;
    return make();
  }
  void reopen() {
    const std::lock_guard lock(mutex_);
    if (path_.empty()) return;
    (void)make();  // A file that cannot be opened leaves the old one in use.
  }
  void write(LogLevel level, std::string_view line) {
    const std::lock_guard lock(mutex_);
    const std::string_view name = levels[static_cast<std::size_t>(level)];
    const std::string at = rules::format_time(real_clock().now());
    if (as_json_) {
      rules::JsonWriter out;
      out.begin_object().key("at").text(at).key("level").text(name).key("message").text(line);
      logger_->info(out.end_object().take());
    } else {
      logger_->info("{} {} {}", at, name, line);
    }
  }

 private:
  Result<void> make() {
    try {
      auto fresh =
          path_.empty()
              ? std::make_shared<spdlog::logger>("penstock",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>())
              : std::make_shared<spdlog::logger>(
                    "penstock", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path_));
      fresh->set_pattern("%v");
      fresh->flush_on(spdlog::level::trace);
      logger_ = std::move(fresh);
    } catch (const spdlog::spdlog_ex& e) {
      return Error{Errc::denied, "log file " + path_ + " cannot be opened: " + e.what()};
    }
    return {};
  }

  std::mutex mutex_;  // Guards all below.
  std::string path_;
  bool as_json_ = false;
  std::shared_ptr<spdlog::logger> logger_;  // Shared with spdlog's own registry of sinks.
};

Output& output() {
  static Output one;
  return one;
}

}  // namespace

Result<void> set_up_log(const std::string& level, const std::string& format,
                        const std::string& file) {
  const auto known = std::find(levels.begin(), levels.end(), level);
  if (known == levels.end()) {
    return Error{Errc::invalid, "log level \"" + level +
                                    "\" is not known: use debug, info, warning, error or off"};
  }
  if (format != "text" && format != "json") {
    return Error{Errc::invalid, "log format \"" + format + "\" is not known: use text or json"};
  }
  if (auto ok = output().open(file, format == "json"); !ok) return ok;
  set_log_level(static_cast<LogLevel>(known - levels.begin()));
  set_log_sink([](LogLevel at, std::string_view line) { output().write(at, line); });
  return {};
}

void reopen_log() { output().reopen(); }

}  // namespace penstock::cli
