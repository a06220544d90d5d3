// SPDX-License-Identifier: MIT
#include "rules/job_state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <tuple>

namespace penstock::rules {
namespace {

using Line = std::tuple<std::string, std::string, std::string>;  // from, to, verb

std::set<Line> drawing() {
  const char* root = std::getenv("PENSTOCK_SOURCE_DIR");
  std::ifstream file(std::string(root ? root : ".") + "/docs/state_machine.md");
  const std::regex edge(R"(\s*(\w+) --> (\w+) : (\w+)\s*)");
  std::set<Line> lines;
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_match(line, match, edge)) lines.emplace(match[1], match[2], match[3]);
  }
  return lines;
}

TEST(JobState, TableIsTheDrawing) {
  std::set<Line> table;
  for (const Edge& edge : transitions()) {
    table.emplace(to_text(edge.from), to_text(edge.to), to_text(edge.move));
  }
  EXPECT_EQ(table.size(), transitions().size());
  EXPECT_EQ(table, drawing());
}

TEST(JobState, OnlyTheTableIsLegal) {
  for (const JobState from : all_states) {
    for (const JobState to : all_states) {
      bool any = false;
      for (int move = 0; move <= static_cast<int>(Move::revive); ++move) {
        const bool legal = is_legal(from, static_cast<Move>(move), to);
        bool listed = false;
        for (const Edge& edge : transitions()) {
          listed = listed ||
                   (edge.from == from && edge.to == to && edge.move == static_cast<Move>(move));
        }
        EXPECT_EQ(legal, listed) << to_text(from) << ' ' << move << ' ' << to_text(to);
        any = any || legal;
      }
      EXPECT_EQ(is_legal(from, to), any);
    }
  }
}

TEST(JobState, EachVerbLeadsFromAStateToOneState) {
  std::set<std::pair<JobState, Move>> seen;
  for (const Edge& edge : transitions()) {
    EXPECT_TRUE(seen.emplace(edge.from, edge.move).second);
  }
}

TEST(JobState, OnlyAnOperatorLeadsOutOfAnEnd) {
  for (const Edge& edge : transitions()) {
    EXPECT_TRUE(!is_terminal(edge.from) || edge.move == Move::revive);
    EXPECT_NE(edge.from, JobState::succeeded);
  }
  EXPECT_TRUE(is_terminal(JobState::succeeded));
  EXPECT_TRUE(is_terminal(JobState::failed));
  EXPECT_TRUE(is_terminal(JobState::cancelled));
  EXPECT_FALSE(is_terminal(JobState::running));
}

TEST(JobState, NamesReadBack) {
  for (const JobState state : all_states) EXPECT_EQ(parse_state(to_text(state)), state);
  for (const char* text : {"", "Ready", "ready ", "done"}) EXPECT_FALSE(parse_state(text)) << text;
}

}  // namespace
}  // namespace penstock::rules
