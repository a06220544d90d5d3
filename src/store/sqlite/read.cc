// SPDX-License-Identifier: MIT
//
// find, list, count, events, check. Every read is short: no transaction outlives a page.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "store/event_text.h"
#include "store/sqlite/job_scan.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace penstock::sqlite {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error bad_cursor(std::string_view cursor) {
  return Error{Errc::invalid, "cursor \"" + rules::printable(cursor) +
                                  "\" is not one of ours: begin again without it"};
}

constexpr std::string_view vital_states[] = {"starting",
                                             "running",  // lint: state-text, the state of a worker
                                             "quiet", "draining"};

}  // namespace

Job SqliteStore::read_job(const Statement& s) {
  Job job;
  const rules::JobKey key{.lane = rules::Lane{static_cast<std::uint32_t>(s.integer(0))},
                          .sequence = static_cast<std::uint64_t>(s.integer(1))};
  const auto time = [&](int column) -> std::optional<Time> {
    const auto ms = s.maybe(column);
    if (!ms) return std::nullopt;
    return rules::from_ms(*ms);
  };
  const auto text = [&](int column) -> std::optional<std::string> {
    if (s.is_null(column)) return std::nullopt;
    return std::string(s.text(column));
  };
  job.state = rules::parse_state(s.text(2)).value_or(JobState::failed);
  job.task = s.text(3);
  job.payload = text(4);
  job.attempt = static_cast<int>(s.integer(5));
  job.crashes = static_cast<int>(s.integer(6));
  job.created_at = rules::from_ms(s.integer(7));
  job.scheduled_at = time(8);
  job.expires_at = time(9);
  job.started_at = time(10);
  job.finished_at = time(11);
  job.worker = s.text(12);
  job.result = text(13);
  job.error = s.text(14);
  job.progress = s.real(15);
  job.progress_message = s.text(16);
  const auto own = rules::read_options(s.text(17));
  job.max_attempts = rules::effective(own ? *own : rules::OwnOptions{}, {}, {}).max_attempts;
  if (!s.is_null(18)) {
    if (auto tags = rules::read_string_map(s.text(18))) job.tags = *std::move(tags);
  }
  job.id = s.is_null(19) ? database_->mint->make(key) : JobId{std::string(s.text(19))};
  job.unique_key = s.text(20);
  if (const LaneRow* lane = lanes_.find(db(), key.lane)) {
    job.queue = lane->queue;
    job.pool = lane->pool;
    job.priority = lane->priority;
  }
  return job;
}

Result<std::optional<Record>> SqliteStore::find(const Ref& ref) {
  const Lock lock = guard();
  if (const auto* id = std::get_if<JobId>(&ref)) {
    auto key = resolve(*id);
    if (!key) return std::move(key).error();
    if (*key) {
      Statement& read = db().statement("read.job")
                            .start(static_cast<std::uint32_t>((*key)->lane), (*key)->sequence);
      if (read.row()) {
        Job job = read_job(read);
        read.end();
        return std::optional<Record>(std::move(job));
      }
    }
    if (auto ended = read_ended(); !ended) return std::move(ended).error();
    Error why = absent(*id);
    if (why.code == Errc::gone) return why;
    return std::optional<Record>();
  }
  const auto* queue = std::get_if<QueueRef>(&ref);
  auto listed = list(queue ? Query{QueuesQuery{}} : Query{SessionsQuery{}});
  if (!listed) return std::move(listed).error();
  if (queue) {
    for (Queue& q : std::get<Page<Queue>>(*listed).items) {
      if (q.queue == queue->queue) return std::optional<Record>(std::move(q));
    }
    return std::optional<Record>();
  }
  for (WorkerRecord& w : std::get<Page<WorkerRecord>>(*listed).items) {
    if (SessionNumber{w.session} == std::get<SessionNumber>(ref)) {
      return std::optional<Record>(std::move(w));
    }
  }
  return std::optional<Record>();
}

std::vector<rules::JobKey> SqliteStore::select(const Filter& filter, std::string& next_cursor) {
  std::vector<rules::JobKey> keys;
  lanes_.refresh(db());
  JobScan scan(db(), lanes_, filter);
  while (keys.size() < rules::step_jobs && scan.next()) {
    if (scan.matches()) keys.push_back(scan.key());
  }
  next_cursor = scan.cursor();
  return keys;
}

