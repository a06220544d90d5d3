// SPDX-License-Identifier: MIT
#include "apps/roster/eligibility.h"

#include <gtest/gtest.h>

namespace penstock::roster {
namespace {

class Eligibility : public testing::Test {
 protected:
  Eligibility() {
    candidate.id = "ANN";
    candidate.team = "NORTH";
    candidate.product = "GUARD";
    candidate.rank = "ONE";
    candidate.scheme = "A";
    candidate.gender = "F";
    opening.code = "D";
    opening.pattern = {"D", "D", "O"};
    opening.anchor = 100;
  }
  [[nodiscard]] Cell cell(std::int64_t day = 100) const {
    return cell_for(candidate, opening, day);
  }

  Candidate candidate;
  Opening opening;
};

TEST_F(Eligibility, PatternRepeatsFromTheAnchor) {
  EXPECT_EQ(cell(100), Cell::open);
  EXPECT_EQ(cell(101), Cell::open);
  EXPECT_EQ(cell(102), Cell::pattern_rests);
  EXPECT_EQ(cell(103), Cell::open);
  EXPECT_EQ(cell(99), Cell::pattern_rests);
  EXPECT_EQ(cell(98), Cell::open);
}

TEST_F(Eligibility, RotationOffsetMovesThePattern) {
  candidate.rotation_offset = 1;
  EXPECT_EQ(cell(100), Cell::open);
  EXPECT_EQ(cell(101), Cell::pattern_rests);
}

TEST_F(Eligibility, WhitelistsThatAreNotEmptyMustNameTheEmployee) {
  opening.white_teams = {"SOUTH"};
  EXPECT_EQ(cell(), Cell::not_whitelisted);
  opening.white_teams = {"NORTH"};
  EXPECT_EQ(cell(), Cell::open);
  opening.white_employees = {"BOB"};
  EXPECT_EQ(cell(), Cell::not_whitelisted);
}

TEST_F(Eligibility, BlacklistsKeepPeopleAndTeamsOut) {
  opening.black_employees = {"ANN"};
  EXPECT_EQ(cell(), Cell::blacklisted);
  opening.black_employees = {};
  opening.black_teams = {"NORTH"};
  EXPECT_EQ(cell(), Cell::blacklisted);
}

TEST_F(Eligibility, ProductRankSchemeAndGenderMustMatch) {
  opening.product = "DRIVER";
  EXPECT_EQ(cell(), Cell::wrong_product);
  opening.product = "GUARD";
  opening.rank = "TWO";
  EXPECT_EQ(cell(), Cell::wrong_rank);
  opening.rank = "ONE";
  opening.scheme = "B";
  EXPECT_EQ(cell(), Cell::wrong_scheme);
  opening.scheme = "A";
  opening.gender = "M";
  EXPECT_EQ(cell(), Cell::wrong_gender);
  opening.gender = "F";
  EXPECT_EQ(cell(), Cell::open);
}

TEST_F(Eligibility, QualificationsExpire) {
  opening.qualifications = {"FIRST_AID"};
  EXPECT_EQ(cell(100), Cell::not_qualified);
  candidate.qualifications["FIRST_AID"] = 100;
  EXPECT_EQ(cell(100), Cell::open);
  EXPECT_EQ(cell(101), Cell::not_qualified);
}

TEST_F(Eligibility, UnavailableDaysAreClosed) {
  candidate.unavailable = {101};
  EXPECT_EQ(cell(100), Cell::open);
  EXPECT_EQ(cell(101), Cell::unavailable);
}

}  // namespace
}  // namespace penstock::roster
