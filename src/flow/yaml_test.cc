// SPDX-License-Identifier: MIT
#include "flow/yaml.h"

#include "rules/run_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace penstock::flow {
namespace {

using ::testing::ElementsAre;
using Files = std::map<std::string, std::string>;

struct Loaded {
  std::optional<YamlFlow> flow = {};
  std::string problems = {};
};

Loaded load(const Files& files, const std::string& path = "f.yaml") {
  const ReadFile read = [&](const std::string& name) -> Result<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return Error{Errc::not_found, "file " + name + " cannot be read"};
    return found->second;
  };
  std::vector<YamlProblem> problems;
  auto flow = load_yaml(path, read, problems);
  if (!flow) return {.problems = flow.error().message};
  Loaded loaded{.flow = *std::move(flow)};
  for (const YamlProblem& problem : problems) loaded.problems += to_text(problem) + '\n';
  EXPECT_EQ(loaded.flow.has_value(), problems.empty());
  return loaded;
}

const rules::FlowNode& node_of(const Loaded& loaded, std::string_view name) {
  const int at = loaded.flow->graph->find(name);
  EXPECT_GE(at, 0) << name;
  return *loaded.flow->graph->nodes()[at].node;
}

constexpr const char* etl = R"(
flow: etl
start: extract
limits: {max_steps: 500, max_visits: 7, max_cycles: 9, timeout: 1h, on_missing: fail}
nodes:
  extract:
    exec: [python3, extract.py]
    with: {path: $.input.path, price: "$$.5", deep: [1, 1.5, null, yes, {a: true}]}
    pool: etl
    queue: slow
    timeout: 30s
    retry: {max_attempts: 3, backoff: "exponential:1s..60s"}
  clean:   {task: clean, needs: [extract], when: "$.nodes.extract.result.rows != []"}
  each:
    task: enrich
    needs: [clean]
    map: {over: $.nodes.clean.result, parallel: 50, policy: {at_least: 3}}
  review:
    gate: {ask: approval, prompt: "Load?", deadline: 24h}
    needs: [each]
    next: {approved: [load, tell], rejected: end, timed_out: end}
  load:    {task: load, undo: {exec: [./unload], with: {id: $.nodes.load.result.id}}}
  tell:    {task: tell}
  archive: {flow: more/archive.yaml, with: {all: $.input}, needs: [load, tell], join: 1}
)";

TEST(Yaml, ReadsEveryPartOfTheFormat) {
  const Loaded loaded =
      load({{"f.yaml", etl},
            {"more/archive.yaml",
             "flow: archive\nnodes:\n  zip: {exec: [zip.sh]}\n"
             "  inner: {needs: [zip], flow: {nodes: {last: {exec: [last]}}}}\n"}});
  ASSERT_TRUE(loaded.flow) << loaded.problems;
  EXPECT_EQ(rules::write_definition(*loaded.flow->definition),
            R"({"fail_on_missing":true,"flow":"etl","max_cycles":9,"max_steps":500,"max_visits":7,)"
            R"("nodes":[{"kind":"task","name":"extract","next":[["default","clean"]],)"
            R"("own":"{\"backoff\":\"exponential:1s..1m~10%\",\"max_attempts\":\"3\",)"
            R"(\"timeout\":\"30s\"}","pool":"etl","queue":"slow","task":"etl.extract",)"
            R"("with":"{\"path\":\"$.input.path\",\"price\":\"$$.5\",\"deep\":[1,1.5,null,)"
            R"(\"yes\",{\"a\":true}]}"},{"kind":"task","name":"clean","next":[["default","each"]],)"
            R"("task":"clean","when":"$.nodes.extract.result.rows != []"},)"
            R"({"kind":"task","map":{"over":"$.nodes.clean.result","parallel":50,)"
            R"("policy":{"kind":"at_least","need":3}},"name":"each",)"
            R"("next":[["default","review"]],"task":"enrich"},)"
            R"({"gate":{"ask":"approval","deadline_ms":86400000,"prompt":"Load?"},"kind":"gate",)"
            R"("name":"review","next":[["approved","load"],["approved","tell"],["rejected",""],)"
            R"(["timed_out",""]]},{"kind":"task","name":"load",)"
            R"("next":[["default","archive"]],"task":"load","undo_task":"etl.load.undo",)"
            R"("undo_with":"{\"id\":\"$.nodes.load.result.id\"}"},{"kind":"task","name":"tell",)"
            R"("next":[["default","archive"]],"task":"tell"},{"body":{"flow":"archive",)"
            R"("nodes":[{"kind":"task","name":"zip","next":[["default","inner"]],)"
            R"("task":"archive.zip"},{"body":{"flow":"archive.inner","nodes":[{"kind":"task",)"
            R"("name":"last","task":"archive.inner.last"}]},"kind":"child",)"
            R"("name":"inner"}]},"join":1,"kind":"child","name":"archive",)"
            R"("with":"{\"all\":\"$.input\"}"}],"start":"extract","timeout_ms":3600000})");
}