Result<Page<Job>> SqliteStore::list_jobs(const Filter& filter) {
  const Lock lock = guard();
  if (auto ok = JobScan::check_cursor(filter.cursor); !ok) return std::move(ok).error();
  lanes_.refresh(db());
  Page<Job> page;
  JobScan scan(db(), lanes_, filter);
  const auto limit = static_cast<std::size_t>(std::clamp(filter.limit, 1, 1000));
  while (page.items.size() < limit && scan.next()) {
    if (!scan.matches()) continue;
    Statement& read = db().statement("read.job")
                          .start(static_cast<std::uint32_t>(scan.key().lane), scan.key().sequence);
    if (read.row()) page.items.push_back(read_job(read));
    read.end();
  }
  page.next_cursor = scan.cursor();
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

Result<Page<LogLine>> SqliteStore::list_logs(const LogQuery& query) {
  const Lock lock = guard();
  auto key = resolve(query.id);
  if (!key) return std::move(key).error();
  if (!*key) return absent(query.id);
  std::uint64_t fence = 0, after = 0;
  if (!query.cursor.empty()) {
    const auto dot = query.cursor.find('.');
    const auto first = number<std::uint64_t>(query.cursor.substr(0, dot));
    const auto second = dot == std::string::npos
                            ? std::nullopt
                            : number<std::uint64_t>(query.cursor.substr(dot + 1));
    if (!first || !second) return bad_cursor(query.cursor);
    fence = *first;
    after = *second;
  }
  Page<LogLine> page;
  const int limit = std::clamp(query.limit, 1, 1000);
  Statement& read =
      db().statement("read.logs")
          .start(static_cast<std::uint32_t>((*key)->lane), (*key)->sequence, fence, after, limit);
  while (read.row()) {
    page.items.push_back({.number = read.integer(1),
                          .at = rules::from_ms(read.integer(2)),
                          .attempt = static_cast<int>(read.integer(3)),
                          .text = std::string(read.text(4))});
    page.next_cursor = std::to_string(read.integer(0)) + '.' + std::to_string(read.integer(1));
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  if (page.items.size() < static_cast<std::size_t>(limit)) page.next_cursor.clear();
  return page;
}

Result<Page<Queue>> SqliteStore::list_queues() {
  const Lock lock = guard();
  lanes_.refresh(db());
  std::map<std::string, Queue> queues;
  Statement& settings = db().statement("read.queues").start();
  while (settings.row()) {
    Queue& queue = queues[std::string(settings.text(0))];
    queue.paused = settings.integer(1) != 0;
    queue.draining = settings.integer(2) != 0;
  }
  Statement& counts = db().statement("read.counts").start();
  while (counts.row()) {
    Queue& queue = queues[std::string(counts.text(0))];
    const std::int64_t jobs = counts.integer(2);
    switch (rules::parse_state(counts.text(1)).value_or(JobState::succeeded)) {
      case JobState::ready:
        queue.ready = jobs;
        break;
      case JobState::scheduled:
        queue.scheduled = jobs;
        break;
      case JobState::running:
        queue.running = jobs;
        break;
      case JobState::waiting:
        queue.waiting = jobs;
        break;
      case JobState::failed:
        queue.failed = jobs;
        break;
      default:
        break;
    }
  }
  const Time now = clock().now();
  for (const auto& [number, lane] : lanes_.all()) {
    Statement& head = db().statement("finish.head").start(static_cast<std::uint32_t>(number));
    if (head.row()) {
      Queue& queue = queues[lane.queue];
      queue.oldest_ready = std::max(queue.oldest_ready, now - rules::from_ms(head.integer(0)));
    }
    head.end();
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  Page<Queue> page;
  for (auto& [name, queue] : queues) {
    queue.queue = name;
    page.items.push_back(std::move(queue));
  }
  return page;
}

Result<Page<WorkerRecord>> SqliteStore::list_sessions() {
  const Lock lock = guard();
  Page<WorkerRecord> page;
  Statement& read = db().statement("read.sessions").start();
  while (read.row()) {
    WorkerRecord worker;
    worker.session = static_cast<std::uint64_t>(read.integer(0));
    worker.worker = read.text(2);
    worker.host = read.text(3);
    worker.pid = static_cast<int>(read.integer(4));
    worker.queues = split_lines(read.text(5));
    worker.pools = split_lines(read.text(6));
    worker.tasks = split_lines(read.text(7));
    worker.concurrency = static_cast<int>(read.integer(8));
    const LiveFile::Slot& slot = live().slot(static_cast<std::size_t>(read.integer(1)));
    if (slot.session.load() == worker.session) {
      worker.beat = slot.beat.load();
      worker.state = vital_states[std::min<std::uint32_t>(slot.state.load(), 3)];
      worker.running = static_cast<int>(slot.running.load());
      worker.tasks_processed = slot.processed.load();
      worker.tasks_failed = slot.failed.load();
      worker.rss_bytes = slot.rss_bytes.load();
      worker.last_seen_at = rules::from_ms(slot.seen_at_ms.load());
    }
    worker.uptime = clock().now() - rules::from_ms(read.integer(9));
    worker.tally = read.text(10);
    page.items.push_back(std::move(worker));
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

Result<Listing> SqliteStore::list(const Query& query) {
  const auto widen = [](auto page) -> Result<Listing> {
    if (!page) return std::move(page).error();
    return Listing(*std::move(page));
  };
  if (const auto* filter = std::get_if<Filter>(&query)) return widen(list_jobs(*filter));
  if (const auto* logs = std::get_if<LogQuery>(&query)) return widen(list_logs(*logs));
  if (std::holds_alternative<QueuesQuery>(query)) return widen(list_queues());
  if (const auto* runs = std::get_if<RunsQuery>(&query)) return widen(list_runs(*runs));
  if (const auto* fields = std::get_if<FieldsQuery>(&query)) return widen(list_fields(*fields));
  if (const auto* values = std::get_if<ValuesQuery>(&query)) return widen(list_values(*values));
  return widen(list_sessions());
}

Result<Counts> SqliteStore::count(const CountQuery& query) {
  const Lock lock = guard();
  Counts counts;
  Statement& read = db().statement("read.counts").start();
  while (read.row()) {
    if (!query.queue.empty() && read.text(0) != query.queue) continue;
    if (const auto state = rules::parse_state(read.text(1))) {
      counts.jobs[static_cast<std::size_t>(*state)] += read.integer(2);
    }
  }
  Statement& submitted = db().statement("read.submitted").start(query.queue);
  if (submitted.row()) counts.submitted = submitted.integer(0);
  submitted.end();
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return counts;
}

Result<EventPage> SqliteStore::events(const EventQuery& query) {
  const Lock lock = guard();
  EventPage page;
  page.seen = live().bell();
  lanes_.refresh(db());
  if (query.after.empty()) {
    Statement& newest = db().statement("read.newest_event").start();
    page.next = newest.row() ? std::to_string(newest.integer(0)) : "0";
    newest.end();
    if (auto ended = read_ended(); !ended) return std::move(ended).error();
    return page;
  }
  const QueueOf queue_of = [this](rules::Lane lane) {
    const LaneRow* row = lanes_.find(db(), lane);
    return row ? row->queue : std::string();
  };
  const auto after = number<std::int64_t>(query.after);
  if (!after) return bad_cursor(query.after);
  page.next = query.after;
  Statement& oldest = db().statement("read.oldest_event").start();
  if (oldest.row() && !oldest.is_null(0) && oldest.integer(0) > *after + 1) page.reset = true;
  oldest.end();
  Statement& read = db().statement("read.events").start(*after, std::clamp(query.limit, 1, 1000));
  while (read.row()) {
    page.next = std::to_string(read.integer(0));
    const Time at = rules::from_ms(read.integer(1));
    std::string_view body = read.text(2);
    while (!body.empty()) {
      const auto end = body.find('\n');
      if (auto event = read_event(body.substr(0, end), *database_->mint, queue_of)) {
        event->id = page.next;
        event->at = at;
        page.events.push_back(*std::move(event));
      }
      body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    }
  }
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  return page;
}

Result<Health> SqliteStore::check() {
  const Lock lock = guard();
  Health health;
  health.store = name();
  health.version = std::string("SQLite ") + sqlite3_libversion();
  health.durability = database_->in_memory() ? "received" : "fsynced";
  health.persistent = !database_->in_memory();
  const SteadyTime before = real_clock().steady();
  const auto meta = [&](const char* key) {
    Statement& read = db().statement("meta.read").start(key);
    const std::int64_t value = read.row() ? read.integer(0) : 0;
    read.end();
    return value;
  };
  health.sessions_lost = meta("sessions_lost");
  health.stale_writes_refused = meta("stale_writes_refused");
  health.false_alarms = meta("false_alarms");
  health.sessions = db().ask("SELECT count(*) FROM sessions WHERE retired = 0");
  health.disk_bytes = db().ask("PRAGMA page_count") * db().ask("PRAGMA page_size");
  if (auto ended = read_ended(); !ended) return std::move(ended).error();
  health.latency = std::chrono::duration_cast<Duration>(real_clock().steady() - before);
  if (database_->in_memory()) {
    health.findings.push_back({.serious = true,
                               .what = "the store is in memory: it ends with this process",
                               .hint = "use --store sqlite:PATH"});
    return health;
  }
  std::error_code failed;
  const auto space =
      std::filesystem::space(std::filesystem::path(db().path()).parent_path(), failed);
  constexpr std::uintmax_t little_space = 256ULL << 20;
  if (!failed && space.available < little_space) {
    health.findings.push_back({.serious = true,
                               .what = "only " + std::to_string(space.available >> 20) +
                                       " MiB are free on the disk of " + db().path(),
                               .hint = "free some, or move the database"});
  }
  return health;
}

}  // namespace penstock::sqlite
