// 250 means synced: between a message's last write and its completion there is a sync, and when that fails nothing is written
// any more.
#include "lmdb/commit_queue.h"
#include "store/schema.h"
#include "store/tables.h"
#include "tests/faults/disk_faults.h"
#include "tests/support/temp_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <regex>
#include <thread>

namespace postern::store {
namespace {

using ::testing::IsSupersetOf;
using test::make_draft;
using test::TempStore;
using test::Waiter;
namespace disk = test::disk;

class SyncTest : public testing::Test {
 protected:
  SyncTest() { disk::reset(); }
  ~SyncTest() override { disk::reset(); }

  MessageId next_id() {
    clock_.advance(Duration(1));
    return make_message_id(clock_.now(), random_);
  }
  Result<void> accept(TempStore& store) {
    return test::commit_draft(store.spool(), make_draft(next_id(), clock_.now(), {"a.example"}), "content");
  }
  void submit(TempStore& store, Completion done) {
    test::Draft draft = make_draft(next_id(), clock_.now(), {"a.example"});
    std::unique_ptr<MessageWriter> writer = store.spool().open_message(draft.message.id);
    writer->append("content");
    store.spool().commit(std::move(writer), draft.new_message(), std::move(done));
  }
  // Everything that writes is refused.
  void expect_closed(TempStore& store, const MessageId& stored) {
    EXPECT_TRUE(store.spool().has_failed());
    EXPECT_EQ(store.spool().can_accept().error().code(), ErrorCode::StorageFailed);
    EXPECT_EQ(accept(store).error().code(), ErrorCode::StorageFailed);
    EXPECT_EQ(store.spool().retry_now(stored, clock_.now()).error().code(), ErrorCode::StorageFailed);
    EXPECT_EQ(store.spool().cancel(stored, clock_.now()).error().code(), ErrorCode::StorageFailed);
    EXPECT_EQ(store.spool().remove_expired(clock_.now(), 1).error().code(), ErrorCode::StorageFailed);
    Waiter waiter;
    Settlement settlement;
    settlement.id = stored;
    store.spool().settle(settlement, waiter.completion());
    EXPECT_EQ(waiter.get().error().code(), ErrorCode::StorageFailed);
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
};

TEST_F(SyncTest, StandsBetweenTheWritesAndTheCompletion) {
  TempStore store;
  ASSERT_TRUE(accept(store));
  disk::reset();
  Waiter waiter;
  submit(store, [done = waiter.completion()](Result<void> outcome) {
    disk::note('c');
    done(std::move(outcome));
  });
  ASSERT_TRUE(waiter.get());
  EXPECT_TRUE(std::regex_match(disk::trace(), std::regex("w+smc"))) << disk::trace();
}

TEST_F(SyncTest, IsSharedByAllThatWaited) {
  TempStore store;
  disk::hold_syncs();
  Waiter first;
  submit(store, first.completion());
  disk::wait_until_held();
  disk::reset();
  std::vector<Waiter> waiters(20);
  for (Waiter& waiter : waiters) submit(store, waiter.completion());
  disk::release_syncs();
  ASSERT_TRUE(first.get());
  for (Waiter& waiter : waiters) ASSERT_TRUE(waiter.get());
  const std::string trace = disk::trace();
  EXPECT_EQ(std::count(trace.begin(), trace.end(), 's'), 2) << trace;
  EXPECT_EQ(store.spool().usage().value().messages, 21U);
}

TEST_F(SyncTest, ClosesTheSpoolWhenItFails) {
  TempStore store;
  const MessageId stored = next_id();
  ASSERT_TRUE(test::commit_draft(store.spool(), make_draft(stored, clock_.now(), {"a.example"}), "content"));
  disk::fail(disk::Call::Sync, 1, EIO, false);
  EXPECT_EQ(accept(store).error().code(), ErrorCode::StorageFailed);
  ASSERT_TRUE(disk::was_met());
  expect_closed(store, stored);
  EXPECT_EQ(store.spool().read_chunk(stored, 0).value(), "content") << "what was there can be read";
  store.reopen();
  EXPECT_FALSE(store.spool().has_failed());
  EXPECT_EQ(store.spool().usage().value().messages, 1U) << "only what was acknowledged";
  EXPECT_TRUE(accept(store));
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST_F(SyncTest, ClosesTheSpoolWhenTheMetaPageCannotBeWritten) {
  TempStore store;
  const MessageId stored = next_id();
  ASSERT_TRUE(test::commit_draft(store.spool(), make_draft(stored, clock_.now(), {"a.example"}), "content"));
  disk::fail(disk::Call::MetaWrite, 1, EIO, false);
  EXPECT_EQ(accept(store).error().code(), ErrorCode::StorageFailed);
  ASSERT_TRUE(disk::was_met());
  expect_closed(store, stored);
  EXPECT_EQ(store.spool().find(stored).error().code(), ErrorCode::StorageFailed) << "LMDB does not read on either";
  store.reopen();
  EXPECT_EQ(store.spool().usage().value().messages, 1U);
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST_F(SyncTest, GoesOnAfterAMetaPageThatFoundNoRoom) {
  TempStore store;
  const MessageId stored = next_id();
  ASSERT_TRUE(test::commit_draft(store.spool(), make_draft(stored, clock_.now(), {"a.example"}), "content"));
  for (const int error : {ENOSPC, EDQUOT}) {
    disk::fail(disk::Call::MetaWrite, 1, error, true);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(accept(store).error().code(), ErrorCode::StorageFull);
    ASSERT_TRUE(disk::was_met());
    EXPECT_FALSE(store.spool().has_failed());
    EXPECT_EQ(store.spool().read_chunk(stored, 0).value(), "content") << "what was there can be read and delivered";
    disk::reset();
    EXPECT_TRUE(accept(store));
    EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
  }
  store.reopen();
  EXPECT_EQ(store.spool().usage().value().messages, 3U) << "only what was acknowledged";
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST_F(SyncTest, GoesOnAfterAFileSystemWasReadOnly) {
  TempStore store;
  const MessageId stored = next_id();
  ASSERT_TRUE(test::commit_draft(store.spool(), make_draft(stored, clock_.now(), {"a.example"}), "content"));
  disk::set_read_only(true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(accept(store).error().code(), ErrorCode::StorageFull);
  EXPECT_EQ(store.spool().can_accept().error().code(), ErrorCode::StorageFull);
  EXPECT_EQ(store.spool().read_chunk(stored, 0).value(), "content");
  disk::reset();
  EXPECT_TRUE(accept(store));
  EXPECT_FALSE(store.spool().has_failed());
  store.reopen();
  EXPECT_EQ(store.spool().usage().value().messages, 2U);
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST_F(SyncTest, IsNotOpenedAnewBelowARead) {
  const test::TempFolder folder;
  const auto environment =
      LmdbEnvironment::open({.folder = folder.path() / "directory", .map_octets = 1U << 30, .tables = kDirectoryTables}).value();
  lmdb::CommitQueue queue(*environment);
  const auto put = [&] {
    return queue.run([](WriteTransaction& transaction) {
      return WritableTable(transaction, DirectoryTable::Accounts).put("key", "value");
    });
  };
  ASSERT_TRUE(put());
  {
    ReadTransaction reader(*environment);
    ASSERT_TRUE(reader.begin());
    disk::fail(disk::Call::MetaWrite, 1, ENOSPC, false);
    EXPECT_EQ(put().error().code(), ErrorCode::StorageFull);
    ASSERT_TRUE(disk::was_met());
    EXPECT_EQ(put().error().code(), ErrorCode::StorageFull) << "there is room, but somebody reads";
    EXPECT_EQ(Table(reader, DirectoryTable::Accounts).find("key").value(), "value");
  }
  EXPECT_TRUE(put());
  ReadTransaction reader(*environment);
  EXPECT_TRUE(reader.begin());
}

TEST_F(SyncTest, IsNotOpenedAnewBelowACopy) {
  const test::TempFolder folder;
  const auto environment =
      LmdbEnvironment::open({.folder = folder.path() / "directory", .map_octets = 1U << 30, .tables = kDirectoryTables}).value();
  const std::filesystem::path target = folder.path() / "copy";
  ASSERT_TRUE(std::filesystem::create_directory(target));
  disk::hold_syncs();
  Result<void> copied = Error(ErrorCode::IoError);
  std::thread copying([&] { copied = environment->copy_to(target); });
  disk::wait_until_held();  // the copy is made and not yet synced
  EXPECT_EQ(environment->reopen().error().code(), ErrorCode::StorageFailed);
  disk::release_syncs();
  copying.join();
  EXPECT_TRUE(copied);
  EXPECT_TRUE(environment->reopen());
  ReadTransaction reader(*environment);
  EXPECT_TRUE(reader.begin());
}

TEST_F(SyncTest, CoversTheFoldersThatAreMade) {
  const test::TempFolder folder;
  const std::filesystem::path top = std::filesystem::canonical(folder.path());
  const auto store = Store::open({.folder = top / "made" / "data", .spool = test::small_limits()}).value();
  EXPECT_THAT(disk::synced_paths(), IsSupersetOf({top, top / "made", top / "made/data", top / "made/data/spool"}));
  disk::reset();
  ASSERT_TRUE(store->back_up(top / "copy"));
  const std::filesystem::path copy = top / "copy.incomplete";
  EXPECT_THAT(disk::synced_paths(), IsSupersetOf({top, copy, copy / "spool", copy / "spool/data.mdb", copy / "directory",
                                                  copy / "directory/data.mdb"}));
}

TEST_F(SyncTest, FailsEverythingThatSharedIt) {
  TempStore store;
  disk::hold_syncs();
  Waiter first;
  submit(store, first.completion());
  disk::wait_until_held();
  std::vector<Waiter> waiters(5);
  for (Waiter& waiter : waiters) submit(store, waiter.completion());
  disk::fail(disk::Call::Sync, 2, EIO, false);
  disk::release_syncs();
  EXPECT_TRUE(first.get());
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.get().error().code(), ErrorCode::StorageFailed);
}

TEST_F(SyncTest, ClosesTheDirectoryWhenItFailsThere) {
  TempStore store;
  AccountRecord account;
  account.name = "acme";
  const auto put = [&](DirectoryWriter& writer) { return writer.put_account(account); };
  disk::fail(disk::Call::Sync, 1, EIO, false);
  EXPECT_EQ(store.directory().write(put).error().code(), ErrorCode::StorageFailed);
  EXPECT_EQ(store.directory().write(put).error().code(), ErrorCode::StorageFailed);
  EXPECT_EQ(store.directory().find_account(account.id).value(), std::nullopt);
  EXPECT_FALSE(store.spool().has_failed()) << "an environment of its own";
}

}  // namespace
}  // namespace postern::store