TEST(Yaml, KeepsTheProgramsOfEveryFileWithTheirFolder) {
  const Loaded loaded = load({{"a/f.yaml",
                               "flow: f\nnodes:\n  one: {exec: [x, 1], queue: q}\n"
                               "  two: {flow: ../b/g.yaml, needs: [one]}\n"},
                              {"b/g.yaml", "flow: g\nnodes: {three: {exec: [y]}}\n"}},
                             "a/f.yaml");
  ASSERT_TRUE(loaded.flow) << loaded.problems;
  const FlowProgram one{.task = "f.one", .command = {"x", "1"}, .folder = "a"};
  const FlowProgram three{.task = "g.three", .command = {"y"}, .folder = "b"};
  EXPECT_THAT(loaded.flow->programs, ElementsAre(one, three));
}

TEST(Yaml, NeedsAndNextMakeTheSameEdge) {
  const Loaded a = load({{"f.yaml", "flow: f\nnodes: {a: {task: t}, b: {task: t, needs: [a]}}\n"}});
  const Loaded b =
      load({{"f.yaml", "flow: f\nnodes: {a: {task: t, next: {default: b}}, b: {task: t}}\n"}});
  const Loaded both = load({{"f.yaml",
                             "flow: f\nnodes: {a: {task: t, next: {default: b}}, "
                             "b: {task: t, needs: [a]}}\n"}});
  ASSERT_TRUE(a.flow && b.flow && both.flow);
  EXPECT_EQ(rules::write_definition(*a.flow->definition),
            rules::write_definition(*b.flow->definition));
  EXPECT_EQ(node_of(both, "a").next.size(), 1u);
}

TEST(Yaml, ALoopIsMadeOfNext) {
  const Loaded loaded = load({{"f.yaml",
                               "flow: f\nnodes:\n  a: {task: t}\n  b: {task: t, needs: "
                               "[a], next: {again: a, done: end}}\n"}});
  EXPECT_FALSE(loaded.flow);
  EXPECT_EQ(loaded.problems,
            "f.yaml:2:1: every node has an input: say with start where it begins\n");
}

// A whole file each, and all that is said of it.
struct Bad {
  const char* name;
  const char* yaml;
  const char* told;
};

class YamlMistakes : public ::testing::TestWithParam<Bad> {};

TEST_P(YamlMistakes, AreAllToldWithTheirPlaces) {
  const Files files{{"f.yaml", GetParam().yaml},
                    {"self.yaml", "flow: s\nnodes:\n  a: {flow: self.yaml}\n"},
                    {"bad.yaml", "flow: b\nnodes:\n  a: {tusk: x}\n"},
                    {"lonely.yaml", "flow: l\nnodes:\n  a: {task: x}\n  b: {task: x}\n"}};
  EXPECT_EQ(load(files).problems, GetParam().told);
}

