// SPDX-License-Identifier: MIT
//
// A recursive-descent parser whose depth and size are bounded by the number of terms, and an
// evaluator that cannot fail: what does not fit is false, what is not there is null.
#include "rules/expression.h"

#include "rules/json.h"
#include "rules/limits.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace penstock::rules {
namespace {

using nlohmann::json;

}  // namespace

struct Expression::Term {
  enum class Kind : std::uint8_t { literal, path, negation, conjunction, disjunction, comparison };
  Kind kind = Kind::literal;
  std::string text = {};  ///< A literal's JSON, a comparison's operator.
  std::optional<Path> path = {};
  std::size_t at = 0;  ///< Of a path: where it begins.
  std::vector<Term> parts = {};
};

namespace {

using Term = Expression::Term;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Term> whole() {
    auto term = disjunction();
    if (!term) return term;
    blanks();
    if (at_ < text_.size()) return at_column(at_, "an operator was expected");
    return term;
  }

 private:
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  bool word(std::string_view name) {
    blanks();
    if (!text_.substr(at_).starts_with(name)) return false;
    const std::size_t end = at_ + name.size();
    const bool letters = is_key_character(name.front());
    if (letters && end < text_.size() && is_key_character(text_[end])) return false;
    at_ = end;
    return true;
  }
  bool count() { return ++terms_ <= max_expression_terms; }
  [[nodiscard]] Error too_long() const {
    return at_column(
        at_, "an expression has at most " + std::to_string(max_expression_terms) + " terms");
  }

  template <class Next>
  Result<Term> chain(std::string_view operation, Term::Kind kind, Next next) {
    auto first = next();
    if (!first) return first;
    Term all{.kind = kind};
    all.parts.push_back(*std::move(first));
    while (word(operation)) {
      auto more = next();
      if (!more) return more;
      all.parts.push_back(*std::move(more));
    }
    if (all.parts.size() == 1) return Term(std::move(all.parts.front()));
    return all;
  }
  Result<Term> disjunction() {
    return chain("or", Term::Kind::disjunction, [this] { return conjunction(); });
  }
  Result<Term> conjunction() {
    return chain("and", Term::Kind::conjunction, [this] { return negation(); });
  }
  Result<Term> negation() {
    if (!word("not")) return comparison();
    if (!count()) return too_long();
    auto inner = negation();
    if (!inner) return inner;
    Term term{.kind = Term::Kind::negation};
    term.parts.push_back(*std::move(inner));
    return term;
  }
  Result<Term> comparison() {
    auto left = operand();
    if (!left) return left;
    static constexpr std::array<std::string_view, 7> operators = {
        "==", "!=", "<=", ">=", "<", ">", "in"};
    for (const std::string_view operation : operators) {
      if (!word(operation)) continue;
      auto right = operand();
      if (!right) return right;
      Term term{.kind = Term::Kind::comparison, .text = std::string(operation)};
      term.parts.push_back(*std::move(left));
      term.parts.push_back(*std::move(right));
      return term;
    }
    return left;
  }
  Result<Term> operand() {
    blanks();
    if (!count()) return too_long();
    if (at_ >= text_.size()) return at_column(at_, "a value was expected");
    if (word("(")) {
      auto inner = disjunction();
      if (!inner) return inner;
      if (!word(")")) return at_column(at_, ") is missing");
      return inner;
    }
    if (text_[at_] == '$') {
      const std::size_t start = at_;
      auto path = Path::parse_at(text_, at_);
      if (!path) return std::move(path).error();
      return Term{.kind = Term::Kind::path, .path = *std::move(path), .at = start};
    }
    return literal();
  }
  Result<Term> literal() {
    const std::size_t start = at_;
    if (text_[at_] == '\'') {
      const auto end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos) return at_column(at_, "the quote is not closed");
      std::string quoted;
      append_json_string(quoted, text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      return Term{.text = std::move(quoted)};
    }
    int depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted) {
        if (c == '\\') ++at_;
        if (c == '"') quoted = false;
        continue;
      }
      if (c == '"') quoted = true;
      if (c == '[' || c == '{') ++depth;
      if (depth == 0 && std::string_view(" \t\n)=!<>").find(c) != std::string_view::npos) break;
      if (c == ']' || c == '}') --depth;
    }
    at_ = std::min(at_, text_.size());
    const std::string_view value = text_.substr(start, at_ - start);
    if (auto ok = check_json("value", value, text_.size() + 1); !ok) {
      return at_column(start, "\"" + std::string(value) + "\" is neither a path nor a JSON value");
    }
    return Term{.text = std::string(value)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int terms_ = 0;
};

void add_paths(const Term& term, std::vector<PathUse>& uses) {
  if (term.path) uses.push_back({.root = term.path->root(), .at = term.at});
  for (const Term& part : term.parts) add_paths(part, uses);
}

json value_of(const Term& term, const RootValue& values);

bool truth(const json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

bool compare(std::string_view operation, const json& a, const json& b) {
  if (operation == "==") return a == b;
  if (operation == "!=") return a != b;
  if (operation == "in") {
    if (b.is_array()) return std::ranges::find(b, a) != b.end();
    if (!a.is_string()) return false;
    const auto& text = a.get_ref<const std::string&>();
    if (b.is_object()) return b.contains(text);
    return b.is_string() && b.get_ref<const std::string&>().find(text) != std::string::npos;
  }
  const bool ordered = (a.is_number() && b.is_number()) || (a.is_string() && b.is_string());
  if (!ordered) return false;
  if (operation == "<") return a < b;
  if (operation == "<=") return a <= b;
  if (operation == ">") return a > b;
  return a >= b;
}

json value_of(const Term& term, const RootValue& values) {
  switch (term.kind) {
    case Term::Kind::literal:
      return json::parse(term.text, nullptr, false);
    case Term::Kind::path:
      return json::parse(term.path->evaluate(values), nullptr, false);
    case Term::Kind::negation:
      return !truth(value_of(term.parts[0], values));
    case Term::Kind::conjunction:
      return std::ranges::all_of(term.parts, [&](auto& t) { return truth(value_of(t, values)); });
    case Term::Kind::disjunction:
      return std::ranges::any_of(term.parts, [&](auto& t) { return truth(value_of(t, values)); });
    case Term::Kind::comparison:
      return compare(term.text, value_of(term.parts[0], values), value_of(term.parts[1], values));
  }
  return {};
}

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  auto term = Parser(text).whole();
  if (!term) return std::move(term).error();
  Expression expression;
  expression.root_ = std::make_shared<const Term>(*std::move(term));
  return expression;
}

std::vector<PathUse> Expression::paths() const {
  std::vector<PathUse> uses;
  add_paths(*root_, uses);
  return uses;
}

bool Expression::evaluate(const RootValue& values) const { return truth(value_of(*root_, values)); }

}  // namespace penstock::rules
