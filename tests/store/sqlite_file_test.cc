// SPDX-License-Identifier: MIT
//
// What is particular to a database in a file: its layout, whose it is, what a boot does to its
// numbers, what damage does to it, and several connections at once.
#include "rules/job_state.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/migrations.gen.h"
#include "store/sqlite/statements.gen.h"
#include "tests/store/conformance.h"

#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <csignal>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using sqlite::Connection;

class SqliteFile : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> raw() {
    return Connection::open(store.path(), Connection::Sync::normal).value();
  }
  // Runs SQL beside the store, as somebody with the sqlite3 shell would.
  void tamper(const std::string& sql) {
    auto connection = raw();
    connection->execute(sql);
    ASSERT_FALSE(connection->failed()) << connection->take_error().message;
  }
  std::string bytes() {
    std::ifstream file(store.path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) {
    std::ofstream(store.path(), std::ios::binary | std::ios::trunc) << content;
  }
  void drop_journal() {
    for (const char* suffix : {"-wal", "-shm", "-live"}) {
      std::filesystem::remove(store.path() + suffix);
    }
  }

  StoreUnderTest store{StoreKind::sqlite_file};
  SimClock& clock{store.clock()};
};

TEST_F(SqliteFile, IsThereAgainWithAllItHeld) {
  Producer producer(*store);
  const JobId id = producer.add("a", {.tags = {{"k", "v"}}}, "[1]");
  store.close();
  auto again = store.reopen().value();
  EXPECT_EQ(describe(*again), "ready: a");
  EXPECT_EQ(find_job(*again, id).payload, "[1]");
}

TEST_F(SqliteFile, AnotherLayoutIsRefusedByBothNumbers) {
  tamper("PRAGMA user_version = 99");
  store.close();
  const auto refused = store.reopen();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(refused.error().message,
            "database " + store.path() +
                " has layout 99, this program knows layout 5: use a matching version of penstock");
}

TEST_F(SqliteFile, ADatabaseOfAnotherProgramIsRefusedAndNotTouched) {
  store.close();
  std::filesystem::remove(store.path());
  drop_journal();
  // As another program makes one: with a journal that is rolled back, not a log that is written
  // ahead.
  tamper("PRAGMA journal_mode = DELETE; CREATE TABLE notes (text)");
  const std::string before = bytes();
  const auto refused = store.reopen();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_EQ(refused.error().message,
            "database " + store.path() + " belongs to another program: name another file");
  EXPECT_TRUE(bytes() == before);
}

TEST_F(SqliteFile, AFileThatIsNoDatabaseIsRefusedAndNotTouched) {
  store.close();
  drop_journal();
  const std::string garbage(5000, 'g');
  write(garbage);
  const auto refused = store.reopen();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_EQ(refused.error().message,
            "database " + store.path() + " is no SQLite database: name another file");
  EXPECT_TRUE(bytes() == garbage);
}

TEST_F(SqliteFile, AFolderThatCannotBeMadeIsSaidSo) {
  std::ofstream(store.path() + ".txt") << "x";
  const auto refused = open_store("sqlite:" + store.path() + ".txt/jobs.db");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
}

TEST_F(SqliteFile, ATruncatedFileIsAnErrorAndCrashesNothing) {
  Producer producer(*store);
  for (int i = 0; i < 200; ++i) producer.add("t", {}, quoted(500));
  tamper("PRAGMA wal_checkpoint(TRUNCATE)");
  store.close();
  const std::string whole = bytes();
  for (const std::size_t size :
       {whole.size() / 2, whole.size() / 8, std::size_t{4096}, std::size_t{100}}) {
    SCOPED_TRACE(size);
    drop_journal();
    write(whole.substr(0, size));
    auto opened = store.reopen();
    if (!opened) continue;  // Said at once.
    const auto listed = (*opened)->list(Filter{.limit = 1000});
    EXPECT_TRUE(!listed || std::get<Page<Job>>(*listed).items.size() < 200);
  }
}

TEST_F(SqliteFile, DamagedPagesAreAnErrorAndCrashNothing) {
  Producer producer(*store);
  for (int i = 0; i < 200; ++i) producer.add("t", {}, quoted(500));
  tamper("PRAGMA wal_checkpoint(TRUNCATE)");
  store.close();
  const std::string whole = bytes();
  int said = 0;
  for (std::size_t at = 4096; at < whole.size(); at += 4096) {
    drop_journal();
    std::string damaged = whole;
    damaged.replace(at, 512, 512, '\xff');
    write(damaged);
    auto opened = store.reopen();
    if (!opened) {
      ++said;
      continue;
    }
    const auto listed = (*opened)->list(Filter{.limit = 1000});
    const auto counted = (*opened)->count({});
    const auto started = (*opened)->open({.worker = "w", .queues = {"default"}});
    if (!listed || !counted || !started) ++said;
  }
  EXPECT_GT(said, 0);
}