constexpr Bad mistakes[] = {
    {"EmptyFile", "", "f.yaml:1:1: the file is empty\n"},
    {"NoMapping", "- a\n",
     "f.yaml:1:1: a flow has to be a mapping with flow and nodes, not a list\n"},
    {"NothingInIt", "{}\n",
     "f.yaml:1:1: the flow has no name: write flow: NAME\n"
     "f.yaml:1:1: the flow has no nodes: write nodes: {NAME: {task: ...}}\n"},
    {"UnknownKeys", "flow: f\nnode: {}\nnodes:\n  a: {task: t, tiemout: 3s}\nlimits: {steps: 3}\n",
     "f.yaml:2:1: unknown key \"node\" (nodes?): a flow may have flow, start, limits, groups, "
     "nodes\n"
     "f.yaml:4:16: node a: unknown key \"tiemout\" (timeout?): a node may have exec, task, flow, "
     "gate, with, needs, next, map, when, retry, timeout, pool, queue, undo, join, local\n"
     "f.yaml:5:10: unknown key \"steps\": limits may have max_steps, max_visits, max_cycles, "
     "timeout, on_missing\n"},
    {"NothingIsToldAtItsKey", "flow: f\nnodes:\n  \"\": {task: t}\n  a:\n\n  b: {task: ~}\n",
     "f.yaml:3:3: a node has no name\n"
     "f.yaml:4:3: node a: a has to be a mapping, not nothing\n"
     "f.yaml:6:7: node b: task has to be text, not nothing\n"},
    {"EdgesThatAreNoneAreNotMissedToo",
     "flow: f\nnodes:\n  a: {task: t}\n  b: {task: t, needs: a}\n",
     "f.yaml:4:23: node b: needs has to be a list of nodes, not the text \"a\"\n"},
    {"DoubleKeys", "flow: f\nflow: g\nnodes:\n  a: {task: t, with: {x: 1, x: 2}}\n  a: {task: t}\n",
     "f.yaml:2:1: \"flow\" is here twice, first in line 1: remove or rename one\n"
     "f.yaml:4:29: \"x\" is here twice, first in line 4: remove or rename one\n"
     "f.yaml:5:3: \"a\" is here twice, first in line 4: remove or rename one\n"},
    {"WrongTypes",
     "flow: 5\nlimits: [1]\nstart: [a]\nnodes:\n"
     "  a: {task: t, timeout: 30, pool: true, retry: {max_attempts: 0, backoff: soon}, local: 1,\n"
     "    join: x, needs: b, next: [b], map: {over: 3, parallel: -1, policy: some}, undo: x}\n",
     "f.yaml:1:7: flow has to be text, not the number 5: put it in quotes\n"
     "f.yaml:2:9: limits has to be a mapping, not a list\n"
     "f.yaml:3:8: start has to be text, not a list\n"
     "f.yaml:5:25: node a: timeout: duration \"30\" is not understood: write a number with a unit, "
     "such as 250ms, 30s, 5m, 1h30m or 7d\n"
     "f.yaml:5:35: node a: pool has to be text, not true: put it in quotes\n"
     "f.yaml:5:63: node a: max_attempts has to be a whole number from 1 to 1000, not the number 0\n"
     "f.yaml:5:75: node a: backoff: backoff \"soon\" is not understood: write none, fixed:5s, "
     "linear:1s..60s or exponential:1s..60s, with ~20% for jitter\n"
     "f.yaml:5:89: node a: local has to be true or false, not the number 1\n"
     "f.yaml:6:11: node a: join is all, any or a number, not the text \"x\"\n"
     "f.yaml:6:21: node a: needs has to be a list of nodes, not the text \"b\"\n"
     "f.yaml:6:30: node a: next has to be a mapping of actions to nodes, such as {default: load}, "
     "not a list\n"
     "f.yaml:6:47: node a: over has to be text, not the number 3: put it in quotes\n"
     "f.yaml:6:60: node a: parallel has to be a whole number from 1 to 1000000, not the number -1\n"
     "f.yaml:6:72: node a: policy is strict, best_effort, {at_least: N} or {critical: [NODE]}, not "
     "the text \"some\"\n"
     "f.yaml:6:85: node a: undo has to be a mapping, not the text \"x\"\n"},
    {"NothingOrTooMuchToDo", "flow: f\nnodes:\n  a: {}\n  b: {task: t, exec: [x], needs: [a]}\n",
     "f.yaml:3:3: node a: it says nothing to do: give it exec, task, flow or gate\n"
     "f.yaml:4:3: node b: it has task and exec: give it one of them\n"},
    {"Commands",
     "flow: f\nnodes:\n  a: {exec: python3 x.py}\n  b: {exec: [], needs: [a]}\n"
     "  c: {exec: [x, {y: z}, ~], needs: [b]}\n",
     "f.yaml:3:13: node a: exec has to be a list of texts, such as [python3, extract.py]: there is "
     "no shell\n"
     "f.yaml:4:13: node b: exec names no program\n"
     "f.yaml:5:17: node c: exec has to be a list of texts, and a mapping is in it\n"
     "f.yaml:5:25: node c: exec has to be a list of texts, and nothing is in it\n"},
    {"Gates",
     "flow: f\nnodes:\n  a: {gate: {ask: what}, timeout: 3s, with: {}}\n"
     "  b: {gate: {ask: selection}, needs: [c]}\n  c: {gate: {ask: approval, choices: [x]}}\n"
     "  d: {gate: {ask: timer}, needs: [b]}\n",
     "f.yaml:3:19: node a: ask is approval, text, selection, selections, custom, event or timer, "
     "not the text \"what\"\n"
     "f.yaml:3:26: node a: a gate has no timeout: it has a deadline\n"
     "f.yaml:3:39: node a: a gate has no with\n"
     "f.yaml:4:7: node b: a gate that asks for a selection needs choices\n"
     "f.yaml:4:39: node b: \"c\" is answered with approved or rejected, never with default: let "
     "its "
     "next lead here\n"
     "f.yaml:5:7: node c: choices are for ask: selection or selections, not for approval\n"
     "f.yaml:6:7: node d: a timer needs a deadline: how long it waits\n"},
    {"Edges",
     "flow: f\nstart: z\nnodes:\n  a: {task: t, next: {default: [b, b, x], odd: {}}}\n"
     "  b: {task: t, needs: [y, a]}\n  c: {task: t, needs: [b, b]}\n",
     "f.yaml:2:8: start \"z\" is no node of this flow\n"
     "f.yaml:4:36: node a: next.default leads to \"b\" twice\n"
     "f.yaml:4:39: node a: next.default leads to \"x\", which is no node of this flow\n"
     "f.yaml:4:48: node a: next.odd has to be a node, a list of nodes, or end, not a mapping\n"
     "f.yaml:5:24: node b: needs names \"y\", which is no node of this flow\n"
     "f.yaml:6:27: node c: needs names \"b\" twice\n"},
    {"NodesThatAreNearlyNamed",
     "flow: f\nnodes:\n  extract: {task: t, next: {odd: lode}}\n"
     "  clean: {task: t, needs: [extarct]}\n"
     "  load: {task: t, needs: [clan, somebody]}\n",
     "f.yaml:3:34: node extract: next.odd leads to \"lode\", which is no node of this flow\n"
     "f.yaml:4:28: node clean: needs names \"extarct\" (extract?), which is no node of this flow\n"
     "f.yaml:5:27: node load: needs names \"clan\" (clean?), which is no node of this flow\n"
     "f.yaml:5:33: node load: needs names \"somebody\", which is no node of this flow\n"},
    {"CirclesOfNeeds",
     "flow: f\nnodes:\n  s: {task: t}\n  a: {task: t, needs: [s, c]}\n  b: {task: t, needs: [a]}\n"
     "  c: {task: t, needs: [b]}\n  d: {task: t, needs: [d]}\n",
     "f.yaml:5:24: node b: needs goes round in a circle: a needs c needs b needs a: for a loop, "
     "use "
     "next on one of them\n"
     "f.yaml:7:24: node d: needs goes round in a circle: d needs d: for a loop, use next on one of "
     "them\n"},
    {"TwoStarts", "flow: f\nnodes:\n  a: {task: t}\n  b: {task: t}\n",
     "f.yaml:2:1: 2 nodes have no input (a, b): say with start where it begins, or put one node "
     "before them\n"},
    {"WhatTheGraphFinds",
     "flow: f\nstart: a\nnodes:\n  a: {task: t, local: true}\n  b: {task: t}\n"
     "  end: {task: t, needs: [a]}\n  x/y: {task: t, needs: [a]}\n",
     "f.yaml:6:3: node end: a node cannot be called end: that ends the flow\n"
     "f.yaml:7:3: node x/y: a node's name has no slash: that is for flows in flows\n"},
    {"PathsAndConditions",
     "flow: f\nnodes:\n  a:\n    task: t\n    with: {x: [$.inputs]}\n    when: $.input.a ==\n"
     "    map: {over: $.item.}\n    undo: {task: u, with: $.nodes}\n",
     "f.yaml:5:16: node a: with: $.inputs: "
     "a path begins with $.input, $.shared.KEY, $.nodes.NAME.result, $.nodes.NAME.error, "
     "$.item or $.params\n"
     "f.yaml:6:23: node a: when: a value was expected\n"
     "f.yaml:7:24: node a: over: a name or an index is missing\n"
     "f.yaml:8:27: node a: undo.with: $.nodes: "
     "a path begins with $.input, $.shared.KEY, $.nodes.NAME.result, $.nodes.NAME.error, "
     "$.item or $.params\n"},
    {"FlowsInside",
     "flow: f\nnodes:\n  a: {flow: none.yaml}\n  b: {flow: self.yaml, needs: [a]}\n"
     "  c: {flow: bad.yaml, needs: [b]}\n  d: {flow: {nodes: {e: {task: ''}}}, needs: [c]}\n"
     "  g: {flow: [x], needs: [d]}\n",
     "f.yaml:3:13: node a: file none.yaml cannot be read\n"
     "f.yaml:6:32: node d/e: task \"\" is not a name: use 1 to 128 letters, digits and _ . : / -, "
     "beginning with a letter, digit or _\n"
     "f.yaml:7:13: node g: flow has to be a file, or the flow itself as a mapping, not a list\n"
     "bad.yaml:3:3: node c/a: it says nothing to do: give it exec, task, flow or gate\n"
     "bad.yaml:3:7: node c/a: unknown key \"tusk\" (task?): a node may have exec, task, flow, "
     "gate, with, "
     "needs, next, map, when, retry, timeout, pool, queue, undo, join, local\n"
     "self.yaml:3:13: node b/a: self.yaml would contain itself\n"},
    {"GraphOfAFlowInside", "flow: f\nnodes:\n  a: {flow: lonely.yaml}\n",
     "f.yaml:3:3: node a: 2 nodes have no input (a, b): say with start where it begins, or put one "
     "node before them\n"},
    {"TwoProgramsOfOneName",
     "flow: f\nnodes:\n  a: {flow: {flow: g, nodes: {n: {exec: [x]}}}}\n"
     "  b: {needs: [a], flow: {flow: g, nodes: {n: {exec: [y]}}}}\n",
     "f.yaml:4:43: node b/n: another program is called g.n already: rename its flow\n"},
};

