// SPDX-License-Identifier: MIT
#include "flow/draw.h"

#include "flow/yaml.h"

#include <penstock/flow.h>

#include <gtest/gtest.h>

namespace penstock::flow {
namespace {

constexpr const char* source = R"(
flow: etl
nodes:
  clean:   {task: clean, next: {default: review, again: clean}, when: '$.input.rows != []'}
  load:    {task: load, undo: {task: unload}, pool: db}
  review:  {gate: {ask: approval, prompt: 'Load "it"?', deadline: 24h},
            next: {approved: [load, each], rejected: end}}
  each:    {task: enrich, map: {over: $.nodes.clean.result, parallel: 5}}
  archive: {needs: [load, each], flow: {flow: archive, nodes: {zip: {task: zip}}}}
start: clean
)";

std::string drawn(Drawing drawing) {
  std::vector<YamlProblem> problems;
  auto flow = load_yaml(
      "f.yaml", [](const std::string&) { return Result<std::string>(source); }, problems);
  EXPECT_TRUE(flow && *flow) << (problems.empty() ? "" : to_text(problems.front()));
  return draw(*(*flow)->graph, drawing);
}

TEST(Draw, AsText) {
  EXPECT_EQ(drawn(Drawing::ascii), R"~(flow etl
* clean    task clean
    when $.input.rows != []
    -> review
    again -> clean (back)
  review   gate approval "Load "it"?", 1d
    approved -> load
    approved -> each
    rejected -> end
  load     task load, pool db, undo unload
    -> archive
  each     task enrich
    for each of $.nodes.clean.result, 5 at once
    -> archive
  archive  run of archive
    | flow archive
    | * zip  task zip
)~");
}

TEST(Draw, AsMermaid) {
  EXPECT_EQ(drawn(Drawing::mermaid), R"~(flowchart TD
  start(("start"))
  start --> n0
  n0["clean<br/>task clean<br/>when $.input.rows != []"]
  n2{{"review<br/>gate approval #quot;Load #quot;it#quot;?#quot;, 1d"}}
  n1["load<br/>task load, pool db, undo unload"]
  n3[["each<br/>task enrich<br/>for each of $.nodes.clean.result, 5 at once"]]
  n4[["archive<br/>run of archive"]]
  nend(("end"))
  n0 --> n2
  n0 -.->|"again"| n0
  n2 -->|"approved"| n1
  n2 -->|"approved"| n3
  n2 -->|"rejected"| nend
  n1 --> n4
  n3 --> n4
  subgraph n4_in["archive"]
    n4_0["zip<br/>task zip"]
  end
  n4 -.-> n4_0
)~");
}

TEST(Draw, AsDot) {
  EXPECT_EQ(drawn(Drawing::dot), R"~(digraph "etl" {
  start [shape=doublecircle, label="start"];
  start -> n0;
  n0 [shape=box, label="clean\ntask clean\nwhen $.input.rows != []"];
  n2 [shape=hexagon, label="review\ngate approval \"Load \"it\"?\", 1d"];
  n1 [shape=box, label="load\ntask load, pool db, undo unload"];
  n3 [shape=box3d, label="each\ntask enrich\nfor each of $.nodes.clean.result, 5 at once"];
  n4 [shape=box3d, label="archive\nrun of archive"];
  nend [shape=doublecircle, label="end"];
  n0 -> n2;
  n0 -> n0 [label="again", style=dashed];
  n2 -> n1 [label="approved"];
  n2 -> n3 [label="approved"];
  n2 -> nend [label="rejected"];
  n1 -> n4;
  n3 -> n4;
  subgraph cluster_n4_in {
    label="archive";
    n4_0 [shape=box, label="zip\ntask zip"];
  }
  n4 -> n4_0 [style=dashed];
}
)~");
}

TEST(Draw, GroupsStandTogether) {
  Flow flow("f");
  auto split = flow.job("split", "t");
  auto a = flow.job("a", "t"), b = flow.job("b", "t"), join = flow.job("join", "t");
  split >> (a | b).with(Policy::at_least(1), "pair") >> join;
  auto definition = rules::read_definition(flow.definition().value());
  ASSERT_TRUE(definition);
  std::vector<rules::FlowProblem> problems;
  const auto graph = rules::Graph::compile(
      std::make_shared<const rules::FlowDefinition>(*std::move(definition)), problems);
  ASSERT_TRUE(graph);
  EXPECT_EQ(draw(*graph, Drawing::ascii), R"~(flow f
* split  task t
    -> a
    -> b
  a      task t
    -> join
  b      task t
    -> join
  join   task t
  group pair (at least 1): a b
)~");
  EXPECT_EQ(draw(*graph, Drawing::mermaid), R"~(flowchart TD
  start(("start"))
  start --> n0
  subgraph ng0["pair (at least 1)"]
    n1["a<br/>task t"]
    n2["b<br/>task t"]
  end
  n0["split<br/>task t"]
  n3["join<br/>task t"]
  n0 --> n1
  n0 --> n2
  n1 --> n3
  n2 --> n3
)~");
}

}  // namespace
}  // namespace penstock::flow
