// Which failures suppress an address, and that suppressed recipients are left out.
#include "relay/suppression.h"

#include "tests/unit/relay/queue_fixture.h"

#include <gmock/gmock.h>

namespace postern::relay {
namespace {

using store::RecipientStage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HardBounce, OnlyWhatIsAboutTheAddressItself) {
  const struct {
    Status status;
    bool is_hard;
    std::string_view what;
  } kRows[] = {
      {{550, EnhancedCode{5, 1, 1}, ""}, true, "no such mailbox"},
      {{550, EnhancedCode{5, 1, 2}, ""}, true, "no such domain"},
      {{553, EnhancedCode{5, 1, 3}, ""}, true, "bad syntax"},
      {{551, EnhancedCode{5, 1, 6}, ""}, true, "moved"},
      {{556, EnhancedCode{5, 1, 10}, ""}, true, "null MX"},
      {{550, EnhancedCode{5, 2, 1}, ""}, true, "mailbox disabled"},
      {{550, std::nullopt, "no"}, false, "may be a policy"},
      {{552, EnhancedCode{5, 2, 2}, ""}, false, "mailbox full"},
      {{552, EnhancedCode{5, 3, 4}, ""}, false, "message too big"},
      {{550, EnhancedCode{5, 7, 1}, ""}, false, "policy"},
      {{550, EnhancedCode{5, 1, 8}, ""}, false, "the sender's address"},
      {{450, EnhancedCode{4, 1, 1}, ""}, false, "for now"},
      {{450, EnhancedCode{5, 1, 1}, ""}, false, "the code says for now"},
      {{550, EnhancedCode{5, 1, 3}, "http://www.spamhaus.org/query/bl?ip=192.0.2.222"}, false, "a block list under the wrong code"},
      {{550, EnhancedCode{5, 2, 1}, "The user you are trying to contact is receiving mail at a rate that prevents more"}, false,
       "a rate under the code of a disabled mailbox"},
      {{550, EnhancedCode{5, 1, 1}, "rejected due to the DMARC policy of example.org"}, false, "authentication"},
      {{550, EnhancedCode{5, 1, 1}, "<spam@example.org>: user unknown"}, true, "the address holds a word that means something"},
  };
  for (const auto& row : kRows) EXPECT_EQ(is_hard_bounce(row.status, "mx.example.net [192.0.2.1]:25"), row.is_hard) << row.what;
}

class Suppressing : public QueueFixture {
 protected:
  void answer(Outcome outcome, Status status) {
    script_.answer = [outcome, status](const std::string&, const Recipient&) { return failed_report(outcome, status); };
  }
  bool is_settled(const MessageId& id) { return load(id).delivery.is_settled(); }
  std::vector<std::string> listed() {
    std::vector<std::string> addresses;
    const auto records = store_.directory().list_suppressions(account_.id, "", 100).value();
    for (const auto& record : records) addresses.push_back(record.address);
    return addresses;
  }
};

TEST_F(Suppressing, AHardBounceSuppressesAndTheNextMessageIsNotSent) {
  answer(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
  start();
  const MessageId first = accept("live.example");
  run_until([&] { return !listed().empty(); });
  EXPECT_THAT(listed(), ElementsAre("to@live.example"));
  const auto record = store_.directory().find_suppression(account_.id, "to@live.example").value();
  EXPECT_EQ(record->reason, store::SuppressionReason::Bounce);
  EXPECT_EQ(record->message, first);

  const MessageId second = accept("live.example");
  run_until([&] { return is_settled(second); });
  EXPECT_EQ(stage(second), RecipientStage::Suppressed);
  EXPECT_TRUE(has_event(second, EventType::RecipientSuppressed));
  EXPECT_EQ(script_.calls["live"], 1U) << "no connection for the second";
}

TEST_F(Suppressing, AComplaintSuppresses) {
  answer(Outcome::Complained, Status{250, EnhancedCode{2, 0, 0}, "ok"});
  start();
  accept("live.example");
  run_until([&] { return !listed().empty(); });
  EXPECT_EQ(store_.directory().find_suppression(account_.id, "to@live.example").value()->reason,
            store::SuppressionReason::Complaint);
}

TEST_F(Suppressing, TheCaseOfTheLettersIsNothing) {
  ASSERT_TRUE(suppress(store_.directory(), account_.id, "TO@Live.Example", clock_.now()));
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return is_settled(id); });
  EXPECT_EQ(stage(id), RecipientStage::Suppressed);
  EXPECT_EQ(lift_suppression(store_.directory(), account_.id, "tO@LIVE.example").value(), "to@live.example");
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(Suppressing, OneStreamIsNotTheOthers) {
  ASSERT_EQ(suppress(store_.directory(), account_.id, "TO@Live.Example News", clock_.now())->stream, "news");
  using Tags = std::vector<std::pair<std::string, std::string>>;
  const auto is_kept_back = [&](const Tags& tags) {
    return is_suppressed(store_.directory(), account_.id, "to@live.example", tags, clock_.now()).value();
  };
  EXPECT_TRUE(is_kept_back({{"kind", "x"}, {"stream", "offers"}, {"stream", "NEWS"}}));
  EXPECT_FALSE(is_kept_back({{"kind", "news"}, {"stream", "offers"}}));
  EXPECT_FALSE(is_kept_back({}));
  EXPECT_EQ(suppress(store_.directory(), account_.id, "to@live.example two words", clock_.now()).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(normalised_entry("\"a @ b\"@X.example news").value(), "\"a @ b\"@x.example news");
  EXPECT_EQ(lift_suppression(store_.directory(), account_.id, "to@live.example").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(lift_suppression(store_.directory(), account_.id, "to@live.example news").value(), "to@live.example news");
  EXPECT_FALSE(is_kept_back({{"stream", "news"}}));
}

TEST_F(Suppressing, AnAccountMayHaveItOff) {
  account_.auto_suppression = store::AutoSuppression::Off;
  ASSERT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(account_); }));
  answer(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
  start();
  for (int i = 0; i < 2; ++i) {
    const MessageId id = accept("live.example");
    run_until([&] { return is_settled(id); });
    EXPECT_EQ(stage(id), RecipientStage::Bounced) << i;
  }
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(Suppressing, AnAccountMayHaveItForATime) {
  account_.suppression_days = 3;
  ASSERT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(account_); }));
  answer(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
  start();
  accept("live.example");
  run_until([&] { return !listed().empty(); });
  const auto record = store_.directory().find_suppression(account_.id, "to@live.example").value();
  ASSERT_TRUE(record && record->until);
  EXPECT_EQ(*record->until, record->at + std::chrono::days(3));
}

