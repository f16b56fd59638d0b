// Every write of a short life of the spool fails once, in each of the ways a disk fails: what was acknowledged stays, nothing is
// half there, and a full disk is over when there is room again.
#include "tests/faults/disk_faults.h"
#include "tests/support/temp_store.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace postern::store {
namespace {

using test::Draft;
using test::make_draft;
using test::TempStore;
using test::Waiter;
namespace disk = test::disk;

constexpr Instant kNow{std::chrono::hours(24 * 365 * 50)};

std::string content_of(const MessageId& id, std::size_t size) {
  std::string content;
  while (content.size() < size) content += format_message_id(id) + "\r\n";
  content.resize(size);
  return content;
}

// One short life: small messages, a streamed one, an abandoned one, settling with a notification, expiry.
class Life {
 public:
  explicit Life(TempStore& store) : store_(store) {}

  void run() {
    const MessageId first = accept(100);
    accept(3 * kChunkOctets);
    abandon();
    settle(first);
    accept(20'000);
    record(outcome_of([&] { return store_.spool().remove_expired(kNow, 10); }));
  }

  struct Acknowledged {
    MessageId id;
    std::size_t size;
  };
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  const std::optional<MessageId>& settled() const { return settled_; }
  const std::vector<ErrorCode>& errors() const { return errors_; }

 private:
  template <class Call>
  static Result<void> outcome_of(Call call) {
    auto result = call();
    if (!result) return result.error();
    return {};
  }
  void record(const Result<void>& outcome) {
    if (!outcome) errors_.push_back(outcome.error().code());
  }
  MessageId next_id() { return make_message_id(kNow + Duration(count_++), random_); }

  MessageId accept(std::size_t size) {
    const MessageId id = next_id();
    const Result<void> outcome =
        test::commit_draft(store_.spool(), make_draft(id, kNow, {"a.example"}), content_of(id, size));
    if (outcome) acknowledged_.push_back({.id = id, .size = size});
    record(outcome);
    return id;
  }
  void abandon() {
    std::unique_ptr<MessageWriter> writer = store_.spool().open_message(next_id());
    writer->append(std::string(6 * kChunkOctets, 'x'));
    Waiter waiter;
    writer->drain(waiter.completion());
    record(waiter.get());
  }
  void settle(const MessageId& id) {
    Settlement settlement;
    settlement.id = id;
    settlement.changes.push_back({.index = 0, .state = {}});
    settlement.changes[0].state.stage = RecipientStage::Bounced;
    const Draft dsn = make_draft(next_id(), kNow, {"sender.example"});
    settlement.notifications.push_back({.message = dsn.message, .delivery = dsn.delivery, .content = "bounced"});
    Waiter waiter;
    store_.spool().settle(settlement, waiter.completion());
    const Result<void> outcome = waiter.get();
    if (outcome) settled_ = id;
    if (!outcome && outcome.error().code() == ErrorCode::NotFound) return;  // it was never accepted
    record(outcome);
  }

  TempStore& store_;
  test::FakeRandom random_;
  int count_ = 0;
  std::vector<Acknowledged> acknowledged_;
  std::optional<MessageId> settled_;
  std::vector<ErrorCode> errors_;
};

void expect_kept(TempStore& store, const Life& life) {
  for (const Life::Acknowledged& message : life.acknowledged()) {
    const std::optional<StoredMessage> stored = store.spool().find(message.id).value();
    ASSERT_TRUE(stored.has_value());
    if (life.settled() == message.id) {
      EXPECT_TRUE(stored->delivery.is_settled());
      continue;
    }
    EXPECT_EQ(test::read_content(store.spool(), stored->message), content_of(message.id, message.size));
  }
}

struct Fault {
  const char* name;
  int error;  // 0: the write is cut short
};

// Runs lives with the n-th write failing, until one meets no fault. Returns how many met one.
std::size_t sweep(const Fault& fault) {
  for (std::size_t nth = 1;; ++nth) {
    SCOPED_TRACE(std::string(fault.name) + ", write " + std::to_string(nth));
    TempStore store;
    disk::reset();
    disk::fail(disk::Call::Write, nth, fault.error, false);
    Life life(store);
    life.run();
    const bool was_met = disk::was_met();
    disk::reset();
    if (!store.spool().has_failed()) {
      expect_kept(store, life);
      Life after(store);
      after.run();
      // Ids repeat, so that what was acknowledged before is refused now; nothing else may be.
      for (const ErrorCode code : after.errors()) EXPECT_EQ(code, ErrorCode::AlreadyExists);
    }
    store.reopen();
    expect_kept(store, life);
    EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
    if (!was_met || testing::Test::HasFailure()) return nth - 1;
  }
}

class SpoolFault : public testing::TestWithParam<Fault> {};

TEST_P(SpoolFault, LosesNothingAcknowledgedWhicheverWriteFails) {
  EXPECT_GT(sweep(GetParam()), 10U);
  disk::reset();
}

INSTANTIATE_TEST_SUITE_P(Kinds, SpoolFault,
                         testing::Values(Fault{"NoSpace", ENOSPC}, Fault{"IoError", EIO}, Fault{"QuotaReached", EDQUOT},
                                         Fault{"CutShort", 0}),
                         [](const testing::TestParamInfo<Fault>& kind) { return std::string(kind.param.name); });

TEST(FullDisk, IsStorageFullAndOverWhenThereIsRoomAgain) {
  TempStore store;
  disk::reset();
  Life before(store);
  before.run();
  ASSERT_TRUE(before.errors().empty());
  disk::fail(disk::Call::Write, 1, ENOSPC, true);
  test::FakeRandom random(7);
  std::vector<Waiter> waiters(10);
  for (Waiter& waiter : waiters) {
    const MessageId id = make_message_id(kNow, random);
    Draft draft = make_draft(id, kNow, {"a.example"});
    std::unique_ptr<MessageWriter> writer = store.spool().open_message(id);
    writer->append("content");
    store.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
  }
  for (Waiter& waiter : waiters) EXPECT_EQ(waiter.get().error().code(), ErrorCode::StorageFull);
  EXPECT_FALSE(store.spool().has_failed());
  expect_kept(store, before);
  disk::reset();
  const MessageId id = make_message_id(kNow, random);
  EXPECT_TRUE(test::commit_draft(store.spool(), make_draft(id, kNow, {"a.example"}), "content"));
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

// The message's chunks and its commit are one batch, which is tried again request by request: with so many failures in a row a
// chunk is lost and a later one is not.
TEST(FullDisk, RefusesAStreamedMessageWholeWhicheverOfItsChunksFoundNoRoom) {
  test::FakeRandom random(8);
  for (std::size_t failures = 1; failures < 8; ++failures) {
    SCOPED_TRACE(failures);
    TempStore store;
    const MessageId id = make_message_id(kNow, random);
    disk::fail_some(disk::Call::Write, 1, failures, ENOSPC);
    const Result<void> outcome =
        test::commit_draft(store.spool(), make_draft(id, kNow, {"a.example"}), content_of(id, 3 * kChunkOctets + 100));
    disk::reset();
    EXPECT_TRUE(outcome || outcome.error().code() == ErrorCode::StorageFull) << outcome.error().message();
    EXPECT_EQ(store.spool().find(id).value().has_value(), outcome.has_value());
    EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
  }
}

// No interposed fault here: the kernel itself cuts the write short, and LMDB calls that an I/O error.
TEST(FullDisk, IsRecognisedWhenItCutsAWriteShort) {
  std::signal(SIGXFSZ, SIG_IGN);
  TempStore store;
  disk::reset();
  test::FakeRandom random;
  const auto accept = [&] {
    const MessageId id = make_message_id(kNow, random);
    return test::commit_draft(store.spool(), make_draft(id, kNow, {"a.example"}), std::string(kChunkOctets, 'x'));
  };
  ASSERT_TRUE(accept());
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  rlimit limit = unlimited;
  limit.rlim_cur = store.spool().usage().value().file_octets + 10'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Result<void> refused = accept();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  EXPECT_EQ(refused.error().code(), ErrorCode::StorageFull);
  EXPECT_TRUE(accept());
  EXPECT_EQ(store.spool().usage().value().messages, 2U);
}

}  // namespace
}  // namespace postern::store
