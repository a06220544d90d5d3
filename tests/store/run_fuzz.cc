// SPDX-License-Identifier: MIT
#include "tests/store/run_fuzz.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> run_names{"a", "b"}, field_names{"n", "state", "x", "y"},
    job_fields{"j:1", "j:2", "j:3"};
// Numbers at their bounds, and what is none.
const std::vector<std::string> some_values{"1",
                                           "-2",
                                           "007",
                                           "0.5",
                                           "9007199254740991",
                                           "-9007199254740991",
                                           "1e5",
                                           "1e308",
                                           "-0",
                                           "0.1",
                                           "9007199254740992",
                                           "99999999999999999999",
                                           "",
                                           "\"t\"",
                                           "a|b",
                                           "\xff\n",
                                           "0x10",
                                           " 1",
                                           "+1",
                                           "1e-400",
                                           "inf",
                                           "nan",
                                           "1.",
                                           ".5"};

std::string told(const std::vector<rules::RunConflict>& conflicts) {
  std::string text;
  for (const rules::RunConflict& conflict : conflicts) {
    text += conflict.run + ':';
    for (const auto& [name, value] : conflict.actual) {
      text += ' ' + name + (value ? '=' + *value : "");
    }
    text += ' ';
  }
  return text;
}

}  // namespace

rules::RunJob RunFuzz::job_of(const std::string& run) {
  const std::string task = "n" + std::to_string(++made_);
  SubmitOptions options{.queue = one_of<std::string>({"q", "r"})};
  if (chance(25)) options.pool = "gpu";
  options.priority = one_of<int>({4, 5, 6});
  if (chance(20)) options.start = one_of<Duration>({10ms, 1s, 90s});
  rules::RunJob made{.job = new_job(store_.clock(), task, options), .prefix = "0|main|"};
  made.job.own.node = run + "|hash|main||" + task + "#1";
  if (chance(20)) {
    made.job.first = JobState::waiting;
    made.job.due.reset();
  }
  if (chance(80)) made.field = one_of(job_fields);
  return made;
}

// Mostly the truth.
std::optional<std::string> RunFuzz::expected(const std::string& run, const std::string& field) {
  if (chance(85)) return runs_.at(run, field);
  if (chance(50)) return std::nullopt;
  return one_of(some_values);
}

void RunFuzz::change_field(rules::RunChange& change, const std::string& field) {
  if (chance(15)) change.expect.push_back({field, expected(change.run, field)});
  if (chance(20)) {
    change.set.push_back({field, std::nullopt});
    if (chance(75)) change.set.back().value = one_of(some_values);
  }
  if (chance(10)) {
    rules::RunAdd add{.name = field, .by = one_of<std::string>({"1", "-1", "2"})};
    if (chance(30)) add.by = one_of(some_values);
    if (chance(20)) add.at_most = below(4);
    if (chance(20)) add.at_least = below(4) - 2;
    change.add.push_back(std::move(add));
  }
  for (int more = below(8) - 5; more > 0; --more) {
    change.append.push_back({field, one_of(some_values)});
  }
}

rules::RunChange RunFuzz::change_of(const std::string& run) {
  rules::RunChange change{.run = run};
  for (const std::string& field : field_names) change_field(change, field);
  for (const std::string& field : job_fields) {
    if (chance(15)) change.expect.push_back({field, expected(run, field)});
    if (chance(15)) change.wake.push_back(field);
    if (chance(5)) change.set.push_back({field, std::nullopt});
  }
  for (int more = below(5) - 2; more > 0; --more) change.jobs.push_back(job_of(run));
  if (chance(20)) change.mark.emplace();
  if (change.mark && chance(30)) change.mark->keep_until = now() + one_of<Duration>({10ms, 90s});
  return change;
}

