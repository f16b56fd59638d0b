// The directory: accounts, keys, whitelist, counters, and that a change is all or nothing.
#include "store/directory.h"

#include "lmdb/commit_queue.h"
#include "store/octets.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using test::TempStore;
using test::Waiter;

class DirectoryTest : public testing::Test {
 protected:
  AccountRecord make_account(const std::string& name) {
    AccountRecord account;
    account.id = make_account_id(random_);
    account.name = name;
    account.created = clock_.now();
    return account;
  }
  KeyRecord make_key(const AccountId& account) {
    KeyRecord key;
    key.id = make_key_id(random_);
    key.account = account;
    key.prefix = "pk_test_abcdefgh";
    random_.fill(key.digest);
    return key;
  }
  AccountRecord put_account(const std::string& name) {
    const AccountRecord account = make_account(name);
    store_.directory().write([&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
    return account;
  }
  KeyRecord put_key(const AccountId& account) {
    const KeyRecord key = make_key(account);
    store_.directory().write([&](DirectoryWriter& writer) { return writer.put_key(key); }).value();
    return key;
  }
  Result<void> list_address(const AccountId& account, const std::string& address) {
    return store_.directory().write([&](DirectoryWriter& writer) {
      return writer.add_to_whitelist(account, {.address = address, .added = clock_.now()});
    });
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore store_;
  Directory& directory_ = store_.directory();
};

TEST_F(DirectoryTest, FindsAnAccountByIdAndByName) {
  const AccountRecord account = put_account("acme");
  EXPECT_EQ(directory_.find_account(account.id).value(), account);
  EXPECT_EQ(directory_.find_account_named("acme").value(), account);
  EXPECT_EQ(directory_.find_account_named("other").value(), std::nullopt);
  EXPECT_EQ(directory_.find_account_named("").value(), std::nullopt);
  EXPECT_EQ(directory_.list_accounts().value().size(), 1U);
}

TEST_F(DirectoryTest, FreesTheOldNameOfARenamedAccount) {
  AccountRecord account = put_account("acme");
  account.name = "acme-two";
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.put_account(account); }));
  EXPECT_EQ(directory_.find_account_named("acme").value(), std::nullopt);
  EXPECT_EQ(directory_.find_account_named("acme-two").value(), account);
}

TEST_F(DirectoryTest, RefusesASecondAccountOfOneName) {
  put_account("acme");
  const AccountRecord twin = make_account("acme");
  const Result<void> written = directory_.write([&](DirectoryWriter& writer) { return writer.put_account(twin); });
  EXPECT_EQ(written.error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(directory_.find_account(twin.id).value(), std::nullopt);
}

TEST_F(DirectoryTest, FindsAKeyWithItsAccountByDigestAndById) {
  const AccountRecord account = put_account("acme");
  const KeyRecord key = put_key(account.id);
  const Directory::KeyWithAccount found = directory_.find_key_by_digest(key.digest).value().value();
  EXPECT_EQ(found.key, key);
  EXPECT_EQ(found.account, account);
  EXPECT_EQ(directory_.find_key(key.id).value().value().key, key);
  EXPECT_FALSE(directory_.find_key_by_digest(KeyDigest{}).value().has_value());
  EXPECT_EQ(directory_.list_keys(account.id).value(), std::vector<KeyRecord>{key});
}

TEST_F(DirectoryTest, FindsKeysByWhatAPersonTypes) {
  const AccountRecord account = put_account("acme");
  const KeyRecord key = put_key(account.id);
  put_key(account.id);
  EXPECT_EQ(directory_.find_keys_starting(format_id(key.id), 10).value(), std::vector<KeyRecord>{key});
  EXPECT_EQ(directory_.find_keys_starting("pk_test_", 10).value().size(), 2U);
  EXPECT_EQ(directory_.find_keys_starting("pk_test_", 1).value().size(), 1U);
  EXPECT_TRUE(directory_.find_keys_starting("pk_live_", 10).value().empty());
}

TEST_F(DirectoryTest, RefusesASecondKeyOfOneDigestAndAKeyWithoutAccount) {
  const AccountRecord account = put_account("acme");
  KeyRecord twin = make_key(account.id);
  twin.digest = put_key(account.id).digest;
  EXPECT_EQ(directory_.write([&](DirectoryWriter& w) { return w.put_key(twin); }).error().code(), ErrorCode::AlreadyExists);
  const KeyRecord orphan = make_key(make_account_id(random_));
  EXPECT_EQ(directory_.write([&](DirectoryWriter& w) { return w.put_key(orphan); }).error().code(), ErrorCode::NotFound);
}

TEST_F(DirectoryTest, RemovesAKeyWithItsUsage) {
  const KeyRecord key = put_key(put_account("acme").id);
  const KeyUsage usage{.at = clock_.now(), .address = {}, .helo_name = "client.example"};
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.put_key_usage(key.id, usage); }));
  EXPECT_EQ(directory_.find_key_usage(key.id).value(), usage);
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.remove_key(key.id); }));
  EXPECT_EQ(directory_.find_key_usage(key.id).value(), std::nullopt);
  EXPECT_FALSE(directory_.find_key_by_digest(key.digest).value().has_value());
  EXPECT_EQ(directory_.write([&](DirectoryWriter& w) { return w.remove_key(key.id); }).error().code(), ErrorCode::NotFound);
}

