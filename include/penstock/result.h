// SPDX-License-Identifier: MIT
//
// What every fallible call returns: a value, or an Error with a code and one sentence.
//
// Result is a subset of std::expected, so that it can become an alias of it one day. The class is
// [[nodiscard]]: an error that nobody looks at is a compiler warning, and warnings are errors here.
// Errc is small on purpose; the one table that gives each code its name, HTTP status, exit code and
// whether a retry can help is src/rules/errc.cc.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace penstock {

/// The kinds of operating error, the same on every store, command and route.
enum class Errc : std::uint8_t {
  invalid,      ///< The request itself is wrong; sending it again cannot help.
  too_large,    ///< A payload, result, name or file is over its limit.
  denied,       ///< Not allowed, or not authenticated.
  not_found,    ///< No such thing was ever there.
  not_ready,    ///< It exists and has not ended yet.
  gone,         ///< It existed and retention, expiry or removal took it.
  conflict,     ///< The state of the thing forbids the request.
  limited,      ///< A limit or a draining queue refuses it for now.
  lease_lost,   ///< The session no longer holds the job; nothing was written.
  job_failed,   ///< The job that was waited for failed or was cancelled.
  timed_out,    ///< The wait was over before the answer came.
  unavailable,  ///< The store did not answer; the outcome may be unknown.
  internal,     ///< A fault of this program.
};

/// An operating error. `message` is one line: what happened, with which value, what to do.
struct Error {
  Errc code;
  std::string message;
};

/// Thrown by Result::value() when there is no value; what() is the error's message.
class ResultError : public std::runtime_error {
 public:
  explicit ResultError(Error error) : std::runtime_error(error.message), code_(error.code) {}
  [[nodiscard]] Errc code() const { return code_; }

 private:
  Errc code_;
};

/// A T or an Error. Value type; as thread-safe as T.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// REQUIRES: has_value().
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  /// The value, or throws ResultError. For user programs; the engine itself never calls it.
  T& value() & {
    if (!has_value()) throw ResultError(error());
    return **this;
  }
  const T& value() const& {
    if (!has_value()) throw ResultError(error());
    return **this;
  }
  T value() && {
    if (!has_value()) throw ResultError(error());
    return std::move(*std::get_if<0>(&state_));
  }

  [[nodiscard]] T value_or(T fallback) const& { return has_value() ? **this : std::move(fallback); }

  /// REQUIRES: !has_value().
  [[nodiscard]] const Error& error() const& { return *std::get_if<1>(&state_); }
  [[nodiscard]] Error error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Done, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() : error_{Errc::internal, {}} {}
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }

  /// Throws ResultError when there is an error. For user programs.
  void value() const {
    if (failed_) throw ResultError(error_);
  }

  /// REQUIRES: !has_value().
  [[nodiscard]] const Error& error() const& { return error_; }
  [[nodiscard]] Error error() && { return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace penstock
