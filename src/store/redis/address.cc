// SPDX-License-Identifier: MIT
#include "store/redis/address.h"

#include "rules/name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace penstock::redis {
namespace {

constexpr int last_database = 16'383;

Error bad_url(std::string_view url, const std::string& why) {
  return Error{Errc::invalid, "store URL \"" + rules::printable(rules::without_password(url), 120) +
                                  "\" " + why +
                                  ": write redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], "
                                  "redis+unix:///PATH or redis:"};
}

std::optional<int> parse_number(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < least || number > most) return std::nullopt;
  return number;
}

// Nothing when a % is not followed by two hexadecimal digits, or a byte of 0 comes out.
std::optional<std::string> decode(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    unsigned byte = 0;
    const char* first = text.data() + at + 1;
    if (text.size() - at < 3) return std::nullopt;
    const auto [end, failed] = std::from_chars(first, first + 2, byte, 16);
    if (failed != std::errc() || end != first + 2 || byte == 0) return std::nullopt;
    plain += static_cast<char>(byte);
    at += 2;
  }
  return plain;
}

std::string encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string coded;
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') ||
                       kept.find(letter) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(letter);
    if (plain) {
      coded += letter;
    } else {
      coded += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return coded;
}

// Cuts `text` at `mark`; nothing when it is not there.
std::optional<std::string_view> cut_before(std::string_view& text, std::size_t mark) {
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, mark);
  text.remove_prefix(mark + 1);
  return before;
}

class Parser {
 public:
  explicit Parser(std::string_view url) : url_(url) {}

  Result<Address> parse() {
    std::string_view rest = url_;
    const std::string_view scheme = *cut_before(rest, rest.find(':'));
    std::string_view query;
    if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
      query = rest.substr(mark + 1);
      rest = rest.substr(0, mark);
    }
    if (auto ok = read_place(scheme, rest); !ok) return std::move(ok).error();
    while (!query.empty()) {
      std::string_view option = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(query.size(), option.size() + 1));
      if (auto ok = read_option(option); !ok) return std::move(ok).error();
    }
    return address_;
  }

 private:
  Result<void> read_place(std::string_view scheme, std::string_view rest) {
    if (scheme == "redis" && rest.empty()) return {};
    if (!rest.starts_with("//")) return bad_url(url_, "is not understood");
    rest.remove_prefix(2);
    // A password may hold an '@' that nobody encoded; a host or socket path hardly does.
    if (auto account = cut_before(rest, rest.rfind('@'))) {
      if (auto ok = read_account(*account); !ok) return ok;
    }
    if (scheme == "redis+unix") return read_path(rest);
    if (auto host = cut_before(rest, rest.find('/'))) {
      if (auto ok = read_host(*host); !ok) return ok;
      return rest.empty() ? Result<void>() : read_database(rest);
    }
    return read_host(rest);
  }

  Result<void> read_account(std::string_view account) {
    const auto user = cut_before(account, account.find(':'));
    if (!user) return bad_url(url_, "has a user without a password (write USER:PASSWORD@)");
    const auto plain_user = decode(*user);
    const auto plain_password = decode(account);
    if (!plain_user || !plain_password) {
      return bad_url(url_, "has a % that is not followed by two hexadecimal digits");
    }
    address_.user = *plain_user;
    address_.password = *plain_password;
    return {};
  }

  Result<void> read_path(std::string_view path) {
    const auto plain = decode(path);
    if (!plain || !plain->starts_with('/') || plain->size() < 2) {
      return bad_url(url_, "names no absolute socket path");
    }
    // sockaddr_un has 108 bytes, one of them for the end.
    if (plain->size() > 107) return bad_url(url_, "has a socket path of more than 107 bytes");
    address_.unix_path = *plain;
    return {};
  }

  Result<void> read_host(std::string_view host) {
    std::string_view port;
    const auto bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
    const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
      const auto number = parse_number(port, 1, 65'535);
      if (!number) return bad_url(url_, "has no port between 1 and 65535");
      address_.port = *number;
    }
    if (bracket != std::string_view::npos) host = host.substr(1, bracket - 1);
    if (!host.empty()) address_.host = host;
    const bool odd = std::any_of(address_.host.begin(), address_.host.end(), [](char letter) {
      return static_cast<unsigned char>(letter) <= ' ' || letter == '/' || letter == ',';
    });
    return odd ? Result<void>(bad_url(url_, "has no host that can be looked up")) : Result<void>();
  }

  Result<void> read_database(std::string_view text) {
    const auto number = parse_number(text, 0, last_database);
    if (!number) return bad_url(url_, "has a database that is no number from 0");
    address_.database = *number;
    return {};
  }

  Result<void> read_option(std::string_view option) {
    if (option.starts_with("db=")) return read_database(option.substr(3));
    if (option.starts_with("prefix=")) {
      if (auto ok = rules::check_name("prefix", option.substr(7)); !ok) return ok;
      address_.prefix = option.substr(7);
      return {};
    }
    if (option == "shards=1") return {};
    if (option.starts_with("shards=")) {
      return bad_url(url_, "asks for more than one shard; this version knows shards=1 only");
    }
    return bad_url(url_, "has an option other than prefix, db and shards");
  }

  std::string_view url_;
  Address address_ = {};
};

constexpr std::array<std::string_view, 5> schemes = {
    "redis:", "redis+unix:", "rediss:", "redis-sentinel:", "redis-cluster:"};

}  // namespace

bool is_redis_url(std::string_view url) {
  return std::any_of(schemes.begin(), schemes.end(),
                     [&](std::string_view scheme) { return url.starts_with(scheme); });
}

Result<Address> parse_address(std::string_view url) {
  for (const auto later : {"rediss:", "redis-sentinel:", "redis-cluster:"}) {
    if (!url.starts_with(later)) continue;
    return bad_url(url, "asks for " + std::string(later) + ", which is not there yet");
  }
  if (!is_redis_url(url)) return bad_url(url, "is not understood");
  if (std::any_of(url.begin(), url.end(), [](char letter) { return letter == '\0'; })) {
    return bad_url(url, "holds a byte of 0");
  }
  return Parser(url).parse();
}

std::string printable(const Address& address) {
  const bool at_home = address.unix_path.empty() && address.host == Address().host &&
                       address.port == Address().port && address.user.empty() &&
                       address.database == 0;
  std::string url = address.unix_path.empty() ? "redis:" : "redis+unix:";
  if (!at_home) url += "//";
  if (!address.user.empty()) url += encode(address.user, "-_.~") + "@";
  std::string options;
  if (!address.unix_path.empty()) {
    url += encode(address.unix_path, "-_.~/+");
    if (address.database != 0) options += "&db=" + std::to_string(address.database);
  } else if (!at_home) {
    const bool v6 = address.host.find(':') != std::string::npos;
    url += (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
    url += "/" + std::to_string(address.database);
  }
  if (address.prefix != Address().prefix) options += "&prefix=" + address.prefix;
  if (!options.empty()) options[0] = '?';
  return url + options;
}

std::string where(const Address& address) {
  if (!address.unix_path.empty()) return "redis at " + address.unix_path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return "redis at " + (v6 ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string(address.port);
}

std::string percent_encoded(std::string_view text) { return encode(text, "-_.~"); }

}  // namespace penstock::redis
