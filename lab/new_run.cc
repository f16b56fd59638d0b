#include "lab/new_run.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::lab {
namespace {

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
  run.seed = object.number("seed", 0, INT64_MAX).value_or(random.below(INT64_MAX));
  run.created = now;
  const auto seconds = object.number("expires_in_seconds", kShortestRun.count(), kLongestRun.count());
  run.expires_at = now + (seconds ? std::chrono::seconds(*seconds) : kUsualRun);
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return run;
}

}  // namespace postern::lab