INSTANTIATE_TEST_SUITE_P(Table, YamlMistakes, ::testing::ValuesIn(mistakes),
                         [](const auto& bad) { return std::string(bad.param.name); });

TEST(Yaml, FlowsInFlowsAreBounded) {
  Files files;
  for (int i = 0; i < 12; ++i) {
    const std::string next = std::to_string(i + 1) + ".yaml";
    files[i == 0 ? "f.yaml" : std::to_string(i) + ".yaml"] =
        "flow: f" + std::to_string(i) + "\nnodes: {a: {flow: " + next + "}}\n";
  }
  EXPECT_EQ(
      load(files).problems,
      "7.yaml:2:13: node a/a/a/a/a/a/a/a: flows in flows go 8 deep at most: make it a flow of "
      "its own\n");
}

TEST(Yaml, ValuesAreCountedOverAllFiles) {
  std::string wide = "flow: w\nnodes: {a: {task: t, with: [";
  for (int i = 0; i < 60'000; ++i) wide += "1,";
  wide += "]}}\n";
  const Loaded loaded = load({{"f.yaml",
                               "flow: f\nnodes:\n  a: {flow: w.yaml}\n"
                               "  b: {flow: w.yaml, needs: [a]}\n"},
                              {"w.yaml", wide}});
  EXPECT_EQ(loaded.problems,
            "f.yaml:4:13: node b: with w.yaml there are more than 100000 values in all files\n");
}

TEST(Yaml, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(load({}).problems, "file f.yaml cannot be read");
}

std::string text_of_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Yaml, TheReferenceHasEveryKeyInItsSection) {
  const std::string text = text_of_file(PROJECT_FOLDER "/docs/flows-yaml.md");
  for (const auto& [what, keys] : yaml_keys()) {
    const std::string heading = what == "flow"   ? "\n## The file\n"
                                : what == "node" ? "\n## Nodes\n"
                                                 : "\n### " + what + '\n';
    const auto from = text.find(heading);
    ASSERT_NE(from, std::string::npos) << heading;
    const std::string section = text.substr(from, text.find("\n#", from + heading.size()) - from);
    for (const std::string& key : keys) {
      EXPECT_THAT(section, ::testing::ContainsRegex("\n\\|[^|]*`" + key + "`[^|]*\\|"))
          << what << ": " << key;
    }
  }
}

