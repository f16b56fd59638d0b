// Opening: the lock, schema versions, permissions, recovery, and damage that examine() finds.
#include "store/store.h"

#include "store/codec.h"
#include "store/crc32c.h"
#include "store/octets.h"
#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using test::TempStore;

// Opens one environment of a closed store and writes one row, as a bug or a bad disk might.
void damage(const std::filesystem::path& folder, std::span<const std::string_view> tables, std::size_t table,
            std::string_view key, std::string_view value) {
  const auto environment = LmdbEnvironment::open({.folder = folder, .map_octets = 1U << 30, .tables = tables}).value();
  WriteTransaction transaction(*environment);
  ASSERT_EQ(transaction.begin(), 0);
  ASSERT_TRUE(WritableTable(transaction, table).put(key, value));
  ASSERT_EQ(transaction.commit(), 0);
}

TEST(Store, KeepsItsFoldersToItself) {
  TempStore store;
  for (const char* name : {"", "spool", "directory"}) {
    const auto permissions = std::filesystem::status(store.folder() / name).permissions();
    EXPECT_EQ(permissions, std::filesystem::perms::owner_all) << name;
  }
}

TEST(Store, LetsOnlyOneServerIn) {
  TempStore store;
  const auto second = Store::open({.folder = store.folder(), .spool = {}, .runs_recovery = true});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
  EXPECT_NE(second.error().context().find("another postern serve holds"), std::string::npos);
  store.reopen();
}

TEST(Store, IsCopiedWhileItIsWritten) {
  TempStore store;
  test::FakeClock clock;
  test::FakeRandom random;
  const MessageId id = make_message_id(clock.now(), random);
  const std::string content(300'000, 'x');
  ASSERT_TRUE(test::commit_draft(store.spool(), test::make_draft(id, clock.now(), {"a.example"}), content));
  auto streaming = store.spool().open_message(make_message_id(clock.now() + Duration{1}, random));
  streaming->append(content);  // its first chunk waits, or is on the disk, with nothing that refers to it

  const test::TempFolder elsewhere;
  const std::filesystem::path copy = elsewhere.path() / "copy";
  ASSERT_TRUE(store->back_up(copy));
  EXPECT_EQ(std::filesystem::status(copy).permissions(), std::filesystem::perms::owner_all);
  for (const char* name : {"spool/data.mdb", "directory/data.mdb"}) {
    const auto owner_only = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
    EXPECT_EQ(std::filesystem::status(copy / name).permissions(), owner_only) << name;
  }
  const auto restored = Store::open({.folder = copy, .spool = test::small_limits(), .runs_recovery = true}).value();
  EXPECT_TRUE(restored->spool().examine().value().empty());
  EXPECT_EQ(restored->spool().find(id).value()->message.content_octets, content.size());
  EXPECT_EQ(store->back_up(copy).error().code(), ErrorCode::AlreadyExists) << "an older copy stays";
}

TEST(Store, RefusesOtherSchemaVersionsAndSaysWhatToDo) {
  for (const std::uint32_t version : {kSchemaVersion + 1, kOldestSchemaVersion - 1}) {
    TempStore store;
    const std::filesystem::path folder = store.folder();
    store.close();
    std::string record;
    encode(SchemaVersion{version}, record);
    damage(folder / "spool", kSpoolTables, 0, kSchemaKey, record);
    const auto opened = Store::open({.folder = folder, .spool = {}, .runs_recovery = false});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::SchemaMismatch);
    const std::string what_to_do = version > kSchemaVersion
                                       ? "; it was written by a newer Postern: start that one again, or "
                                         "restore a backup from before the upgrade"
                                       : "; it was written by an older Postern";
    EXPECT_EQ(opened.error().context(), (folder / "spool").string() + " has schema version " + std::to_string(version) +
                                            ", this program reads versions " + std::to_string(kOldestSchemaVersion) + " to " +
                                            std::to_string(kSchemaVersion) + what_to_do);
  }
}

TEST(Store, SaysWhichFolderItCannotOpen) {
  const auto opened = Store::open({.folder = "/proc/postern", .spool = {}, .runs_recovery = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::IoError);
  EXPECT_NE(opened.error().context().find("/proc/postern"), std::string::npos);
}

TEST(Store, RecoversFromMessagesThatWereStillArriving) {
  TempStore store;
  test::FakeRandom random;
  const MessageId id = make_message_id(Instant{}, random);
  store.close();
  damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Open),
         std::string(reinterpret_cast<const char*>(id.octets.data()), 16), "");
  damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Content),
         std::string(reinterpret_cast<const char*>(id.octets.data()), 16) + std::string(4, '\0'), "half a message");
  store.open();
  EXPECT_EQ(store.spool().read_chunk(id, 0).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(store.spool().recover().value(), 0U);
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

// The key of the first row of a message's first chunk.
std::string first_row(const MessageId& id) {
  return std::string(reinterpret_cast<const char*>(id.octets.data()), id.octets.size()) + std::string(4, '\0');
}

TEST(Store, ReadsAChunkThatStandsInOneLongRow) {
  TempStore store(test::small_limits(), false);
  test::FakeRandom random;
  const MessageId id = make_message_id(Instant{}, random);
  const std::string content(65'000, 'c');
  const std::uint32_t sum = crc32c(content, crc32c(first_row(id)));
  std::string record{'\x09', '\x01'};
  for (int shift = 0; shift < 32; shift += 8) record.push_back(static_cast<char>((sum >> shift) & 0xff));
  store.close();
  damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Content), first_row(id), record + content);
  store.open();
  EXPECT_EQ(store.spool().read_chunk(id, 0).value(), content);
}

