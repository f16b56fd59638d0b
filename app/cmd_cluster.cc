// postern cluster … and postern node …: joining machines, and how far each of them is.
#include "app/commands.h"

#include "app/cluster_node.h"
#include "app/config_values.h"
#include "cluster/history.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace postern::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kRowsOfAPage = 10'000;
constexpr std::size_t kTrials = 20;  // commits that are timed
constexpr int kOldestServer = 15;
constexpr milliseconds kForcePatience{2'000};  // a revocation is waited for no longer
constexpr milliseconds kForceLook{50};

// A connection of a command's own, before the store belongs to a cluster or beside that.
struct Database {
  Database(CommandContext& context, const domains::KeySeal& key)
      : seal(make_row_seal(key)),
        connection(context.settings().cluster_database),
        history(connection, seal, context.random(), store::ClusterUuid{}) {}

  cluster::RowSeal seal;
  cluster::PostgresConnection connection;
  cluster::History history;
};

Result<std::unique_ptr<Database>> open_database(CommandContext& context) {
  if (context.settings().cluster_database.empty()) {
    return Error(ErrorCode::Conflict, "cluster_database is not set: docs/cluster.md says how");
  }
  const auto key = domains::KeySeal::open(seal_file(context.settings()), context.random());
  if (!key) return key.error();
  auto database = std::make_unique<Database>(context, *key);
  if (Result<void> opened = database->connection.open(); !opened) return opened.error();
  return database;
}

Result<void> refuse_member(store::Directory& directory) {
  const auto membership = store::Replica(directory).membership();
  if (!membership) return membership.error();
  if (*membership) return Error(ErrorCode::Conflict, "this store belongs to a cluster already");
  return {};
}

// All that the nodes will share, as the first version. From join() on nobody changes it here.
Result<std::uint64_t> upload(cluster::History& history, const store::Replica& replica, std::uint64_t version) {
  std::uint64_t count = 0;
  std::optional<std::pair<store::DirectoryTable, std::string>> after;
  for (;;) {
    const auto page = replica.list_rows(after, kRowsOfAPage);
    if (!page) return page.error();
    if (page->empty()) return count;
    if (Result<void> put = history.put_rows(*page, version); !put) return put.error();
    count += page->size();
    after = std::pair(page->back().table, page->back().key);
  }
}

Result<std::uint64_t> found(Database& database, store::Replica& replica, const std::string& name) {
  if (Result<void> begun = database.history.begin(); !begun) return begun.error();
  const auto membership = database.history.create(name);
  if (!membership) return membership.error();
  const auto head = database.history.lock_head();
  if (!head) return head.error();
  if (Result<void> joined = replica.join(*membership, *head); !joined) return joined.error();
  const auto count = upload(database.history, replica, head->version);
  if (!count) return count.error();
  const Result<bool> lasts = database.history.commit();
  if (!lasts) return lasts.error();
  if (!*lasts) return Error(ErrorCode::StorageShedding, "PostgreSQL did not say that it lasts: drop its schema postern, try again");
  if (const auto beaten = database.history.beat(membership->node, head->version); !beaten) return beaten.error();
  return count;
}

std::string in_force_text(const std::vector<cluster::NodeState>& nodes, std::uint64_t version, bool& is_everywhere) {
  std::string missing;
  std::size_t reached = 0;
  for (const auto& node : nodes) {
    if (node.applied >= version) {
      ++reached;
      continue;
    }
    missing += "\nnode " + printable(node.name) + ": not heard of for " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(node.silent_for).count()) +
               " s; what was changed is not in force there until it is reached";
  }
  is_everywhere = reached == nodes.size();
  return "in force on " + std::to_string(reached) + " of " + std::to_string(nodes.size()) + " nodes" + missing;
}

std::string seconds_text(milliseconds time) {
  return std::to_string(time.count() / 1'000) + "." + std::to_string(time.count() % 1'000 / 100) + " s";
}

Result<cluster::SharedDirectory::Nodes> ask_nodes(CommandContext& context) {
  if (context.cluster() == nullptr) {
    return Error(ErrorCode::Conflict, "this store is in no cluster: postern cluster init or join, with cluster_database set");
  }
  return context.cluster()->changes().list_nodes();
}

