#include "reception/unsubscribing.h"

#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace postern::reception {
namespace {

struct Unsubscribing : ::testing::Test {
  Unsubscribing() {
    store::AccountRecord account;
    account.id = wish.account;
    account.name = "acme";
    EXPECT_TRUE(store.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(account); }));
  }

  void send(Environment environment) {
    test::Draft draft = test::make_draft(wish.message, now, {"x.example"}, environment);
    draft.message.account = wish.account;
    ASSERT_TRUE(test::commit_draft(store.spool(), draft, "content"));
    wish.environment = environment;
  }
  bool is_kept_back(std::string_view entry) const { return store.directory().is_suppressed(wish.account, entry, now).value(); }
  std::ptrdiff_t told() {
    const auto events = store.spool().events_of(wish.message).value();
    return std::ranges::count(events, EventType::RecipientUnsubscribed, &Event::type);
  }

  mutable test::TempStore store;
  const Instant now = Instant(std::chrono::hours(500'000));
  domains::Unsubscription wish{.account = {{1}}, .message = {{2}}, .stream = "news", .address = "to@x.example"};
};

TEST_F(Unsubscribing, KeepsTheStreamBackAndTellsItOnce) {
  send(Environment::Live);
  EXPECT_TRUE(unsubscribe(*store, wish, now).value());
  EXPECT_FALSE(unsubscribe(*store, wish, now).value()) << "again";
  EXPECT_TRUE(is_kept_back("to@x.example news"));
  EXPECT_FALSE(is_kept_back("to@x.example"));
  EXPECT_EQ(told(), 1);
  const auto entry = store.directory().find_suppression(wish.account, "to@x.example news").value();
  EXPECT_EQ(entry->reason, store::SuppressionReason::Unsubscribe);
  EXPECT_EQ(entry->message, wish.message);
  const Event event = store.spool().events_of(wish.message).value().back();
  EXPECT_EQ(event.recipient, "to@x.example");
  EXPECT_EQ(event.detail, "news");
  EXPECT_EQ(event.account, wish.account);
}

TEST_F(Unsubscribing, OfTestMailIsToldAndSuppressesNobody) {
  send(Environment::Test);
  EXPECT_TRUE(unsubscribe(*store, wish, now).value());
  EXPECT_FALSE(is_kept_back("to@x.example news"));
  EXPECT_EQ(told(), 1);
}

TEST_F(Unsubscribing, HoldsWhereTheMessageIsGone) {
  EXPECT_FALSE(unsubscribe(*store, wish, now).value());
  EXPECT_TRUE(is_kept_back("to@x.example news"));
}

TEST_F(Unsubscribing, FromAnAccountThatIsGoneIsRefused) {
  wish.account = {{7}};
  EXPECT_EQ(unsubscribe(*store, wish, now).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace postern::reception