TEST(Store, ReadsNoPartOfAChunkOneRowOfWhichIsDamaged) {
  for (const std::string& row : {std::string(), std::string(1, '\1'), std::string(1, '\2')}) {
    TempStore store(test::small_limits(), false);
    test::FakeRandom random;
    const MessageId id = make_message_id(Instant{}, random);
    ASSERT_TRUE(test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), std::string(10'000, 'c')));
    EXPECT_EQ(store.spool().read_chunk(id, 0).value(), std::string(10'000, 'c'));
    store.close();
    damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Content), first_row(id) + row,
           "\x09\x01garbage");
    store.open();
    EXPECT_EQ(store.spool().read_chunk(id, 0).error().code(), ErrorCode::CorruptRecord) << row.size();
  }
}

TEST(Store, FindsDamage) {
  struct Case {
    const char* name;
    SpoolTable table;
    std::string key_behind_id;
    std::string value;
  };
  const Case cases[] = {
      {"a message record", SpoolTable::Messages, "", "garbage"},
      {"a delivery record", SpoolTable::Deliveries, "", "garbage"},
      {"a chunk", SpoolTable::Content, std::string(4, '\0'), "garbage"},
      {"a chunk too many", SpoolTable::Content, std::string("\0\0\0\1", 4), "garbage"},
      {"an event that is not there", SpoolTable::MessageEvents, std::string(8, '\x7f'), ""},
      {"a mark as open", SpoolTable::Open, "", ""},
  };
  test::FakeRandom random;
  for (const Case& c : cases) {
    TempStore store(test::small_limits(), false);
    const MessageId id = make_message_id(Instant{}, random);
    ASSERT_TRUE(test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), "content"));
    ASSERT_TRUE(store.spool().examine().value().empty());
    store.close();
    damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(c.table),
           std::string(reinterpret_cast<const char*>(id.octets.data()), 16) + c.key_behind_id, c.value);
    store.open();
    EXPECT_FALSE(store.spool().examine().value().empty()) << c.name;
  }
}

TEST(Store, FindsDamagedKeys) {
  struct Case {
    const char* name;
    SpoolTable table;
    std::string key;
  };
  const Case cases[] = {
      {"an event of a message", SpoolTable::MessageEvents, "short"},
      {"an event of an account", SpoolTable::AccountEvents, "short"},
      {"a message of an account", SpoolTable::AccountMessages, "short"},
      {"the age of an idempotency key", SpoolTable::IdempotencyAges, "short"},
      {"a short key of a chunk", SpoolTable::Content, "short"},
      {"the last key that a chunk could have", SpoolTable::Content, std::string(20, '\xff')},
  };
  for (const Case& c : cases) {
    TempStore store(test::small_limits(), false);
    store.close();
    damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(c.table), c.key, "");
    store.open();
    EXPECT_EQ(store.spool().examine().value().size(), 1U) << c.name;
  }
}

// What stands behind it is due all the same.
TEST(Store, ReadsTheDueIndexPastADamagedEntry) {
  TempStore store(test::small_limits(), false);
  test::FakeRandom random;
  const MessageId id = make_message_id(Instant{}, random);
  ASSERT_TRUE(test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), "content"));
  store.close();
  for (const std::string& key : {std::string("0"), std::string("a.example\0short", 15), std::string("a.example")}) {
    damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Due), key, "");
  }
  store.open();
  EXPECT_EQ(store.spool().due("a.example", std::nullopt, Instant::max(), 10).value().keys, (std::vector{DueKey{Instant{}, id}}));
  EXPECT_EQ(store.spool().queued(std::nullopt, 10).value().size(), 1U);
  EXPECT_EQ(store.spool().lanes(std::nullopt, 10).value().size(), 1U);
  EXPECT_EQ(store.spool().examine().value().size(), 3U);
}

TEST(Store, RemovesTheAgeOfAnIdempotencyKeyThatIsDamaged) {
  TempStore store;
  store.close();
  damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::IdempotencyAges), "short", "");
  store.open();
  EXPECT_EQ(store.spool().remove_expired(Instant{}, 10).value().idempotency, 1U);
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST(Store, AnswersADamagedRecordWithAnErrorAndGoesOn) {
  TempStore store;
  test::FakeRandom random;
  const MessageId id = make_message_id(Instant{}, random);
  ASSERT_TRUE(test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), "content"));
  store.close();
  damage(store.folder() / "spool", kSpoolTables, static_cast<std::size_t>(SpoolTable::Deliveries),
         std::string(reinterpret_cast<const char*>(id.octets.data()), 16), "garbage");
  store.open();
  EXPECT_EQ(store.spool().find(id).error().code(), ErrorCode::CorruptRecord);
  EXPECT_EQ(store.spool().retry_now(id, Instant{}).error().code(), ErrorCode::CorruptRecord);
  const MessageId next = make_message_id(Instant{}, random);
  EXPECT_TRUE(test::commit_draft(store.spool(), test::make_draft(next, Instant{}, {"a.example"}), "content"));
  EXPECT_FALSE(store.spool().has_failed());
}

}  // namespace
}  // namespace postern::store