void print_nodes(CommandContext& context, const cluster::SharedDirectory::Nodes& all) {
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& node : all.nodes) {
    const std::uint64_t behind = all.latest > node.applied ? all.latest - node.applied : 0;
    const bool is_silent = node.silent_for > cluster::kSilence;
    values.push_back(json::object{{"name", node.name},
                                  {"id", node.id},
                                  {"is_this_one", node.id == context.cluster()->membership().node},
                                  {"applied", node.applied},
                                  {"behind", behind},
                                  {"silent_for_ms", node.silent_for.count()},
                                  {"is_silent", is_silent}});
    rows.push_back({node.name + (node.id == context.cluster()->membership().node ? " (this one)" : ""),
                    std::to_string(node.applied), std::to_string(behind),
                    seconds_text(node.silent_for) + (is_silent ? ": not heard of" : "")});
  }
  context.print(
      json::object{{"latest", all.latest}, {"nodes", values}},
      "latest version " + std::to_string(all.latest) + "\n" + format_table({"NODE", "VERSION", "BEHIND", "LAST HEARD OF"}, rows));
}

// --- cluster check ---

struct Check {
  bool is_good = false;
  std::string words;
};

Result<std::string> ask_setting(cluster::PostgresConnection& connection, const std::string& name) {
  const auto value = connection.ask("SELECT current_setting($1)", {name});
  if (!value) return value.error();
  return std::string(value->text(0, 0));
}

Result<void> check_settings(cluster::PostgresConnection& connection, std::vector<Check>& checks) {
  const auto version = ask_setting(connection, "server_version_num");
  if (!version) return version.error();
  const int major = static_cast<int>(parse_unsigned(*version).value_or(0) / 10'000);
  checks.push_back({major >= kOldestServer, "PostgreSQL " + std::to_string(major) + ", 15 or newer is needed"});
  for (const char* name : {"fsync", "full_page_writes"}) {
    const auto value = ask_setting(connection, name);
    if (!value) return value.error();
    checks.push_back({*value == "on", std::string(name) + " = " + *value + ": without it a crash loses what was acknowledged"});
  }
  const auto names = ask_setting(connection, "synchronous_standby_names");
  if (!names) return names.error();
  const auto standbys = connection.ask("SELECT count(*)::text FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')");
  if (!standbys) return standbys.error();
  checks.push_back({!names->empty(), names->empty() ? "synchronous_standby_names is empty: a change lasts on one disk, and a "
                                                      "failover may lose the latest"
                                                    : "synchronous_standby_names = " + *names});
  checks.push_back({standbys->number(0, 0) > 0, std::to_string(standbys->number(0, 0)) + " synchronous standbys are connected"});
  return {};
}

Result<milliseconds> time_commits(cluster::History& history) {
  std::vector<steady_clock::duration> times;
  for (std::size_t i = 0; i < kTrials; ++i) {
    const auto begun = steady_clock::now();
    if (Result<void> confirmed = history.confirm(); !confirmed) return confirmed.error();
    times.push_back(steady_clock::now() - begun);
  }
  std::ranges::sort(times);
  return std::chrono::ceil<milliseconds>(times[kTrials / 2]);
}

}  // namespace

Result<void> init_cluster(CommandContext& context) {
  if (Result<void> alone = refuse_member(context.directory()); !alone) return alone;
  auto database = open_database(context);
  if (!database) return database.error();
  store::Replica replica(context.directory());
  const std::string name = cluster_node_name(context.settings());
  const auto count = found(**database, replica, name);
  if (!count) {
    (*database)->history.roll_back();
    (void)replica.leave();
    return count.error();
  }
  context.confirm({{"node", name}, {"rows", *count}},
                  "the cluster is made, with " + std::to_string(*count) + " rows; this machine is its node " + printable(name) +
                      ". Restart the server, then copy " + seal_file(context.settings()).string() +
                      " to the next machine and say postern cluster join there");
  return {};
}

Result<void> join_cluster(CommandContext& context) {
  if (Result<void> alone = refuse_member(context.directory()); !alone) return alone;
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  if (!accounts->empty()) {
    return Error(ErrorCode::Conflict,
                 "this store has accounts of its own, which the cluster's would replace: join with an empty one");
  }
  auto opened = open_database(context);
  if (!opened) return opened.error();
  Database& database = **opened;
  const auto cluster = database.history.identify();
  if (!cluster) return cluster.error();
  const std::string name = cluster_node_name(context.settings());
  if (Result<void> begun = database.history.begin(); !begun) return begun;
  if (const auto head = database.history.lock_head(); !head) return head.error();
  const auto node = database.history.add_node(name);
  if (!node) return node.error();
  const Result<bool> lasts = database.history.commit();
  if (!lasts) return lasts.error();
  if (!*lasts) return Error(ErrorCode::StorageShedding, "PostgreSQL did not say that it lasts: postern node remove, try again");
  store::Replica replica(context.directory(), &context.spool());
  if (Result<void> joined = replica.join({.cluster = *cluster, .node = *node}, {}); !joined) return joined;
  const auto caught = cluster::catch_up(database.history, replica);
  if (!caught) {
    (void)database.history.remove_node(name);
    (void)replica.leave();
    return caught.error();
  }
  if (const auto beaten = database.history.beat(*node, caught->version); !beaten) return beaten.error();
  context.confirm({{"node", name}, {"version", caught->version}}, "this machine is node " + printable(name) + ", at version " +
                                                                      std::to_string(caught->version) + ". Start the server");
  return {};
}

