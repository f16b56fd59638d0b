// The table of who reaches whom, all eight rows of it.
#include "sandbox/rules.h"

namespace postern::sandbox {
namespace {

struct Case {
  const char* name;
  Environment environment;
  AccountMode mode;
  bool is_whitelisted;
  Decision expected;
};

constexpr Case kCases[] = {
    {"test key, sandbox, stranger", Environment::Test, AccountMode::Sandbox, false, Decision::Simulate},
    {"test key, sandbox, whitelisted", Environment::Test, AccountMode::Sandbox, true, Decision::Simulate},
    {"test key, production, stranger", Environment::Test, AccountMode::Production, false, Decision::Simulate},
    {"test key, production, whitelisted", Environment::Test, AccountMode::Production, true, Decision::Simulate},
    {"live key, sandbox, stranger", Environment::Live, AccountMode::Sandbox, false, Decision::Refuse},
    {"live key, sandbox, whitelisted", Environment::Live, AccountMode::Sandbox, true, Decision::Relay},
    {"live key, production, stranger", Environment::Live, AccountMode::Production, false, Decision::Relay},
    {"live key, production, whitelisted", Environment::Live, AccountMode::Production, true, Decision::Relay},
};

TEST(SandboxRules, DecideByKeyThenModeThenWhitelist) {
  for (const Case& c : kCases) EXPECT_EQ(judge(c.environment, c.mode, c.is_whitelisted), c.expected) << c.name;
}

}  // namespace
}  // namespace postern::sandbox