TEST_F(DirectoryTest, KeepsNoUsageOfAKeyThatIsGone) {
  const KeyRecord key = put_key(put_account("acme").id);
  const KeyUsage usage{.at = clock_.now(), .address = {}, .helo_name = "client.example"};
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.remove_key(key.id); }));
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.put_key_usage(key.id, usage); }));
  EXPECT_EQ(directory_.find_key_usage(key.id).value(), std::nullopt);
}

TEST_F(DirectoryTest, RemovesAnAccountWithAllItHas) {
  const AccountRecord account = put_account("acme");
  const AccountRecord other = put_account("other");
  const KeyRecord key = put_key(account.id);
  ASSERT_TRUE(list_address(account.id, "a@b.example"));
  ASSERT_TRUE(list_address(other.id, "a@b.example"));
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) {
    return writer.add_to_counter(account.id, CounterPeriod::Day, clock_.now(), 3);
  }));
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.remove_account(account.id); }));
  EXPECT_EQ(directory_.find_account(account.id).value(), std::nullopt);
  EXPECT_FALSE(directory_.find_key(key.id).value().has_value());
  EXPECT_FALSE(directory_.is_whitelisted(account.id, "a@b.example").value());
  EXPECT_TRUE(directory_.is_whitelisted(other.id, "a@b.example").value());
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Day, clock_.now()).value(), 0U);
}

TEST_F(DirectoryTest, RollsBackAllOfAChangeThatFails) {
  const AccountRecord account = make_account("acme");
  const Result<void> written = directory_.write([&](DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    return Error(ErrorCode::Conflict, "the caller changed its mind");
  });
  EXPECT_EQ(written.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(directory_.find_account(account.id).value(), std::nullopt);
  EXPECT_EQ(directory_.find_account_named("acme").value(), std::nullopt);
}

TEST_F(DirectoryTest, WritesLaterAndTellsWhen) {
  const AccountRecord account = make_account("acme");
  Waiter waiter;
  directory_.write_later([account](DirectoryWriter& writer) { return writer.put_account(account); }, waiter.completion());
  ASSERT_TRUE(waiter.get());
  EXPECT_TRUE(directory_.find_account(account.id).value().has_value());
}

TEST_F(DirectoryTest, KeepsAWhitelistPerAccount) {
  const AccountRecord account = put_account("acme");
  ASSERT_TRUE(list_address(account.id, "a@b.example"));
  ASSERT_TRUE(list_address(account.id, "a@b.example")) << "adding twice is not an error";
  EXPECT_EQ(directory_.list_whitelist(account.id).value().size(), 1U);
  EXPECT_FALSE(directory_.is_whitelisted(account.id, "a@b.exampl").value());
  EXPECT_FALSE(directory_.is_whitelisted(account.id, "").value());
  EXPECT_FALSE(directory_.is_whitelisted(account.id, std::string(2000, 'a')).value());
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& w) { return w.remove_from_whitelist(account.id, "a@b.example"); }));
  EXPECT_EQ(directory_.write([&](DirectoryWriter& w) { return w.remove_from_whitelist(account.id, "a@b.example"); })
                .error()
                .code(),
            ErrorCode::NotFound);
}

