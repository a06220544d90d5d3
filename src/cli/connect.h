// SPDX-License-Identifier: MIT
//
// The steps that every command shares: open the store that was named, read typed values, end with
// the right exit code.
#pragma once

#include <penstock/app.h>

#include <string>

namespace penstock::cli {

enum class Access : unsigned char { read, write };

/// Opens a client. A command that writes says on stderr which store it writes to, unless quiet.
Result<Client> connect(const Arguments& arguments, Access access);

/// Whether a person looks at stderr, so that bars and colours make sense.
bool is_terminal(int descriptor);

/// Prints the error as one line (with --json as an object on stdout too); its exit code.
int fail(const Arguments& arguments, const Error& error);

/// Asks "really?" on the terminal; --yes answers it, without a terminal the answer is no.
bool confirmed(const Arguments& arguments, const std::string& question);

}  // namespace penstock::cli
