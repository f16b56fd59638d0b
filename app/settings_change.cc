#include "app/settings_change.h"

#include "app/config_keys.h"
#include "app/config_values.h"

namespace postern::app {
namespace {

struct AreEqual {
  bool operator()(const Secret& left, const Secret& right) const { return left.reveal() == right.reveal(); }  // compared only
  template <class T>
  bool operator()(const T& left, const T& right) const {
    return left == right;
  }
};

template <class T>
bool is_same(const ConfigKey<T>& key, const T& left, const T& right) {
  return std::visit([&](auto member) { return AreEqual{}(left.*member, right.*member); }, key.member);
}

template <class T>
void compare_keys(std::span<const ConfigKey<T>> keys, const std::string& prefix, const T& running, const T& now,
                  SettingsChange& change) {
  for (const auto& key : keys) {
    if (is_same(key, running, now)) continue;
    (key.info.is_reloadable ? change.taken_over : change.waiting).push_back(prefix + std::string(key.info.name));
  }
}

template <class T>
void take_over_keys(std::span<const ConfigKey<T>> keys, T& running, const T& now) {
  for (const auto& key : keys) {
    if (!key.info.is_reloadable) continue;
    std::visit([&](auto member) { running.*member = now.*member; }, key.member);
  }
}

template <class Listener>
std::string name_of(std::string_view table, const Listener& listener) {
  return std::string(table) + " " + listener.address + ":" + std::to_string(listener.port);
}

// Another address or port is another listener: one that is there no more serves on until the restart.
template <class Listener>
void compare_listeners(std::span<const ConfigKey<Listener>> keys, std::string_view table, const std::vector<Listener>& running,
                       const std::vector<Listener>& now, SettingsChange& change) {
  for (const Listener& listener : running) {
    const Listener* same = find_listener(now, listener);
    if (same == nullptr) {
      change.waiting.push_back(name_of(table, listener) + " (removed)");
    } else {
      compare_keys(keys, name_of(table, listener) + " ", listener, *same, change);
    }
  }
  for (const Listener& listener : now) {
    if (find_listener(running, listener) == nullptr) change.waiting.push_back(name_of(table, listener) + " (new)");
  }
}

template <class Table>
const Table* find_named(const std::vector<Table>& tables, const std::string& name) {
  const auto found = std::ranges::find(tables, name, &Table::name);
  return found == tables.end() ? nullptr : &*found;
}

// Of tables with names, all of whose keys are taken over.
template <class Table>
void compare_named(std::span<const ConfigKey<Table>> keys, const std::string& title, const std::vector<Table>& running,
                   const std::vector<Table>& now, SettingsChange& change) {
  for (const Table& table : now) {
    const Table* before = find_named(running, table.name);
    SettingsChange found;
    if (before != nullptr) compare_keys(keys, {}, *before, table, found);
    if (before == nullptr || !found.taken_over.empty()) change.taken_over.push_back(title + table.name);
  }
  for (const Table& table : running) {
    if (find_named(now, table.name) == nullptr) change.taken_over.push_back(title + table.name + " (removed)");
  }
  if (running.size() == now.size() && !std::ranges::equal(running, now, {}, &Table::name, &Table::name)) {
    change.taken_over.push_back(title + "order");
  }
}

template <class Listener>
void take_over_listeners(std::span<const ConfigKey<Listener>> keys, std::vector<Listener>& running,
                         const std::vector<Listener>& now) {
  for (Listener& listener : running) {
    if (const Listener* same = find_listener(now, listener)) take_over_keys(keys, listener, *same);
  }
}

}  // namespace

SettingsChange compare_settings(const Settings& running, const Settings& now) {
  SettingsChange change;
  compare_keys(top_keys(), {}, running, now, change);
  compare_listeners(listener_keys(), "[[listener]]", running.listeners, now.listeners, change);
  compare_listeners(http_listener_keys(), "[[http_listener]]", running.http_listeners, now.http_listeners, change);
  compare_named(route_keys(), "[[route]] ", running.routes, now.routes, change);
  compare_named(egress_source_keys(), "[[egress_source]] ", running.egress_sources, now.egress_sources, change);
  compare_named(egress_pool_keys(), "[[egress_pool]] ", running.egress_pools, now.egress_pools, change);
  return change;
}

void take_over_settings(Settings& running, const Settings& now) {
  take_over_keys(top_keys(), running, now);
  take_over_listeners(listener_keys(), running.listeners, now.listeners);
  take_over_listeners(http_listener_keys(), running.http_listeners, now.http_listeners);
  running.routes = now.routes;
  running.egress_sources = now.egress_sources;
  running.egress_pools = now.egress_pools;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "-" : text;
}

}  // namespace postern::app