TEST_F(DirectoryTest, BoundsTheWhitelist) {
  const AccountRecord account = put_account("acme");
  const Result<void> written = directory_.write([&](DirectoryWriter& writer) -> Result<void> {
    for (std::size_t i = 0; i < 50; ++i) {
      const WhitelistEntry entry{.address = std::to_string(i) + "@b.example", .added = clock_.now()};
      if (Result<void> added = writer.add_to_whitelist(account.id, entry); !added) return added;
    }
    return {};
  });
  ASSERT_TRUE(written);
  EXPECT_EQ(directory_.list_whitelist(account.id).value().size(), 50U);
  EXPECT_EQ(list_address(account.id, std::string(500, 'x')).error().code(), ErrorCode::InvalidArgument);
}

TEST_F(DirectoryTest, CountsByUtcDayAndMonthAndForgetsEndedPeriods) {
  const AccountRecord account = put_account("acme");
  const Instant late = Instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}} + std::chrono::hours(23);
  const Instant next_day = late + std::chrono::hours(2);
  const auto add = [&](Instant at, std::uint64_t count) {
    return directory_.write([&](DirectoryWriter& writer) -> Result<void> {
      if (Result<void> day = writer.add_to_counter(account.id, CounterPeriod::Day, at, count); !day) return day;
      return writer.add_to_counter(account.id, CounterPeriod::Month, at, count);
    });
  };
  ASSERT_TRUE(add(late - std::chrono::days(1), 1));
  ASSERT_TRUE(add(late, 2));
  ASSERT_TRUE(add(next_day, 4));
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Day, late).value(), 2U);
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Month, late).value(), 3U);
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Month, next_day).value(), 4U);
  std::size_t expired = 0;
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) -> Result<void> {
    Result<std::size_t> count = writer.expire_counters(next_day);
    if (!count) return count.error();
    expired = *count;
    return {};
  }));
  EXPECT_EQ(expired, 3U) << "two days and January";
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Day, late).value(), 0U);
  EXPECT_EQ(directory_.counter(account.id, CounterPeriod::Day, next_day).value(), 4U);
}

KeyOutline outline_for(const KeyRecord& key) {
  return {.id = key.id,
          .environment = key.environment,
          .created = key.created,
          .expires_at = key.expires_at,
          .revoked_at = key.revoked_at,
          .retires_at = key.retires_at};
}

TEST_F(DirectoryTest, OutlinesAnAccountsKeysAsTheyAre) {
  const AccountRecord account = put_account("acme");
  KeyRecord key = make_key(account.id);
  key.created = clock_.now();
  const auto put = [&] { store_.directory().write([&](DirectoryWriter& writer) { return writer.put_key(key); }).value(); };
  put();
  EXPECT_EQ(directory_.list_key_outlines(account.id).value(), std::vector{outline_for(key)});
  key.environment = Environment::Test;
  key.expires_at = clock_.now() + std::chrono::hours(1);
  key.revoked_at = clock_.now() + std::chrono::hours(2);
  key.retires_at = clock_.now() + std::chrono::hours(3);
  put();
  EXPECT_EQ(directory_.list_key_outlines(account.id).value(), std::vector{outline_for(key)});
  store_.directory().write([&](DirectoryWriter& writer) { return writer.remove_key(key.id); }).value();
  EXPECT_TRUE(directory_.list_key_outlines(account.id).value().empty());
}

// The row's value was empty in the first version.
TEST(KeyOutlines, AreThereForAKeyThatAnEarlierVersionWrote) {
  test::TempFolder folder;
  const auto open = [&] {
    return LmdbEnvironment::open({.folder = folder.path(), .map_octets = 1U << 30, .tables = kDirectoryTables}).value();
  };
  KeyRecord key;
  key.id.octets[0] = 1;
  key.account.octets[0] = 2;
  key.environment = Environment::Test;
  key.revoked_at = Instant(std::chrono::hours(4));
  {
    const auto environment = open();
    lmdb::CommitQueue queue(*environment);
    const Result<void> written = queue.run([&](WriteTransaction& transaction) -> Result<void> {
      DirectoryWriter writer(transaction);
      AccountRecord account;
      account.id = key.account;
      account.name = "acme";
      if (Result<void> put = writer.put_account(account); !put) return put;
      if (Result<void> put = writer.put_key(key); !put) return put;
      WritableTable rows(transaction, DirectoryTable::AccountKeys);
      return rows.put(KeyOctets().add(key.account.octets).add(key.id.octets), {});
    });
    ASSERT_TRUE(written);
  }
  const Directory directory(open(), std::chrono::seconds(5));
  EXPECT_EQ(directory.list_key_outlines(key.account).value(), std::vector{outline_for(key)});
}

}  // namespace
}  // namespace postern::store
