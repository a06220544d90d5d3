// SPDX-License-Identifier: MIT
#include <penstock/log.h>

#include "rules/duration.h"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

namespace penstock {
namespace {

constexpr std::string_view level_names[] = {"debug", "info", "warning", "error"};

std::atomic<LogLevel> least{LogLevel::info};
std::mutex sink_mutex;  // Guards `sink`; held while a line is written, so lines never mix.
LogSink sink;           // NOLINT: the one place that a process's log goes through.

void write_to_stderr(LogLevel level, std::string_view line) {
  const std::string text = rules::format_time(real_clock().now()) + ' ' +
                           std::string(level_names[static_cast<std::size_t>(level)]) + ' ' +
                           std::string(line) + '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

void set_log_sink(LogSink replacement) {
  const std::lock_guard lock(sink_mutex);
  sink = std::move(replacement);
}

void set_log_level(LogLevel level) { least = level; }
LogLevel log_level() { return least; }

void log(LogLevel level, std::string_view line) {
  if (level < least.load() || level == LogLevel::off) return;
  const std::lock_guard lock(sink_mutex);
  if (sink) {
    sink(level, line);
  } else {
    write_to_stderr(level, line);
  }
}

}  // namespace penstock