TEST_F(Suppressing, ARefusalForOtherReasonsDoesNot) {
  answer(Outcome::Bounced, Status{550, EnhancedCode{5, 7, 1}, "not from you"});
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return is_settled(id); });
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(Suppressing, OthersOfTheSameMessageAreSentTo) {
  ASSERT_TRUE(suppress(store_.directory(), account_.id, "to@LIVE.example", clock_.now()));
  routes_ = {route_to("all", "*")};
  start();
  const MessageId id = accept(draft_to({"live.example", "other.example"}));
  run_until([&] { return is_settled(id); });
  EXPECT_EQ(stage(id, 0), RecipientStage::Suppressed);
  EXPECT_EQ(stage(id, 1), RecipientStage::Delivered);
  EXPECT_THAT(script_.delivered, ElementsAre("to@other.example"));
}

TEST_F(Suppressing, ATestMessageNeitherMeetsTheListNorFillsIt) {
  ASSERT_TRUE(suppress(store_.directory(), account_.id, "to@live.example", clock_.now()));
  start();
  const MessageId id = accept(draft_to({"live.example"}, Environment::Test));
  run_until([&] { return is_settled(id); });
  EXPECT_EQ(stage(id), RecipientStage::Delivered);

  answer(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "simulated"});
  const MessageId bounced = accept(draft_to({"test.example"}, Environment::Test));
  run_until([&] { return is_settled(bounced); });
  EXPECT_THAT(listed(), ElementsAre("to@live.example"));
}

TEST_F(Suppressing, TheListIsOneAccountsOnly) {
  const AccountId another = make_account_id(random_);
  store::AccountRecord record = account_;
  record.id = another;
  record.name = "another";
  ASSERT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(record); }));
  ASSERT_TRUE(suppress(store_.directory(), another, "to@live.example", clock_.now()));
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return is_settled(id); });
  EXPECT_EQ(stage(id), RecipientStage::Delivered);
}

TEST_F(Suppressing, PeopleAddAndLiftAddressesInAnySpelling) {
  EXPECT_EQ(suppress(store_.directory(), account_.id, "to@Live.EXAMPLE", clock_.now()).value().address, "to@live.example");
  EXPECT_FALSE(suppress(store_.directory(), account_.id, "not an address", clock_.now()));
  EXPECT_EQ(lift_suppression(store_.directory(), account_.id, "to@LIVE.example").value(), "to@live.example");
  EXPECT_EQ(lift_suppression(store_.directory(), account_.id, "to@live.example").error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace postern::relay
