// SPDX-License-Identifier: MIT
#include "cli/parse.h"

#include "cli/log_sink.h"
#include "cli/settings.h"
#include "client/store_url.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

namespace penstock::cli {
namespace {

// "-q,--queue" -> "--queue"
std::string long_name(const std::string& names) {
  const auto dashes = names.find("--");
  return dashes == std::string::npos ? names : names.substr(dashes);
}

class Typed : public Arguments {
 public:
  explicit Typed(std::string program) : program_(std::move(program)) {}

  [[nodiscard]] bool has(std::string_view flag) const override {
    if (const auto found = switches.find(flag); found != switches.end() && found->second > 0) {
      return true;
    }
    if (const auto found = values.find(flag); found != values.end() && !found->second.empty()) {
      return true;
    }
    const SettingRow* row = find_setting(flag);
    if (!row) return false;
    const std::string set = outside(*row).first;
    return !set.empty() && set != "false";
  }
  [[nodiscard]] std::string text(std::string_view flag, std::string_view fallback) const override {
    const auto found = values.find(flag);
    if (found != values.end() && !found->second.empty()) return found->second.back();
    if (const SettingRow* row = find_setting(flag)) {
      const std::string set = outside(*row).first;
      if (!set.empty()) return set;
      if (fallback.empty()) return std::string(row->fallback);
    }
    return std::string(fallback);
  }
  [[nodiscard]] std::vector<std::string> all(std::string_view flag) const override {
    const auto found = values.find(flag);
    if (found != values.end() && !found->second.empty()) return found->second;
    const std::string one = text(flag, "");
    return one.empty() ? std::vector<std::string>{} : std::vector{one};
  }
  [[nodiscard]] const std::vector<std::string>& words() const override { return words_; }
  [[nodiscard]] std::string store() const override { return resolved().url; }
  [[nodiscard]] std::string origin(std::string_view flag) const override {
    if (flag == "--store") return resolved().origin;
    const auto value = values.find(flag);
    const auto given = switches.find(flag);
    const bool typed = (value != values.end() && !value->second.empty()) ||
                       (given != switches.end() && given->second > 0);
    if (typed) return std::string(flag);
    const SettingRow* row = find_setting(flag);
    const std::string set = row ? outside(*row).second : std::string();
    return set.empty() ? "default" : set;
  }
  [[nodiscard]] std::map<std::string, std::string> section(std::string_view prefix) const override {
    std::map<std::string, std::string> found;
    for (const auto& [key, value] : file) {
      if (key.starts_with(prefix)) found.emplace(key.substr(prefix.size()), value);
    }
    return found;
  }
  [[nodiscard]] bool json() const override { return has("--json"); }
  [[nodiscard]] bool quiet() const override { return has("--quiet"); }
  [[nodiscard]] std::string program() const override { return program_; }
  /// Value and origin of a setting that no flag gave; empty when nobody set it.
  [[nodiscard]] std::pair<std::string, std::string> outside(const SettingRow& row) const {
    if (auto set = from_environment(row); !set.first.empty()) return set;
    if (const auto found = file.find(row.key); found != file.end()) {
      return {found->second, "penstock.toml"};
    }
    return {};
  }

  std::map<std::string, int, std::less<>> switches;
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  std::vector<std::string> words_;
  FileSettings file;

 private:
  // Once: all of a command means the same store, and "auto" may wait for an answer.
  [[nodiscard]] const StoreUrl& resolved() const {
    if (resolved_) return *resolved_;
    const auto typed = values.find("--store");
    const bool given = typed != values.end() && !typed->second.empty();
    const auto in_file = file.find("store");
    resolved_ = resolve_store_url(given ? typed->second.back() : "", "--store",
                                  in_file == file.end() ? "" : in_file->second);
    return *resolved_;
  }

  std::string program_;
  mutable std::optional<StoreUrl> resolved_;
};

// The option parser reads "[...]" and "{}" as lists of its own; ours are JSON. A mark in front
// keeps it from looking.
constexpr char mark = '\x01';

std::string marked(std::string word) {
  std::size_t at = 0;
  if (word.starts_with("--")) at = std::min(word.find('='), word.size() - 1) + 1;
  const bool looks_special = at < word.size() && (word[at] == '[' || word[at] == '{');
  if (looks_special || word.substr(at).starts_with(mark)) word.insert(at, 1, mark);
  return word;
}

void unmark(std::vector<std::string>& words) {
  for (std::string& word : words) {
    if (word.starts_with(mark)) word.erase(0, 1);
  }
}

// "--wait=30s", a switch with an attached value, is read as "--wait" and a hidden "--wait-value
// 30s": the option parser would take the word after a bare "--wait" for its value.
constexpr std::string_view attached = "-value";

std::vector<std::string> detach_values(int argc, char** argv,
                                       const std::vector<Command>& commands) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    for (const Command& command : commands) {
      for (const Flag& flag : command.flags) {
        const std::string name = long_name(flag.name);
        if (!flag.value.starts_with("[=") || !words[i].starts_with(name + "=")) continue;
        const std::string value = words[i].substr(name.size() + 1);
        words[i] = name;
        words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     name + std::string(attached) + "=" + value);
        ++i;
      }
    }
  }
  for (std::string& word : words) word = marked(std::move(word));
  // The parser takes them last first.
  std::ranges::reverse(words);
  return words;
}

