// The power fails at every sync of a recorded run: on each image that the disk may hold then, the store opens, every
// acknowledged message is there whole, every settlement that was written down holds, every index agrees, and mail goes on.
#include "tests/faults/power_loss.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace postern::store {
namespace {

using test::Draft;
using test::DiskImage;
using test::LossyDisk;
using test::TempFolder;
using test::Waiter;
namespace disk = test::disk;

constexpr Instant kNow{std::chrono::hours(24 * 365 * 50)};
constexpr Instant kAfterRetention = kNow + std::chrono::days(8);
constexpr int kRounds = 4;

// More of them in a long run: scripts/torture power.
std::size_t parts_per_boundary() {
  const char* wanted = std::getenv("POSTERN_POWER_PARTS");
  return wanted == nullptr ? 2 : static_cast<std::size_t>(std::atoi(wanted));
}

// All of a message follows from its id.
bool is_big(const MessageId& id) { return id.octets[15] % 8 == 0; }
bool has_claim(const MessageId& id) { return id.octets[15] % 2 == 0; }
std::string content_of(const MessageId& id) {
  const std::size_t size = is_big(id) ? 5 * kChunkOctets + id.octets[14] : std::size_t{16} * id.octets[14];
  std::string content;
  while (content.size() < size) content += format_message_id(id) + "\r\n";
  content.resize(size);
  return content;
}
IdempotencyClaim claim_of(const MessageId& id) {
  IdempotencyClaim claim;
  std::ranges::copy(id.octets, claim.key_digest.begin());
  return claim;
}
MessageId notification_of(MessageId id) {
  id.octets[15] ^= 0xff;
  return id;
}
Draft draft_of(const MessageId& id) {
  Draft draft = test::make_draft(id, kNow, {"a.example"}, id.octets[13] % 3 == 0 ? Environment::Test : Environment::Live);
  if (draft.message.environment == Environment::Test) draft.delivery.content_until = kAfterRetention + std::chrono::hours(1);
  return draft;
}

std::string noted(char what, const MessageId& id) {
  return what + std::string(reinterpret_cast<const char*>(id.octets.data()), id.octets.size());
}

// What a run was told: acknowledged before the power failed.
struct Acknowledged {
  std::set<MessageId> messages;
  std::set<MessageId> settled;
  std::set<std::string> accounts;
  std::set<MessageId> may_be_gone;  // settled when an expiry began

  void read(const disk::Operation& operation) {
    if (operation.kind != disk::Operation::Kind::Note) return;
    const std::string rest = operation.octets.substr(1);
    MessageId id;
    if (rest.size() == id.octets.size()) std::ranges::copy(rest, reinterpret_cast<char*>(id.octets.data()));
    switch (operation.octets[0]) {
      case 'A': messages.insert(id); break;
      case 'S': settled.insert(id); break;
      case 'D': accounts.insert(rest); break;
      case 'X': may_be_gone = messages; break;
      default: ADD_FAILURE() << operation.octets;
    }
  }
};

// The recorded run: several messages a commit, content streamed before its commit, one abandoned, settling with a notification,
// cancelling, expiry, and the directory's writes beside it.
class Life {
 public:
  explicit Life(Store& store) : spool_(store.spool()), directory_(store.directory()) {}

  void run() {
    for (int round = 0; round < kRounds; ++round) {
      const std::vector<MessageId> ids = accept_together(5);
      abandon();
      settle_together({ids[0], ids[1], ids[2]});
      cancel(ids[3]);
      put_account("account" + std::to_string(round));
      if (round % 3 == 2) expire();
    }
    waiting_ = spool_.open_message(next_id());
    waiting_->append(std::string(6 * kChunkOctets, 'x'));
    Waiter waiter;
    waiting_->drain(waiter.completion());
    ASSERT_TRUE(waiter.get());
  }

 private:
  MessageId next_id() { return make_message_id(kNow + std::chrono::milliseconds(count_++), random_); }