TEST_F(SqliteFile, AfterABootNumbersJumpAndNeverRepeat) {
  Producer producer(*store);
  const JobId before = producer.add("a");
  const auto session_before = TestSession(*store).number();
  tamper("UPDATE meta SET value = 'another boot' WHERE key = 'boot_id'");
  store.close();
  auto again = store.reopen().value();
  producer.on(*again);
  const JobId after = producer.add("b");
  TestSession session(*again);
  EXPECT_GT(static_cast<std::uint64_t>(session.number()),
            static_cast<std::uint64_t>(session_before) + (1U << 20));
  EXPECT_NE(before, after);
  const auto jobs = session.reserve(2);
  EXPECT_EQ(tasks_of(jobs), "a b");
  EXPECT_GT(jobs[1].key.sequence, jobs[0].key.sequence + (1ULL << 32));
  EXPECT_EQ(describe(*again), "running: a(1) b(1)");
}

TEST_F(SqliteFile, AJobWhoseCommitABootTookWasNeverThere) {
  Producer producer(*store);
  const JobId lost = producer.add("lost");
  // The machine died before this commit reached the disk: the file is that of a moment before.
  tamper(
      "DELETE FROM jobs; DELETE FROM counts;"
      "UPDATE meta SET value = 0 WHERE key = 'sequence';"
      "UPDATE meta SET value = 'another boot' WHERE key = 'boot_id'");
  store.close();
  auto again = store.reopen().value();
  EXPECT_EQ(state_of(*again, lost), "none");
  producer.on(*again);
  EXPECT_EQ(producer.cancel(lost), "not_found");
  EXPECT_NE(producer.add("new"), lost);
}

TEST_F(SqliteFile, SameBootDoesNotJump) {
  Producer producer(*store);
  producer.add("a");
  store.close();
  auto again = store.reopen().value();
  producer.on(*again);
  producer.add("b");
  TestSession session(*again);
  const auto jobs = session.reserve(2);
  EXPECT_EQ(jobs[1].key.sequence, jobs[0].key.sequence + 1);
}

TEST_F(SqliteFile, LiveFileThatIsDeletedKillsNobody) {
  auto other = store.reopen().value();
  TestSession one(*store), two(*other);
  one.beat();
  two.beat();
  std::filesystem::remove(store.path() + "-live");
  std::uint64_t last = 0;
  for (int beat = 0; beat < 4; ++beat) {
    two.beat();
    const Orders orders = one.beat();
    EXPECT_TRUE(orders.alive);
    ASSERT_EQ(orders.watch.size(), 1U);
    EXPECT_GT(orders.watch[0].beat, last);
    last = orders.watch[0].beat;
  }
  EXPECT_EQ(store->check().value().sessions_lost, 0);
  // And wake-ups pass through the new file.
  auto ring = other->make_ring();
  const Bell seen = other->events({}).value().seen;
  Producer(*store).add("a");
  const Want any{.queues = {"default"}};
  EXPECT_EQ(other->wait({.seen = seen, .work = &any}, real_clock().steady() + 5s, *ring).value(),
            Woken::store);
}

TEST_F(SqliteFile, WritersOnTheirOwnConnectionsLoseNothing) {
  constexpr int writers = 4, rounds = 40;
  std::vector<std::jthread> threads;
  std::atomic<int> ended{0}, failed{0};
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      auto own = writer % 2 == 0 ? store.another() : store.reopen().value();
      Producer producer(*own);
      TestSession session(*own);
      for (int round = 0; round < rounds; ++round) {
        producer.add("t");
        for (const Reserved& job : session.reserve(2)) {
          session.end(job, rules::Succeeded{}) ? ++ended : ++failed;
        }
        session.beat();
      }
      session.close().value();
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 0);
  TestSession rest(*store);
  for (const Reserved& job : rest.reserve(128)) ended += rest.end(job, rules::Succeeded{});
  EXPECT_EQ(ended, writers * rounds);
  EXPECT_EQ(describe(store->count({}).value()), "succeeded: " + std::to_string(writers * rounds));
  EXPECT_EQ(describe(store->count({}).value()), recount(*store));
  EXPECT_EQ(store->count({}).value().submitted, writers * rounds);
  std::set<std::string> terminal;
  for (const Event& event : all_events(*store)) {
    if (event.to != JobState::succeeded) continue;
    EXPECT_TRUE(terminal.insert(event.job.text).second);
  }
  EXPECT_EQ(terminal.size(), static_cast<std::size_t>(writers * rounds));
}

TEST_F(SqliteFile, ManyMayOpenANewFileAtOnce) {
  store.close();
  std::filesystem::remove(store.path());
  drop_journal();
  std::vector<std::jthread> threads;
  std::mutex mutex;
  std::vector<std::string> errors;
  for (int opener = 0; opener < 6; ++opener) {
    threads.emplace_back([&] {
      auto opened = store.reopen();
      const std::lock_guard lock(mutex);
      if (!opened) return errors.push_back(opened.error().message);
      Producer(**opened).add("t");
    });
  }
  threads.clear();
  EXPECT_EQ(errors, std::vector<std::string>{});
  EXPECT_EQ(describe(store.reopen().value()->count({}).value()), "ready: 6");
}

