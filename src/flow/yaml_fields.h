// SPDX-License-Identifier: MIT
//
// Reading one mapping of a flow's YAML key by key: a table says which keys there are and what each
// of them does. Used by yaml.cc and yaml_node.cc.
#pragma once

#include "flow/yaml.h"

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::flow {

/// Where a value is; `inset` is that of a YamlValue.
struct YamlSpot {
  std::string file = {};
  YamlPlace place = {};
  int inset = -1;
};

/// Where problems go: the file and the node that are being read are put in front.
class Findings {
 public:
  Findings(std::set<YamlProblem>& problems, std::string file, std::string node = {})
      : problems_(&problems), file_(std::move(file)), node_(std::move(node)) {}

  void say(YamlPlace place, std::string text) const {
    problems_->insert({.file = file_, .place = place, .node = node_, .text = std::move(text)});
  }
  /// A text whose end names the column in a value, " (column 5)", is told where that is in the
  /// file.
  void say_in(const YamlSpot& spot, std::string text) const;
  [[nodiscard]] YamlSpot spot(const YamlValue& value) const {
    return {.file = file_, .place = value.place, .inset = value.inset};
  }
  [[nodiscard]] Findings about(std::string node) const { return {*problems_, file_, node}; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& node() const { return node_; }

  // Typed values; what is of another type is told, and `into` stays as it is.
  bool text(const YamlMember& from, std::string& into) const;
  bool boolean(const YamlMember& from, bool& into) const;
  bool integer(const YamlMember& from, std::int64_t least, std::int64_t most,
               std::int64_t& into) const;
  bool texts(const YamlMember& from, std::vector<std::string>& into) const;
  bool duration(const YamlMember& from, std::optional<Duration>& into) const;
  bool name(const YamlMember& from, std::string_view what, std::string& into) const;
  /// JSON with paths in it.
  bool paths(const YamlMember& from, std::string& into) const;

 private:
  // Always false, for callers to pass on.
  bool need(const YamlMember& from, std::string_view what) const;
  bool refuse(const YamlMember& from, const Error& error) const;

  std::set<YamlProblem>* problems_;
  std::string file_, node_;
};

/// One key of a table. `read` has to be given what it fills, and where problems go.
template <class Into>
struct YamlKey {
  std::string_view name;
  void (*read)(const YamlMember& from, Into& into, const Findings& findings);
};

void say_unknown(const YamlMember& member, std::string_view what,
                 const std::vector<std::string_view>& known, const Findings& findings);
/// False, and told, when it is no mapping.
bool is_mapping(const YamlMember& from, const Findings& findings);

/// `what` is how messages call the mapping: "a node". Of a double key the first is read; that there
/// is another was told before.
template <class Into>
void read_mapping(const YamlValue& mapping, std::string_view what,
                  std::span<const YamlKey<Into>> keys, Into& into, const Findings& findings) {
  std::set<std::string_view> seen;
  for (const YamlMember& member : mapping.members) {
    if (!seen.insert(member.key).second) continue;
    const YamlKey<Into>* found = nullptr;
    for (const YamlKey<Into>& key : keys) {
      if (key.name == member.key) found = &key;
    }
    if (found) {
      found->read(member, into, findings);
      continue;
    }
    std::vector<std::string_view> known;
    for (const YamlKey<Into>& key : keys) known.push_back(key.name);
    say_unknown(member, what, known, findings);
  }
}

template <class Into>
std::vector<std::string> names_of(std::span<const YamlKey<Into>> keys) {
  std::vector<std::string> names;
  for (const YamlKey<Into>& key : keys) names.emplace_back(key.name);
  return names;
}

}  // namespace penstock::flow
