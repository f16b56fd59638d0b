// The one table of configuration keys. It drives parsing and range checks (app/config), `postern config show` and
// `config template`, docs/configuration.md and conf/postern.toml; tests compare the last two with what it generates.
#pragma once

#include "app/settings.h"

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::app {

enum class KeyType { Text, Path, Integer, Boolean, TextList, Password };

struct KeyInfo {
  std::string_view name{};
  std::string_view group{};           // heading in the docs; the same for keys that follow each other
  KeyType type = KeyType::Text;
  std::string_view default_value{};   // as written after "=", without quotes; a list: its items, comma-separated
  std::string_view unit{};            // "octets", "seconds" …; empty if it has none
  std::int64_t minimum = 0;         // Integer
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::string_view choices{};         // Text: the allowed words, '|' between them; empty: any text
  bool is_required = false;         // within its table
  bool is_reloadable = false;       // taken over at SIGHUP
  std::string_view help{};
};

// Where a key's value goes in T.
template <class T>
using KeyMember = std::variant<std::string T::*, std::int64_t T::*, bool T::*, std::vector<std::string> T::*, Secret T::*>;

template <class T>
struct ConfigKey {
  KeyInfo info;
  KeyMember<T> member;
};

std::span<const ConfigKey<Settings>> top_keys();
std::span<const ConfigKey<ListenerSettings>> listener_keys();
std::span<const ConfigKey<HttpListenerSettings>> http_listener_keys();
std::span<const ConfigKey<RouteSettings>> route_keys();
std::span<const ConfigKey<EgressSourceSettings>> egress_source_keys();
std::span<const ConfigKey<EgressPoolSettings>> egress_pool_keys();

// The keys of one table; `name` as in [[name]], empty: the top.
struct KeyTable {
  std::string_view name;
  std::vector<const KeyInfo*> keys;
};
// All of them, the top first.
std::vector<KeyTable> key_tables();

// Every member at its default; no listener, no route.
Settings default_settings();
ListenerSettings default_listener();
HttpListenerSettings default_http_listener();
RouteSettings default_route();
EgressSourceSettings default_egress_source();
EgressPoolSettings default_egress_pool();

// A value as TOML writes it: quoted and escaped text, a number, true, ["a", "b"]. A password gives "(hidden)".
template <class T>
std::string format_toml_value(const ConfigKey<T>& key, const T& values);
std::string quote_toml(std::string_view text);

// "octets, 1 to 100", "one of production, development": what a value may be, for messages and docs. Empty: anything.
std::string describe_values(const KeyInfo& key);

}  // namespace postern::app
