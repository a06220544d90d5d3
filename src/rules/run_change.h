// SPDX-License-Identifier: MIT
//
// What a step of a flow changes in its run, as a value: the fields that the decision was taken on,
// and what becomes of the run if they still hold. A store compares and applies it, all or nothing,
// together with the end of the job that the step is about; it decides nothing. A run is a set of
// named fields and lists of text; what each of them means: docs/flows.md.
#pragma once

#include "rules/admission.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::rules {

/// A field and its value; nothing: there is no such field.
struct RunField {
  std::string name = {};
  std::optional<std::string> value = {};
  friend bool operator==(const RunField&, const RunField&) = default;
};

/// Adds to a field, whatever others add meanwhile. An absent field is 0. Both numbers without point
/// or exponent: exact, below 2^53; otherwise IEEE doubles, written with 17 digits.
struct RunAdd {
  std::string name = {};
  std::string by = "1";
  /// Refused when the sum, of whole numbers, would be less or more.
  std::optional<std::int64_t> at_least = {}, at_most = {};
};

/// The field after the addition; nothing: it holds no number, or the sum is out of bounds.
std::optional<std::string> sum_of(const std::optional<std::string>& field, const RunAdd& add);

struct RunAppend {
  std::string list = {};
  std::string value = {};
};

/// A job that the step brings into being. Its id, behind `prefix`, becomes the value of `field`;
/// an empty name: of none.
struct RunJob {
  NewJob job = {};
  std::string field = {}, prefix = {};
};

/// Tells lists and listeners of a run: it lives, or it has ended and is kept for a while.
struct RunMark {
  std::string state = {};               ///< For listeners.
  std::optional<Time> keep_until = {};  ///< The run has ended; nothing: it is listed as live.
};

struct RunChange {
  std::string run = {};
  std::vector<RunField> expect = {};  ///< Compared as text; all must hold.
  std::vector<RunAdd> add = {};       ///< Refused when the field holds no number, or by its bounds.
  std::vector<RunField> set = {};     ///< Without a value: erased, a list of that name too.
  std::vector<RunAppend> append = {};
  std::vector<RunJob> jobs = {};
  /// Fields whose value ends with |JOB: that job becomes ready if it waits or is scheduled.
  std::vector<std::string> wake = {};
  std::optional<RunMark> mark = {};
};

/// Why a change was refused: the fields of one run that were not as expected, as they are. All that
/// were compared and are not named were as expected.
struct RunConflict {
  std::string run = {};
  std::vector<RunField> actual = {};
};

}  // namespace penstock::rules
