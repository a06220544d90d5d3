// SPDX-License-Identifier: MIT
//
// What rules::check_flow finds in a flow's YAML is told where it stands there.
#include "flow/yaml.h"

#include <gtest/gtest.h>

namespace penstock::flow {
namespace {

// A whole file each, and all that is said of it.
struct Vain {
  const char* name;
  const char* yaml;
  const char* told;
};

class YamlCheck : public ::testing::TestWithParam<Vain> {};

TEST_P(YamlCheck, TellsWhatCanNeverBeWithItsPlace) {
  const ReadFile read = [&](const std::string&) { return std::string(GetParam().yaml); };
  std::vector<YamlProblem> problems;
  EXPECT_FALSE(load_yaml("f.yaml", read, problems).value());
  std::string text;
  for (const YamlProblem& problem : problems) text += to_text(problem) + '\n';
  EXPECT_EQ(text, GetParam().told);
}

constexpr Vain mistakes[] = {
    {"PathsToNothing",
     "flow: f\nnodes:\n  extract: {task: t}\n  clean:\n    needs: [extract]\n    task: t\n"
     "    with:\n      rows: $.nodes.extarct.result\n"
     "      deep: [$.nodes.extract.output, $.item]\n"
     "    when: $.nodes.extract.result and $.nodes.clea.result\n"
     "    undo: {task: u, with: [1, $.nodes.who.error]}\n"
     "  each: {task: t, needs: [clean], map: {over: $.nodes.clan.result}, with: $.item}\n"
     "  one: {needs: [each], flow: {nodes: {in: {task: t, with: {x: $.nodes.each.result}}}}}\n",
     "f.yaml:9:14: node clean: with: $.nodes.extract.output: of a node there are result and error, "
     "not \"output\"\n"
     "f.yaml:10:38: node clean: when: there is no node \"clea\" (clean?) in this flow\n"
     "f.yaml:11:31: node clean: undo.with: $.nodes.who.error: there is no node \"who\" in this "
     "flow\n"
     "f.yaml:12:47: node each: map.over: there is no node \"clan\" (clean?) in this flow\n"
     "f.yaml:13:63: node one/in: with: $.nodes.each.result: \"each\" is a node of the run around "
     "this one: hand its result on in the with of the node that holds this flow\n"},
    {"PathsInWith",
     "flow: f\nnodes:\n  extract: {task: t}\n  clean:\n    needs: [extract]\n    task: t\n"
     "    with:\n      rows: $.nodes.extarct.result\n"
     "      deep: [$.nodes.extarct.result, $.item.x]\n",
     "f.yaml:8:13: node clean: with: $.nodes.extarct.result: there is no node \"extarct\" "
     "(extract?) in this flow\n"
     "f.yaml:9:14: node clean: with: $.nodes.extarct.result: there is no node \"extarct\" "
     "(extract?) in this flow\n"
     "f.yaml:9:38: node clean: with: $.item.x: $.item is only there in the with of a node that has "
     "a map\n"},
    {"ActionsThatNeverCome",
     "flow: f\nnodes:\n  a: {gate: {ask: text}, next: {default: b, approved: [c, d]}}\n"
     "  b: {gate: {ask: timer, deadline: 3s},\n      next: {timed_out: c}}\n"
     "  c: {task: t, map: {over: $.input}, next: {again: c, default: d}}\n  d: {task: t}\n",
     "f.yaml:3:45: node a: next.approved can never come: a gate that asks for text ends with "
     "default\n"
     "f.yaml:5:14: node b: next.timed_out can never come: a timer ends with default\n"
     "f.yaml:6:45: node c: next.again can never come: a map ends with default\n"},
    {"Groups",
     "flow: f\ngroups:\n  none: {policy: strict}\n  two: {nodes: [b, c, x], policy: {at_least: "
     "4}}\n"
     "  odd: {nodes: [c], policy: {critical: [b]}, more: 1}\n"
     "nodes:\n  a: {task: t}\n  b: {task: t, needs: [a]}\n  c: {task: t, needs: [a]}\n",
     "f.yaml:3:3: group \"none\" has no nodes: write nodes: [NAME, ...]\n"
     "f.yaml:4:23: group two names \"x\", which is no node of this flow\n"
     "f.yaml:4:35: group two needs 4 of 2 members\n"
     "f.yaml:5:17: group odd names \"c\", which is in group two already: a node is in one group\n"
     "f.yaml:5:41: critical of group odd names \"b\", which is no member of it\n"
     "f.yaml:5:46: unknown key \"more\": a group may have nodes, policy\n"},
    {"GroupsOfAFlowInside",
     "flow: f\nnodes:\n  a:\n    flow:\n      groups: {g: {nodes: [b, b, q]}}\n"
     "      nodes: {b: {task: t}}\n",
     "f.yaml:5:31: node a: group g names \"b\" twice\n"
     "f.yaml:5:34: node a: group g names \"q\", which is no node of this flow\n"},
    {"PoliciesOfMaps",
     "flow: f\nnodes:\n  a: {task: t, map: {over: $.input, policy: {critical: [x]}}}\n",
     "f.yaml:3:45: node a: critical is for groups: items of a map have no names\n"},
    {"NamesOfNodesBesideThatOfTheFlow", "flow: a b\nnodes:\n  x y: {task: t}\n",
     "f.yaml:1:7: flow \"a b\" is not a name: use 1 to 128 letters, digits and _ . : / -, "
     "beginning "
     "with a letter, digit or _\n"
     "f.yaml:3:3: node x y: node \"x y\" is not a name: use 1 to 128 letters, digits and _ . : / "
     "-, "
     "beginning with a letter, digit or _\n"},
    {"NeedsThatAreNamedAgain",
     "flow: f\nnodes:\n  a: {task: t, next: {default: b}}\n  b: {task: t, needs: [a, a, a]}\n"
     "  c: {task: t, needs: [b, b, x, x]}\n",
     "f.yaml:4:27: node b: needs names \"a\" twice\n"
     "f.yaml:5:27: node c: needs names \"b\" twice\n"
     "f.yaml:5:30: node c: needs names \"x\", which is no node of this flow\n"
     "f.yaml:5:33: node c: needs names \"x\" twice\n"},
    {"NumbersOfOne",
     "flow: f\ngroups: {g: {nodes: [b], policy: {at_least: 2}}}\nnodes:\n  a: {task: t}\n"
     "  b: {task: t, needs: [a], join: 2}\n",
     "f.yaml:2:34: group g needs 2 of 1 member\n"
     "f.yaml:5:3: node b: join is 2, it has 1 input\n"},
    {"PlacesInQuotesAndBlocks",
     "flow: f\nnodes:\n  a: {task: t, when: '$.input ==', with: {x: \"$.nodes.b\"}}\n"
     "  b: {task: t, needs: [a], when: \"$.\\x69nput ==\"}\n"
     "  c:\n    task: t\n    needs: [b]\n    when: >\n      $.input.a\n      == $.nodes.q.result\n",
     "f.yaml:3:33: node a: when: a value was expected\n"
     "f.yaml:3:46: node a: with: $.nodes.b: of a node there are .result and .error: name one\n"
     "f.yaml:4:34: node b: when: a value was expected (character 11 of it)\n"
     "f.yaml:8:11: node c: when: there is no node \"q\" in this flow (character 14 of it)\n"},
    {"WhatIsNothing",
     "flow: f\nlimits: {timeout: 0s}\nnodes:\n"
     "  a: {gate: {ask: selection, choices: [x, y, x], deadline: 0s}}\n"
     "  b: {task: t, timeout: 0s, needs: [a]}\n",
     "f.yaml:2:19: timeout has to be longer than nothing: leave it out for none\n"
     "f.yaml:4:7: node a: choice \"x\" is there twice\n"
     "f.yaml:4:60: node a: deadline has to be longer than nothing: leave it out for none\n"
     "f.yaml:5:25: node b: timeout has to be longer than nothing: leave it out for none\n"},
    {"GroupsThatNobodyJudges",
     "flow: f\ngroups: {g: {nodes: [b, c], policy: {at_least: 1}}}\nnodes:\n"
     "  a: {task: t}\n  b: {task: t, needs: [a]}\n  c: {task: t, needs: [a]}\n",
     "f.yaml:2:37: group g needs 1, and no node waits for so many of them to judge "
     "whether it has them: lead its members to one\n"},
    {"NothingIsSaidTwice",
     "flow: f\nnodes:\n  a: {gate: {ask: what, deadline: 3x}, next: {sure: b, timed_out: b}}\n"
     "  b: {task: t, with: $.item, map: x}\n",
     "f.yaml:3:19: node a: ask is approval, text, selection, selections, custom, event or timer, "
     "not the text \"what\"\n"
     "f.yaml:3:35: node a: deadline: duration \"3x\" is not understood: write a number with a "
     "unit, "
     "such as 250ms, 30s, 5m, 1h30m or 7d\n"
     "f.yaml:4:35: node b: map has to be a mapping, not the text \"x\"\n"},
};

INSTANTIATE_TEST_SUITE_P(Table, YamlCheck, ::testing::ValuesIn(mistakes),
                         [](const auto& vain) { return std::string(vain.param.name); });

}  // namespace
}  // namespace penstock::flow
