// SPDX-License-Identifier: MIT
//
// Every limit and default of the engine in one place, so that documents, errors and code agree.
#pragma once

#include <penstock/job.h>

#include <cstddef>

namespace penstock::rules {

inline constexpr std::size_t max_payload_bytes = 1 << 20;
inline constexpr std::size_t max_result_bytes = 1 << 20;
inline constexpr std::size_t max_log_bytes = 64 << 10;  // A job's log; the oldest lines go first.
inline constexpr std::size_t max_log_line_bytes = 8 << 10;
inline constexpr std::size_t max_error_bytes = 8 << 10;
inline constexpr std::size_t max_error_tail_bytes = 4 << 10;  // Of a program's stderr.
inline constexpr std::size_t max_tally_bytes = 16 << 10;  // Of what a worker says it has counted.
inline constexpr int max_json_depth = 64;
inline constexpr int max_priority = 10;
inline constexpr Duration age_step{
    60'000};  // A lane's head gains one step of priority per age_step.

// One transaction touches at most this much; what exceeds it is another step.
inline constexpr std::size_t step_jobs = 250;
inline constexpr std::size_t step_bytes = 1 << 20;
inline constexpr std::size_t scan_jobs = 1000;  // A filter looks at so many jobs per call.
inline constexpr std::size_t reserve_jobs = 128;

inline constexpr int default_max_attempts = 3;
inline constexpr int default_max_crashes = 3;
inline constexpr Duration idempotency_window{24LL * 3'600'000};

// Sessions: one beat each beat_interval; a beat that did not change in watch_answers answers in a
// row that span at least watch_span is a dead one. Answers further apart than watch_gap prove
// nothing.
inline constexpr Duration beat_interval{500};
inline constexpr int watch_answers = 5;
inline constexpr Duration watch_span{2250};
inline constexpr Duration watch_prompt{500};
inline constexpr Duration watch_gap{1000};
inline constexpr Duration contact_window{2000};  // No job starts when the last beat is older.

// A job that its worker has no handler for comes back after so long, doubling: soon when a worker
// is there that has it and only has to be the one that takes it, less often when there is none.
inline constexpr Duration miss_first{100};
inline constexpr Duration miss_cap{1'000};
inline constexpr Duration miss_cap_alone{5'000};

// Programs as tasks. One that is to stop is asked (persistent ones), then sent SIGTERM, then
// killed.
inline constexpr Duration program_ask_patience{2000};
inline constexpr Duration program_term_patience{2000};
inline constexpr Duration program_hello_patience{30'000};  // Until its first line is there.
inline constexpr Duration program_leave_patience{
    1000};                                            // Between the end of its input and SIGKILL.
inline constexpr Duration program_pause_first{100};   // Before one that crashed is started again,
inline constexpr Duration program_pause_cap{10'000};  // doubling.
inline constexpr Duration program_pause_slot{1000};   // A longer one is no slot's to wait for.

// A handler that is told to stop at its time-out has so long before its slot is given up. One that
// is a program has been killed by then, and the rest is a busy machine's for reaping it.
inline constexpr Duration handler_stop_patience =
    program_ask_patience + program_term_patience + Duration{6000};

}  // namespace penstock::rules
