// SPDX-License-Identifier: MIT
//
// Paths in a node's YAML: read, and noted with their places. What is wrong with them beyond their
// spelling is found out by rules::check_flow when all nodes are known, and told there.
#include "flow/yaml_loading.h"
#include "rules/name.h"
#include "rules/path.h"

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;

constexpr std::size_t most_shown = 200;  // Bytes of a path in a message.

// True: all that look like paths are some.
bool note_paths(const YamlValue& value, std::string_view part, NodeDraft& draft,
                const Findings& findings) {
  bool good = true;
  if (value.kind == Kind::text && value.text.starts_with("$.")) {
    note_path(value, part, draft, findings);
    const auto path = rules::Path::parse(value.text);
    if (!path) {
      findings.say_in(findings.spot(value), std::string(part) + ": " +
                                                rules::printable(value.text, most_shown) + ": " +
                                                path.error().message);
    }
    good = path.has_value();
  }
  for (const auto& item : value.items) good = note_paths(*item, part, draft, findings) && good;
  for (const YamlMember& member : value.members) {
    good = note_paths(*member.value, part, draft, findings) && good;
  }
  return good;
}

}  // namespace

void note_path(const YamlValue& value, std::string_view part, NodeDraft& draft,
               const Findings& findings) {
  draft.scope.loading.parts.emplace(
      YamlPart{.node = findings.node(), .part = std::string(part), .value = value.text},
      findings.spot(value));
}

void read_paths(const YamlMember& from, std::string_view part, NodeDraft& draft, std::string& into,
                const Findings& findings) {
  if (note_paths(*from.value, part, draft, findings)) findings.paths(from, into);
}

}  // namespace penstock::flow
