// What commands print: one tree of values, shown as JSON for programs or as tables and lists for people. Text from outside is
// escaped, so that no octet of a client reaches the terminal raw.
#pragma once

#include "core/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace postern::app {

struct Value;
using ValueList = std::vector<Value>;
using ValueObject = std::vector<std::pair<std::string, Value>>;  // in the order of printing

struct Value {
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, std::string, ValueList, ValueObject> data = nullptr;

  Value() = default;
  Value(bool value) : data(value) {}
  Value(std::int64_t value) : data(value) {}
  Value(std::uint64_t value) : data(value) {}
  Value(std::uint32_t value) : data(std::uint64_t{value}) {}
  Value(std::string value) : data(std::move(value)) {}
  Value(std::string_view value) : data(std::string(value)) {}
  Value(const char* value) : data(std::string(value)) {}
  Value(ValueList value) : data(std::move(value)) {}
  Value(ValueObject value) : data(std::move(value)) {}
};

// Instants as RFC 3339; nothing as null.
Value instant_value(const std::optional<Instant>& instant);

// One line, members in their order. Octets that are not UTF-8 become U+FFFD, so that every program can read it; controls,
// the bidirectional ones too, are escaped, so that it does no harm on a terminal. A name given twice counts once, the first.
std::string to_json(const Value& value);

// Printable UTF-8 stays; controls (C0, C1, bidirectional, line separators) and broken UTF-8 become \xNN.
std::string printable(std::string_view text);

// Columns aligned by characters. `rows` hold one text for each of `titles`; a text is made printable here.
std::string format_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows);
// "name   value" lines.
std::string format_facts(const std::vector<std::pair<std::string, std::string>>& facts);

// "2026-11-21 09:30:00"; "-" for nothing. UTC.
std::string format_time(const std::optional<Instant>& instant);

}  // namespace postern::app
