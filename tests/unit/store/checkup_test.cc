// Stores that are damaged in every way a disk, a copy or a hand can think of: the examination ends and says what it found.
#include "store/checkup.h"

#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

namespace postern::store {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using test::TempStore;

StoreOptions options_of(const fs::path& folder) {
  return {.folder = folder, .spool = test::small_limits(), .runs_recovery = false};
}

// One of everything, and enough messages for trees of some height.
void fill(TempStore& store) {
  AccountRecord account;
  account.id.octets[0] = 1;
  account.name = "account";
  store.directory().write([&](DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    for (std::uint8_t i = 0; i < 60; ++i) {
      KeyRecord key;
      key.id.octets[0] = i;
      key.account = account.id;
      key.digest[0] = i;
      key.name = std::string(100, 'k');
      if (Result<void> put = writer.put_key(key); !put) return put;
    }
    WebhookRecord webhook;
    webhook.account = account.id;
    webhook.url = "https://hooks.example/";
    if (Result<void> put = writer.put_webhook(webhook); !put) return put;
    return writer.add_to_whitelist(account.id, {.address = "a@b.example", .added = {}});
  }).value();
  test::FakeRandom random;
  for (int i = 0; i < 60; ++i) {
    const MessageId id = make_message_id(Instant{Duration{i}}, random);
    test::Draft draft = test::make_draft(id, Instant{}, {"a.example"});
    draft.message.account = account.id;
    test::commit_draft(store.spool(), draft, std::string(9'000, 'c')).value();
  }
}

TEST(Checkup, FindsNothingInASoundStoreAlsoBesideItsServer) {
  TempStore store;
  fill(store);
  const Checkup beside = check_store(options_of(store.folder()));
  EXPECT_FALSE(beside.not_opened) << beside.not_opened->message();
  EXPECT_EQ(beside.findings, std::vector<std::string>());
  EXPECT_EQ(beside.usage.messages, 60U);
  EXPECT_EQ(beside.usage.queued, 60U);
  EXPECT_EQ(store.directory().examine().value(), std::vector<std::string>());
}

TEST(Checkup, SaysHowAChildEnded) {
  EXPECT_EQ(run_in_child([](const auto& say) { say("one"); }).lines, std::vector<std::string>{"one"});
  const ChildReport killed = run_in_child([](const auto& say) {
    say("before");
    ::raise(SIGKILL);
  });
  EXPECT_EQ(killed.lines, std::vector<std::string>{"before"});
  EXPECT_EQ(killed.failure, "it was ended by SIGKILL");
}

// Overwrites `octets` of `file` from `offset` on with what `random` says.
void scribble(const fs::path& file, std::uint64_t offset, std::size_t octets, Random& random) {
  std::string noise(octets, '\0');
  random.fill(std::span(reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()));
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.write(noise.data(), static_cast<std::streamsize>(noise.size()));
}

TEST(Checkup, SurvivesRandomDamageAndMostlySaysWhatIsDamaged) {
  TempStore store;
  fill(store);
  const TempFolder elsewhere;
  store->back_up(elsewhere.path() / "sound").value();  // compact: hardly a page of it is unused
  std::size_t found = 0;
  constexpr std::size_t kRounds = 60;
  for (std::size_t round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    test::FakeRandom random(round);
    const fs::path copy = elsewhere.path() / std::to_string(round);
    fs::copy(elsewhere.path() / "sound", copy, fs::copy_options::recursive);
    const fs::path file = copy / (round % 2 == 0 ? "spool" : "directory") / "data.mdb";
    const std::uint64_t size = fs::file_size(file);
    constexpr std::size_t kLengths[] = {1, 8, 64, 512, 4'096, 40'000};
    const std::size_t length = std::min<std::uint64_t>(kLengths[round / 2 % std::size(kLengths)], size);
    std::array<std::uint8_t, 4> where{};
    random.fill(where);
    const std::uint64_t at = (where[0] | where[1] << 8 | where[2] << 16) % (size - length + 1);
    scribble(file, at, length, random);
    const Checkup checkup = check_store(options_of(copy));
    if (checkup.not_opened || !checkup.findings.empty()) ++found;
    fs::remove_all(copy);
  }
  EXPECT_GE(found, kRounds / 3) << "single octets of content padding and free room are nobody's";
}

TEST(Checkup, SaysOfAFileThatWasCutShortThatItIs) {
  TempStore store;
  fill(store);
  const TempFolder elsewhere;
  store->back_up(elsewhere.path() / "sound").value();
  for (const char* half : {"spool", "directory"}) {
    for (const std::uint64_t tenths : {1, 5, 9}) {
      const fs::path copy = elsewhere.path() / "cut";
      fs::copy(elsewhere.path() / "sound", copy, fs::copy_options::recursive);
      const fs::path file = copy / half / "data.mdb";
      fs::resize_file(file, fs::file_size(file) * tenths / 10);
      EXPECT_TRUE(check_store(options_of(copy)).not_opened) << half << " " << tenths;
      const auto opened = Store::open(options_of(copy));
      ASSERT_FALSE(opened) << half << " " << tenths;
      EXPECT_NE(opened.error().context().find("cut short"), std::string::npos) << opened.error().context();
      fs::remove_all(copy);
    }
  }
}

// A page in the middle of a tree that is nonsense: what is beside it is still looked at.
TEST(Checkup, LooksAtTheOtherTablesWhenOneCannotBeRead) {
  TempStore store;
  fill(store);
  store.close();
  // Pages that begin with the flag of a leaf and hold chunks' rows: the last third of the file.
  const fs::path file = store.folder() / "spool" / "data.mdb";
  test::FakeRandom random;
  const std::uint64_t pages = fs::file_size(file) / 4'096;
  for (std::uint64_t page = pages / 3; page < pages - 12; page += 3) scribble(file, page * 4'096 + 10, 2'000, random);
  const Checkup checkup = check_store(options_of(store.folder()));
  EXPECT_FALSE(checkup.findings.empty() && !checkup.not_opened);
}

TEST(Checkup, FindsWhatIsDamagedInTheDirectory) {
  TempStore store;
  fill(store);
  ASSERT_EQ(store.directory().examine().value(), std::vector<std::string>());
  struct Case {
    DirectoryTable table;
    const char* value;
    const char* finding;
  };
  const Case cases[] = {
      {DirectoryTable::Accounts, "garbage", "of the table accounts"},
      {DirectoryTable::AccountNames, "garbage", "leads to nothing in accounts"},
      {DirectoryTable::KeyDigests, "garbage", "leads to nothing in keys"},
      {DirectoryTable::Webhooks, "garbage", "of the table webhooks"},
      {DirectoryTable::Suppressions, "garbage", "suppressions is damaged"},
      {DirectoryTable::Usage, "garbage", "of the table usage"},
  };
  store.close();
  for (const Case& c : cases) {
    const auto environment = LmdbEnvironment::open(
        {.folder = store.folder() / "directory", .map_octets = 1U << 30, .tables = kDirectoryTables}).value();
    WriteTransaction transaction(*environment);
    ASSERT_EQ(transaction.begin(), 0);
    ASSERT_TRUE(WritableTable(transaction, c.table).put("zzzz", c.value));
    ASSERT_EQ(transaction.commit(), 0);
  }
  const Checkup checkup = check_store(options_of(store.folder()));
  EXPECT_EQ(checkup.findings.size(), std::size(cases));
  for (const Case& c : cases) {
    EXPECT_TRUE(std::ranges::any_of(checkup.findings, [&](const auto& finding) {
      return finding.find(c.finding) != std::string::npos;
    })) << c.finding;
  }
}

}  // namespace
}  // namespace postern::store
