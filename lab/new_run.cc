#include "lab/new_run.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "lab/script_text.h"
#include "relay/run_clock.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace postern::lab {
namespace {

// Every reader of JSON has these exactly: it may keep numbers as IEEE 754 doubles.
constexpr std::uint64_t kMadeUpSeeds = std::uint64_t{1} << 53;

constexpr std::size_t kMaxLabelOctets = 200;

bool is_run_name(std::string_view name) {
  return !name.empty() && name.size() <= store::kMaxRunNameOctets && std::ranges::all_of(name, [](char c) {
    return is_ascii_alnum(c) || c == '.' || c == '-' || c == '_';
  });
}

std::string make_up_name(Random& random) {
  std::array<std::uint8_t, 10> octets{};
  random.fill(octets);
  return "run_" + format_base32hex(octets);
}

// One of the library by its name, TOML or JSON as a text, or an object; as JSON. Empty: none.
std::string read_script_member(CheckedObject& object, std::vector<std::string>& problems) {
  const json::value* const given = object.member("script");
  if (!given) return {};
  json::value script = *given;
  if (given->is_string()) {
    std::string_view text(given->get_string());
    const auto named = std::ranges::find(script_library(), text, &LibraryScript::name);
    if (named != script_library().end()) text = named->text;
    auto parsed = parse_script_text(text);
    if (!parsed) {
      object.fail("script", parsed.error().context());
      return {};
    }
    script = std::move(*parsed);
  }
  const auto read = read_script(script, "script");
  if (!read) problems.push_back(read.error().context());
  std::string text = json::serialize(script);
  if (text.size() > store::kMaxRunScriptOctets) object.fail("script", "is longer than 64 KiB");
  return text;
}

void read_clock(CheckedObject& object, Instant now, store::RunRecord& run) {
  constexpr Duration kSlack = std::chrono::minutes(1);
  const auto start = object.text("clock_start");
  if (object.boolean("clock").value_or(start.has_value())) run.clock = run.clock_start = now;
  if (!start) return;
  const auto instant = parse_rfc3339(*start);
  if (!instant || *instant + kSlack < now || *instant > now + relay::kLongestAdvance) {
    return object.fail("clock_start", "has to be a time such as 2030-01-31T12:00:00Z, from now on and within 400 days");
  }
  run.clock = run.clock_start = *instant;
}

}  // namespace

Result<store::RunRecord> read_new_run(const json::value& body, const AccountId& account, Instant now, Random& random) {
  const json::value nothing = json::object();
  std::vector<std::string> problems;
  CheckedObject object(body.is_null() ? nothing : body, {}, problems);
  store::RunRecord run;
  run.account = account;
  const auto name = object.text("run");
  if (name && !is_run_name(*name)) object.fail("run", "has 1 to 64 letters, digits, dots, hyphens and underscores");
  run.name = name ? *name : make_up_name(random);
  run.label = printable_utf8(object.text("label", kMaxLabelOctets).value_or(""), kMaxLabelOctets);
  run.seed = object.number("seed", 0, INT64_MAX).value_or(random.below(kMadeUpSeeds));
  run.created = now;
  const auto seconds = object.number("expires_in_seconds", kShortestRun.count(), kLongestRun.count());
  run.expires_at = now + (seconds ? std::chrono::seconds(*seconds) : kUsualRun);
  run.script = read_script_member(object, problems);
  read_clock(object, now, run);
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return run;
}

}  // namespace postern::lab
