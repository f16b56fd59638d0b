// Stores of schema version 1, whose due index had no lanes: they are brought over once, however
// often that is interrupted, and by nobody beside a server that has them open.
// tests/unit/app/upgrade_test.cc opens one that a released version wrote.
#include "store/migration.h"

#include "store/codec.h"
#include "store/crc32c.h"
#include "store/due_index.h"
#include "store/octets.h"
#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace postern::store {
namespace {

using std::chrono::seconds;

std::unique_ptr<LmdbEnvironment> open_part(const test::TempStore& store, bool is_spool) {
  const std::filesystem::path folder = store.folder() / (is_spool ? "spool" : "directory");
  const auto tables = is_spool ? std::span<const std::string_view>(kSpoolTables)
                               : std::span<const std::string_view>(kDirectoryTables);
  return LmdbEnvironment::open({.folder = folder, .map_octets = 1U << 30, .tables = tables})
      .value();
}

template <class Change>
void write(LmdbEnvironment& environment, Change change) {
  WriteTransaction transaction(environment);
  ASSERT_EQ(transaction.begin(), 0);
  change(transaction);
  ASSERT_EQ(transaction.commit(), 0);
}

void put_version(WriteTransaction& transaction, std::uint32_t version) {
  std::string record;
  encode(SchemaVersion{version}, record);
  ASSERT_TRUE(WritableTable(transaction, SpoolTable::Meta).put(kSchemaKey, record));
}

// As record version 2 was: a number for the lane, and no time that was asked for.
std::string second_version(DeliveryRecord delivery) {
  delivery.lane.clear();  // one octet, as the number 0
  delivery.scheduled_at.reset();
  std::string octets;
  encode(delivery, octets);
  octets.resize(octets.size() - 4 - 1 - delivery.recipients.size());  // and no routes
  octets[1] = 2;
  const std::uint32_t sum = crc32c(octets);
  for (int i = 0; i < 4; ++i) octets.push_back(static_cast<char>((sum >> (8 * i)) & 0xff));
  return octets;
}

class Migration : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::vector<std::vector<std::string>> addressed = {{"a.example"},
                                                             {"b.example"},
                                                             {"a.example", "b.example"},
                                                             {"a.example", "a.example"},
                                                             {"c.example"}};
    for (const auto& domains : addressed) {
      const MessageId id = make_message_id(Instant{seconds(ids_.size())}, random_);
      test::Draft draft = test::make_draft(id, Instant{seconds(100)}, domains);
      ASSERT_TRUE(test::commit_draft(store_.spool(), draft, "x\r\n"));
      ids_.push_back(id);
    }
    const MessageId tested = make_message_id(Instant{seconds(50)}, random_);
    ASSERT_TRUE(test::commit_draft(
        store_.spool(),
        test::make_draft(tested, Instant{seconds(1)}, {"a.example"}, Environment::Test), "x"));
    ids_.push_back(tested);
    store_.close();
    make_old();
  }

  // What the version before wrote: rows by due time with a hash, no lanes, schema version 1.
  void make_old() {
    for (const bool is_spool : {false, true}) {
      const auto environment = open_part(store_, is_spool);
      write(*environment, [&](WriteTransaction& transaction) {
        put_version(transaction, 1);
        if (is_spool) move_back(transaction);
      });
    }
  }
  void move_back(WriteTransaction& transaction) {
    const std::vector<DueEntry> rows = list_queued(transaction, std::nullopt, 100).value();
    for (const DueEntry& row : rows) ASSERT_TRUE(erase_due(transaction, row.lane, row.key()));
    for (const MessageId& id : ids_) {
      const std::string octets(transaction_record(transaction, id));
      const DeliveryRecord delivery = decode<DeliveryRecord>(octets).value();
      ASSERT_TRUE(WritableTable(transaction, SpoolTable::Deliveries)
                      .put(octets_of(id.octets), second_version(delivery)));
      const KeyOctets key = KeyOctets().add(*delivery.due).add(id.octets);
      ASSERT_TRUE(WritableTable(transaction, SpoolTable::DueOfOld).put(key, "8 octets"));
    }
  }
  static std::string_view transaction_record(Transaction& transaction, const MessageId& id) {
    return Table(transaction, SpoolTable::Deliveries).find(octets_of(id.octets)).value().value();
  }

  void expect_whole() {
    EXPECT_EQ(store_.spool().examine().value(), std::vector<std::string>());
    EXPECT_EQ(store_.spool().usage().value().queued, ids_.size());
    std::string lanes;
    const std::vector<LaneHead> heads = store_.spool().lanes(std::nullopt, 100).value();
    for (const LaneHead& head : heads) {
      lanes += head.lane + ' ' +
               std::to_string(
                   store_.spool().due(head.lane, {}, Instant::max(), 100).value().keys.size()) +
               ' ';
    }
    EXPECT_EQ(lanes, "<test> 1 a.example 3 b.example 2 c.example 1 ");
  }

  test::FakeRandom random_;
  test::TempStore store_;
  std::vector<MessageId> ids_;
};