  std::vector<MessageId> accept_together(std::size_t count) {
    std::vector<MessageId> ids;
    std::vector<Waiter> waiters(count);
    for (Waiter& waiter : waiters) {
      const MessageId id = ids.emplace_back(next_id());
      std::unique_ptr<MessageWriter> writer = spool_.open_message(id);
      if (!writer->append(content_of(id))) drain(*writer);
      NewMessage message = draft_of(id).new_message();
      if (has_claim(id)) message.claim = claim_of(id);
      spool_.commit(std::move(writer), std::move(message), noting('A', id, waiter));
    }
    for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.get());
    return ids;
  }
  void abandon() {
    std::unique_ptr<MessageWriter> writer = spool_.open_message(next_id());
    writer->append(std::string(6 * kChunkOctets, 'x'));
    drain(*writer);
  }
  static void drain(MessageWriter& writer) {
    Waiter waiter;
    writer.drain(waiter.completion());
    EXPECT_TRUE(waiter.get());
  }
  void settle_together(const std::vector<MessageId>& ids) {
    std::vector<Waiter> waiters(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) spool_.settle(bounce(ids[i]), noting('S', ids[i], waiters[i]));
    for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.get());
  }
  static Settlement bounce(const MessageId& id) {
    Settlement settlement;
    settlement.id = id;
    settlement.changes.push_back({.index = 0, .state = {}});
    settlement.changes[0].state.stage = RecipientStage::Bounced;
    const Draft dsn = test::make_draft(notification_of(id), kNow, {"sender.example"});
    settlement.notifications.push_back({.message = dsn.message, .delivery = dsn.delivery, .content = "bounced"});
    return settlement;
  }
  void cancel(const MessageId& id) {
    ASSERT_TRUE(spool_.cancel(id, kNow));
    disk::record_note(noted('S', id));
  }
  void put_account(const std::string& name) {
    AccountRecord account;
    std::ranges::copy(name, reinterpret_cast<char*>(account.id.octets.data()));
    account.name = name;
    ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.put_account(account); }));
    disk::record_note('D' + name);
  }
  void expire() {
    disk::record_note("X");
    ASSERT_TRUE(spool_.remove_expired(kAfterRetention, 100));
  }
  static Completion noting(char what, const MessageId& id, Waiter& waiter) {
    return [what, id, done = waiter.completion()](Result<void> outcome) {
      if (outcome) disk::record_note(noted(what, id));
      done(std::move(outcome));
    };
  }

  Spool& spool_;
  Directory& directory_;
  test::FakeRandom random_;
  int count_ = 0;
  std::unique_ptr<MessageWriter> waiting_;  // still arriving when the run ends
};

// --- What has to hold on an image --------------------------------------------------------------------------------------

void expect_message(const Spool& spool, const StoredMessage& stored) {
  const MessageId& id = stored.message.id;
  const bool is_notification = stored.message.envelope.recipients[0].mailbox.domain == "sender.example";
  if (is_notification) {
    EXPECT_EQ(test::read_content(spool, stored.message), "bounced");
    return;
  }
  const bool has_content = !stored.delivery.is_settled() || stored.delivery.content_until.has_value();
  EXPECT_TRUE(!has_content || test::read_content(spool, stored.message) == content_of(id)) << format_message_id(id);
}

