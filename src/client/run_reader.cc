// SPDX-License-Identifier: MIT
#include "client/run_reader.h"

#include "rules/limits.h"
#include "rules/run_json.h"
#include "store/chance.h"

namespace penstock {
namespace {

constexpr std::size_t most_names = 500;
constexpr std::size_t most_graphs = 200;
constexpr int most_looks = 100;
constexpr std::size_t most_maps = 2000;
constexpr std::size_t most_chunk_bytes = 32 << 20;

}  // namespace

template <class Ask>
auto RunReader::with_store(Ask ask) -> decltype(ask(std::declval<Store&>())) {
  auto store = handles_.lend();
  if (!store) return std::move(store).error();
  return ask(**store);
}

Result<RunReader::Fields> RunReader::fields(const std::string& run,
                                            const std::vector<std::string>& names) {
  return with_store([&](Store& store) -> Result<Fields> {
    Fields fields;
    for (std::size_t at = 0; at < names.size(); at += most_names) {
      FieldsQuery query{.run = run};
      const auto end =
          names.begin() + static_cast<std::ptrdiff_t>(std::min(at + most_names, names.size()));
      query.names.assign(names.begin() + static_cast<std::ptrdiff_t>(at), end);
      auto listing = store.list(query);
      if (!listing) return std::move(listing).error();
      for (auto& field : std::get<Page<rules::RunField>>(*listing).items) {
        fields[field.name] = *std::move(field.value);
      }
    }
    return fields;
  });
}

Result<RunReader::Fields> RunReader::fields_of(const std::string& run, const std::string& prefix) {
  return with_store([&](Store& store) -> Result<Fields> {
    Fields fields;
    FieldsQuery query{.run = run, .prefix = prefix};
    do {
      auto listing = store.list(query);
      if (!listing) return std::move(listing).error();
      auto& page = std::get<Page<rules::RunField>>(*listing);
      for (auto& field : page.items) fields[field.name] = *std::move(field.value);
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    return fields;
  });
}

Result<std::vector<std::string>> RunReader::values(const std::string& run,
                                                   const std::string& list) {
  return with_store([&](Store& store) -> Result<std::vector<std::string>> {
    std::vector<std::string> values;
    ValuesQuery query{.run = run, .list = list};
    do {
      auto listing = store.list(query);
      if (!listing) return std::move(listing).error();
      auto& page = std::get<Page<std::string>>(*listing);
      for (auto& value : page.items) values.push_back(std::move(value));
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    return values;
  });
}

// What is set and appended in one step is read in parts: until nothing changed meanwhile. A list
// that is set anew all the time is taken as it is at last.
Result<std::optional<std::string>> RunReader::list(const std::string& run, const std::string& key) {
  const std::string set = "s:" + key, mark = "c:" + key;
  auto before = fields(run, {set, mark});
  if (!before) return std::move(before).error();
  for (int looks = 1;; ++looks) {
    auto appended = values(run, set);
    if (!appended) return std::move(appended).error();
    auto after = fields(run, {set, mark});
    if (!after) return std::move(after).error();
    if (*before == *after || looks == most_looks) {
      const auto found = before->find(set);
      std::optional<std::string> value;
      if (found != before->end()) value = std::move(found->second);
      return before->contains(mark) ? rules::append_raw(value, *appended) : value;
    }
    before = std::move(after);
  }
}

// It keeps its list when it has ended, under another name: a map of flows runs once at its place.
Result<rules::MapCell> RunReader::map(const std::string& run, const rules::Place& place) {
  const std::string at = rules::write_place(place), key = run + '|' + at;
  {
    const std::lock_guard lock(mutex_);
    const auto known = maps_.find(key);
    if (known != maps_.end()) return known->second;
  }
  auto read = fields(run, {"m:" + at, "me:" + at});
  if (!read) return std::move(read).error();
  if (read->empty()) return Error{Errc::not_found, "no map has begun at " + at};
  const rules::MapCell cell = rules::read_map(read->begin()->second);
  const std::lock_guard lock(mutex_);
  if (maps_.size() >= most_maps) maps_.clear();
  maps_[key] = cell;
  return cell;
}

Result<std::optional<std::string>> RunReader::item(const std::string& run,
                                                   const rules::MapCell& map, std::int64_t number) {
  auto items = chunk(run, rules::item_field(map, number));
  if (!items) return std::move(items).error();
  const auto index = static_cast<std::size_t>(number % rules::stage_chunk);
  if (index >= (*items)->size()) return std::optional<std::string>();
  return std::optional((**items)[index]);
}

Result<std::shared_ptr<const RunReader::Items>> RunReader::chunk(const std::string& run,
                                                                 const std::string& field) {
  const std::string key = run + '|' + field;
  {
    const std::lock_guard lock(mutex_);
    const auto known = chunks_.find(key);
    if (known != chunks_.end()) return known->second;
  }
  auto read = fields(run, {field});
  if (!read) return std::move(read).error();
  if (!read->contains(field)) return std::make_shared<const Items>();
  const std::string& text = read->at(field);
  auto items = rules::read_raw_list(text);
  if (!items) return std::move(items).error();
  auto kept = std::make_shared<const Items>(*std::move(items));
  const std::lock_guard lock(mutex_);
  if (chunk_bytes_ + text.size() > most_chunk_bytes) {
    chunks_.clear();
    chunk_bytes_ = 0;
  }
  if (chunks_.try_emplace(key, kept).second) chunk_bytes_ += text.size();
  return kept;
}

Result<rules::PinnedGraph> RunReader::graph(const std::string& name) {
  const std::string hash = name.substr(0, name.find('/'));
  std::shared_ptr<const rules::Graph> graph;
  {
    const std::lock_guard lock(mutex_);
    const auto known = graphs_.find(hash);
    if (known != graphs_.end()) graph = known->second;
  }
  if (!graph) {
    const std::string field = "d:" + hash;
    auto read = fields(std::string(rules::definitions_run), {field});
    if (!read) return std::move(read).error();
    if (!read->contains(field)) {
      return Error{Errc::not_found, "the store has no definition " + hash + " of a flow"};
    }
    auto definition = rules::read_definition((*read)[field]);
    if (!definition) return std::move(definition).error();
    std::vector<rules::FlowProblem> problems;
    graph = rules::Graph::compile(
        std::make_shared<const rules::FlowDefinition>(*std::move(definition)), problems);
    if (!graph) return Error{Errc::invalid, "definition " + hash + ": " + problems[0].text};
    const std::lock_guard lock(mutex_);
    if (graphs_.size() >= most_graphs) graphs_.clear();
    graphs_[hash] = graph;
  }
  for (std::size_t at = hash.size(); at < name.size();) {
    const std::size_t end = std::min(name.find('/', at + 1), name.size());
    const std::string segment = name.substr(at + 1, end - at - 1);
    const int node = graph->find(segment.substr(0, segment.find('#')));
    if (node < 0) return Error{Errc::not_found, "definition " + name + " has no such node"};
    graph = graph->nodes()[node].body;
    if (!graph) return Error{Errc::not_found, "definition " + name + " has no such flow"};
    at = end;
  }
  return rules::PinnedGraph{.graph = std::move(graph), .hash = name};
}

Result<void> RunReader::write(const rules::RunChange& change) {
  return with_store([&](Store& store) -> Result<void> {
    auto done = store.signal({.request = {.nonce = to_hex(new_secret()), .call = Call{1}},
                              .runs = std::span(&change, 1)});
    if (!done) return std::move(done).error();
    if (!done->conflicts.empty())
      return Error{Errc::conflict, "run " + change.run + " has changed"};
    return {};
  });
}

Result<void> RunReader::stop(std::vector<JobId> jobs) {
  return with_store([&](Store& store) -> Result<void> {
    for (std::size_t at = 0; at < jobs.size(); at += rules::step_jobs) {
      const auto from = jobs.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end =
          from + static_cast<std::ptrdiff_t>(std::min(rules::step_jobs, jobs.size() - at));
      auto done = store.cancel({.ids = {from, end}, .nodes = true, .running = true},
                               {.nonce = to_hex(new_secret()), .call = Call{1}});
      if (!done) return std::move(done).error();
    }
    return {};
  });
}

Result<bool> RunReader::is_live(SessionNumber session) {
  return with_store([&](Store& store) -> Result<bool> {
    auto found = store.find(Ref{session});
    if (!found) return std::move(found).error();
    return found->has_value();
  });
}

}  // namespace penstock
