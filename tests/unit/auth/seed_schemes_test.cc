// conf/examples: each file makes the keys that its service's users know. tests/e2e/t08_seeds does the same over SMTP.
#include "app/config.h"
#include "app/config_values.h"
#include "tests/unit/auth/admin_fixture.h"

#include <fstream>
#include <sstream>

namespace postern::auth {
namespace {

struct SeedCase {
  const char* file;
  const char* live;           // how a live key begins
  const char* test;           // nullptr: there are no test keys
  std::size_t length;         // of a live key
  std::uint32_t most_active;  // 0: no bound
};

constexpr SeedCase kSeeds[] = {
    {"postkit", "pk_live_", "pk_test_", 56, 0}, {"sendkit", "sk_", nullptr, 51, 0},
    {"postject", "pt_live_", "pt_test_", 56, 10}, {"postscale", "ps_live_", "ps_test_", 56, 0},
    {"mailkite", "mk_live_", "mk_test_", 56, 1},
};

KeyScheme load_scheme(const std::string& name) {
  const std::string path = std::string(POSTERN_SOURCE_DIR) + "/conf/examples/" + name + ".toml";
  std::ifstream file(path);
  std::ostringstream text;
  text << "environment = \"development\"\n" << file.rdbuf();
  const app::ConfigLoad load = app::parse_config(text.str(), path);
  EXPECT_TRUE(load.is_usable()) << path << (load.problems.empty() ? "" : ": " + app::format_problem(load.problems.front()));
  return app::make_key_scheme(load.settings);
}

class SeedSchemeTest : public AdminTest, public ::testing::WithParamInterface<SeedCase> {
 protected:
  SeedSchemeTest() : AdminTest(load_scheme(GetParam().file)) {}
};

TEST_P(SeedSchemeTest, MakesItsKindOfLiveKey) {
  const CreatedKey key = make_key();
  EXPECT_TRUE(key.text.reveal().starts_with(GetParam().live));
  EXPECT_EQ(key.text.reveal().size(), GetParam().length);
  EXPECT_EQ(key.record.prefix, key.text.reveal().substr(0, 16));
  EXPECT_EQ(authenticate(key), "ok");
}

TEST_P(SeedSchemeTest, MakesTestKeysWhereTheServiceHasThem) {
  NewKey wanted = named("test");
  wanted.environment = Environment::Test;
  const auto created = keys.create(account, wanted);
  ASSERT_EQ(created.has_value(), GetParam().test != nullptr);
  if (!created) return;
  EXPECT_TRUE(created->text.reveal().starts_with(GetParam().test));
}

TEST_P(SeedSchemeTest, HoldsAsManyActiveKeysAsTheServiceAllows) {
  const std::uint32_t most = GetParam().most_active;
  for (std::uint32_t i = 0; i < (most == 0 ? 25 : most); ++i) make_key();
  EXPECT_EQ(keys.create(account, named("one more")).has_value(), most == 0);
}

TEST_P(SeedSchemeTest, RotatesWithinItsBound) {
  const CreatedKey old = make_key();
  for (std::uint32_t i = 1; i < GetParam().most_active; ++i) make_key();
  const CreatedKey next = keys.rotate(old.record.id, Duration(0)).value();
  EXPECT_EQ(authenticate(old), "revoked_key");
  EXPECT_EQ(authenticate(next), "ok");
}

INSTANTIATE_TEST_SUITE_P(Examples, SeedSchemeTest, ::testing::ValuesIn(kSeeds),
                         [](const auto& seed) { return std::string(seed.param.file); });

}  // namespace
}  // namespace postern::auth
