// Room for new mail: a table of verdicts, and a spool that is filled, emptied and pinned.
#include "store/space_guard.h"

#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <future>
#include <vector>

namespace postern::store {
namespace {

using test::make_draft;
using test::TempStore;

constexpr std::uint64_t kMebi = 1U << 20;

LmdbEnvironment::Space space_of(std::uint64_t used, std::uint64_t grown, std::uint64_t reusable, std::uint64_t free_disk) {
  LmdbEnvironment::Space space;
  space.used_octets = used * kMebi;
  space.grown_octets = space.file_octets = grown * kMebi;
  space.reusable_octets = reusable * kMebi;
  space.free_disk_octets = free_disk * kMebi;
  return space;
}

TEST(JudgeSpace, CountsFreePagesAndWhatTheFileMayStillGrowBy) {
  SpoolLimits limits;
  limits.max_octets = 1024 * kMebi;
  limits.min_free_octets = 64 * kMebi;
  const struct {
    const char* name;
    LmdbEnvironment::Space space;
    SpaceFinding finding;
    std::uint64_t allowance;
    std::uint64_t capacity;
  } kRows[] = {
      {"an empty file on a large disk", space_of(0, 1, 0, 4096), SpaceFinding::Room, 1022, 1024},
      {"the disk is the bound", space_of(100, 100, 0, 164), SpaceFinding::Room, 99, 200},
      {"the reserve is reached", space_of(100, 100, 0, 64), SpaceFinding::DiskNearlyFull, 0, 100},
      {"grown into the reserve and delivered", space_of(2, 136, 133, 60), SpaceFinding::Room, 132, 136},
      {"what is free is enough for one batch", space_of(100, 136, 20, 0), SpaceFinding::Room, 19, 136},
      {"what is free is less than a commit needs", space_of(100, 136, 1, 0), SpaceFinding::DiskNearlyFull, 0, 136},
      {"the cap is reached by what is kept", space_of(1024, 1024, 0, 4096), SpaceFinding::CapReached, 0, 1024},
      {"the file has grown to the cap, half of it is free", space_of(512, 1024, 500, 4096), SpaceFinding::Room, 499, 1024},
      {"the file is beyond the cap", space_of(512, 2048, 0, 4096), SpaceFinding::CapReached, 0, 1024},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    const SpaceVerdict verdict = judge_space(row.space, limits);
    EXPECT_EQ(verdict.finding, row.finding);
    EXPECT_EQ(verdict.allowance / kMebi, row.allowance);
    EXPECT_EQ(verdict.capacity / kMebi, row.capacity);
  }
}

TEST(JudgeSpace, NamesAReaderThatPinsWhatWouldBeEnough) {
  SpoolLimits limits;
  limits.max_octets = 64 * kMebi;
  limits.min_free_octets = 0;
  LmdbEnvironment::Space space = space_of(4, 64, 0, 4096);
  space.pinned_octets = 60 * kMebi;
  EXPECT_EQ(judge_space(space, limits).finding, SpaceFinding::Pinned);
  EXPECT_EQ(judge_space(space, limits).capacity, 4 * kMebi);
  space.is_read_only = true;
  EXPECT_EQ(judge_space(space, limits).finding, SpaceFinding::ReadOnly);
}

class SpoolSpaceTest : public testing::Test {
 protected:
  static SpoolLimits limits() {
    SpoolLimits limits = test::small_limits();
    limits.max_octets = 8 * kMebi;
    return limits;
  }
  MessageId next_id() {
    clock_.advance(Duration(1));
    return make_message_id(clock_.now(), random_);
  }
  Result<void> accept(const MessageId& id) {
    return test::commit_draft(store_.spool(), make_draft(id, clock_.now(), {"a.example"}), std::string(200'000, 'x'));
  }
  void deliver(const MessageId& id) {
    Settlement settlement;
    settlement.id = id;
    settlement.changes.emplace_back().state.stage = RecipientStage::Delivered;
    Event& event = settlement.events.emplace_back();
    event.message = id;
    event.at = clock_.now();
    test::Waiter waiter;
    store_.spool().settle(settlement, waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  std::vector<MessageId> fill() {
    std::vector<MessageId> ids;
    for (MessageId id = next_id(); accept(id); id = next_id()) ids.push_back(id);
    return ids;
  }
  std::uint64_t file_octets() { return store_.spool().usage().value().file_octets; }

  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore store_{limits()};
};

TEST_F(SpoolSpaceTest, IsThereAgainOnceAFullSpoolIsDelivered) {
  for (int round = 0; round < 5; ++round) {
    const std::vector<MessageId> ids = fill();
    EXPECT_GT(ids.size(), 20U) << "round " << round;
    for (const MessageId& id : ids) deliver(id);
    EXPECT_EQ(store_.spool().look_at_space().finding, SpaceFinding::Room);
  }
  EXPECT_LT(file_octets(), limits().max_octets + kMebi);
}

TEST_F(SpoolSpaceTest, HoldsItsCapAgainstABurstBetweenTwoLooks) {
  ASSERT_TRUE(store_.spool().can_accept());
  std::vector<test::Waiter> waiters(100);
  std::size_t accepted = 0;
  for (test::Waiter& waiter : waiters) {
    const test::Draft draft = make_draft(next_id(), clock_.now(), {"a.example"});
    auto writer = store_.spool().open_message(draft.message.id);
    writer->append(std::string(200'000, 'x'));
    store_.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
  }
  for (test::Waiter& waiter : waiters) accepted += waiter.get() ? 1 : 0;
  EXPECT_GT(accepted, 20U);
  EXPECT_LT(accepted, 40U);
  EXPECT_LT(file_octets(), limits().max_octets + kMebi);
}

TEST_F(SpoolSpaceTest, IsRefusedForAReaderThatStaysAndNamesIt) {
  const pid_t self = ::getpid();
  store_.close();
  {
    const auto environment = LmdbEnvironment::open({.folder = store_.folder() / "spool",
                                                    .map_octets = std::size_t{1} << 38,
                                                    .tables = kSpoolTables})
                                 .value();
    const SpoolLimits bounds = limits();
    SpaceGuard guard(*environment, bounds);
    const auto write = [&](char octet) {
      WriteTransaction writer(*environment);
      ASSERT_EQ(writer.begin(), 0);
      for (int row = 0; row < 300; ++row) {
        const std::string key = "row " + std::to_string(row);
        ASSERT_TRUE(WritableTable(writer, SpoolTable::Content).put(key, std::string(4000, octet)));
      }
      ASSERT_EQ(writer.commit(), 0);
    };
    write('a');
    {
      ReadTransaction old(*environment);
      ASSERT_TRUE(old.begin());
      for (char octet = 'b'; octet < 'n'; ++octet) write(octet);
      const SpoolSpace space = guard.look();
      EXPECT_EQ(space.finding, SpaceFinding::Pinned);
      EXPECT_EQ(space.pinned_by, self);
      EXPECT_GT(space.pinned_octets, 4 * kMebi);
      EXPECT_EQ(guard.check().error().code(), ErrorCode::StorageFull);
    }
    write('y');
    const SpoolSpace space = guard.look();
    EXPECT_EQ(space.finding, SpaceFinding::Room);
    EXPECT_FALSE(space.pinned_by.has_value());
    EXPECT_EQ(space.pinned_octets, 0U);
  }
  store_.open();
}

// A last chunk and the record want little, and may find the room that a whole chunk of the same message did not: in one commit with
// that it must not be acknowledged.
TEST_F(SpoolSpaceTest, AcceptsNoMessageOneOfWhoseChunksFoundNone) {
  // How many of `count` messages of so many chunks and a little are accepted, all in one commit of an empty spool.
  const auto accept_at_once = [this](std::uint32_t chunks, std::size_t count) {
    TempStore store(limits());
    std::promise<void> is_held;
    std::promise<void> may_go_on;
    // The commit thread waits here.
    store.spool().record_event(Event{}, [&](const Result<void>&) {
      is_held.set_value();
      may_go_on.get_future().wait();
    });
    is_held.get_future().wait();
    const std::string content = std::string(chunks * kChunkOctets, 'x') + "the last of it\r\n";
    std::vector<test::Waiter> waiters(count);
    std::vector<MessageId> ids;
    for (test::Waiter& waiter : waiters) {
      const test::Draft draft = make_draft(ids.emplace_back(next_id()), clock_.now(), {"a.example"});
      auto writer = store.spool().open_message(draft.message.id);
      writer->append(content);
      store.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
    }
    may_go_on.set_value();
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!waiters[i].get()) continue;
      ++accepted;
      for (std::uint32_t chunk = 0; chunk <= chunks; ++chunk) {
        EXPECT_TRUE(store.spool().read_chunk(ids[i], chunk)) << "chunk " << chunk << " of message " << i;
      }
    }
    return accepted;
  };
  for (const std::uint32_t chunks : {2U, 3U, 4U, 5U}) {
    SCOPED_TRACE(chunks);
    const std::size_t fitting = accept_at_once(chunks, 200 / chunks);
    EXPECT_GT(fitting, 10U);
    EXPECT_LT(fitting, 200 / chunks);
    EXPECT_EQ(accept_at_once(chunks, fitting + 1), fitting) << "one more, and none behind it that would fail the whole commit";
  }
}

}  // namespace
}  // namespace postern::store