std::string RunFuzz::signal() {
  std::vector<rules::RunChange> changes;
  for (const std::string& run : run_names) {
    if (chance(60)) changes.push_back(change_of(run));
  }
  if (changes.empty()) changes.push_back(change_of(run_names[0]));
  const SignalCall call{.request = producer_.next(), .runs = changes};
  const auto conflicts = store_->signal(call).value().conflicts;
  EXPECT_EQ(told(conflicts), told(runs_.conflicts(changes)));
  if (conflicts.empty()) {
    for (const rules::RunChange& change : changes) applied(change);
  }
  // The same again has no second effect.
  if (chance(30)) {
    EXPECT_EQ(store_->signal(call).value().conflicts.empty(), conflicts.empty());
  }
  compare();
  return "signal of " + std::to_string(changes.size()) + ": " + told(conflicts);
}

void RunFuzz::applied(const rules::RunChange& change) {
  for (const std::string& field : change.wake) {
    const std::string value = runs_.at(change.run, field).value_or("");
    const auto named = tasks_.find(value.substr(value.rfind('|') + 1));
    if (named != tasks_.end()) jobs_.wake(named->second, now());
  }
  runs_.apply(change);
  std::map<std::string, const rules::RunJob*> named;  // Of several in one field the last stays.
  for (const rules::RunJob& one : change.jobs) {
    jobs_.add(one.job, now());
    named[one.field] = &one;
  }
  for (const auto& [field, one] : named) {
    if (!field.empty()) learn_job(change.run, *one);
  }
}

// Ids are the store's; a field that names a job has to name the right one.
void RunFuzz::learn_job(const std::string& run, const rules::RunJob& made) {
  const auto listing = store_->list(FieldsQuery{.run = run, .names = {made.field}}).value();
  const auto& found = std::get<Page<rules::RunField>>(listing).items;
  ASSERT_EQ(found.size(), 1U) << made.field;
  const std::string value = found[0].value.value_or("");
  ASSERT_TRUE(value.starts_with(made.prefix)) << value;
  const JobId id{value.substr(made.prefix.size())};
  EXPECT_EQ(find_job(*store_, id).task, made.job.task);
  runs_.put(run, made.field, value);
  tasks_[id.text] = made.job.task;
}

void RunFuzz::prune() {
  // A step takes one run at least, and no job is left.
  for (int more = runs_.prune(now()); more > 0; --more) {
    EXPECT_EQ(store_->prune({}, now(), {}).value().done, 0);
  }
  compare();
}

void RunFuzz::check_taken(const Reserved& job) const {
  const std::string run(rules::run_of(job.own));
  EXPECT_EQ(job.run_state, runs_.at(run, "state").value_or("")) << job.task;
}

// Three at a time, so that pages are turned.
template <class Item, class AnyQuery>
std::vector<Item> RunFuzz::pages(AnyQuery query) {
  std::vector<Item> all;
  query.limit = 3;
  do {
    const auto listing = store_->list(query).value();
    const auto& page = std::get<Page<Item>>(listing);
    all.insert(all.end(), page.items.begin(), page.items.end());
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  return all;
}

std::string RunFuzz::describe_run(const std::string& run) {
  std::map<std::string, std::string> lines;
  for (const auto& field : pages<rules::RunField>(FieldsQuery{.run = run})) {
    lines[field.name] = field.name + '=' + field.value.value_or("?") + '\n';
  }
  std::string text;
  for (const auto& [name, line] : lines) text += line;
  for (const std::string& list : field_names) {
    const auto held = pages<std::string>(ValuesQuery{.run = run, .list = list});
    if (held.empty()) continue;
    text += list + '+';
    for (const std::string& value : held) text += value + ' ';
    text += '\n';
  }
  return text;
}

void RunFuzz::compare() {
  for (const std::string& run : run_names) {
    ASSERT_EQ(describe_run(run), runs_.describe(run)) << "of run " << run;
  }
  std::vector<std::string> listed;
  for (const auto& one : pages<RunListed>(RunsQuery{})) listed.push_back(one.run);
  ASSERT_EQ(listed, runs_.listed());
}

}  // namespace penstock::testing
