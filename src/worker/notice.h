// SPDX-License-Identifier: MIT
//
// What a worker process tells whoever started it: that it takes jobs now, and that it takes no more
// and somebody should take its place. A supervisor hears it on a socket, so that no capacity is
// lost between the old process and the new one; systemd hears it by its own protocol (sd_notify).
#pragma once

#include <string>
#include <vector>

namespace penstock {

/// To the supervisor, else to the service manager. May be called when there is neither.
void tell_ready();
/// To the supervisor: the process leaves by its own wish, and wants a successor.
void tell_leaving();
/// "READY=1", "STOPPING=1": what systemd understands. Nothing without NOTIFY_SOCKET.
void tell_service_manager(const char* state);

/// The environment of a child whose notices come out of the other end of `descriptor`.
/// The service manager's own variables are not passed on: the supervisor speaks for its children.
std::vector<std::string> environment_with_notice(int descriptor);

/// What a notice says; one byte.
enum class Notice : char { ready = 'R', leaving = 'L' };

}  // namespace penstock