// No file of this process may grow beyond `bytes`, as on a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uintmax_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
  void (*signal_before_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

TEST_F(SqliteFile, FullDiskIsSaidAndNothingIsLost) {
  Producer producer(*store);
  producer.add("before");
  TestSession session(*store);
  const rules::NewJob large = new_job(clock, "large", {}, quoted(100'000));
  const SubmitCall call{.request = producer.next(), .jobs = {&large, 1}};
  {
    const FileSizeLimit full(std::filesystem::file_size(store.path() + "-wal") + 20'000);
    for (int time = 0; time < 2; ++time) {
      const auto refused = store->submit(call);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Errc::unavailable);
      EXPECT_NE(refused.error().message.find("check the disk"), std::string::npos);
    }
    EXPECT_EQ(describe(*store), "ready: before");
  }
  EXPECT_FALSE(store->submit(call).value().at(0).duplicate);
  EXPECT_EQ(describe(*store), "ready: before large");
  EXPECT_EQ(tasks_of(session.reserve(2)), "before large");
}

TEST_F(SqliteFile, ADiskWithoutSpaceHasItsOwnSentence) {
  auto connection = raw();
  connection->execute(
      "PRAGMA max_page_count = 1; CREATE TABLE large (x);"
      "INSERT INTO large VALUES (zeroblob(100000))");
  ASSERT_TRUE(connection->failed());
  const Error error = connection->take_error();
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_EQ(error.message,
            "database " + store.path() + " cannot grow, the disk is full: free some space");
}

TEST_F(SqliteFile, StatementsAllPrepare) {
  auto connection = raw();
  int count = 0;
  for (const auto& [stem, text] : sqlite::statements::all) {
    std::size_t at = 0;
    while ((at = text.find("-- name: ", at)) != std::string_view::npos) {
      at += 9;
      const std::string name(text.substr(at, text.find('\n', at) - at));
      connection->statement(std::string(stem) + "." + name);
      EXPECT_FALSE(connection->failed()) << stem << '.' << name;
      ++count;
    }
  }
  EXPECT_GT(count, 60);
}

TEST_F(SqliteFile, IllegalMovesAreRefusedByTheDatabaseItself) {
  // Each state with the columns that its CHECKs ask for.
  const auto columns = [](JobState state) -> std::string {
    const std::string name(rules::to_text(state));
    std::string set = "state = '" + name + "'";
    set += std::string(", session = ") + (state == JobState::running ? "1, fence = 1" : "NULL");
    set += state == JobState::ready ? ", place = 1, ready_at_ms = 1"
                                    : ", place = NULL, ready_at_ms = NULL";
    set += std::string(", due_at_ms = ") + (state == JobState::scheduled ? "1" : "NULL");
    set += rules::is_terminal(state) ? ", finished_at_ms = 1, keep_until_ms = 1"
                                     : ", finished_at_ms = NULL, keep_until_ms = NULL";
    set += std::string(", result = ") + (state == JobState::succeeded ? "'1'" : "NULL");
    return set;
  };
  auto connection = raw();
  for (const JobState from : rules::all_states) {
    for (const JobState to : rules::all_states) {
      connection->execute(
          "DROP TRIGGER jobs_move; DELETE FROM jobs;"
          "INSERT INTO jobs (lane, sequence, state, task, payload, created_at_ms)"
          " VALUES (1, 1, 'waiting', 't', 'null', 1); UPDATE jobs SET " +
          columns(from));
      for (const auto& [stem, text] : sqlite::migrations::all) {
        const auto trigger = text.find("CREATE TRIGGER");
        if (trigger == std::string_view::npos) continue;
        connection->execute(
            std::string(text.substr(trigger, text.find("END;", trigger) + 4 - trigger)));
      }
      ASSERT_FALSE(connection->failed()) << connection->take_error().message;
      connection->execute("UPDATE jobs SET " + columns(to));
      EXPECT_EQ(!connection->failed(), from == to || rules::is_legal(from, to))
          << rules::to_text(from) << " -> " << rules::to_text(to);
      if (connection->failed()) connection->take_error();
    }
  }
}

TEST_F(SqliteFile, RowsThatContradictThemselvesAreRefused) {
  Producer(*store).add("a");
  auto connection = raw();
  for (const char* change :
       {"session = 1", "cancel = 1", "place = NULL", "ready_at_ms = NULL", "due_at_ms = 1",
        "finished_at_ms = 1", "keep_until_ms = 1", "result = '1'", "payload = NULL",
        "state = 'sleeping'", "attempt = -1", "crashes = -1", "alone = 2", "sequence = 0"}) {
    connection->execute(std::string("UPDATE jobs SET ") + change);
    EXPECT_TRUE(connection->failed()) << change;
    if (connection->failed()) {
      EXPECT_EQ(connection->take_error().code, Errc::internal);
    }
  }
}

}  // namespace
}  // namespace penstock::testing