Result<void> leave_cluster(CommandContext& context) {
  store::Replica replica(context.directory());
  const auto membership = replica.membership();
  if (!membership) return membership.error();
  if (!*membership) return Error(ErrorCode::NotFound, "this store is in no cluster");
  if (Result<void> left = replica.leave(); !left) return left;
  context.confirm({{"done", "left"}},
                  "this store is its own again, with all that it has. Take cluster_database out of its configuration, restart the "
                  "server, and say postern node remove on another node");
  return {};
}

Result<void> check_cluster(CommandContext& context) {
  auto database = open_database(context);
  if (!database) return database.error();
  std::vector<Check> checks;
  if (Result<void> asked = check_settings((*database)->connection, checks); !asked) return asked;
  if (const auto cluster = (*database)->history.identify(); cluster) {
    const auto time = time_commits((*database)->history);
    if (!time) return time.error();
    checks.push_back({true, "a commit takes " + std::to_string(time->count()) + " ms (median of " + std::to_string(kTrials) + ")"});
  } else {
    checks.push_back({cluster.error().code() == ErrorCode::NotFound, cluster.error().context()});
  }
  json::array values;
  std::string text;
  std::size_t bad = 0;
  for (const Check& check : checks) {
    values.push_back(json::object{{"is_good", check.is_good}, {"words", check.words}});
    text += (check.is_good ? "ok    " : "fail  ") + check.words + "\n";
    bad += check.is_good ? 0 : 1;
  }
  context.print(values, text);
  if (bad == 0) return {};
  return Error(ErrorCode::Conflict, std::to_string(bad) + (bad == 1 ? " check" : " checks") + " failed");
}

Result<void> show_cluster(CommandContext& context) {
  const auto nodes = ask_nodes(context);
  if (!nodes) return nodes.error();
  print_nodes(context, *nodes);
  return {};
}

Result<void> upgrade_cluster(CommandContext& context) {
  auto database = open_database(context);
  if (!database) return database.error();
  cluster::History& history = (*database)->history;
  if (const auto cluster = history.identify(); !cluster) return cluster.error();
  const auto before = history.upgrade();
  if (!before) {
    history.roll_back();
    return before.error();
  }
  const bool is_new = *before < cluster::kFormat;
  context.confirm({{"before", *before}, {"format", cluster::kFormat}},
                  is_new ? "the cluster's format is " + std::to_string(cluster::kFormat) + ", it was " + std::to_string(*before) +
                               "; programs that do not know it no longer follow"
                         : "the cluster's format is " + std::to_string(cluster::kFormat) + " already");
  return {};
}

Result<void> remove_node(CommandContext& context, const std::string& name) {
  const auto nodes = ask_nodes(context);
  if (!nodes) return nodes.error();
  auto database = open_database(context);
  if (!database) return database.error();
  const auto node = std::ranges::find(nodes->nodes, name, &cluster::NodeState::name);
  if (node == nodes->nodes.end()) return Error(ErrorCode::NotFound, "there is no node " + printable(name));
  if (node->silent_for <= cluster::kSilence) {
    return Error(ErrorCode::Conflict, "node " + printable(name) + " runs: stop its server first");
  }
  const auto removed = (*database)->history.remove_node(name);
  if (!removed) return removed.error();
  context.confirm({{"name", name}, {"done", "removed"}}, "node " + printable(name) + " is removed; nobody waits for it any more");
  return {};
}

Result<void> confirm_in_force(CommandContext& context, json::object value, const std::string& sentence) {
  if (context.cluster() == nullptr) {
    context.confirm(value, sentence);
    return {};
  }
  const auto cursor = store::Replica(context.directory()).cursor();
  if (!cursor) return cursor.error();
  const auto until = steady_clock::now() + kForcePatience;
  std::string words;
  for (bool is_everywhere = false; !is_everywhere;) {
    const auto nodes = context.cluster()->changes().list_nodes();
    if (!nodes) return nodes.error();
    words = in_force_text(nodes->nodes, cursor->version, is_everywhere);
    json::array reached;
    json::array missing;
    for (const auto& node : nodes->nodes) (node.applied >= cursor->version ? reached : missing).emplace_back(node.name);
    value["in_force_on"] = std::move(reached);
    value["not_in_force_on"] = std::move(missing);
    if (steady_clock::now() >= until) break;
    if (!is_everywhere) std::this_thread::sleep_for(kForceLook);
  }
  context.confirm(value, sentence + "; " + words);
  return {};
}

}  // namespace postern::app
