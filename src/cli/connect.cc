// SPDX-License-Identifier: MIT
#include "cli/connect.h"

#include "cli/settings.h"
#include "rules/duration.h"
#include "rules/errc.h"
#include "rules/job_json.h"
#include "rules/name.h"

#include <charconv>
#include <iostream>

#include <unistd.h>

namespace penstock {

int report(const Error& error) {
  std::cerr << "error: " << error.message << '\n';
  return rules::describe(error.code).exit_code;
}

Result<std::optional<int>> integer_flag(const Arguments& arguments, std::string_view flag) {
  const std::string text = arguments.text(flag);
  if (text.empty()) return std::optional<int>();
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return Error{Errc::invalid, std::string(flag) + " \"" + rules::printable(text) +
                                    "\" is no whole number: write one, such as " +
                                    std::string(flag) + " 3"};
  }
  return std::optional(value);
}

Result<std::optional<Duration>> duration_flag(const Arguments& arguments, std::string_view flag) {
  const std::string text = arguments.text(flag);
  if (text.empty()) return std::optional<Duration>();
  auto parsed = rules::parse_duration(text);
  if (!parsed) return Error{Errc::invalid, std::string(flag) + ": " + parsed.error().message};
  return std::optional(*parsed);
}

namespace cli {

Result<Client> connect(const Arguments& arguments, Access access) {
  ClientOptions options{.require_safe_store = arguments.has("--require-safe-store")};
  auto patience = duration_flag(arguments, "--call-timeout");
  if (!patience) return std::move(patience).error();
  options.call_timeout = patience->value_or(options.call_timeout);
  auto client = Client::open(arguments.store(), options);
  if (client && access == Access::write && !arguments.quiet()) {
    std::cerr << "store: " << rules::without_password(client->store_name()) << " (from "
              << arguments.origin("--store") << ")\n";
  }
  return client;
}

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

int fail(const Arguments& arguments, const Error& error) {
  if (arguments.json()) std::cout << "{\"error\":" << rules::to_json(error) << "}\n";
  return report(error);
}

bool confirmed(const Arguments& arguments, const std::string& question) {
  if (arguments.has("--yes")) return true;
  if (!is_terminal(STDIN_FILENO)) {
    std::cerr << question << " Nobody can be asked: give --yes\n";
    return false;
  }
  std::cerr << question << " [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

}  // namespace cli
}  // namespace penstock
