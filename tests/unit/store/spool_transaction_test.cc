// What the spool writes once a batch: the marks of messages that still arrive.
#include "store/spool_transaction.h"

#include "store/schema.h"
#include "store/spool_content.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

const MessageId kMessage{{1, 2, 3}};

class OpenMarksTest : public testing::Test {
 protected:
  // A batch in which `change` is all that happens; returns how many writes it took.
  template <class Change>
  std::uint64_t run_batch(Change change) {
    WriteTransaction transaction(*environment_);
    EXPECT_EQ(transaction.begin(), 0);
    EXPECT_TRUE(frame_.open(transaction));
    change(transaction, frame_.of(transaction).open_marks);
    EXPECT_TRUE(frame_.close(transaction));
    EXPECT_EQ(transaction.commit(), 0);
    return transaction.writes();
  }
  std::size_t marked() {
    ReadTransaction transaction(*environment_);
    transaction.begin().value();
    return list_open(transaction, 10).value().size();
  }

  const test::TempFolder folder_;
  const std::unique_ptr<LmdbEnvironment> environment_ =
      LmdbEnvironment::open({.folder = folder_.path() / "spool", .map_octets = 1U << 30, .tables = kSpoolTables}).value();
  const SpoolLimits limits_ = test::small_limits();
  SpaceGuard space_{*environment_, limits_};
  OpenContent open_content_{limits_.max_octets};
  SpoolFrame frame_{space_, open_content_};
};

TEST_F(OpenMarksTest, WriteNothingForAMessageThatArrivesInOneBatch) {
  const std::uint64_t writes = run_batch([](WriteTransaction& transaction, OpenMarks& marks) {
    marks.add(kMessage);
    EXPECT_TRUE(marks.remove(transaction, kMessage).value());
  });
  EXPECT_EQ(writes, 0U);
  EXPECT_EQ(marked(), 0U);
}

TEST_F(OpenMarksTest, KeepAMessageThatArrivesInSeveralBatches) {
  run_batch([](WriteTransaction&, OpenMarks& marks) { marks.add(kMessage); });
  EXPECT_EQ(marked(), 1U);
  run_batch([](WriteTransaction& transaction, OpenMarks& marks) {
    EXPECT_TRUE(marks.remove(transaction, kMessage).value());
    EXPECT_FALSE(marks.remove(transaction, kMessage).value());
  });
  EXPECT_EQ(marked(), 0U);
}

TEST_F(OpenMarksTest, ForgetABatchThatFailed) {
  {
    WriteTransaction transaction(*environment_);
    ASSERT_EQ(transaction.begin(), 0);
    ASSERT_TRUE(frame_.open(transaction));
    frame_.of(transaction).open_marks.add(kMessage);
  }
  run_batch([](WriteTransaction& transaction, OpenMarks& marks) {
    EXPECT_FALSE(marks.remove(transaction, kMessage).value());
  });
  EXPECT_EQ(marked(), 0U);
}

}  // namespace
}  // namespace postern::store
