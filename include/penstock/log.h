// SPDX-License-Identifier: MIT
//
// Where the engine's own log lines go. A library must not choose for its program: the lines go to a
// sink, which is stderr until the program sets another. Secrets are never given to it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace penstock {

enum class LogLevel : unsigned char { debug, info, warning, error, off };

/// Takes finished lines, from any thread; must not throw.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

/// Replaces the sink of this process. Thread-safe; an empty sink restores the default (stderr).
void set_log_sink(LogSink sink);
/// Lines below `level` are dropped before they are formatted. Default: info.
void set_log_level(LogLevel level);
[[nodiscard]] LogLevel log_level();
/// Writes one line when `level` is not below the process's level.
void log(LogLevel level, std::string_view line);

}  // namespace penstock
