// What a stranger's web server and DNS say of MTA-STS: it is a policy within its bounds, or none; kept, it is read back the same.
#include "mx/sts_policy.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {

POSTERN_FUZZ(sts_policy) {
  const std::string text(input);
  (void)mx::find_sts_id({text});
  (void)mx::decode_sts_policy(text);
  const auto policy = mx::parse_sts_policy(text);
  if (!policy) return;
  POSTERN_CHECK(policy->patterns.size() <= mx::kMaxStsPatterns && policy->max_age <= mx::kMaxStsAge);
  POSTERN_CHECK(policy->mode == mx::StsMode::None || !policy->patterns.empty());
  for (const std::string& pattern : policy->patterns) {
    POSTERN_CHECK(mx::names_host(*policy, pattern.starts_with("*.") ? "a" + pattern.substr(1) : pattern));
  }
  const std::string octets = mx::encode_sts_policy({.id = "1", .policy = *policy, .text = text, .fetched = Instant()});
  const auto kept = mx::decode_sts_policy(octets);
  POSTERN_CHECK(kept && kept->policy == *policy);
}

}  // namespace postern::fuzz
