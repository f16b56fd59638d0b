// Scripts as people write them, in TOML or JSON, → sandbox/script. Everything that is wrong is told at once. Pure.
#pragma once

#include "core/result.h"
#include "lab/checked_json.h"
#include "sandbox/script.h"

#include <span>
#include <string>
#include <string_view>

namespace postern::lab {

// {"name": …, "rules": [{"stage": "rcpt", "to": "*@example.org", "reply": "451 4.7.1 Try again", …}]} (docs/testing.md).
// InvalidArgument with all problems. `place`: in front of them.
Result<sandbox::Script> read_script(const json::value& value, const std::string& place = {});
// The same of its text: JSON if it begins with a brace, else TOML.
Result<json::value> parse_script_text(std::string_view text);
// Of what a record holds: JSON.
Result<sandbox::Script> compile_script(std::string_view text);

// What happened so often that it has a name: "greylisting", "outage" …
struct LibraryScript {
  std::string_view name;
  std::string_view words;  // for people, one line
  std::string_view text;   // JSON
};
std::span<const LibraryScript> script_library();

json::object rule_json(const sandbox::ScriptRule& rule);

}  // namespace postern::lab
