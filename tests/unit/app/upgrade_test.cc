// Stores that earlier versions wrote, see tests/stores: they open, are sound, and everything is there as it was.
#include "tests/unit/app/command_line_fixture.h"

#include <iterator>
#include <map>

namespace postern::app {
namespace {

namespace fs = std::filesystem;

using ::testing::ContainsRegex;

class StoreOfTheFirstVersion : public CommandLine {
 protected:
  StoreOfTheFirstVersion() {
    fs::copy(fs::path(POSTERN_SOURCE_DIR) / "tests/stores/595bc11", folder_ / "data", fs::copy_options::recursive);
  }

  // Every file, and what is in it.
  std::map<std::string, std::string> octets_of_store() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "data")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  }
};

TEST_F(StoreOfTheFirstVersion, IsSaidWhatWouldBeBroughtOver) {
  const auto before = octets_of_store();
  const std::string said = must({"upgrade-check"});
  EXPECT_THAT(said, HasSubstr("schema version 1, this program's 2"));
  EXPECT_THAT(said, ContainsRegex("what waits is put in lanes, by destination +3\n"));
  EXPECT_THAT(said, ContainsRegex("suppressed addresses are compared without regard to case +[0-9]+\n"));
  EXPECT_THAT(said, ContainsRegex("test mail is listed by run +9\n"));
  EXPECT_THAT(said, HasSubstr("about 1 s"));
  EXPECT_THAT(said, HasSubstr("an earlier program refuses the store afterwards"));
  EXPECT_EQ(octets_of_store(), before) << "nothing was written, and no file was made";
  EXPECT_EQ(must({"upgrade-check", (folder_ / "data").string(), "--json"}), must({"upgrade-check", "--json"}));
}

TEST_F(StoreOfTheFirstVersion, HasNothingLeftToBringOverWhenAServerHadIt) {
  store::Store::open({.folder = folder_ / "data", .spool = {.min_free_octets = 0}, .runs_recovery = true}).value();
  EXPECT_THAT(must({"upgrade-check"}), HasSubstr("nothing is to be brought over"));
  EXPECT_THAT(must({"upgrade-check", "--json"}), HasSubstr("\"due\":false,\"one_way\":false,\"about_seconds\":0,\"steps\":[]"));
}

TEST_F(StoreOfTheFirstVersion, IsNotForetoldWhereThereIsNone) {
  EXPECT_EQ(run({"upgrade-check", (folder_ / "nowhere").string()}).status, kExitRefused);
  fs::resize_file(folder_ / "data/spool/data.mdb", 5'000);
  EXPECT_EQ(run({"upgrade-check"}).status, kExitRefused);
}

TEST_F(StoreOfTheFirstVersion, IsSound) {
  EXPECT_THAT(run({"doctor"}).out, ContainsRegex("store +9 messages, 3 queued, [0-9]+ octets; every record is sound"));
  must({"account", "create", "later"});
  EXPECT_THAT(run({"doctor"}).out, HasSubstr("every record is sound")) << "written to by this version";
}

TEST_F(StoreOfTheFirstVersion, HasItsMessagesInEveryState) {
  const std::string messages = must({"message", "list"});
  for (const char* row : {"queued3@example.net +1 pending", "acme +test +x +a@acme.example +1 delivered",
                          "bounced@simulator.postern.test +1 bounced", "anyone@example.net \\+1 +2 delivered",
                          "friend@example.net +1 pending", "queued@example.net \\+1 +2 pending",
                          "acme +live +x +a@acme.example +1 bounced", "bounced@example.net +1 bounced",
                          "delivered@example.net +1 delivered"}) {
    EXPECT_THAT(messages, ContainsRegex(row));
  }
  EXPECT_THAT(must({"queue", "list"}), HasSubstr("451 4.4.1 cannot connect"));
  EXPECT_THAT(must({"message", "show", "--latest", "--raw"}), HasSubstr("Subject: over http\r\n"));
  EXPECT_THAT(must({"message", "show", "--latest", "--events"}), HasSubstr("email.delivery_delayed"));
}

TEST_F(StoreOfTheFirstVersion, HasItsKeysAndWhatIsSetForAccounts) {
  const std::string keys = must({"key", "list"});
  for (const char* row : {"acme +narrow +pk_live_[^ ]+ +live +sending_access +active +2027-06-01 00:00:00",
                          "acme +gone +pk_live_[^ ]+ +live +sending_access +revoked",
                          "acme +full +pk_live_[^ ]+ +live +full_access +active",
                          "acme +default +pk_test_[^ ]+ +test +sending_access +active", "boxed +default +pk_live_"}) {
    EXPECT_THAT(keys, ContainsRegex(row));
  }
  EXPECT_THAT(must({"account", "list"}), ContainsRegex("acme +production +active"));
  EXPECT_THAT(must({"sandbox", "list", "boxed"}), HasSubstr("friend@example.net"));
  EXPECT_THAT(must({"user", "list", "acme"}), HasSubstr("ann@acme.example"));
  EXPECT_THAT(must({"domain", "list"}), ContainsRegex("acme.example +not_started"));
  EXPECT_THAT(must({"webhook", "list"}), ContainsRegex("enabled +https://hooks.acme.example/postern +email.delivered"));
}

TEST_F(StoreOfTheFirstVersion, SuppressesFromNowOnWithoutRegardToCase) {
  const std::string suppressed = must({"suppression", "list", "acme"});
  EXPECT_THAT(suppressed, ContainsRegex("bounced@example.net +bounce"));
  EXPECT_THAT(suppressed, ContainsRegex("gone@example.net +manual"));
}

}  // namespace
}  // namespace postern::app
