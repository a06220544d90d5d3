// SPDX-License-Identifier: MIT
#include "apps/roster/read_instance.h"

#include <string>

#include "apps/roster/benchmark_format.h"
#include "apps/roster/json_fields.h"
#include "apps/roster/small_format.h"

namespace penstock::roster {

Result<Instance> read_instance(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return Error{Errc::invalid,
                 "the input is empty; give an instance in the benchmark text format "
                 "or in JSON"};
  }
  if (text[first] != '{') return parse_benchmark(text);
  if (text.size() > max_input_bytes) {
    return Error{Errc::too_large, "the input has " + std::to_string(text.size()) +
                                      " bytes; at most " + std::to_string(max_input_bytes) +
                                      " are read"};
  }
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto wrapped = document->find("text");
  if (wrapped != document->end() && wrapped->is_string()) {
    return parse_benchmark(wrapped->get_ref<const std::string&>());
  }
  return parse_small(*document);
}

}  // namespace penstock::roster