TEST(Yaml, TheSchemaForEditorsKnowsTheKeysOfTheLoaderAndNoOthers) {
  const std::string text = text_of_file(PROJECT_FOLDER "/deploy/flow.schema.json");
  const auto members = [](const std::string& object) {
    auto read = rules::read_raw_object(object);
    EXPECT_TRUE(read) << object;
    return read ? *std::move(read) : std::map<std::string, std::string>{};
  };
  const auto root = members(text);
  auto definitions = members(root.at("definitions"));
  definitions["flow"] = text;
  for (const auto& [what, keys] : yaml_keys()) {
    ASSERT_TRUE(definitions.contains(what)) << what;
    const auto definition = members(definitions.at(what));
    EXPECT_EQ(definition.at("additionalProperties"), "false") << what;
    std::vector<std::string> known;
    for (const auto& [key, about] : members(definition.at("properties"))) known.push_back(key);
    EXPECT_THAT(known, ::testing::UnorderedElementsAreArray(keys)) << what;
  }
}

TEST(Yaml, AJoinIsOfAllInputsOrAnyOrANumber) {
  const auto join_of = [](const std::string& join) {
    return load({{"f.yaml",
                  "flow: f\nnodes:\n  a: {task: t}\n  b: {task: t, needs: [a]}\n"
                  "  c: {task: t, needs: [a]}\n  d: {task: t, needs: [b, c], join: " +
                      join + "}\n"}});
  };
  EXPECT_EQ(node_of(join_of("any"), "d").join, 1);
  EXPECT_EQ(node_of(join_of("all"), "d").join, 0);
  EXPECT_EQ(node_of(join_of("2"), "d").join, 2);
  EXPECT_THAT(join_of("some").problems, ::testing::HasSubstr("join is all, any or a number"));
}

}  // namespace
}  // namespace penstock::flow