// What the queue would take: each once, and nothing that is settled.
void expect_due_once(const Spool& spool) {
  std::set<MessageId> due;
  for (const DueEntry& entry : spool.queued(std::nullopt, 10'000).value()) {
    EXPECT_TRUE(due.insert(entry.id).second) << format_message_id(entry.id) << " is due twice";
    const std::optional<StoredMessage> stored = spool.find(entry.id).value();
    EXPECT_TRUE(stored && !stored->delivery.is_settled()) << format_message_id(entry.id);
  }
}

void expect_acknowledged(const Spool& spool, const Acknowledged& acknowledged) {
  for (const MessageId& id : acknowledged.messages) {
    const std::optional<StoredMessage> stored = spool.find(id).value();
    if (acknowledged.may_be_gone.contains(id) && acknowledged.settled.contains(id) && !stored) continue;
    ASSERT_TRUE(stored.has_value()) << format_message_id(id) << " was acknowledged and is lost";
    const bool was_settled = acknowledged.settled.contains(id);
    EXPECT_TRUE(stored->delivery.is_settled() || !was_settled) << format_message_id(id) << " would be delivered again";
  }
}

// Message and claim, settlement and notification: both or neither.
void expect_together(const Spool& spool, const Acknowledged& acknowledged) {
  for (const StoredMessage& stored : spool.list(std::nullopt, 10'000).value()) {
    expect_message(spool, stored);
    const MessageId& id = stored.message.id;
    if (stored.message.envelope.recipients[0].mailbox.domain == "sender.example" || acknowledged.may_be_gone.contains(id)) continue;
    const auto record = spool.find_idempotent(stored.message.account, claim_of(id).key_digest, kNow).value();
    EXPECT_EQ(record.has_value(), has_claim(id));
    EXPECT_EQ(record ? record->message : id, id);
    const bool has_bounced = stored.delivery.recipients[0].stage == RecipientStage::Bounced;
    EXPECT_EQ(spool.find(notification_of(id)).value().has_value(), has_bounced);
  }
}

void expect_sound(Store& store, const Acknowledged& acknowledged) {
  expect_acknowledged(store.spool(), acknowledged);
  expect_together(store.spool(), acknowledged);
  expect_due_once(store.spool());
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
  for (const std::string& name : acknowledged.accounts) {
    EXPECT_TRUE(store.directory().find_account_named(name).value().has_value()) << name;
  }
  test::FakeRandom random(99);
  const MessageId id = make_message_id(kAfterRetention, random);
  EXPECT_TRUE(test::commit_draft(store.spool(), draft_of(id), content_of(id)));
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

struct Count {
  std::size_t boundaries = 0;
  std::size_t images = 0;
};

void expect_image(const DiskImage& image, const Acknowledged& acknowledged) {
  const TempFolder folder;
  test::write_image(image, folder.path() / "store");
  disk::skip_syncs(true);
  {
    auto store = Store::open({.folder = folder.path() / "store", .spool = test::small_limits(), .runs_recovery = true});
    if (store) expect_sound(**store, acknowledged);
    EXPECT_TRUE(store) << store.error().message();
  }
  disk::skip_syncs(false);
}

bool is_boundary(const disk::Operation& operation) {
  return operation.kind == disk::Operation::Kind::Sync || operation.kind == disk::Operation::Kind::MetaWrite;
}

// Fails the power just before each sync is done (what it would have saved is in doubt then), and at the end.
Count fail_power_everywhere(const DiskImage& before, const std::vector<disk::Operation>& operations, Acknowledged acknowledged) {
  LossyDisk files(before);
  test::FakeRandom random(7);
  Count count;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const disk::Operation& operation = operations[i];
    acknowledged.read(operation);
    LossyDisk in_doubt = files;
    if (operation.kind == disk::Operation::Kind::MetaWrite) in_doubt.write(operation);
    files.apply(operation);
    if (!is_boundary(operation)) continue;
    ++count.boundaries;
    in_doubt.visit_images(random, parts_per_boundary(), [&](const DiskImage& image, const std::string& name) {
      SCOPED_TRACE("operation " + std::to_string(i) + ", on the disk: " + name);
      ++count.images;
      expect_image(image, acknowledged);
      return !testing::Test::HasFailure();
    });
    if (testing::Test::HasFailure()) return count;
  }
  expect_image(files.whole(), acknowledged);
  return count;
}

TEST(PowerLoss, LosesNothingAcknowledgedAtAnySyncOfARun) {
  const TempFolder folder;
  std::vector<disk::Operation> operations;
  disk::reset();
  disk::start_recording(folder.path());
  {
    const auto store = Store::open({.folder = folder.path(), .spool = test::small_limits(), .runs_recovery = true}).value();
    Life(*store).run();
  }
  operations = disk::stop_recording();
  LossyDisk all;
  for (const disk::Operation& operation : operations) all.apply(operation);
  ASSERT_TRUE(all.whole() == test::read_image(folder.path())) << "the recording misses a write";

  const Count count = fail_power_everywhere({}, operations, {});
  EXPECT_GT(count.boundaries, 60U);
  std::printf("    %zu syncs, %zu images of the disk\n", count.boundaries, count.images);
}

}  // namespace
}  // namespace postern::store