void add_flag(CLI::App& to, const Flag& flag, Typed& typed) {
  const std::string name = long_name(flag.name);
  const bool optional_value = flag.value.starts_with("[=");
  if (flag.value.empty() || optional_value) {
    auto* option = to.add_flag(flag.name, typed.switches[name], flag.help);
    if (!optional_value) return;
    option->type_name(flag.value);
    to.add_option(name + std::string(attached), typed.values[name], "")->group("");
    return;
  }
  auto* option = to.add_option(flag.name, typed.values[name], flag.help)->type_name(flag.value);
  option->expected(1)->allow_extra_args(false);
  option->multi_option_policy(flag.repeat ? CLI::MultiOptionPolicy::TakeAll
                                          : CLI::MultiOptionPolicy::TakeLast);
}

const std::vector<Flag>& global_flags() {
  static const std::vector<Flag> flags = {
      {"--store", "URL",
       "sqlite:PATH, redis://HOST:PORT/DB or auto (default: a file)"},  // lint: store-words, help
      {"--config", "FILE", "penstock.toml to read"},
      {"--require-safe-store", "", "refuse a store that may evict or forget jobs"},
      {"--json", "", "one JSON object, or one a line for lists"},
      {"--quiet", "", "say nothing but results and errors"},
      {"--log-level", "LEVEL", "debug, info, warning, error or off"},
      {"--log-format", "FORMAT", "text or json"},
      {"--log-file", "FILE", "log there instead of stderr"},
  };
  return flags;
}

// "job show" -> the subcommand show of the subcommand job, made when it is missing.
CLI::App& place_of(CLI::App& top, const std::string& name) {
  CLI::App* at = &top;
  std::size_t from = 0;
  while (from < name.size()) {
    const auto space = std::min(name.find(' ', from), name.size());
    const std::string word = name.substr(from, space - from);
    const auto known = at->get_subcommands([&](CLI::App* one) { return one->get_name() == word; });
    at = known.empty() ? at->add_subcommand(word)->fallthrough() : known.front();
    from = space + 1;
  }
  return *at;
}

std::string group_summary(const std::string& group) {
  if (group == "job") return "Look at jobs and change them";
  if (group == "queue") return "Look at queues and change them";
  if (group == "pool") return "Start workers here, look at them, stop them";
  if (group == "flow") return "Check and draw flows; start runs, look at them, change them";
  if (group == "config") return "See what is configured, and from where";
  return "Commands of " + group;
}

Result<void> read_file(Typed& typed) {
  const auto given = typed.values.find("--config");
  const bool typed_one = given != typed.values.end() && !given->second.empty();
  const std::string path = settings_path(typed_one ? given->second.back() : "");
  if (path.empty()) return {};
  auto settings = read_settings_file(path);
  if (!settings) return std::move(settings).error();
  typed.file = *std::move(settings);
  return {};
}

std::string own_path(const char* argument) {
  std::error_code failed;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::string(argument) : path.string();
}

// The line "Usage:" shows the words as the command's table has them.
class HelpPage : public CLI::Formatter {
  std::string make_option_usage(const CLI::Option* words) const override {
    return words->get_description();
  }
};

int usage_error(const std::string& program, const std::string& what) {
  std::cerr << program << ": " << what << ": see " << program << " --help\n";
  return 2;
}

}  // namespace

int parse_and_run(int argc, char** argv, const App& app, const std::vector<Command>& commands) {
  declare_settings(app);
  CLI::App top(app.name() + " " + app.version(), app.name());
  top.require_subcommand(1);
  top.formatter(std::make_shared<HelpPage>());  // Shared by all subcommands.
  top.set_version_flag("--version", app.name() + " " + app.version());
  Typed typed(own_path(argv[0]));
  for (const Flag& flag : global_flags()) add_flag(top, flag, typed);
  std::map<const CLI::App*, const Command*> by_place;
  for (const Command& command : commands) {
    CLI::App& place = place_of(top, command.name);
    place.description(command.summary);
    for (const Flag& flag : command.flags) add_flag(place, flag, typed);
    if (!command.words.empty()) {
      place.add_option("words", typed.words_, command.words)->group("");
    }
    place.footer("Also: --store URL, --config FILE, --json, --quiet, --log-level LEVEL (see " +
                 app.name() + " --help)");
    by_place[&place] = &command;
  }
  for (CLI::App* group : top.get_subcommands([](CLI::App*) { return true; })) {
    if (by_place.contains(group)) continue;
    group->description(group_summary(group->get_name()));
    group->require_subcommand(1);
  }
  try {
    top.parse(detach_values(argc, argv, commands));
  } catch (const CLI::Success& asked) {  // --help, --version
    return top.exit(asked);
  } catch (const CLI::ParseError& e) {
    return usage_error(app.name(), e.what());
  }
  unmark(typed.words_);
  for (auto& [flag, values] : typed.values) unmark(values);
  if (auto ok = read_file(typed); !ok) return report(ok.error());
  if (auto ok = set_up_log(typed.text("--log-level", ""), typed.text("--log-format", ""),
                           typed.text("--log-file", ""));
      !ok) {
    return report(ok.error());
  }
  const CLI::App* chosen = &top;
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  const int code = by_place.at(chosen)->run(typed);
  std::cout.flush();
  if (std::cout) return code;
  const int failed = report({Errc::unavailable, "standard output cannot be written to"});
  return code == 0 ? failed : code;
}

}  // namespace penstock::cli
