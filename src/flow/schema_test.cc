// SPDX-License-Identifier: MIT
//
// deploy/flow.schema.json as an editor reads it. The checker knows the words of JSON Schema that
// the file uses, and a word that it does not know fails, so nothing there is without meaning.
#include "flow/yaml_text.h"

#include <penstock/json.h>

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>

namespace penstock::flow {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(PROJECT_FOLDER "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

json value_of(const std::string& yaml) {
  YamlMistake mistake;
  const auto value = read_yaml(yaml, mistake);
  EXPECT_TRUE(value) << mistake.text;
  return value ? json::parse(yaml_to_json(*value).value()) : json();
}

class Schema {
 public:
  explicit Schema(const std::string& text) : root_(json::parse(text)) {}

  bool takes(const json& value) const { return fits(value, root_); }

 private:
  using Word = bool (Schema::*)(const json& value, const json& schema, const json& argument) const;

  bool fits(const json& value, const json& schema) const {
    static const std::map<std::string, Word> words = {
        {"$ref", &Schema::reference},     {"type", &Schema::type},
        {"enum", &Schema::one_of_values}, {"pattern", &Schema::pattern},
        {"minimum", &Schema::minimum},    {"maximum", &Schema::maximum},
        {"minItems", &Schema::least},     {"minProperties", &Schema::least},
        {"maxProperties", &Schema::most}, {"items", &Schema::items},
        {"required", &Schema::required},  {"properties", &Schema::properties},
        {"oneOf", &Schema::one_of},       {"additionalProperties", &Schema::others},
        {"propertyNames", &Schema::names}};
    for (const auto& [word, argument] : schema.items()) {
      if (word == "$schema" || word == "title" || word == "description" || word == "definitions") {
        continue;
      }
      const auto known = words.find(word);
      EXPECT_NE(known, words.end()) << word;
      if (known == words.end() || !(this->*known->second)(value, schema, argument)) return false;
    }
    return true;
  }

  bool reference(const json& value, const json&, const json& to) const {
    return fits(value, root_.at(json::json_pointer(to.get<std::string>().substr(1))));
  }
  bool type(const json& value, const json&, const json& wanted) const {
    const auto is = [&](const std::string& name) {
      return (name == "object" && value.is_object()) || (name == "array" && value.is_array()) ||
             (name == "string" && value.is_string()) || (name == "number" && value.is_number()) ||
             (name == "integer" && value.is_number_integer()) ||
             (name == "boolean" && value.is_boolean());
    };
    if (wanted.is_string()) return is(wanted);
    return std::any_of(wanted.begin(), wanted.end(), is);
  }
  bool one_of_values(const json& value, const json&, const json& values) const {
    return std::find(values.begin(), values.end(), value) != values.end();
  }
  bool pattern(const json& value, const json&, const json& text) const {
    return !value.is_string() ||
           std::regex_search(value.get<std::string>(), std::regex(text.get<std::string>()));
  }
  bool minimum(const json& value, const json&, const json& limit) const {
    return !value.is_number() || value >= limit;
  }
  bool maximum(const json& value, const json&, const json& limit) const {
    return !value.is_number() || value <= limit;
  }
  bool least(const json& value, const json&, const json& count) const {
    return !value.is_structured() || value.size() >= count.get<std::size_t>();
  }
  bool most(const json& value, const json&, const json& count) const {
    return !value.is_structured() || value.size() <= count.get<std::size_t>();
  }
  bool items(const json& value, const json&, const json& each) const {
    return !value.is_array() || std::all_of(value.begin(), value.end(),
                                            [&](const json& item) { return fits(item, each); });
  }
  bool required(const json& value, const json&, const json& keys) const {
    return !value.is_object() || std::all_of(keys.begin(), keys.end(), [&](const json& key) {
      return value.contains(key.get<std::string>());
    });
  }
  bool properties(const json& value, const json&, const json& known) const {
    if (!value.is_object()) return true;
    for (const auto& [key, member] : value.items()) {
      if (known.contains(key) && !fits(member, known.at(key))) return false;
    }
    return true;
  }
  bool others(const json& value, const json& schema, const json& rest) const {
    if (!value.is_object()) return true;
    for (const auto& [key, member] : value.items()) {
      if (schema.contains("properties") && schema.at("properties").contains(key)) continue;
      if (rest.is_boolean() ? !rest.get<bool>() : !fits(member, rest)) return false;
    }
    return true;
  }
  bool names(const json& value, const json&, const json& name) const {
    if (!value.is_object()) return true;
    for (const auto& [key, member] : value.items()) {
      if (!fits(json(key), name)) return false;
    }
    return true;
  }
  bool one_of(const json& value, const json&, const json& choices) const {
    return std::count_if(choices.begin(), choices.end(),
                         [&](const json& choice) { return fits(value, choice); }) == 1;
  }

  json root_;
};

class FlowSchema : public ::testing::Test {
 protected:
  Schema schema_{text_of("deploy/flow.schema.json")};
  bool takes(const std::string& yaml) { return schema_.takes(value_of(yaml)); }
  bool takes_node(const std::string& node) {
    return takes("flow: f\nnodes:\n  a: {" + node + "}\n");
  }
};

TEST_F(FlowSchema, TakesTheExampleAndEveryFlowOfTheDocumentation) {
  EXPECT_TRUE(takes(text_of("examples/etl/etl.yaml")));
  int shown = 0;
  for (const std::string page : {"docs/flows.md", "docs/flows-yaml.md"}) {
    const std::string text = text_of(page);
    for (auto at = text.find("```yaml\n"); at != std::string::npos;
         at = text.find("```yaml\n", at + 1)) {
      const std::string yaml = text.substr(at + 8, text.find("```\n", at + 8) - at - 8);
      EXPECT_TRUE(takes(yaml)) << page << ":\n" << yaml;
      ++shown;
    }
  }
  EXPECT_EQ(shown, 5);
}

TEST_F(FlowSchema, TakesWhatTheLoaderTakes) {
  for (const char* node :
       {"exec: [sleep, 1]", "task: t, join: any", "task: t, join: 2", "task: t, with: $.input.x",
        "task: t, next: {default: [b, c], bad: end}", "flow: other.yaml", "gate: {}",
        "flow: {nodes: {b: {task: t}}}", "task: t, timeout: 1h30m", "task: t, needs: [b, 7]",
        "task: t, map: {over: $.input, policy: {at_least: 2}}", "task: t, next: {default: 7}",
        "gate: {ask: selection, choices: [1, true, x]}", "task: t, retry: {backoff: none}",
        "task: t, retry: {backoff: fixed:5s}", "task: t, retry: {backoff: linear:1s..1m~20%}"}) {
    EXPECT_TRUE(takes_node(node)) << node;
  }
}

TEST_F(FlowSchema, RefusesWhatTheLoaderRefuses) {
  for (const char* node :
       {"exec: [a], task: t", "needs: [b]", "task: t, tiemout: 3s", "task: t, timeout: 30",
        "task: t, timeout: '30'", "exec: a b", "exec: []", "task: ''", "task: t, join: 0",
        "task: t, join: some", "gate: {ask: what}", "task: t, map: {}", "task: t, map: {over: x}",
        "task: t, retry: {max_attempts: 0}", "task: t, retry: {backoff: soon}", "task: t, undo: {}",
        "task: t, map: {over: $.input, policy: some}", "task: t, local: 1",
        "task: t, timeout: 1.5s"}) {
    EXPECT_FALSE(takes_node(node)) << node;
  }
  EXPECT_FALSE(takes("flow: f\nnodes: {a: {task: t}}\ngroups: {g: {policy: strict}}\n"));
  EXPECT_FALSE(takes("nodes: {a: {task: t}}\n"));
  EXPECT_FALSE(takes("flow: f\nnodes: {}\n"));
  EXPECT_FALSE(takes("flow: f\nnodes: {a/b: {task: t}}\n"));
  EXPECT_FALSE(takes("flow: f\nnodes: {end: {task: t}}\n"));
}

}  // namespace
}  // namespace penstock::flow
