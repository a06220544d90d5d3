// SPDX-License-Identifier: MIT
//
// A user's own program with everything that the penstock binary has: `return penstock::main(argc,
// argv, tasks);` makes it worker and command line of its tasks; an App adds commands of its own.
#pragma once

#include <penstock/worker.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace penstock {

/// One flag of a command: "--limit N" takes a value, "--yes" is a switch. "-q,--queue" names both.
struct Flag {
  std::string name = {};
  std::string value = {};  ///< How --help shows the value; empty: a switch.
  std::string help = {};
  bool repeat = false;  ///< May be given several times.
};

/// What was typed, checked against the command's table.
class Arguments {
 public:
  virtual ~Arguments() = default;
  /// True when the flag ("--limit") was given.
  [[nodiscard]] virtual bool has(std::string_view flag) const = 0;
  /// The last value of a flag, else `fallback`.
  [[nodiscard]] virtual std::string text(std::string_view flag,
                                         std::string_view fallback = {}) const = 0;
  [[nodiscard]] virtual std::vector<std::string> all(std::string_view flag) const = 0;
  /// What stood without a flag, in order.
  [[nodiscard]] virtual const std::vector<std::string>& words() const = 0;
  /// The store's URL by flag, environment, file or default.
  [[nodiscard]] virtual std::string store() const = 0;
  /// Where the value of a setting comes from: the flag itself, an environment variable,
  /// "penstock.toml" or "default".
  [[nodiscard]] virtual std::string origin(std::string_view flag) const = 0;
  /// What the configuration file says under a prefix, by the rest of the key: section("tasks.") has
  /// "solve.timeout".
  [[nodiscard]] virtual std::map<std::string, std::string> section(
      std::string_view prefix) const = 0;
  [[nodiscard]] virtual bool json() const = 0;
  [[nodiscard]] virtual bool quiet() const = 0;
  /// Path of the running program, to start worker processes with.
  [[nodiscard]] virtual std::string program() const = 0;
};

/// A command of the command line. Returns the exit code; 0 is done (codes: docs, Errors).
struct Command {
  std::string name = {};     ///< "submit", or "job show" for one of a group.
  std::string summary = {};  ///< One line for --help.
  std::vector<Flag> flags = {};
  std::string words = {};  ///< How --help shows the words: "TASK [JSON]"; empty: none allowed.
  std::function<int(const Arguments&)> run = {};
};

/// A setting of a program: its flag, else PENSTOCK_<NAME>, else penstock.toml, else `fallback`. A
/// command that takes the flag lists it among its own; every command reads it with
/// Arguments::text.
struct AppSetting {
  std::string flag = {};  ///< "--time-limit"
  std::string key = {};   ///< "roster.time_limit" in penstock.toml
  std::string fallback = {};
  std::string help = {};
};

/// An environment variable that another system named. `unit` is put behind its value: "s" for one
/// that holds bare seconds.
struct Variable {
  std::string name = {}, unit = {};
};

/// A program built on the engine. Not copied; lives until main returns.
class App {
 public:
  /// `name` and `version` are what --help and --version print.
  App(std::string name, std::string version)
      : name_(std::move(name)), version_(std::move(version)) {}

  App& tasks(Tasks tasks) {
    tasks_ = std::move(tasks);
    return *this;
  }
  /// Adds a command, or replaces the built-in one of that name.
  App& command(Command command) {
    commands_.push_back(std::move(command));
    return *this;
  }
  /// Adds a setting; `config show` lists it, an unknown key in penstock.toml is still an error.
  App& setting(AppSetting setting) {
    settings_.push_back(std::move(setting));
    return *this;
  }
  /// Another variable for a setting, built-in or own, asked after PENSTOCK_<NAME>. REQUIRES: there
  /// is a setting of that flag.
  App& alias(std::string flag, Variable variable) {
    aliases_.emplace_back(std::move(flag), std::move(variable));
    return *this;
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const Tasks& tasks() const { return tasks_; }
  [[nodiscard]] const std::vector<Command>& commands() const { return commands_; }
  [[nodiscard]] const std::vector<AppSetting>& settings() const { return settings_; }
  [[nodiscard]] const std::vector<std::pair<std::string, Variable>>& aliases() const {
    return aliases_;
  }

 private:
  std::string name_ = {}, version_ = {};
  Tasks tasks_;
  std::vector<Command> commands_ = {};
  std::vector<AppSetting> settings_ = {};
  std::vector<std::pair<std::string, Variable>> aliases_ = {};
};

/// Typed value of a flag ("--time-limit 30s"). Absent: nothing. Errors: invalid, naming the flag.
Result<std::optional<int>> integer_flag(const Arguments& arguments, std::string_view flag);
Result<std::optional<Duration>> duration_flag(const Arguments& arguments, std::string_view flag);

/// What a demonstration submits besides the 200 small jobs of every show.
struct DemoPart {
  std::string title = {};          ///< "roster instance1.txt"
  std::vector<JobSpec> jobs = {};  ///< Their queue is the show's.
  /// What to say about a job of this part that has succeeded; an error fails the show.
  std::function<Result<std::string>(const Job&)> describe = {};
};
/// The show behind `demo`: two worker processes start, `part` and 200 small jobs are submitted, one
/// worker is killed, its jobs end elsewhere, a table closes. Returns the exit code: 1 when a job
/// was lost or a part failed.
int run_demo(const Arguments& arguments, const DemoPart& part);
/// The flags that run_demo understands.
std::vector<Flag> demo_flags();

/// Error to the standard streams and exit code: one line on stderr, the code of the error's table.
int report(const Error& error);

/// Runs the command line of a program with these tasks. Returns the exit code.
int main(int argc, char** argv, Tasks tasks);
int main(int argc, char** argv, App& app);

}  // namespace penstock