TEST_F(Migration, MovesWhatIsDueIntoLanesOnce) {
  store_.open();
  expect_whole();
  for (const MessageId& id : ids_) {  // and what came from before is settled as any other
    Settlement settlement{.id = id, .changes = {}, .events = {}, .notifications = {}};
    const std::size_t recipients = store_.spool().find(id).value()->delivery.recipients.size();
    for (std::uint32_t i = 0; i < recipients; ++i) {
      settlement.changes.push_back({.index = i, .state = {}});
      settlement.changes.back().state.stage = RecipientStage::Delivered;
    }
    test::Waiter waiter;
    store_.spool().settle(std::move(settlement), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  EXPECT_TRUE(store_.spool().lanes(std::nullopt, 1).value().empty());
  EXPECT_EQ(store_.spool().examine().value(), std::vector<std::string>());
  store_.close();
  const auto directory = open_part(store_, false);
  const auto spool = open_part(store_, true);
  EXPECT_FALSE(needs_migration(*directory, *spool).value());
}

TEST_F(Migration, GoesOnWhereItWasInterrupted) {
  {
    const auto spool = open_part(store_, true);
    write(*spool, [this](WriteTransaction& transaction) {
      put_version(transaction, kSchemaVersion);
      const KeyOctets key = KeyOctets().add(Instant{seconds(100)}).add(ids_[0].octets);
      ASSERT_TRUE(WritableTable(transaction, SpoolTable::DueOfOld).erase(key));
      ASSERT_TRUE(put_due(transaction, "a.example", {Instant{seconds(100)}, ids_[0]}));
    });
  }
  store_.open();
  expect_whole();
}

TEST_F(Migration, IsDoneByACommandAsWellUnlessAServerHasTheStore) {
  {
    // The lock that a server of an earlier version holds.
    const std::string lock = (store_.folder() / "serve.lock").string();
    const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::flock(fd, LOCK_EX), 0);
    const auto refused = Store::open({.folder = store_.folder(), .spool = test::small_limits()});
    ::close(fd);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
    EXPECT_NE(refused.error().context().find(
                  "was written by an older Postern, and a server has it open: stop that one"),
              std::string::npos)
        << refused.error().context();
  }
  ASSERT_TRUE(Store::open({.folder = store_.folder(), .spool = test::small_limits()}));
  store_.open();
  expect_whole();
}

TEST_F(Migration, LeavesWhatIsDamagedToTheExamination) {
  {
    const auto spool = open_part(store_, true);
    write(*spool, [this](WriteTransaction& transaction) {
      ASSERT_TRUE(WritableTable(transaction, SpoolTable::DueOfOld).put("short", ""));
      ASSERT_TRUE(WritableTable(transaction, SpoolTable::Messages)
                      .put(octets_of(ids_[4].octets), "garbage"));
    });
  }
  store_.open();
  EXPECT_EQ(store_.spool().examine().value().size(), 1U);
  EXPECT_EQ(store_.spool().lanes(std::nullopt, 100).value().size(), 3U) << "the others are due";
}

}  // namespace
}  // namespace postern::store
