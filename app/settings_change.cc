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

const RouteSettings* find_route(const std::vector<RouteSettings>& routes, const std::string& name) {
  const auto found = std::ranges::find(routes, name, &RouteSettings::name);
  return found == routes.end() ? nullptr : &*found;
}

void compare_routes(const std::vector<RouteSettings>& running, const std::vector<RouteSettings>& now, SettingsChange& change) {
  for (const RouteSettings& route : now) {
    const RouteSettings* before = find_route(running, route.name);
    SettingsChange found;
    if (before != nullptr) compare_keys(route_keys(), {}, *before, route, found);
    if (before == nullptr || !found.taken_over.empty()) change.taken_over.push_back("[[route]] " + route.name);
  }
  for (const RouteSettings& route : running) {
    if (find_route(now, route.name) == nullptr) change.taken_over.push_back("[[route]] " + route.name + " (removed)");
  }
  if (running.size() == now.size() && !std::ranges::equal(running, now, {}, &RouteSettings::name, &RouteSettings::name)) {
    change.taken_over.emplace_back("[[route]] order");
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
  compare_routes(running.routes, now.routes, change);
  return change;
}

void take_over_settings(Settings& running, const Settings& now) {
  take_over_keys(top_keys(), running, now);
  take_over_listeners(listener_keys(), running.listeners, now.listeners);
  take_over_listeners(http_listener_keys(), running.http_listeners, now.http_listeners);
  running.routes = now.routes;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "-" : text;
}

}  // namespace postern::app
