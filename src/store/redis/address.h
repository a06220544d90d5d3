// SPDX-License-Identifier: MIT
//
// Where a Redis is, and as whom to talk to it: a store URL, taken apart.
//
//   redis:[OPTIONS]                                        127.0.0.1:6379, database 0
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE][OPTIONS]   [HOST] in brackets for IPv6
//   redis+unix://[[USER]:PASSWORD@]/PATH[OPTIONS]
//   OPTIONS  ?prefix=NAME &shards=1 &db=DATABASE
//
// User, password and socket path may be percent-encoded.
#pragma once

#include <penstock/result.h>

#include <string>
#include <string_view>

namespace penstock::redis {

struct Address {
  std::string unix_path = {};  ///< When it is set, host and port mean nothing.
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string user = {}, password = {};
  int database = 0;
  std::string prefix = "penstock";
};

/// True when the URL's scheme is one of Redis's, understood or not.
bool is_redis_url(std::string_view url);

/// Errors: invalid. The message never contains the password.
Result<Address> parse_address(std::string_view url);

/// The URL without the password, in its shortest form.
std::string printable(const Address& address);

/// For messages: "redis at 127.0.0.1:6379", "redis at /run/redis.sock".
std::string where(const Address& address);

/// `text` as a part of a URL: "p@ss" is "p%40ss".
std::string percent_encoded(std::string_view text);

}  // namespace penstock::redis
