// Deletion of a run's mail.
#include "api/limits.h"
#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gmock/gmock.h>

namespace postern::api {
namespace {

class RunApi : public ::testing::Test {
 protected:
  MessageId run_mail(const AccountId& account, std::string run, Environment environment, bool is_queued = true) {
    api_.clock.advance(std::chrono::milliseconds(1));
    test::Draft draft =
        test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"live.example"}, environment);
    draft.message.account = draft.events[0].account = account;
    draft.message.user_name = std::move(run);
    if (!is_queued) {
      draft.delivery.due.reset();
      draft.delivery.recipients[0].stage = store::RecipientStage::Delivered;
    }
    EXPECT_TRUE(test::commit_draft(api_.store.spool(), draft, "Subject: x\r\n\r\nx\r\n"));
    return draft.message.id;
  }
  bool is_there(const MessageId& id) { return api_.store.spool().find(id).value().has_value(); }

  test::ApiFixture api_{run_api()};
};

TEST_F(RunApi, DeletesTheTestMailOfOneRun) {
  const AccountId another = api_.make_account("another");
  const MessageId queued = run_mail(api_.account, "ci-1", Environment::Test);
  const MessageId captured = run_mail(api_.account, "ci-1", Environment::Test, false);
  const MessageId others[] = {run_mail(api_.account, "ci-2", Environment::Test), run_mail(api_.account, "ci-1", Environment::Live),
                              run_mail(another, "ci-1", Environment::Test)};
  const auto deleted = api_.ask("DELETE /v1/test/runs/ci-1");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body.at("deleted").as_int64(), 2);
  EXPECT_FALSE(deleted.body.at("has_more").as_bool());
  EXPECT_TRUE(deleted.body.at("next").is_null());
  EXPECT_FALSE(is_there(queued));
  EXPECT_FALSE(is_there(captured));
  EXPECT_FALSE(api_.store.spool().read_chunk(captured, 0));
  for (const MessageId& id : others) EXPECT_TRUE(is_there(id));
  EXPECT_EQ(api_.store.spool().events_of(queued).value().size(), 1U) << "events have a time of their own";
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1").name(), "not_found") << "nothing is left of it";
  EXPECT_EQ(api_.store.spool().usage().value().captured_octets, 0U);
  EXPECT_EQ(api_.store.spool().usage().value().queued, 3U);
  EXPECT_TRUE(api_.store.spool().examine().value().empty());
}

TEST_F(RunApi, ATestKeyDeletesItsRuns) {
  run_mail(api_.account, "ci-1", Environment::Test);
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1", test_key).body.at("deleted").as_int64(), 1);
}

TEST_F(RunApi, SaysWhereToGoOnWhereAnAccountHasMuchMail) {
  const MessageId oldest = run_mail(api_.account, "ci-1", Environment::Test);
  std::vector<test::Waiter> waiters(kMaxListReads);
  for (test::Waiter& waiter : waiters) {
    api_.clock.advance(std::chrono::microseconds(1'000));
    test::Draft draft = test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"live.example"});
    draft.message.account = api_.account;
    api_.store.spool().commit(api_.store.spool().open_message(draft.message.id), draft.new_message(), waiter.completion());
  }
  for (test::Waiter& waiter : waiters) ASSERT_TRUE(waiter.get());
  const auto first = api_.ask("DELETE /v1/test/runs/ci-1");
  EXPECT_EQ(first.body.at("deleted").as_int64(), 0);
  EXPECT_TRUE(first.body.at("has_more").as_bool());
  const auto second = api_.ask("DELETE /v1/test/runs/ci-1?after=" + first.text("next"));
  EXPECT_EQ(second.body.at("deleted").as_int64(), 1);
  EXPECT_FALSE(second.body.at("has_more").as_bool());
  EXPECT_FALSE(is_there(oldest));
  EXPECT_EQ(api_.ask("DELETE /v1/test/runs/ci-1?after=x").status, 422);
}

}  // namespace
}  // namespace postern::api
