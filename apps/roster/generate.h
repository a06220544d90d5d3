// SPDX-License-Identifier: MIT
//
// Makes instances in the benchmark format, the same text for the same seed on every machine.
//
// They look like the published ones: requests and fixed days off at random, cover that the staff
// can just about meet, limits of full-time and part-time people. For tests, demos and benchmarks.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::roster {

struct Ward {
  int days = 14;
  int employees = 14;
  int shifts = 2;  ///< 1 to 3: early, late, night; nobody goes back from a later to an earlier one.
  std::uint64_t seed = 1;
};

/// Benchmark text. REQUIRES: 1 to 3 shifts, at least 1 day and 1 employee.
std::string generate_benchmark(const Ward& ward);

}  // namespace penstock::roster
