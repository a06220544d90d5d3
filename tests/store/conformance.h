// SPDX-License-Identifier: MIT
//
// What every store must do, whatever it is made of. Each case runs on every kind of store; the
// files are named for what the cases are about, and the cases say what must be true.
#pragma once

#include "tests/support/describe.h"
#include "tests/support/store_fixture.h"

#include <gtest/gtest.h>

#include <ostream>
#include <set>

namespace penstock::testing {

inline void PrintTo(StoreKind kind, std::ostream* out) { *out << to_text(kind); }

class StoreConformance : public ::testing::TestWithParam<StoreKind> {
 protected:
  /// Every case ends with the same question: are the kept counters what a recount says?
  void TearDown() override {
    if (HasFatalFailure()) return;
    EXPECT_EQ(describe(store->count({}).value()), recount(*store));
  }

  StoreUnderTest store{GetParam()};
  SimClock& clock{store.clock()};
  Producer producer{*store};
};

/// Runs the cases of a class that derives from StoreConformance on every kind of store.
#define INSTANTIATE_STORE_SUITE(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(Every, suite, ::testing::ValuesIn(all_store_kinds()), \
                           [](const auto& kind) { return to_text(kind.param); })

}  // namespace penstock::testing
