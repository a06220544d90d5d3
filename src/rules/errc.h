// SPDX-License-Identifier: MIT
//
// The one table of error codes: name, HTTP status, exit code of the command line, and whether the
// same request can succeed later.
#pragma once

#include <penstock/result.h>

#include <span>
#include <string_view>

namespace penstock::rules {

struct ErrcRow {
  Errc code;
  std::string_view name;
  int http_status;
  int exit_code;
  bool retryable;
};

std::span<const ErrcRow> errc_table();
const ErrcRow& describe(Errc code);

}  // namespace penstock::rules
